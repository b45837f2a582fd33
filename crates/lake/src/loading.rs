//! Raw files into the lake: those of this machine's shard that are new or changed.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use diagnostics::Diagnostic;
use load::{Event, FileTarget, LoadReport, PipelineError, Target};
use parquet::errors::ParquetError;
use project::Project;
use raw::{RawFile, StreamFiles};
use store::{FileFacts, KnownFile};
use transform::{Batch, Plan, Reject};

use crate::files::{FileLoad, Lake, load_of};
use crate::notes::{FileNote, Gap, Listing, Window};

/// Why loading into the lake ended early. What was loaded before stays.
#[derive(Debug)]
pub enum LakeError {
    /// The lake cannot be read or written.
    Disk(io::Error),
    /// Rows cannot be written.
    Rows(ParquetError),
    /// These stop the loading: files that vanished, or a state that cannot be understood.
    Faults(Vec<Diagnostic>),
    /// The system did not start a thread.
    Thread(io::Error),
}

impl From<io::Error> for LakeError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// Loads what is new of the given streams and in this machine's shard, and drops what is gone. If a stream was loaded
/// before and all its files are gone, nothing is loaded, unless the stream is in `meant`.
pub fn load(
    project: &Project,
    plans: &[&Plan],
    meant: &[&str],
    lake: &Lake,
    tell: &mut dyn FnMut(&Event<'_>),
) -> Result<Vec<LoadReport>, LakeError> {
    tell(&Event::Odd(&project.oddities()));
    let found: Vec<StreamFiles> = plans
        .iter()
        .map(|plan| project.stream_files(&plan.stream))
        .collect();
    let known = lake.known_files()?;
    let empty = Vec::new();
    let of = |plan: &Plan| known.get(plan.stream.as_str()).unwrap_or(&empty);
    let mut vanished = Vec::new();
    for (plan, found) in plans.iter().zip(&found) {
        vanished.extend(load::vanished(plan, found, meant, &by_path(of(plan))));
    }
    if !vanished.is_empty() {
        return Err(LakeError::Faults(vanished));
    }
    let states = project::states::read(project);
    let states = states.map_err(|fault| LakeError::Faults(vec![*fault]))?;
    let mut reports = Vec::new();
    for (plan, found) in plans.iter().zip(&found) {
        reports.push(load_stream(project, plan, found, of(plan), lake, tell)?);
    }
    note_fetching(lake, &project::states::fetching(&states))?;
    let known = lake.known_files()?;
    lake.sweep(&known)?;
    for report in &mut reports {
        let files = known.get(&report.stream).unwrap_or(&empty);
        report.rejects = files.iter().map(|file| file.rejects).sum();
        if report.files > 0 {
            tell(&Event::Loaded(report));
        }
    }
    Ok(reports)
}

fn load_stream(
    project: &Project,
    plan: &Plan,
    found: &StreamFiles,
    known: &[FileNote],
    lake: &Lake,
    tell: &mut dyn FnMut(&Event<'_>),
) -> Result<LoadReport, LakeError> {
    let stream = plan.stream.as_str();
    let mut report = LoadReport {
        stream: stream.to_owned(),
        ..LoadReport::default()
    };
    load::say_unread(plan, found, tell);
    for path in load::lost(found, &by_path(known))
        .into_iter()
        .map(|(path, _)| path)
    {
        if lake.is_ours(path) {
            lake.forget(path)?;
        }
    }
    let mut target = StreamLoad {
        lake,
        fingerprint: project.fingerprint(plan),
    };
    let by_name: HashMap<&str, &FileNote> = known
        .iter()
        .map(|note| (note.path.as_str(), note))
        .collect();
    let is_new = |file: &&RawFile| {
        let note = by_name.get(file.name.as_str());
        let now = load_of(&load::facts(stream, file), target.fingerprint);
        lake.is_ours(&file.name) && note.is_none_or(|note| note.load != now || note.hash.is_none())
    };
    let files: Vec<&RawFile> = found.files.iter().filter(is_new).collect();
    if !files.is_empty() {
        let bytes = files.iter().map(|file| file.size).sum();
        tell(&Event::Reading { stream, bytes });
        let read = load::load_files(plan, &files, &mut target, &mut report, tell);
        tell(&Event::Read);
        read.map_err(|error| match error {
            PipelineError::Thread(error) => LakeError::Thread(error),
            PipelineError::Target(error) => LakeError::Rows(error),
        })?;
    }
    for (path, reason) in found
        .unreadable
        .iter()
        .filter(|(path, _)| lake.is_ours(path))
    {
        let facts = FileFacts {
            path: path.clone(),
            stream: stream.to_owned(),
            size: 0,
            modified: 0,
        };
        let noted = target.unreadable_file(plan, &facts, &load::file_reject(reason));
        noted.map_err(LakeError::Rows)?;
    }
    note_listings(project, plan, found, lake)?;
    Ok(report)
}

/// The loading of a stream, under definitions with this fingerprint.
struct StreamLoad<'l> {
    lake: &'l Lake,
    fingerprint: u64,
}

impl Target for StreamLoad<'_> {
    type Error = ParquetError;
    type Load<'t>
        = FileLoad<'t>
    where
        Self: 't;

    fn begin_file<'t>(
        &'t mut self,
        plan: &'t Plan,
        facts: &FileFacts,
    ) -> Result<FileLoad<'t>, ParquetError> {
        Ok(self.lake.begin(plan, facts, self.fingerprint))
    }

    fn unreadable_file(
        &mut self,
        plan: &Plan,
        facts: &FileFacts,
        reject: &Reject,
    ) -> Result<(), ParquetError> {
        let load = self.lake.begin(plan, facts, self.fingerprint);
        load.reject(reject)
    }
}

