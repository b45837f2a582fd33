//! The result of fetching, for whoever prints it.

use definitions::extractor::StreamExtraction;
use definitions::{SourceName, StreamName};

use crate::failure::Failure;
use crate::state::Gap;

/// What fetching from a source came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceReport {
    /// The source.
    pub source: SourceName,
    /// Its streams that were asked for, in order.
    pub streams: Vec<FetchReport>,
    /// Those that were not asked for any more, because the source ended before.
    pub not_asked: Vec<String>,
    /// Whether nothing of what was asked for is there at all: the address or the organisation is wrong.
    pub nothing_there: bool,
}

impl SourceReport {
    /// How the parent of a stream ended, if the source does not have it for us.
    pub(crate) fn passed_over_parent(&self, stream: &StreamExtraction) -> Option<FetchOutcome> {
        let parent = &stream.parent.as_ref()?.stream.text;
        let of_parent = self
            .streams
            .iter()
            .find(|report| *parent == report.stream)?;
        let words = format!("it depends on `{parent}`, which is skipped");
        match of_parent.outcome {
            FetchOutcome::NotThere(_) => Some(FetchOutcome::NotThere(words)),
            FetchOutcome::NotInPlan(_) => Some(FetchOutcome::NotInPlan(words)),
            _ => None,
        }
    }

    /// Whether no other stream need be tried: one said so, or two in a row found the source in trouble.
    pub(crate) fn ends(&self) -> bool {
        let trouble = |report: &FetchReport| matches!(report.outcome, FetchOutcome::Trouble(_));
        match self.streams.as_slice() {
            [.., last] if last.outcome.ends_the_source() => true,
            [.., before, last] => trouble(before) && trouble(last),
            _ => false,
        }
    }

    /// Whether the source has none of what it was asked for: two streams at least that stand for themselves, or one that
    /// never was there.
    pub(crate) fn nothing_was_there(&self, streams: &[StreamExtraction]) -> bool {
        let stands_alone = |report: &&FetchReport| {
            streams
                .iter()
                .any(|stream| stream.stream.text == report.stream && stream.parent.is_none())
        };
        let asked: Vec<&FetchReport> = self.streams.iter().filter(stands_alone).collect();
        let absent = |report: &&FetchReport| matches!(report.outcome, FetchOutcome::NotThere(_));
        let new = |report: &&FetchReport| report.was_never_there;
        asked.iter().all(absent) && (asked.len() > 1 || asked.iter().any(new))
    }
}

/// What fetching a stream came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchReport {
    /// The stream.
    pub stream: String,
    /// Records fetched, each counted once.
    pub records: u64,
    /// How many of them could not be read; each is a reject when it is loaded.
    pub unreadable: u64,
    /// How many of them another stream said to have changed; each was asked for by itself.
    pub changed: u64,
    /// Records that the source says there are, where it says so; those that changed are not in its count.
    pub total: Option<u64>,
    /// How many parents it was asked for by.
    pub parents: u64,
    /// What is missing: of this run, and of earlier ones.
    pub gaps: Vec<Gap>,
    /// Parents whose records are not there for us.
    pub skipped: Vec<Skipped>,
    /// The permission that a token needs for it, in the source's words.
    pub scope: Option<String>,
    /// Whether it went on with a run that had been cut short.
    pub resumed: bool,
    /// Whether everything there is was listed, so that what is not among it is gone.
    pub complete_listing: bool,
    /// Whether no run of it ever ended before.
    pub was_never_there: bool,
    /// How many records there were before, if the listing has so few that it is not believed yet.
    pub held_back: Option<u64>,
    /// How it ended.
    pub outcome: FetchOutcome,
}

/// A parent whose records are not there for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Which parent.
    pub whose: String,
    /// Why.
    pub reason: String,
}

/// How a stream ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchOutcome {
    /// All that was asked for was answered, or is a gap.
    Done,
    /// Somebody said stop.
    Stopped,
    /// The token is not right.
    Unauthorized(String),
    /// The token may not see it.
    Forbidden(String),
    /// It is not there.
    NotThere(String),
    /// It is not in the plan that was bought.
    NotInPlan(String),
    /// The source cannot be reached.
    Down(String),
    /// The source is in trouble: one request after the other was tried as often as may be.
    Trouble(String),
    /// The stream that it depends on was never fetched.
    NoParents(String),
    /// It could not be written to disk.
    Disk(String),
}

impl FetchOutcome {
    pub(crate) fn of(ended_by: Option<Failure>) -> Self {
        match ended_by {
            None => Self::Done,
            Some(Failure::Stopped) => Self::Stopped,
            Some(Failure::Unauthorized(reason)) => Self::Unauthorized(reason),
            Some(Failure::Forbidden(reason)) => Self::Forbidden(reason),
            Some(Failure::NotThere(reason)) => Self::NotThere(reason),
            Some(Failure::NotInPlan(reason)) => Self::NotInPlan(reason),
            Some(Failure::Down(reason)) => Self::Down(reason),
            Some(
                Failure::GaveUp(reason) | Failure::Refused(reason) | Failure::Elsewhere(reason),
            ) => Self::Trouble(reason),
        }
    }

    /// Whether the source's other streams need not be tried.
    pub fn ends_the_source(&self) -> bool {
        matches!(
            self,
            Self::Stopped | Self::Unauthorized(_) | Self::Down(_) | Self::Disk(_)
        )
    }

    /// Whether the run keeps its journal, to go on the next time.
    pub(crate) fn goes_on_later(&self) -> bool {
        matches!(self, Self::Stopped | Self::Unauthorized(_))
    }

    /// Whether the source does not have the stream for us.
    pub fn is_passed_over(&self) -> bool {
        matches!(self, Self::NotThere(_) | Self::NotInPlan(_))
    }
}

impl FetchReport {
    pub(crate) fn failed(stream: &StreamName, gaps: Vec<Gap>, outcome: FetchOutcome) -> Self {
        Self {
            stream: stream.to_string(),
            records: 0,
            unreadable: 0,
            changed: 0,
            total: None,
            parents: 0,
            gaps,
            skipped: Vec::new(),
            scope: None,
            resumed: false,
            complete_listing: false,
            was_never_there: false,
            held_back: None,
            outcome,
        }
    }

    /// Adds what a run that was cut short brought, after which this one followed.
    pub(crate) fn goes_on_from(&mut self, beginning: &Self) {
        self.records += beginning.records;
        self.unreadable += beginning.unreadable;
        self.changed += beginning.changed;
        self.total = match (self.total, beginning.total) {
            (Some(own), Some(other)) => Some(own + other),
            (own, other) => own.or(other),
        };
        self.resumed = true;
    }

    /// Whether all that was asked for came, or the source does not have it for us.
    pub fn is_whole(&self) -> bool {
        self.gaps.is_empty()
            && self.unreadable == 0
            && self.held_back.is_none()
            && (self.outcome == FetchOutcome::Done || self.outcome.is_passed_over())
    }
}
