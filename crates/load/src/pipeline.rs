//! The way of a stream's new files: a reader, workers that transform, one writer.
//!
//! Each stage has a thread and hands on what it made in small portions, so that all cores work and memory stays
//! bounded. Chunks go to the workers in turn and come back in turn, so files are written in order, each in a
//! transaction of its own.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use diagnostics::Diagnostic;
use raw::{Chunk, Fingerprint, Format, RawFile};
use store::{FileFacts, Store};
use transform::{Batch, Plan, Reject};

use crate::{Event, LoadReport, facts, file_reject};

/// Portions that wait for a worker, at most.
const CHUNKS_WAITING: usize = 4;

/// Portions of a worker that wait for the writer, at most: while that waits for the disk, the others go on.
const BATCHES_WAITING: usize = 12;

/// Where rows go.
pub trait Target {
    /// What can go wrong with it.
    type Error;
    /// A raw file that is being loaded into it.
    type Load<'t>: FileTarget<Error = Self::Error>
    where
        Self: 't;

    /// Begins to load a file. Nothing of it stays unless it is committed.
    fn begin_file<'t>(
        &'t mut self,
        plan: &'t Plan,
        facts: &FileFacts,
    ) -> Result<Self::Load<'t>, Self::Error>;

    /// Notes a file that could not be read.
    fn unreadable_file(
        &mut self,
        plan: &Plan,
        facts: &FileFacts,
        reject: &Reject,
    ) -> Result<(), Self::Error>;
}

/// A raw file that is being loaded.
pub trait FileTarget {
    /// What can go wrong with it.
    type Error;

    /// Adds the rows, rejects and warnings of some records.
    fn apply(&mut self, batch: &Batch) -> Result<(), Self::Error>;

    /// How many records the file gave so far, and how many of what stands in it could not be taken.
    fn counts(&self) -> (u64, u64);

    /// Makes it stay, with the file's size and hash.
    fn commit(self, size: u64, hash: u64) -> Result<(), Self::Error>;
}

impl Target for Store {
    type Error = store::Error;
    type Load<'t> = store::FileLoad<'t>;

    fn begin_file<'t>(
        &'t mut self,
        plan: &'t Plan,
        facts: &FileFacts,
    ) -> Result<store::FileLoad<'t>, store::Error> {
        Store::begin_file(self, plan, facts)
    }

    fn unreadable_file(
        &mut self,
        _: &Plan,
        facts: &FileFacts,
        reject: &Reject,
    ) -> Result<(), store::Error> {
        Store::unreadable_file(self, facts, reject)
    }
}

impl FileTarget for store::FileLoad<'_> {
    type Error = store::Error;

    fn apply(&mut self, batch: &Batch) -> Result<(), store::Error> {
        store::FileLoad::apply(self, batch)
    }

    fn counts(&self) -> (u64, u64) {
        store::FileLoad::counts(self)
    }

    fn commit(self, size: u64, hash: u64) -> Result<(), store::Error> {
        store::FileLoad::commit(self, size, hash)
    }
}

/// Why files could not be loaded.
#[derive(Debug)]
pub enum PipelineError<E> {
    /// The system did not start a thread.
    Thread(io::Error),
    /// Where the rows go.
    Target(E),
}

/// What a worker is sent, in the order of files.
enum Portion<T> {
    Data(T),
    /// The file at this place in the list was read to its end.
    End(usize, io::Result<Fingerprint>),
}

/// Loads these files; `report` counts them.
pub fn load_files<T: Target>(
    plan: &Plan,
    files: &[&RawFile],
    target: &mut T,
    report: &mut LoadReport,
    tell: &mut dyn FnMut(&Event<'_>),
) -> Result<(), PipelineError<T::Error>> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let (mut to_workers, mut from_workers) = (Vec::new(), Vec::new());
        for _ in 0..workers {
            let (chunks_in, chunks_out) = sync_channel(CHUNKS_WAITING);
            let (batches_in, batches_out) = sync_channel(BATCHES_WAITING);
            to_workers.push(chunks_in);
            from_workers.push(batches_out);
            let work = move || transform_all(plan, files, &chunks_out, &batches_in);
            // Expressions may be recursive: their limits are set for a stack of this size.
            let worker = thread::Builder::new().stack_size(transform::STACK);
            let worker = worker.name("worker".to_owned());
            worker
                .spawn_scoped(scope, work)
                .map_err(PipelineError::Thread)?;
        }
        let reader = thread::Builder::new().name("reader".to_owned());
        let read = move || read_all(plan, files, &to_workers);
        reader
            .spawn_scoped(scope, read)
            .map_err(PipelineError::Thread)?;
        write_all(plan, files, target, &from_workers, report, tell).map_err(PipelineError::Target)
    })
}

/// Sends the chunks of all files to the workers in turn, each file closed by an end.
fn read_all(plan: &Plan, files: &[&RawFile], workers: &[SyncSender<Portion<(usize, Chunk)>>]) {
    let mut turn = 0;
    for (index, file) in files.iter().enumerate() {
        let mut open = true;
        let read = raw::read(&file.path, file.format, &plan.layout, &mut |chunk| {
            let chunk = Portion::Data((index, chunk));
            open = workers[turn % workers.len()].send(chunk).is_ok();
            turn += 1;
            open
        });
        // An end is no work, so it takes no turn: small files go to each worker in turn.
        let end = Portion::End(index, read);
        // Nobody listens any more only when the writer gave up.
        if !open || workers[turn % workers.len()].send(end).is_err() {
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
    // It compiles the plan's expressions, which takes longer than a small stream: only whoever gets records needs that.
    let mut worker = None;
    for portion in chunks {
        let made = match portion {
            Portion::Data((index, chunk)) => {
                let worker = worker.get_or_insert_with(|| plan.worker());
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

fn write_all<T: Target>(
    plan: &Plan,
    files: &[&RawFile],
    target: &mut T,
    workers: &[Receiver<Portion<Batch>>],
    report: &mut LoadReport,
    tell: &mut dyn FnMut(&Event<'_>),
) -> Result<(), T::Error> {
    let mut turn = 0;
    for file in files {
        let facts = facts(&plan.stream, file);
        let mut load = target.begin_file(plan, &facts)?;
        let read = loop {
            let portion = workers[turn % workers.len()].recv();
            match portion {
                Ok(Portion::Data(batch)) => {
                    load.apply(&batch)?;
                    turn += 1;
                }
                Ok(Portion::End(_, read)) => break read,
                Err(_) => break Err(io::Error::other("a thread of this program ended early")),
            }
        };
        tell(&Event::Written(file.size));
        match read {
            Ok(fingerprint) => {
                let (records, rejects) = load.counts();
                load.commit(fingerprint.size, fingerprint.hash)?;
                report.files += 1;
                report.records += records;
                if records + rejects == 0 {
                    let empty = Diagnostic::warning("file-empty", "a file holds no record");
                    tell(&Event::Odd(&[empty.in_data(&file.name)]));
                }
            }
            Err(error) => {
                drop(load);
                target.unreadable_file(plan, &facts, &file_reject(&error.to_string()))?;
                report.files += 1;
            }
        }
    }
    Ok(())
}
