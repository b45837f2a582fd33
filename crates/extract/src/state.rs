//! What is remembered of a stream between runs, and within one: a file `.state.json` and a journal beside the stream's
//! raw files.
//!
//! The state is replaced as a whole when a run ends. The journal grows by a line for each page that is safely on disk,
//! so that a run that was killed goes on where it was; it is gone when the run ends.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::paging::Position;
use crate::window::{Window, Windows};

/// The state of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The stretches of time that are fetched.
    pub covered: Windows,
    /// What could not be fetched in the last run.
    pub gaps: Vec<Gap>,
    /// The last run that ended.
    pub last: Option<LastRun>,
    /// When everything within reach was last fetched again.
    pub refreshed_at: Option<Timestamp>,
    /// The newest run of the parent's stream whose records were followed.
    pub parents_until: Option<String>,
    /// The newest run of the telling stream whose records were followed.
    pub changes_until: Option<String>,
}

/// Something that could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The stretch of time, if the stream is cut by time.
    pub window: Option<Window>,
    /// Whose records are missing, if the stream is asked for by parents.
    pub parent: Option<Values>,
    /// Why.
    pub reason: String,
}

/// What the last run came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// When it began; its raw files carry this time in their names.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// The records that it fetched.
    pub records: u64,
    /// Whether nothing was left out.
    pub complete: bool,
}

/// What a request takes from a parent's record, by name, in order.
pub type Values = Vec<(String, String)>;

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

/// What a run set out to do: the first line of its journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// When it began.
    pub started_at: Timestamp,
    /// The time in the names of its raw files.
    pub stamp: String,
    /// What was asked for beyond what was new.
    pub since: Option<Timestamp>,
    /// Whether everything was to be fetched again.
    pub full: bool,
    /// The windows to ask for; none where the stream is not cut by time.
    pub windows: Vec<Window>,
    /// The raw files that name the parents.
    pub parent_files: Vec<String>,
    /// The newest run among them.
    pub parents_until: Option<String>,
    /// Whether the parents themselves were listed whole.
    pub parents_complete: bool,
    /// The raw files that tell what changed.
    pub change_files: Vec<String>,
    /// The newest run among them.
    pub changes_until: Option<String>,
    /// Whether it fetches everything within reach again.
    pub refresh: bool,
    /// The hash of what the definition said: under another one the journal means nothing.
    pub definition: u64,
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// The first line.
    Plan(Plan),
    /// A page is on disk.
    Page {
        /// Of which listing.
        listing: Listing,
        /// Where it goes on; nothing if that was its end.
        next: Option<Position>,
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
    },
}

/// How far a listing is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It goes on here.
    At(Position),
    /// It is done.
    Done,
    /// It was halved.
    Split,
}

/// What a journal tells.
#[derive(Debug, Clone)]
pub struct Unfinished {
    /// What the run set out to do.
    pub plan: Plan,
    /// How far its listings are.
    pub listings: HashMap<Listing, Progress>,
    /// Its raw files: name, bytes and records, in order.
    pub files: Vec<(String, u64, u64)>,
    /// The length of the journal as far as it can be read.
    pub length: u64,
}

/// The name of the journal.
pub const JOURNAL: &str = ".journal.ndjson";
const STATE: &str = ".state.json";

/// Reads the state of a stream; none is an empty one.
pub fn read(folder: &Path) -> io::Result<State> {
    match fs::read(folder.join(STATE)) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
            io::Error::other(format!(
                "`{}` cannot be understood ({error}); without it everything is fetched again: remove it",
                folder.join(STATE).display()
            ))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(State::default()),
        Err(error) => Err(error),
    }
}

/// Replaces the state of a stream.
pub fn write(folder: &Path, state: &State) -> io::Result<()> {
    let bytes = serde_json::to_vec_pretty(state)?;
    replace(&folder.join(STATE), &bytes)
}

/// Reads the journal that a run left behind, if there is one. A last line cut short counts as not written.
pub fn unfinished(folder: &Path) -> io::Result<Option<Unfinished>> {
    let bytes = match fs::read(folder.join(JOURNAL)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut found: Option<Unfinished> = None;
    let mut length = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(text) = line.strip_suffix(b"\n") else {
            break;
        };
        let Ok(entry) = serde_json::from_slice(text) else {
            break;
        };
        length += line.len() as u64;
        match (entry, &mut found) {
            (Entry::Plan(plan), None) => {
                found = Some(Unfinished {
                    plan,
                    listings: HashMap::new(),
                    files: Vec::new(),
                    length: 0,
                });
            }
            (
                Entry::Page {
                    listing,
                    next,
                    file,
                    bytes,
                    records,
                },
                Some(run),
            ) => {
                let progress = next.map_or(Progress::Done, Progress::At);
                run.listings.insert(listing, progress);
                match run.files.last_mut() {
                    Some(last) if last.0 == file => *last = (file, bytes, records),
                    _ if !file.is_empty() => run.files.push((file, bytes, records)),
                    _ => {}
                }
            }
            (Entry::Split { listing }, Some(run)) => {
                run.listings.insert(listing, Progress::Split);
            }
            _ => break,
        }
    }
    Ok(found.map(|run| Unfinished { length, ..run }))
}

/// Opens a journal for more lines, cut to what of it can be read.
pub(crate) fn open_journal(folder: &Path, length: u64) -> io::Result<File> {
    let file = owners_alone(&folder.join(JOURNAL), false)?;
    file.set_len(length)?;
    Ok(file)
}

/// Writes a line that is safely on disk when this returns.
pub(crate) fn note(journal: &mut File, entry: &Entry) -> io::Result<()> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    journal.write_all(&line)?;
    journal.sync_data()
}

/// Removes the journal: the run has ended.
pub(crate) fn end_journal(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(JOURNAL)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => sync_folder(folder),
    }
}

/// Puts a whole file in place of another, or in none's; half a file is never seen.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{}.tmp", name.trim_start_matches('.')));
    let mut file = owners_alone(&temporary, true)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_folder(folder)
}

/// Makes the names in a folder safe on disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Opens a file for writing at its end that its owner alone can read.
pub(crate) fn owners_alone(path: &Path, anew: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true);
    if anew {
        options.write(true).truncate(true);
    } else {
        options.append(true);
    }
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
