//! A model of a source and of a folder of raw data, to try planning and folding on: what happens to them, a run of every
//! stream, and what is missing in the end. Nothing is sent and nothing is written.

mod runs;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use definitions::extractor::{
    Changed, FieldPath, Parent, Request, Start, StreamExtraction, Template, Windowing,
};
use definitions::{StreamName, Word};
use jiff::Timestamp;

use crate::journal::{Listing, Reached};
use crate::plan::{RunPlan, Runs};
use crate::run_id::RunId;
use crate::state::{State, Values};

pub const DAY: i64 = 86_400;
/// Noon of some day: the model's year.
pub const NOON: i64 = 20_000 * DAY + DAY / 2;

/// The streams of the model, in the order of an extractor: three that are listed whole, each by the one before; issues
/// and the events of each; a log, and tickets whose changes it tells.
pub const STREAMS: [&str; 7] = ["a", "b", "c", "issues", "events", "log", "tickets"];

pub fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub fn stream(name: &str) -> StreamExtraction {
    let named = |name: &str| Word {
        text: StreamName::parse(name).unwrap(),
        span: 0..0,
    };
    let request = || Request {
        text: None,
        path: Template {
            parts: Vec::new(),
            word: Word::default(),
        },
        query: Vec::new(),
        records: FieldPath { steps: Vec::new() },
        key: FieldPath { steps: Vec::new() },
    };
    let by = |name: &str| Parent {
        stream: named(name),
        values: Vec::new(),
    };
    let days = |days: u64| Duration::from_secs(days * 86_400);
    let windows = Windowing {
        since: String::new(),
        until: String::new(),
        at: FieldPath { steps: Vec::new() },
        longest: days(4),
        start: Start::At(moment(NOON - 10 * DAY)),
        lookback: days(1),
        refresh: None,
    };
    let parent = match name {
        "b" => Some(by("a")),
        "c" => Some(by("b")),
        "events" => Some(by("issues")),
        _ => None,
    };
    let whole = matches!(name, "a" | "b" | "c");
    let changed = (name == "tickets").then(|| Changed {
        by: by("log"),
        request: request(),
    });
    StreamExtraction {
        stream: named(name),
        request: request(),
        parent,
        paging: None,
        windows: (!whole).then_some(windows),
        changed,
        whole,
        may_be_empty: false,
        redact: Vec::new(),
        scope: None,
    }
}

/// A record at the source or in a raw file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    pub key: String,
    /// The parent that it is listed by, or the ticket that a log entry is about.
    pub of: String,
    /// By what its source cuts time.
    pub at: i64,
    pub version: u32,
}

/// What goes wrong with a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Good,
    GivesUp,
    Refused,
    NotAllowed,
    Absent,
    Down,
    Revoked,
    Stopped,
    Killed,
}

/// What happens between and in runs.
#[derive(Debug, Clone)]
pub enum Action {
    /// So many hours pass.
    Hours(i64),
    /// Something new in every stream.
    New,
    /// A ticket changes.
    Change(usize),
    /// An `a` is deleted, with all that is listed by it.
    Delete(usize),
    /// The clock of this machine is wrong by so many days.
    Clock(i64),
    /// Somebody puts a file into a stream's folder.
    Brought(usize, usize),
    /// A run: which streams, from how many days before on, all over again, and the fates of its listings in order.
    Run {
        only: Vec<usize>,
        since: Option<i64>,
        full: bool,
        fates: Vec<Fate>,
    },
}

/// A stream as this machine has it.
#[derive(Default)]
pub struct Folder {
    pub state: State,
    pub journal: Option<(RunPlan, HashMap<Listing, Reached>)>,
    pub files: BTreeMap<String, Vec<Record>>,
}

pub struct World {
    pub now: i64,
    pub clock: i64,
    pub born: usize,
    pub source: BTreeMap<&'static str, Vec<Record>>,
    pub folders: BTreeMap<&'static str, Folder>,
    /// From when on somebody asked for everything.
    pub asked_from: BTreeMap<&'static str, i64>,
    /// Streams of which something is missing, or of whose parents.
    pub lacking: HashSet<&'static str>,
}

pub const BROUGHT: [&str; 3] = [
    "history.ndjson",
    "2099-01-01T00-00-00Z-0001.ndjson",
    "zzz-0001.ndjson",
];

