//! The way of the data, from raw files to rows: a reader, workers that transform, one writer.
//!
//! Each stage has a thread and hands on what it made in small portions, so that all cores work and memory stays
//! bounded. Chunks go to the workers in turn and come back in turn, so files are written in order, each in a
//! transaction of its own.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use diagnostics::Diagnostic;
use raw::{Chunk, CompleteListing, Fingerprint, Format, RawFile, StreamFiles};
use store::{FileFacts, KnownFile, Store};
use transform::{Batch, Plan, Reject};

use crate::console::Console;
use crate::{CouldNotRun, console, rejects, vanished};
use project::Project;
use project::faults::{database_fault, derived_fault};
use project::states;
use project::unread::unread;

/// Portions that wait for a worker, at the most.
const CHUNKS_WAITING: usize = 4;

/// Portions of a worker that wait for the writer, at the most: while that waits for the disk, the others go on.
const BATCHES_WAITING: usize = 12;

/// What loading a stream came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamReport {
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

/// Loads what is new of the given streams. What could not be taken is said, and counted; the rest is loaded. If all files
/// of a stream are gone that was loaded before, nothing is loaded, unless the stream is among those of which that is
/// `meant`.
pub fn load(
    project: &Project,
    plans: &[&Plan],
    meant: &[&str],
    store: &mut Store,
    console: &Console,
) -> Result<Vec<StreamReport>, CouldNotRun> {
    let started = jiff::Timestamp::now().as_microsecond();
    console.diagnostics(&project.oddities());
    let found: Vec<StreamFiles> = plans
        .iter()
        .map(|plan| project.stream_files(&plan.stream))
        .collect();
    vanished::check(plans, &found, meant, store, console)?;
    // A state that cannot be understood may hold gaps: that is said before anything is loaded.
    let fetching = states::fetching(&crate::fetched_states(project, console)?);
    let mut reports = Vec::new();
    for (plan, found) in plans.iter().zip(&found) {
        reports.push(load_stream(project, plan, found, store, console)?);
    }
    let (files, records) = reports.iter().fold((0, 0), |sum, report| {
        (sum.0 + report.files, sum.1 + report.records)
    });
    let settled = if files > 0 {
        store.note_run(
            started,
            jiff::Timestamp::now().as_microsecond(),
            files,
            records,
        )
    } else {
        Ok(())
    };
    settled
        .and_then(|()| store.note_fetching(&fetching))
        .map_err(|error| say(console, &error))?;
    derive(project, store, console)?;
    store.settle().map_err(|error| say(console, &error))?;
    Ok(reports)
}

/// Brings the derived tables in line with what was loaded.
pub fn derive(project: &Project, store: &mut Store, console: &Console) -> Result<(), CouldNotRun> {
    let made = store.derive(&project.definitions.schema);
    match made.map_err(|error| say(console, &error))? {
        Ok(_) => Ok(()),
        Err(fault) => {
            console.diagnostic(&derived_fault(&project.definitions.schema, &fault));
            Err(CouldNotRun)
        }
    }
}

/// What a worker is sent, in the order of files.
enum Portion<T> {
    Data(T),
    /// The file at this place in the list was read to its end.
    End(usize, io::Result<Fingerprint>),
}

