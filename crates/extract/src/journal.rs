//! What is remembered during a run: a file `.journal.ndjson` beside the stream's raw files.
//!
//! It grows by a line for each page that is safely on disk, so that a run that was killed goes on where it was, and
//! checks what came as strictly as if it had never stopped. It is gone when the run ends.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::disk;
use crate::paging::Position;
use crate::plan::RunPlan;
use crate::run_id::RunId;
use crate::state::Values;
use crate::window::Window;

/// One listing of a run: what is asked for page by page.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Listing {
    /// The stretch of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// The parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Values>,
    /// Whether it is the request for one changed record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changed: bool,
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// The first line.
    Plan(RunPlan),
    /// A page is on disk.
    Page {
        /// Of which listing.
        listing: Listing,
        /// Where it goes on; nothing if that was its end.
        next: Option<Position>,
        /// What it said and held.
        #[serde(flatten)]
        note: PageNote,
        /// The raw file that has it.
        file: String,
        /// How long that file is with it.
        bytes: u64,
        /// How many records the file has with it.
        records: u64,
    },
    /// A listing was too long and is asked for in halves.
    Split {
        /// Which one.
        listing: Listing,
        /// How many records the source says it has.
        #[serde(default)]
        total: Option<u64>,
    },
}

/// What has to be known of a page to go on behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageNote {
    /// Which time the listing was gone through, from 1.
    #[serde(default)]
    pub pass: u32,
    /// The hashes of its records' keys.
    #[serde(default)]
    pub keys: Vec<u64>,
    /// How many records it says there are in all.
    #[serde(default)]
    pub total: Option<u64>,
    /// How many of its records could not be read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unreadable: u64,
    /// What the source's clock said.
    #[serde(default)]
    pub source_time: Option<Timestamp>,
}

/// How far a listing is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reached {
    /// It goes on here, behind these pages.
    At(Position, Vec<PageNote>),
    /// It is done.
    Done(Listed),
    /// It was halved.
    Split(Option<u64>),
}

/// What a listing that came to its end had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Listed {
    /// How many records the source says there are.
    pub total: Option<u64>,
    /// How many came, each counted once.
    pub records: u64,
    /// How many of them could not be read.
    pub unreadable: u64,
    /// The earliest time that the source's clock said.
    pub source_time: Option<Timestamp>,
}

/// What a journal says.
#[derive(Debug, Clone)]
pub struct Unfinished {
    /// What the run set out to do.
    pub plan: RunPlan,
    /// How far its listings are.
    pub listings: HashMap<Listing, Reached>,
    /// Its raw files: name, bytes and records, in order.
    pub files: Vec<(String, u64, u64)>,
    /// The length of the journal as far as it can be read.
    pub length: u64,
}

/// The name of the journal.
pub const JOURNAL: &str = ".journal.ndjson";

impl Listed {
    /// What the pages of a listing come to.
    pub fn of(notes: &[PageNote]) -> Self {
        let keys: HashSet<u64> = notes
            .iter()
            .flat_map(|note| note.keys.iter().copied())
            .collect();
        Self {
            total: notes.iter().rev().find_map(|note| note.total),
            records: keys.len() as u64,
            unreadable: notes.iter().map(|note| note.unreadable).sum(),
            source_time: notes.iter().filter_map(|note| note.source_time).min(),
        }
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Reads the journal that a run left behind, if there is one. A last line cut short counts as not written.
pub fn unfinished(folder: &Path) -> io::Result<Option<Unfinished>> {
    match File::open(folder.join(JOURNAL)) {
        Ok(file) => parse(&mut BufReader::new(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The run that left a journal behind, if there is one; only its first line is read.
pub(crate) fn under_way(folder: &Path) -> io::Result<Option<RunId>> {
    let mut line = Vec::new();
    match File::open(folder.join(JOURNAL)) {
        Ok(file) => BufReader::new(file).read_until(b'\n', &mut line)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(match serde_json::from_slice(&line) {
        Ok(Entry::Plan(plan)) => Some(plan.run),
        _ => None,
    })
}

/// Opens a journal for more lines, cut to what of it can be read.
pub(crate) fn open(folder: &Path, length: u64) -> io::Result<File> {
    let file = disk::private_file(&folder.join(JOURNAL), false)?;
    file.set_len(length)?;
    Ok(file)
}

/// Writes a line that is safely on disk when this returns.
pub(crate) fn note(journal: &mut File, entry: &Entry) -> io::Result<()> {
    let mut line = Vec::new();
    add(&mut line, entry)?;
    write(journal, &line)
}

/// Adds an entry's line to others.
pub(crate) fn add(lines: &mut Vec<u8>, entry: &Entry) -> io::Result<()> {
    serde_json::to_writer(&mut *lines, entry)?;
    lines.push(b'\n');
    Ok(())
}

/// Writes lines that are safely on disk when this returns.
pub(crate) fn write(journal: &mut File, lines: &[u8]) -> io::Result<()> {
    journal.write_all(lines)?;
    journal.sync_data()
}

/// Removes the journal: the run has ended.
pub(crate) fn end(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(JOURNAL)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => disk::sync_folder(folder),
    }
}

fn parse(lines: &mut dyn BufRead) -> io::Result<Option<Unfinished>> {
    let mut found: Option<Unfinished> = None;
    let mut length = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        lines.read_until(b'\n', &mut line)?;
        let Some(text) = line.strip_suffix(b"\n") else {
            break;
        };
        let Ok(entry) = serde_json::from_slice(text) else {
            break;
        };
        match (entry, &mut found) {
            (Entry::Plan(plan), None) => {
                found = Some(Unfinished {
                    plan,
                    listings: HashMap::new(),
                    files: Vec::new(),
                    length: 0,
                });
            }
            (Entry::Page { file, .. }, Some(run)) if !run.is_own(&file) => break,
            (
                Entry::Page {
                    listing,
                    next,
                    note,
                    file,
                    bytes,
                    records,
                },
                Some(run),
            ) => {
                let mut notes = match run.listings.remove(&listing) {
                    Some(Reached::At(_, notes)) => notes,
                    _ => Vec::new(),
                };
                notes.push(note);
                let reached = match next {
                    Some(position) => Reached::At(position, notes),
                    None => Reached::Done(Listed::of(&notes)),
                };
                run.listings.insert(listing, reached);
                match run.files.last_mut() {
                    Some(last) if last.0 == file => *last = (file, bytes, records),
                    _ if !file.is_empty() => run.files.push((file, bytes, records)),
                    _ => {}
                }
            }
            (Entry::Split { listing, total }, Some(run)) => {
                run.listings.insert(listing, Reached::Split(total));
            }
            _ => break,
        }
        length += line.len() as u64;
    }
    Ok(found.map(|run| Unfinished { length, ..run }))
}

impl Unfinished {
    /// How many records came, each counted once in its listing.
    pub fn records(&self) -> u64 {
        let of = |reached: &Reached| match reached {
            Reached::At(_, notes) => Listed::of(notes).records,
            Reached::Done(listed) => listed.records,
            Reached::Split(_) => 0,
        };
        self.listings.values().map(of).sum()
    }

    /// Whether a file is one of this run: no other is touched, whatever the journal says.
    fn is_own(&self, file: &str) -> bool {
        file.is_empty() || RunId::of_file(file) == Some(self.plan.run)
    }
}