impl World {
    pub fn new() -> Self {
        let mut world = Self {
            now: NOON,
            clock: 0,
            born: 0,
            source: STREAMS.iter().map(|name| (*name, Vec::new())).collect(),
            folders: STREAMS
                .iter()
                .map(|name| (*name, Folder::default()))
                .collect(),
            asked_from: BTreeMap::new(),
            lacking: HashSet::new(),
        };
        for day in [9, 6, 3, 1] {
            world.now = NOON - day * DAY;
            world.add();
        }
        world.now = NOON;
        world
    }

    pub fn put(&mut self, stream: &'static str, key: String, of: String) {
        let record = Record {
            key,
            of,
            at: self.now,
            version: 0,
        };
        self.source.get_mut(stream).unwrap().push(record);
    }

    pub fn add(&mut self) {
        self.born += 1;
        let number = self.born;
        let key = |stream: &str| format!("{stream}{number}");
        self.put("a", key("a"), String::new());
        self.put("b", key("b"), key("a"));
        self.put("c", key("c"), key("b"));
        self.put("issues", key("issues"), String::new());
        self.put("events", key("events"), key("issues"));
        self.put("tickets", key("tickets"), String::new());
        self.put("log", key("log"), key("tickets"));
        // Something happens to the first issue again: it was seen last now.
        let now = self.now;
        self.source.get_mut("issues").unwrap()[0].at = now;
        let first = self.source["issues"][0].key.clone();
        self.put("events", format!("again{number}"), first);
    }

    pub fn change(&mut self, which: usize) {
        self.born += 1;
        let tickets = self.source.get_mut("tickets").unwrap();
        let which = which % tickets.len();
        tickets[which].version += 1;
        let key = tickets[which].key.clone();
        self.put("log", format!("log{}", self.born), key);
    }

    pub fn delete(&mut self, which: usize) {
        let a = self.source.get_mut("a").unwrap();
        if a.is_empty() {
            return;
        }
        let mut gone = HashSet::from([a.remove(which % a.len()).key]);
        for stream in ["b", "c"] {
            self.source.get_mut(stream).unwrap().retain(|record| {
                let stays = !gone.contains(&record.of);
                if !stays {
                    gone.insert(record.key.clone());
                }
                stays
            });
        }
    }

    /// The clock of this machine.
    pub fn clock(&self) -> Timestamp {
        moment(self.now + self.clock * DAY)
    }

    pub fn runs(&self, name: &str) -> Runs {
        let folder = &self.folders[name];
        let under_way = folder.journal.as_ref().map(|(plan, _)| plan.run);
        let parent = stream(name)
            .parent
            .map(|parent| self.runs(&parent.stream.text));
        let mut files: Vec<(RunId, String)> = folder
            .files
            .keys()
            .filter_map(|file| Some((RunId::of_file(file)?, file.clone())))
            .collect();
        files.sort();
        Runs::of(&folder.state, under_way, files, parent.as_ref())
    }

    pub fn parents_lack(&self, name: &str) -> bool {
        stream(name).parent.is_some_and(|parent| {
            let parent = parent.stream.text.as_str();
            self.lacking.contains(parent) || self.parents_lack(parent)
        })
    }

    pub fn values(&self, name: &str, files: &[String], about: bool) -> Vec<Values> {
        let mut found: Vec<Values> = Vec::new();
        for record in files
            .iter()
            .flat_map(|file| &self.folders[name].files[file])
        {
            let value = if about { &record.of } else { &record.key };
            let values = vec![("id".to_owned(), value.clone())];
            if !found.contains(&values) {
                found.push(values);
            }
        }
        found
    }

    /// What the source answers; nothing if the parent is not there.
    pub fn answer(&self, name: &str, listing: &Listing) -> Option<Vec<Record>> {
        let definition = stream(name);
        let of = listing.parent.as_ref().map(|values| values[0].1.clone());
        if listing.changed {
            let found = self.source[name]
                .iter()
                .find(|record| Some(&record.key) == of.as_ref());
            return found.map(|record| vec![record.clone()]);
        }
        if let (Some(parent), Some(of)) = (&definition.parent, &of)
            && !self.source[parent.stream.text.as_str()]
                .iter()
                .any(|record| record.key == *of)
        {
            return None;
        }
        let within = |record: &&Record| {
            listing.window.is_none_or(|window| {
                window.since.as_second() - 1 <= record.at && record.at < window.until.as_second()
            }) && of.as_ref().is_none_or(|of| record.of == *of)
        };
        Some(self.source[name].iter().filter(within).cloned().collect())
    }
}
