//! From raw files to rows: which files are new, changed or gone, which complete listing counts, and in which order all of
//! that reaches the database.
//!
//! Nothing is printed here: what happens is told as an [`Event`], and comes back as a [`LoadReport`].

mod files;
mod listing;
mod pipeline;
mod rejects;

use diagnostics::Diagnostic;
use project::Project;
use project::unread::unread;
use raw::{RawFile, StreamFiles};
use store::{DerivedFault, FileFacts, RejectRow, Store, StreamState};
use transform::{Plan, Reject};

pub use files::{facts, lost, vanished};
pub use pipeline::{FileTarget, PipelineError, Target, load_files};

/// What loading a stream came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// The stream.
    pub stream: String,
    /// Files read in this run.
    pub files: u64,
    /// Records of these files that gave rows.
    pub records: u64,
    /// Rejects that the stream has, those of earlier runs with them.
    pub rejects: u64,
    /// Warnings that the stream has.
    pub warnings: u64,
    /// Rows that went because the newest complete listing no longer has them.
    pub removed: u64,
}

/// What happens while streams are loaded.
pub enum Event<'e> {
    /// Something is odd, and the loading goes on.
    Odd(&'e [Diagnostic]),
    /// The new files of a stream are being read; they have so many bytes.
    Reading {
        /// The stream.
        stream: &'e str,
        /// Its bytes on disk.
        bytes: u64,
    },
    /// So many bytes more have become rows.
    Written(u64),
    /// All new files of the stream have been read.
    Read,
    /// A stream was loaded, or rows of it removed.
    Loaded(&'e LoadReport),
    /// What could not be taken of a stream that was loaded, or looked odd.
    Faults(&'e LoadReport, &'e FirstFaults),
}

/// The first rejects and warnings of a stream, enough to see what they are about.
#[derive(Debug, Default)]
pub struct FirstFaults {
    /// Rejects, by file and line.
    pub rejects: Vec<RejectRow>,
    /// Warnings: path, line and reason.
    pub warnings: Vec<(String, u64, String)>,
    /// How many warnings there are.
    pub all_warnings: u64,
}

/// Why loading ended early. What was loaded before stays.
#[derive(Debug)]
pub enum LoadError {
    /// The database.
    Database(store::Error),
    /// These stop the loading: files that vanished, or a state that cannot be understood.
    Faults(Vec<Diagnostic>),
    /// A derived table cannot be made.
    Derived(DerivedFault),
    /// The system did not start a thread.
    Thread(std::io::Error),
}

impl From<store::Error> for LoadError {
    fn from(error: store::Error) -> Self {
        Self::Database(error)
    }
}

/// The most rejects and warnings of a stream that are passed on as events.
const TOLD: usize = 3;

/// Loads what is new of the given streams. What could not be taken is reported and counted; the rest is loaded. If a stream
/// was loaded before and all its files are gone, nothing is loaded, unless the stream is in `meant`.
pub fn load(
    project: &Project,
    plans: &[&Plan],
    meant: &[&str],
    store: &mut Store,
    tell: &mut dyn FnMut(&Event<'_>),
) -> Result<Vec<LoadReport>, LoadError> {
    let started = jiff::Timestamp::now().as_microsecond();
    tell(&Event::Odd(&project.oddities()));
    let found: Vec<StreamFiles> = plans
        .iter()
        .map(|plan| project.stream_files(&plan.stream))
        .collect();
    let mut vanished = Vec::new();
    for (plan, found) in plans.iter().zip(&found) {
        let known = store.known_files(&plan.stream)?;
        vanished.extend(files::vanished(plan, found, meant, &known));
    }
    if !vanished.is_empty() {
        return Err(LoadError::Faults(vanished));
    }
    // A state that cannot be understood may hold gaps: that is said before anything is loaded.
    let states = project::states::read(project);
    let states = states.map_err(|fault| LoadError::Faults(vec![*fault]))?;
    let mut reports = Vec::new();
    for (plan, found) in plans.iter().zip(&found) {
        reports.push(load_stream(project, plan, found, store, tell)?);
    }
    let (files, records) = reports.iter().fold((0, 0), |sum, report| {
        (sum.0 + report.files, sum.1 + report.records)
    });
    if files > 0 {
        let finished = jiff::Timestamp::now().as_microsecond();
        store.note_run(started, finished, files, records)?;
    }
    store.note_fetching(&project::states::fetching(&states))?;
    derive(project, store)?;
    store.settle()?;
    Ok(reports)
}

/// Brings the derived tables in line with what was loaded.
pub fn derive(project: &Project, store: &mut Store) -> Result<(), LoadError> {
    let made = store.derive(&project.definitions.schema)?;
    made.map(drop).map_err(LoadError::Derived)
}

fn load_stream(
    project: &Project,
    plan: &Plan,
    found: &StreamFiles,
    store: &mut Store,
    tell: &mut dyn FnMut(&Event<'_>),
) -> Result<LoadReport, LoadError> {
    say_unread(plan, found, tell);
    let mut report = LoadReport {
        stream: plan.stream.to_string(),
        ..LoadReport::default()
    };
    let fingerprint = project.fingerprint(plan);
    let state = store.stream(&plan.stream)?;
    let Some(Fresh { files, anew }) = fresh(plan, found, &state, fingerprint, store, tell)? else {
        return Ok(report);
    };
    read_files(plan, &files, found, store, &mut report, tell)?;
    let (listing, ignored) = newest_listing(project, plan, found, store)?;
    for fault in ignored {
        tell(&Event::Odd(&[fault]));
    }
    let newest = listing
        .as_ref()
        .map(|listing| (listing.started_at, listing.name.clone()));
    if state.listing > newest && !anew {
        // What a listing removed that counts no longer must come back.
        store.reset_stream(plan, fingerprint)?;
        return load_stream(project, plan, found, store, tell);
    }
    let newest = newest.as_ref().map(|(at, name)| (*at, name.as_str()));
    if let Some(finished) = store.finish_stream(plan, newest)? {
        report.removed = finished.removed;
        if let Some(fault) = rejects::export(project, plan, store)? {
            tell(&Event::Odd(&[fault]));
        }
    }
    for line in store.status()? {
        if line.stream.as_deref() == Some(plan.stream.as_str()) {
            report.rejects += line.rejects;
            report.warnings += line.warnings;
        }
    }
    if report.files > 0 || report.removed > 0 {
        tell(&Event::Loaded(&report));
    }
    if report.files > 0 || !found.unreadable.is_empty() {
        tell(&Event::Faults(&report, &first_faults(plan, store)?));
    }
    Ok(report)
}

/// Tells of the files of a stream that nothing reads.
pub fn say_unread(plan: &Plan, found: &StreamFiles, tell: &mut dyn FnMut(&Event<'_>)) {
    let (documents, unknown): (Vec<_>, Vec<_>) =
        found.unknown.iter().cloned().partition(|name| {
            plan.stream == *project::WRITTEN_STREAM && postmortem::is_document(name)
        });
    tell(&Event::Odd(&unread(
        &unknown,
        "the ending says nothing",
        "endings are `.ndjson`, `.json`, `.yaml` and `.csv`, then perhaps `.gz` or `.zst`",
    )));
    tell(&Event::Odd(&unread(
        &documents,
        "it is a document, and not the YAML of one",
        "`reliability postmortem FILE` reads documents and writes the YAML",
    )));
}

/// What there is to load of a stream.
struct Fresh<'f> {
    /// The files that are not loaded.
    files: Vec<&'f RawFile>,
    /// Whether a file changed or went away, so that all are.
    anew: bool,
}

/// Makes the database ready for what is new of a stream: emptied of it where a file changed or went away, or where it was
/// loaded by other definitions. Nothing comes back for a stream that never had a file.
fn fresh<'f>(
    plan: &Plan,
    found: &'f StreamFiles,
    state: &StreamState,
    fingerprint: u64,
    store: &mut Store,
    tell: &mut dyn FnMut(&Event<'_>),
) -> Result<Option<Fresh<'f>>, store::Error> {
    let mut known = store.known_files(&plan.stream)?;
    let touched = files::touched(&found.files, &known);
    let lost = files::lost(found, &known);
    let (gone, unread): (Vec<_>, Vec<_>) = lost.iter().partition(|(_, known)| known.hash.is_some());
    let anew = touched.is_none() || !gone.is_empty();
    if !gone.is_empty() {
        tell(&Event::Odd(&[files::gone(plan, gone.len() as u64)]));
    }
    for (path, _) in unread {
        store.forget_unreadable(&plan.stream, path)?;
    }
    if state.fingerprint != Some(fingerprint) || anew {
        let nothing_there = found.files.is_empty() && found.unreadable.is_empty();
        if nothing_there && known.is_empty() && state.fingerprint.is_none() {
            return Ok(None);
        }
        store.reset_stream(plan, fingerprint)?;
        known.clear();
    }
    for (path, modified) in touched.into_iter().flatten() {
        store.touch(&path, modified)?;
    }
    let is_new = |file: &&RawFile| {
        let known = known.get(&file.name);
        known.is_none_or(|known| known.hash.is_none())
    };
    let files = found.files.iter().filter(is_new).collect();
    Ok(Some(Fresh { files, anew }))
}

/// Loads these files, and notes which others cannot be read.
fn read_files(
    plan: &Plan,
    files: &[&RawFile],
    found: &StreamFiles,
    store: &mut Store,
    report: &mut LoadReport,
    tell: &mut dyn FnMut(&Event<'_>),
) -> Result<(), LoadError> {
    if !files.is_empty() {
        let bytes = files.iter().map(|file| file.size).sum();
        let stream = plan.stream.as_str();
        tell(&Event::Reading { stream, bytes });
        let read = load_files(plan, files, store, report, tell);
        tell(&Event::Read);
        read.map_err(|error| match error {
            PipelineError::Thread(error) => LoadError::Thread(error),
            PipelineError::Target(error) => LoadError::Database(error),
        })?;
    }
    for (path, reason) in &found.unreadable {
        let facts = FileFacts {
            path: path.clone(),
            stream: plan.stream.to_string(),
            size: 0,
            modified: 0,
        };
        store.unreadable_file(&facts, &file_reject(reason))?;
    }
    Ok(())
}

/// The newest complete listing that counts, and what is wrong with those that do not.
fn newest_listing(
    project: &Project,
    plan: &Plan,
    found: &StreamFiles,
    store: &Store,
) -> Result<(Option<raw::CompleteListing>, Vec<Diagnostic>), store::Error> {
    let (listings, faults) = raw::complete_listings(&project.folder, &found.markers);
    let mut said: Vec<Diagnostic> = faults.into_iter().map(listing::unreadable).collect();
    if listings.is_empty() {
        return Ok((None, said));
    }
    let known = store.known_files(&plan.stream)?;
    let (newest, ignored) = listing::newest(&plan.stream, listings, &known);
    said.extend(ignored);
    Ok((newest, said))
}

fn first_faults(plan: &Plan, store: &Store) -> Result<FirstFaults, store::Error> {
    let mut first = FirstFaults::default();
    store.rejects(&plan.stream, &mut |row| {
        if first.rejects.len() < TOLD {
            first.rejects.push(row);
        }
    })?;
    store.warnings(&plan.stream, &mut |path, line, reason| {
        first.all_warnings += 1;
        if first.warnings.len() < TOLD {
            first
                .warnings
                .push((path.to_owned(), line, reason.to_owned()));
        }
    })?;
    Ok(first)
}

/// A file that cannot be read, as a reject of its stream.
pub fn file_reject(reason: &str) -> Reject {
    Reject {
        line: 0,
        code: "file-unreadable",
        table: None,
        column: None,
        reason: format!("the file cannot be read: {reason}"),
        value: None,
        record: String::new(),
    }
}