fn load_stream(
    project: &Project,
    plan: &Plan,
    found: &StreamFiles,
    store: &mut Store,
    console: &Console,
) -> Result<StreamReport, CouldNotRun> {
    odd_files(found, console);
    let failed = |error: store::Error| say(console, &error);
    let fingerprint = project.fingerprint(plan);
    let state = store.stream(&plan.stream).map_err(failed)?;
    let mut known = store.known_files(&plan.stream).map_err(failed)?;
    let touched = touched_files(&found.files, &known);
    let lost = lost_files(found, &known);
    let gone = lost
        .iter()
        .filter(|(_, known)| known.hash.is_some())
        .count() as u64;
    let changed = touched.is_none() || gone > 0;
    if gone > 0 {
        say_gone(plan, gone, console);
    }
    for (path, _) in lost.iter().filter(|(_, known)| known.hash.is_none()) {
        store
            .forget_unreadable(&plan.stream, path)
            .map_err(failed)?;
    }
    if state.fingerprint != Some(fingerprint) || changed {
        let nothing_there = found.files.is_empty() && found.unreadable.is_empty();
        if nothing_there && known.is_empty() && state.fingerprint.is_none() {
            return Ok(StreamReport {
                stream: plan.stream.to_string(),
                ..StreamReport::default()
            });
        }
        store.reset_stream(plan, fingerprint).map_err(failed)?;
        known.clear();
    }
    for (path, modified) in touched.into_iter().flatten() {
        store.touch(&path, modified).map_err(failed)?;
    }
    let new: Vec<&RawFile> = found
        .files
        .iter()
        .filter(|file| {
            known
                .get(&file.name)
                .is_none_or(|known| known.hash.is_none())
        })
        .collect();
    let mut report = StreamReport {
        stream: plan.stream.to_string(),
        ..StreamReport::default()
    };
    if !new.is_empty() {
        load_files(plan, &new, store, &mut report, console)?;
    }
    for (path, reason) in &found.unreadable {
        let facts = FileFacts {
            path: path.clone(),
            stream: plan.stream.to_string(),
            size: 0,
            modified: 0,
        };
        store
            .unreadable_file(&facts, &file_reject(reason))
            .map_err(failed)?;
    }
    let listing = newest_listing(project, plan, found, store, console)?;
    let newest = listing
        .as_ref()
        .map(|listing| (listing.started_at, listing.name.clone()));
    if state.listing > newest && !changed {
        // What a listing removed that counts no longer must come back.
        store.reset_stream(plan, fingerprint).map_err(failed)?;
        return load_stream(project, plan, found, store, console);
    }
    let finished = store
        .finish_stream(
            plan,
            listing
                .as_ref()
                .map(|listing| (listing.started_at, listing.name.as_str())),
        )
        .map_err(failed)?;
    if let Some(finished) = finished {
        report.removed = finished.removed;
        rejects::export(project, plan, store, console)?;
    }
    let status = store.status().map_err(failed)?;
    if let Some(line) = status
        .iter()
        .find(|line| line.table == plan.tables[0].table.name)
    {
        (report.rejects, report.warnings) = (line.rejects, line.warnings);
    }
    if report.files > 0 || report.removed > 0 {
        say_stream(&report, console);
    }
    if report.files > 0 || !found.unreadable.is_empty() {
        say_rejects(plan, store, &report, console)?;
    }
    Ok(report)
}

/// Files whose time of change is another than when they were loaded, but whose bytes are the same; nothing if one
/// has other bytes now.
fn touched_files(
    files: &[RawFile],
    known: &HashMap<String, KnownFile>,
) -> Option<Vec<(String, i64)>> {
    let mut touched = Vec::new();
    for file in files {
        let Some(known) = known.get(&file.name) else {
            continue;
        };
        if known.hash.is_none() || (known.size == file.size && known.modified == file.modified) {
            continue;
        }
        let same = known.size == file.size
            && raw::fingerprint(&file.path).is_ok_and(|now| Some(now.hash) == known.hash);
        if !same {
            return None;
        }
        touched.push((file.name.clone(), file.modified));
    }
    Some(touched)
}

/// The files that the database knows and that are not there any more.
pub(crate) fn lost_files<'k>(
    found: &StreamFiles,
    known: &'k HashMap<String, KnownFile>,
) -> Vec<(&'k String, &'k KnownFile)> {
    let files: HashSet<&String> = found.files.iter().map(|file| &file.name).collect();
    let unreadable: HashSet<&String> = found.unreadable.iter().map(|(path, _)| path).collect();
    known
        .iter()
        // One that was loaded and cannot be read any more is lost too.
        .filter(|(path, known)| {
            !files.contains(path) && (known.hash.is_some() || !unreadable.contains(path))
        })
        .collect()
}

fn say_gone(plan: &Plan, gone: u64, console: &Console) {
    let stream = &plan.stream;
    let message = format!(
        "{} of `{stream}` {} gone, with the rows that no other file has",
        console::counted(gone, "file"),
        if gone == 1 { "is" } else { "are" }
    );
    console.diagnostic(&Diagnostic::warning("files-gone", message).hint(format!(
        "if they should be there, bring them back to `raw_data/{stream}/` and load again"
    )));
}

