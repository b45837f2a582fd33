//! Raw files as they are written: pages one after the other under a temporary name, each safely on disk before the
//! journal says so; renamed when full or when the run ends, and never changed afterwards.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::disk;
use crate::fold::Complete;
use crate::journal::{self, Entry, Listing, PageNote, Unfinished};
use crate::paging::Position;
use crate::plan::RunPlan;
use crate::run_id::RunId;

/// A file is closed when it is longer, in bytes.
const FULL: u64 = 64 << 20;

/// What a run of one stream writes.
pub(crate) struct Output {
    folder: PathBuf,
    run: RunId,
    journal: File,
    /// Names and records of the files that are whole.
    closed: Vec<(String, u64)>,
    open: Option<Part>,
    /// Records written in this run, those of its killed beginnings with them.
    pub records: u64,
}

struct Part {
    name: String,
    file: File,
    bytes: u64,
    records: u64,
}

impl Output {
    /// Begins a run.
    pub fn begin(folder: &Path, plan: &RunPlan) -> io::Result<Self> {
        let mut journal = journal::open(folder, 0)?;
        journal::note(&mut journal, &Entry::Plan(plan.clone()))?;
        disk::sync_folder(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            run: plan.run,
            journal,
            closed: Vec::new(),
            open: None,
            records: 0,
        })
    }

    /// Goes on with a run that was killed: what was written after the last line of its journal is cut off. Nothing
    /// comes back if a file is not as the journal says.
    pub fn resume(folder: &Path, run: &Unfinished) -> io::Result<Option<Self>> {
        let mut output = Self {
            folder: folder.to_owned(),
            run: run.plan.run,
            journal: journal::open(folder, run.length)?,
            closed: Vec::new(),
            open: None,
            records: 0,
        };
        for (index, (name, bytes, records)) in run.files.iter().enumerate() {
            output.records += records;
            let whole = folder.join(name);
            let partial = folder.join(partial_name(name));
            if whole.metadata().is_ok_and(|found| found.len() == *bytes) {
                output.closed.push((name.clone(), *records));
                continue;
            }
            if !partial.metadata().is_ok_and(|found| found.len() >= *bytes) {
                return Ok(None);
            }
            let file = disk::owners_alone(&partial, false)?;
            file.set_len(*bytes)?;
            let part = Part {
                name: name.clone(),
                file,
                bytes: *bytes,
                records: *records,
            };
            if index + 1 == run.files.len() {
                output.open = Some(part);
            } else {
                output.close(part)?;
            }
        }
        Ok(Some(output))
    }

    /// Writes the lines of a page and notes it.
    pub fn page(
        &mut self,
        listing: &Listing,
        next: Option<Position>,
        note: PageNote,
        lines: &[u8],
        records: u64,
    ) -> io::Result<()> {
        if let Some(part) = self.open.take_if(|part| part.bytes > FULL) {
            self.close(part)?;
        }
        let mut entry = Entry::Page {
            listing: listing.clone(),
            next,
            note,
            file: String::new(),
            bytes: 0,
            records: 0,
        };
        if records > 0 || self.open.is_some() {
            let part = match self.open.take() {
                Some(part) => part,
                None => self.next_part()?,
            };
            let part = self.open.insert(part);
            part.file.write_all(lines)?;
            part.file.sync_data()?;
            part.bytes += lines.len() as u64;
            part.records += records;
            self.records += records;
            if let Entry::Page {
                file,
                bytes,
                records,
                ..
            } = &mut entry
            {
                file.clone_from(&part.name);
                (*bytes, *records) = (part.bytes, part.records);
            }
        }
        journal::note(&mut self.journal, &entry)
    }

    /// Notes that a listing is asked for in halves.
    pub fn split(&mut self, listing: &Listing, total: Option<u64>) -> io::Result<()> {
        let entry = Entry::Split {
            listing: listing.clone(),
            total,
        };
        journal::note(&mut self.journal, &entry)
    }

    /// Gives the last file its name.
    pub fn close_all(&mut self) -> io::Result<()> {
        match self.open.take() {
            Some(part) => self.close(part),
            None => Ok(()),
        }
    }

    /// Says that everything there is has been listed: what was fetched before and not again is gone.
    pub fn mark_complete(
        &self,
        stream: &str,
        complete: &Complete,
        started_at: Timestamp,
        finished_at: Timestamp,
    ) -> io::Result<()> {
        let files: Vec<&str> = self.closed.iter().map(|(name, _)| name.as_str()).collect();
        let records: u64 = self.closed.iter().map(|(_, records)| records).sum();
        let marker = serde_json::json!({
            "stream": stream,
            "started_at": format!("{started_at:.6}"),
            "finished_at": format!("{finished_at:.6}"),
            "files": files,
            "records": records,
        });
        let path = self.folder.join(complete.run().marker());
        disk::replace(&path, format!("{marker}\n").as_bytes())
    }

    fn next_part(&self) -> io::Result<Part> {
        let name = self.run.file(self.closed.len() + 1);
        let file = disk::owners_alone(&self.folder.join(partial_name(&name)), true)?;
        disk::sync_folder(&self.folder)?;
        Ok(Part {
            name,
            file,
            bytes: 0,
            records: 0,
        })
    }

    fn close(&mut self, part: Part) -> io::Result<()> {
        part.file.sync_all()?;
        fs::rename(
            self.folder.join(partial_name(&part.name)),
            self.folder.join(&part.name),
        )?;
        disk::sync_folder(&self.folder)?;
        self.closed.push((part.name, part.records));
        Ok(())
    }
}

/// Gives the files that a run left under temporary names their own, so that nothing of it is lost.
pub(crate) fn keep_what_is_there(folder: &Path, run: &Unfinished) -> io::Result<()> {
    for (name, bytes, _) in &run.files {
        let partial = folder.join(partial_name(name));
        if partial.is_file() {
            let file = disk::owners_alone(&partial, false)?;
            let length = file.metadata()?.len().min(*bytes);
            file.set_len(length)?;
            file.sync_all()?;
            fs::rename(&partial, folder.join(name))?;
        }
    }
    disk::sync_folder(folder)
}

/// Readers pass over files that begin with a dot.
fn partial_name(name: &str) -> String {
    format!(".{name}.partial")
}