impl FileTarget for FileLoad<'_> {
    type Error = ParquetError;

    fn apply(&mut self, batch: &Batch) -> Result<(), ParquetError> {
        FileLoad::apply(self, batch)
    }

    fn counts(&self) -> (u64, u64) {
        FileLoad::counts(self)
    }

    fn commit(self, size: u64, hash: u64) -> Result<(), ParquetError> {
        FileLoad::commit(self, size, Some(hash))
    }
}

fn by_path(notes: &[FileNote]) -> HashMap<String, KnownFile> {
    let known = |note: &FileNote| KnownFile {
        size: note.size,
        modified: note.modified,
        hash: note.hash.map(i64::cast_unsigned),
        records: note.records,
        rejects: note.rejects,
    };
    notes
        .iter()
        .map(|note| (note.path.clone(), known(note)))
        .collect()
}

/// Notes the complete listings of a stream: which of them counts follows from the files that are loaded.
fn note_listings(
    project: &Project,
    plan: &Plan,
    found: &StreamFiles,
    lake: &Lake,
) -> io::Result<()> {
    let (listings, _) = raw::complete_listings(&project.folder, &found.markers);
    let stream = plan.stream.as_str();
    let own = listings
        .into_iter()
        .filter(|listing| listing.stream == stream);
    let notes: Vec<Listing> = own
        .map(|listing| {
            let folder = Path::new(&listing.name).parent().unwrap_or(Path::new(""));
            let full = |file: &String| folder.join(file).to_string_lossy().replace('\\', "/");
            Listing {
                stream: stream.to_owned(),
                started_at: listing.started_at,
                records: listing.records,
                files: listing.files.iter().map(full).collect(),
                name: listing.name,
            }
        })
        .collect();
    lake.write(&format!("listings/{stream}.json"), &notes)
}

fn note_fetching(lake: &Lake, fetching: &[store::Fetching]) -> io::Result<()> {
    let gaps = fetching.iter().flat_map(|one| {
        one.gaps.iter().map(|gap| Gap {
            stream: one.stream.clone(),
            parent: gap.parent.clone(),
            since_at: gap.since_at.clone(),
            until_at: gap.until_at.clone(),
            reason: gap.reason.clone(),
        })
    });
    let windows = fetching.iter().flat_map(|one| {
        one.windows.iter().map(|(since, until)| Window {
            stream: one.stream.clone(),
            since_at: since.clone(),
            until_at: until.clone(),
        })
    });
    lake.write("gaps.json", &gaps.collect::<Vec<_>>())?;
    lake.write("windows.json", &windows.collect::<Vec<_>>())
}