fn load_files(
    plan: &Plan,
    files: &[&RawFile],
    store: &mut Store,
    report: &mut StreamReport,
    console: &Console,
) -> Result<(), CouldNotRun> {
    let bytes = files.iter().map(|file| file.size).sum();
    let bar = console.bar(&plan.stream, bytes);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let no_thread = |error: io::Error| {
        let message = format!("cannot begin a thread: {error}");
        console.diagnostic(&Diagnostic::error("threads", message));
        CouldNotRun
    };
    let done = thread::scope(|scope| {
        let (mut to_workers, mut from_workers) = (Vec::new(), Vec::new());
        for _ in 0..workers {
            let (chunks_in, chunks_out) = sync_channel(CHUNKS_WAITING);
            let (batches_in, batches_out) = sync_channel(BATCHES_WAITING);
            to_workers.push(chunks_in);
            from_workers.push(batches_out);
            let work = move || transform_all(plan, files, &chunks_out, &batches_in);
            // Expressions may call themselves: their limits are those of this stack.
            let worker = thread::Builder::new().stack_size(transform::STACK);
            let worker = worker.name("worker".to_owned());
            worker.spawn_scoped(scope, work).map_err(no_thread)?;
        }
        let reader = thread::Builder::new().name("reader".to_owned());
        let read = move || read_all(plan, files, &to_workers);
        reader.spawn_scoped(scope, read).map_err(no_thread)?;
        Ok(write_all(
            plan,
            files,
            store,
            &from_workers,
            report,
            &bar,
            console,
        ))
    });
    bar.finish_and_clear();
    done?.map_err(|error| say(console, &error))
}

/// Sends the chunks of all files to the workers in turn, each file closed by an end.
fn read_all(plan: &Plan, files: &[&RawFile], workers: &[SyncSender<Portion<(usize, Chunk)>>]) {
    let mut turn = 0;
    let mut send = |portion| {
        let sent = workers[turn % workers.len()].send(portion).is_ok();
        turn += 1;
        sent
    };
    for (index, file) in files.iter().enumerate() {
        let mut open = true;
        let read = raw::read(&file.path, file.format, &plan.layout, &mut |chunk| {
            open = send(Portion::Data((index, chunk)));
            open
        });
        // Nobody listens any more only when the writer gave up.
        if !open || !send(Portion::End(index, read)) {
            return;
        }
    }
}

fn transform_all(
    plan: &Plan,
    files: &[&RawFile],
    chunks: &Receiver<Portion<(usize, Chunk)>>,
    batches: &SyncSender<Portion<Batch>>,
) {
    let mut worker = plan.worker();
    for portion in chunks {
        let made = match portion {
            Portion::Data((index, chunk)) => {
                Portion::Data(worker.transform(&chunk, time_of_extraction(files[index])))
            }
            Portion::End(index, read) => Portion::End(index, read),
        };
        if batches.send(made).is_err() {
            return;
        }
    }
}

/// What a file's name says of when it was fetched. Dates in the names of what people write mean something else.
fn time_of_extraction(file: &RawFile) -> Option<i64> {
    match file.format {
        Format::Ndjson | Format::Json => raw::time_in_name(&file.name),
        Format::Yaml | Format::Csv => None,
    }
}

fn write_all(
    plan: &Plan,
    files: &[&RawFile],
    store: &mut Store,
    workers: &[Receiver<Portion<Batch>>],
    report: &mut StreamReport,
    bar: &indicatif::ProgressBar,
    console: &Console,
) -> Result<(), store::Error> {
    let mut turn = 0;
    for file in files {
        let facts = FileFacts {
            path: file.name.clone(),
            stream: plan.stream.to_string(),
            size: file.size,
            modified: file.modified,
        };
        let mut load = store.begin_file(plan, &facts)?;
        let read = loop {
            let portion = workers[turn % workers.len()].recv();
            turn += 1;
            match portion {
                Ok(Portion::Data(batch)) => load.apply(&batch)?,
                Ok(Portion::End(_, read)) => break read,
                Err(_) => break Err(io::Error::other("a thread of this program ended early")),
            }
        };
        bar.inc(file.size);
        match read {
            Ok(fingerprint) => {
                let (records, rejects) = load.counts();
                load.commit(fingerprint.size, fingerprint.hash)?;
                report.files += 1;
                report.records += records;
                if records + rejects == 0 {
                    console.diagnostic(
                        &Diagnostic::warning("file-empty", "a file holds no record")
                            .in_data(&file.name),
                    );
                }
            }
            Err(error) => {
                drop(load);
                store.unreadable_file(&facts, &file_reject(&error.to_string()))?;
                report.files += 1;
            }
        }
    }
    Ok(())
}

