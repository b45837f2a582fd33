//! Raw files as they are written: pages one after the other under a temporary name, each safely on disk before the
//! journal says so; renamed when full or when the run ends, and never changed afterwards.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::disk;
use crate::fold::Complete;
use crate::journal::{self, Entry, Listing, PageNote, Unfinished};
use crate::lines::{Fetched, Redactor};
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
    /// Whether something could not be written.
    has_failed: bool,
}

/// A page to be written.
pub(crate) struct NewPage {
    /// Of which listing.
    pub listing: Listing,
    /// Where that goes on; nothing if this is its end.
    pub next: Option<Position>,
    /// What it said and held.
    pub note: PageNote,
    /// Its records.
    pub fetched: Fetched,
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
            has_failed: false,
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
            has_failed: false,
        };
        for (index, (name, bytes, records)) in run.files.iter().enumerate() {
            let whole = folder.join(name);
            let partial = folder.join(partial_name(name));
            if whole.metadata().is_ok_and(|found| found.len() == *bytes) {
                output.closed.push((name.clone(), *records));
                continue;
            }
            if !partial.metadata().is_ok_and(|found| found.len() >= *bytes) {
                return Ok(None);
            }
            let file = disk::private_file(&partial, false)?;
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

    /// Writes the lines of pages, in this order, and notes them: both are safely on disk when this returns. Once that has
    /// failed nothing more is written, for what came of it is not known.
    pub fn pages(&mut self, pages: &[NewPage], redactor: &Redactor) -> io::Result<()> {
        if self.has_failed {
            return Err(io::Error::other("an earlier page could not be written"));
        }
        self.has_failed = true;
        self.try_pages(pages, redactor)?;
        self.has_failed = false;
        Ok(())
    }

    fn try_pages(&mut self, pages: &[NewPage], redactor: &Redactor) -> io::Result<()> {
        // Not in the midst of them: the journal must know of all that is in a file before it gets its name.
        if let Some(part) = self.open.take_if(|part| part.bytes > FULL) {
            self.close(part)?;
        }
        let (mut notes, mut lines) = (Vec::new(), Vec::new());
        for page in pages {
            if !page.fetched.records.is_empty() {
                lines.clear();
                page.fetched.add_lines(&mut lines, redactor);
                let part = match self.open.take() {
                    Some(part) => part,
                    None => self.next_part()?,
                };
                let part = self.open.insert(part);
                part.file.write_all(&lines)?;
                part.bytes += lines.len() as u64;
                part.records += page.fetched.records.len() as u64;
            }
            let (file, bytes, records) = match &self.open {
                Some(part) => (part.name.clone(), part.bytes, part.records),
                None => (String::new(), 0, 0),
            };
            let entry = Entry::Page {
                listing: page.listing.clone(),
                next: page.next.clone(),
                note: page.note.clone(),
                file,
                bytes,
                records,
            };
            journal::add(&mut notes, &entry)?;
        }
        if let Some(part) = &self.open {
            part.file.sync_data()?;
        }
        journal::write(&mut self.journal, &notes)
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
        let file = disk::private_file(&self.folder.join(partial_name(&name)), true)?;
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
            let file = disk::private_file(&partial, false)?;
            let length = file.metadata()?.len().min(*bytes);
            file.set_len(length)?;
            file.sync_all()?;
            fs::rename(&partial, folder.join(name))?;
        }
    }
    disk::sync_folder(folder)
}

/// Readers skip files that begin with a dot.
fn partial_name(name: &str) -> String {
    format!(".{name}.partial")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn page() -> NewPage {
        NewPage {
            listing: Listing {
                window: None,
                parent: None,
                changed: false,
            },
            next: None,
            note: PageNote::default(),
            fetched: Fetched {
                body: std::sync::Arc::new(br#"{"id":1}"#.to_vec()),
                records: std::iter::once(0..8).collect(),
                at: Timestamp::UNIX_EPOCH,
                parent: None,
            },
        }
    }

    #[test]
    fn behind_a_page_that_was_not_written_whole_there_is_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let redactor = Redactor::new(&[], &[0; 32]);
        let run = RunId::of_file("2026-01-01T00-00-00Z-0001.ndjson").unwrap();
        let mut output = Output {
            folder: folder.path().to_owned(),
            run,
            journal: journal::open(folder.path(), 0).unwrap(),
            closed: Vec::new(),
            open: Some(Part {
                name: run.file(1),
                // Takes nothing: the disk is full.
                file: File::options().write(true).open("/dev/full").unwrap(),
                bytes: 0,
                records: 0,
            }),
            has_failed: false,
        };
        let full = output.pages(&[page()], &redactor).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        // There is room again, but what is in the file is not what was counted.
        let part = output.open.as_mut().unwrap();
        part.file = tempfile::tempfile().unwrap();
        assert!(output.pages(&[page()], &redactor).is_err());
        let part = output.open.as_ref().unwrap();
        assert_eq!(part.file.metadata().unwrap().len(), 0);
        assert_eq!(fs::read(folder.path().join(journal::JOURNAL)).unwrap(), b"");
    }
}
