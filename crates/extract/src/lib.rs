//! Extraction: from a source's API into raw files.
//!
//! What is asked for, and how, stands in `definitions/extractors/*.yaml`; nothing here knows a vendor. What comes is
//! written as it came, a record a line, and never interpreted beyond its pages. The parts: [`window`], [`paging`] and
//! [`retry`] decide and do nothing else; `client` asks; `listing` follows one listing page by page; `stream` runs the
//! listings of a stream; `output` and [`state`] are the disk.

mod client;
mod doctor;
mod listing;
mod output;
pub mod page;
pub mod paging;
pub mod retry;
pub mod state;
mod stream;
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
use state::Gap;

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
    /// These streams alone; none for all.
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
        /// How many records the source says its listing has in all.
        total: Option<u64>,
        /// How many requests the source has left for us.
        remaining: Option<u64>,
    },
    /// Nothing is asked for a while.
    Waiting {
        /// Of which source.
        source: &'a str,
        /// How long.
        wait: Duration,
        /// Why.
        reason: &'a str,
    },
    /// A stream has ended.
    Ended(&'a StreamReport),
}

/// Told of what happens.
pub trait Progress {
    /// Something happened.
    fn event(&self, event: &Event<'_>);
}

/// How a stream ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All that was asked for was answered, or is a gap.
    Done,
    /// Somebody said stop.
    Stopped,
    /// The token is not right.
    Unauthorized(String),
    /// The token may not see it.
    Forbidden(String),
    /// It is not there, or not in the plan that was bought.
    NotInPlan(String),
    /// The stream that it depends on was never fetched.
    NoParents(String),
    /// The disk did not take it.
    Disk(String),
}

/// What fetching a stream came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamReport {
    /// The stream.
    pub stream: String,
    /// Records fetched.
    pub records: u64,
    /// How many of them another stream told to have changed; each was asked for alone.
    pub changed: u64,
    /// Records that the source says there are, where it says so; those that changed are not in its count.
    pub total: Option<u64>,
    /// Stretches of time that were to be asked for.
    pub windows: u64,
    /// What could not be fetched.
    pub gaps: Vec<Gap>,
    /// Parents whose records are not there for us, and why.
    pub skipped: Vec<String>,
    /// Whether it went on with a run that had been killed.
    pub resumed: bool,
    /// Whether everything there is was listed, so that what is not among it is gone.
    pub complete_listing: bool,
    /// How it ended.
    pub outcome: Outcome,
}

impl Outcome {
    /// Whether the source's other streams need not be tried.
    pub fn ends_the_source(&self) -> bool {
        matches!(self, Self::Stopped | Self::Unauthorized(_) | Self::Disk(_))
    }
}

impl StreamReport {
    fn failed(stream: &str, outcome: Outcome) -> Self {
        Self {
            stream: stream.to_owned(),
            records: 0,
            changed: 0,
            total: None,
            windows: 0,
            gaps: Vec::new(),
            skipped: Vec::new(),
            resumed: false,
            complete_listing: false,
            outcome,
        }
    }
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
    let mut headers = HeaderMap::new();
    for (name, template) in &extractor.headers {
        let value = listing::fill(template, &settings, &[], false);
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

/// Fetches from all given sources at once, each stream into its folder of `raw_data`. One extraction at a time works
/// on a folder; the error for a second one says who holds it.
pub fn extract(
    sources: &[Source<'_>],
    raw_data: &Path,
    options: &Options,
    stop: &Stop,
    progress: &dyn Progress,
) -> io::Result<Vec<StreamReport>> {
    fs::create_dir_all(raw_data)?;
    let _lock = lock(raw_data)?;
    let redaction_key = redaction_key(raw_data)?;
    let all = sources.iter().map(|source| async move {
        let mut reports = Vec::new();
        for stream in &source.extractor.streams {
            let name = &stream.stream.text;
            if !options.only.is_empty() && !options.only.iter().any(|only| *name == *only) {
                continue;
            }
            progress.event(&Event::Begun { stream: name });
            let run = stream::Run {
                client: &source.client,
                stream,
                concurrency: source.extractor.concurrency,
                settings: &source.settings,
                raw_data,
                redaction_key,
                definition: source.definition,
                options,
                stop,
                progress,
            };
            let report = stream::run(&run).await;
            progress.event(&Event::Ended(&report));
            let last = report.outcome.ends_the_source();
            reports.push(report);
            if last {
                break;
            }
        }
        reports
    });
    let reports = runtime()?.block_on(futures_util::future::join_all(all));
    Ok(reports.into_iter().flatten().collect())
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
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
            state::replace(&path, &key)?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}