fn file_reject(reason: &str) -> Reject {
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

/// The newest complete listing whose files are all here, with as many records as it says.
fn newest_listing(
    project: &Project,
    plan: &Plan,
    found: &StreamFiles,
    store: &Store,
    console: &Console,
) -> Result<Option<CompleteListing>, CouldNotRun> {
    let (listings, faults) = raw::complete_listings(&project.folder, &found.markers);
    for (name, reason) in faults {
        console.diagnostic(
            &Diagnostic::warning(
                "listing-unreadable",
                format!("a marker of a complete listing cannot be read: {reason}"),
            )
            .in_data(name)
            .note("it removes nothing"),
        );
    }
    if listings.is_empty() {
        return Ok(None);
    }
    let known = store
        .known_files(&plan.stream)
        .map_err(|error| say(console, &error))?;
    for listing in listings.into_iter().rev() {
        let folder = Path::new(&listing.name).parent().unwrap_or(Path::new(""));
        let files: Vec<Option<&KnownFile>> = listing
            .files
            .iter()
            .map(|file| known.get(&folder.join(file).to_string_lossy().replace('\\', "/")))
            .collect();
        let rejects: u64 = files.iter().flatten().map(|file| file.rejects).sum();
        let records: u64 = files
            .iter()
            .flatten()
            .map(|file| file.records + file.rejects)
            .sum();
        let fault = if plan.stream != listing.stream {
            format!(
                "a complete listing of `{}` lies in the folder of `{}`",
                listing.stream, plan.stream
            )
        } else if files.iter().any(Option::is_none) {
            "a complete listing names files that are not here".to_owned()
        } else if records != listing.records {
            format!(
                "a complete listing has {}, its files here have {}",
                console::counted(listing.records, "record"),
                console::count(records)
            )
        } else if rejects > 0 {
            // Which records are still there cannot be told when some of them could not be read.
            format!(
                "{} of a complete listing could not be taken",
                console::counted(rejects, "record")
            )
        } else {
            return Ok(Some(listing));
        };
        console.diagnostic(
            &Diagnostic::warning("listing-ignored", fault)
                .in_data(&listing.name)
                .note("it removes nothing"),
        );
    }
    Ok(None)
}

fn odd_files(found: &StreamFiles, console: &Console) {
    console.diagnostics(&unread(
        &found.unknown,
        "the ending says nothing",
        "endings are `.ndjson`, `.json`, `.yaml` and `.csv`, then perhaps `.gz` or `.zst`",
    ));
}

fn say_stream(report: &StreamReport, console: &Console) {
    let mut text = format!(
        "loaded {:24} {} from {}",
        report.stream,
        console::counted(report.records, "record"),
        console::counted(report.files, "file")
    );
    if report.removed > 0 {
        text += &format!(", {} gone since", console::counted(report.removed, "row"));
    }
    let facts = serde_json::json!({
        "stream": report.stream, "files": report.files, "records": report.records,
        "rejects": report.rejects, "warnings": report.warnings, "removed": report.removed,
    });
    console.note(&text, &facts);
}

/// Shows the first rejects and warnings of a stream, and says where the others are.
fn say_rejects(
    plan: &Plan,
    store: &Store,
    report: &StreamReport,
    console: &Console,
) -> Result<(), CouldNotRun> {
    const SHOWN: usize = 3;
    let mut shown = 0;
    let said = store.rejects(&plan.stream, &mut |row| {
        shown += 1;
        if shown > SHOWN {
            return;
        }
        let what = match (&row.table, &row.column) {
            (Some(table), Some(column)) => format!("`{table}.{column}`: "),
            (Some(table), None) => format!("`{table}`: "),
            _ => String::new(),
        };
        let place = if row.line > 0 {
            format!("{}:{}", row.path, row.line)
        } else {
            row.path
        };
        let code = if row.line > 0 {
            "record-rejected"
        } else {
            "file-rejected"
        };
        let mut fault = Diagnostic::error(code, format!("{what}{}", row.reason)).in_data(place);
        if let Some(value) = row.value {
            fault = fault.note(format!("the value is {value}"));
        }
        console.diagnostic(&fault);
    });
    said.map_err(|error| say(console, &error))?;
    if report.rejects > 0 {
        let text = format!(
            "{} of {} kept in `rejects/{}/`, with their reasons",
            console::counted(report.rejects, "reject"),
            report.stream,
            report.stream
        );
        console.note(
            &text,
            &serde_json::json!({ "stream": report.stream, "rejects": report.rejects }),
        );
    }
    let mut warned = 0;
    let said = store.warnings(&plan.stream, &mut |path, line, reason| {
        warned += 1;
        if warned <= SHOWN {
            console.diagnostic(
                &Diagnostic::warning("record-odd", reason).in_data(format!("{path}:{line}")),
            );
        }
    });
    said.map_err(|error| say(console, &error))?;
    if warned > SHOWN {
        console.note(
            &format!(
                "{} in all, in the table `_warnings`",
                console::counted(warned as u64, "warning")
            ),
            &serde_json::Value::Null,
        );
    }
    Ok(())
}

fn say(console: &Console, error: &store::Error) -> CouldNotRun {
    console.diagnostic(&database_fault(error));
    CouldNotRun
}
