//! Extraction: from a source's API into raw files.
//!
//! What is asked for, and how, stands in `definitions/extractors/*.yaml`; nothing here knows a vendor. What arrives is
//! written as it came, a record a line, and never interpreted beyond its pages. The parts: [`plan`], [`fold`],
//! [`window`], [`paging`] and [`retry`] decide and do nothing else; `client` asks, at what `address` says; `listing`
//! follows one listing page by page; `stream` runs the listings of a stream, and `tally` counts what became of them;
//! `output`, [`journal`], [`state`], `inventory` and `records` are the disk.

mod address;
mod client;
mod disk;
mod doctor;
mod failure;
pub mod fold;
mod inventory;
pub mod journal;
mod lines;
pub mod link;
mod listing;
#[cfg(test)]
mod model;
mod output;
pub mod page;
mod page_queue;
pub mod paging;
pub mod plan;
mod proxy;
mod records;
pub mod report;
pub mod retry;
pub mod run_id;
pub mod set_aside;
pub mod state;
mod stream_run;
mod tally;
pub mod window;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use definitions::extractor::Extractor;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::watch;
use xxhash_rust::xxh3::Xxh3;

use client::{Client, Parts};
pub use doctor::{Finding, Health, examine};
use plan::Wanted;
pub use proxy::is_proxy;
pub use report::{FetchOutcome, FetchReport, Skipped, SourceReport};

/// Values of settings, by name.
pub type SettingValues = HashMap<String, String>;

/// A source with all that is needed to ask it.
pub struct Source<'a> {
    /// What is asked.
    pub extractor: &'a Extractor,
    settings: SettingValues,
    client: Client,
    definition: u64,
}

/// What a run is asked for beyond what is new.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Only these streams; none for all.
    pub only: Vec<String>,
    /// From this moment on, also where that was never asked for before.
    pub since: Option<Timestamp>,
    /// All over again.
    pub full: bool,
}

/// Why a source cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingFault {
    /// A setting is not set.
    Missing {
        /// Its name.
        name: String,
        /// What it is.
        meaning: String,
    },
    /// A setting has characters that no header may have.
    NotSendable {
        /// The header that would carry it.
        header: String,
    },
    /// The base URL is none, or would send tokens in the clear.
    BaseUrl {
        /// The setting.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No client could be made.
    Client(String),
}

/// What happens, while it happens.
#[derive(Debug)]
pub enum Event<'a> {
    /// A stream is begun.
    Begun {
        /// Which.
        stream: &'a str,
    },
    /// A page is safely on disk.
    Page {
        /// Of which stream.
        stream: &'a str,
        /// How many records it has.
        records: u64,
        /// How many halves of surrogate pairs in them were replaced.
        mended: u64,
        /// How many records the source says its listing has in all.
        total: Option<u64>,
        /// How many requests the source has left for us.
        remaining: Option<u64>,
    },
    /// Something is waited for.
    Waiting {
        /// Of which source.
        source: &'a str,
        /// How long, at most.
        wait: Duration,
        /// What happened, in words.
        reason: &'a str,
        /// The kind of wait.
        why: Why,
    },
    /// A stream has ended.
    Ended(&'a FetchReport),
}

/// Why there is a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The source wants no requests for a while.
    Limit,
    /// The source answered with something else than what was asked for.
    Trouble,
    /// The source did not answer.
    Unreachable,
    /// A request is under way and not answered yet.
    Answer,
}

/// Receives what happens.
pub trait Progress {
    /// Something happened.
    fn event(&self, event: &Event<'_>);
}

/// Says stop to all that is under way; it stops after the page in hand.
#[derive(Debug, Clone)]
pub struct Stop {
    flag: Arc<watch::Sender<bool>>,
}

impl Default for Stop {
    fn default() -> Self {
        Self {
            flag: Arc::new(watch::Sender::new(false)),
        }
    }
}

impl Stop {
    /// Stop.
    pub fn set(&self) {
        self.flag.send_replace(true);
    }

    /// Whether somebody said stop.
    pub fn is_set(&self) -> bool {
        *self.flag.borrow()
    }

    async fn wait(&self) {
        let mut flag = self.flag.subscribe();
        // The sender lives as long as `self`, so this ends only with a stop.
        let _ = flag.wait_for(|stop| *stop).await;
    }
}

/// The setting that goes before a source's base URL.
pub fn base_url_setting(source: &str) -> String {
    format!("{}_BASE_URL", source.to_uppercase())
}

/// Makes a source ready to be asked. `setting` gives the values that people set. All faults come back at once; no
/// value of a setting is in them.
pub fn connect<'a>(
    extractor: &'a Extractor,
    setting: &dyn Fn(&str) -> Option<String>,
) -> Result<Source<'a>, Vec<SettingFault>> {
    let mut faults = Vec::new();
    let mut settings = SettingValues::new();
    let mut secrets = Vec::new();
    for known in &extractor.settings {
        let name = &known.name.text;
        match setting(name).or_else(|| known.default.clone()) {
            Some(value) => {
                // Shorter ones are no secrets, and would be found in any text.
                if known.secret && value.len() >= 6 {
                    secrets.push(value.clone());
                }
                settings.insert(name.clone(), value);
            }
            None => faults.push(SettingFault::Missing {
                name: name.clone(),
                meaning: known.meaning.clone(),
            }),
        }
    }
    let name = base_url_setting(&extractor.source.text);
    let base = setting(&name).unwrap_or_else(|| extractor.base_url.text.clone());
    let base = definitions::extractor::base_url(&base)
        .map_err(|reason| faults.push(SettingFault::BaseUrl { name, reason }));
    let headers = headers(extractor, &settings, &mut faults);
    let base = match (base, faults.is_empty()) {
        (Ok(base), true) => base,
        _ => return Err(faults),
    };
    let mut hash = Xxh3::new();
    hash.update(extractor.text.text.as_bytes());
    hash.update(base.as_str().as_bytes());
    let client = Client::new(Parts {
        base,
        headers,
        secrets,
        rate_limit: extractor.rate_limit.clone(),
        retry: extractor.retry,
        timeout: extractor.timeout,
        source: extractor.source.text.clone(),
    });
    let client = client.map_err(|reason| vec![SettingFault::Client(reason)])?;
    Ok(Source {
        extractor,
        settings,
        client,
        definition: hash.digest(),
    })
}

/// The headers that every request carries.
fn headers(
    extractor: &Extractor,
    settings: &SettingValues,
    faults: &mut Vec<SettingFault>,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, template) in &extractor.headers {
        let value = address::fill(template, settings, &[], false);
        let parsed = (
            HeaderName::from_bytes(name.text.as_bytes()),
            HeaderValue::from_str(value.trim()),
        );
        match parsed {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(true);
                headers.append(name, value);
            }
            _ => faults.push(SettingFault::NotSendable {
                header: name.text.clone(),
            }),
        }
    }
    headers
}

/// Fetches from all given sources at once, each stream into its folder of `raw_data`. One extraction at a time works
/// on a folder; the error for a second one says who holds it.
pub fn extract(
    sources: &[Source<'_>],
    raw_data: &Path,
    options: &Options,
    stop: &Stop,
    progress: &dyn Progress,
) -> io::Result<Vec<SourceReport>> {
    fs::create_dir_all(raw_data)?;
    let _lock = lock(raw_data)?;
    let redaction_key = redaction_key(raw_data)?;
    let sources = sources
        .iter()
        .map(|source| fetch(source, raw_data, redaction_key, options, stop, progress));
    block_on(futures_util::future::join_all(sources))
}

/// Fetches the streams of one source, one after the other.
async fn fetch(
    source: &Source<'_>,
    raw_data: &Path,
    redaction_key: [u8; 32],
    options: &Options,
    stop: &Stop,
    progress: &dyn Progress,
) -> SourceReport {
    let mut report = SourceReport {
        source: source.extractor.source.text.clone(),
        streams: Vec::new(),
        not_asked: Vec::new(),
        nothing_there: false,
    };
    let mut ended = false;
    for stream in &source.extractor.streams {
        let name = &stream.stream.text;
        if !options.only.is_empty() && !options.only.iter().any(|only| *name == *only) {
            continue;
        }
        if ended {
            report.not_asked.push(name.to_string());
            continue;
        }
        progress.event(&Event::Begun { stream: name });
        let run = stream_run::Run {
            client: &source.client,
            stream,
            streams: &source.extractor.streams,
            concurrency: source.extractor.concurrency,
            settings: &source.settings,
            raw_data,
            redaction_key,
            definition: source.definition,
            wanted: Wanted {
                since: options.since,
                full: options.full,
            },
            stop,
            progress,
        };
        let of_stream = match report.passed_over_parent(stream) {
            Some(outcome) => stream_run::passed_over(&run, outcome),
            None => stream_run::run(&run).await,
        };
        progress.event(&Event::Ended(&of_stream));
        report.streams.push(of_stream);
        ended = report.ends();
    }
    report.nothing_there = report.nothing_was_there(&source.extractor.streams);
    report
}

/// Runs what waits for others, and leaves behind at its end what only waits: a name that is being looked up takes as long
/// as it likes.
fn block_on<T>(future: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(done)
}

/// The operating system drops it with its holder.
fn lock(raw_data: &Path) -> io::Result<File> {
    let path = raw_data.join(".extract.lock");
    let mut file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)?;
    if file.try_lock().is_err() {
        let mut holder = String::new();
        let _ = file
            .rewind()
            .and_then(|()| (&file).take(200).read_to_string(&mut holder));
        let holder = if holder.is_empty() {
            "another process"
        } else {
            holder.as_str()
        };
        return Err(io::Error::new(
            io::ErrorKind::WouldBlock,
            format!("{holder} is fetching into `{}`", raw_data.display()),
        ));
    }
    let note = format!(
        "process {}, since {}",
        std::process::id(),
        Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ")
    );
    let _ = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(note.as_bytes()));
    Ok(file)
}

/// The project's own key for hashes, made when it is first needed.
fn redaction_key(raw_data: &Path) -> io::Result<[u8; 32]> {
    let path: PathBuf = raw_data.join(".redaction-key");
    match fs::read(&path) {
        Ok(bytes) => bytes.try_into().map_err(|_| {
            io::Error::other(format!(
                "`{}` is not a key of 32 bytes: remove it to have a new one made",
                path.display()
            ))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut key = [0; 32];
            getrandom::fill(&mut key).map_err(io::Error::other)?;
            disk::replace(&path, &key)?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}
