//! What a run came to, folded back into the state: what is covered now, which gaps are filled and which are left, and
//! whether anything was left out. Pure, as `plan` is; only here a listing becomes [`Complete`].

use std::collections::HashMap;

use definitions::extractor::StreamExtraction;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::journal::Listing;
use crate::plan::RunPlan;
use crate::run_id::RunId;
use crate::state::{Cause, Gap, LastRun, State, Values};
use crate::window::{Window, Windows};

/// A run that left nothing out: every listing came to its end, nothing was skipped, no gap is left, and what it was asked
/// for by was complete as well. Only [`fold`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complete {
    run: RunId,
    records: u64,
}

/// What became of the listings of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Came {
    /// Those that came to their end; of one that was halved, the halves.
    pub done: Vec<Listing>,
    /// Those that did not, and why.
    pub failed: Vec<Gap>,
    /// Those of parents or changed records that are not there any more.
    pub gone: Vec<Listing>,
    /// Why the run ended before all was asked for, if it did.
    pub cut_short: Option<CutShort>,
    /// The records that came, each counted once.
    pub records: u64,
    /// Those of them that could not be read.
    pub unreadable: u64,
    /// The earliest time that the source's clock said.
    pub source_time: Option<Timestamp>,
}

/// Why a run ended before all was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CutShort {
    /// The rest did not come.
    Missing(Cause, String),
    /// The source does not have it for us, so nothing is missing.
    PassedOver,
}

/// A run folded into the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// What is remembered from now on.
    pub state: State,
    /// The run, if it left nothing out.
    pub complete: Option<Complete>,
    /// How many records there were before, if the listing has so few that it is not believed yet.
    pub held_back: Option<u64>,
}

impl Complete {
    /// Which run it was.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// How many records it brought, each counted once.
    pub fn records(&self) -> u64 {
        self.records
    }
}

/// Folds what a run came to into the state.
pub fn fold(
    stream: &StreamExtraction,
    before: &State,
    plan: &RunPlan,
    came: &Came,
    finished_at: Timestamp,
) -> Folded {
    let mut state = before.clone();
    let ended = came.cut_short.is_none();
    state.seen = before.seen.max(came.source_time);
    state.begun = before.begun.into_iter().chain(plan.begun).min();
    state.gaps = gaps(stream, before, plan, came, finished_at);
    if stream.windows.is_some() {
        cover(stream, &mut state.covered, &state.gaps, plan, came);
    }
    if ended && plan.parents_complete {
        state.parents_until = plan.parents_until.or(state.parents_until);
        state.parents_begun = plan.parents_begun;
    } else {
        // What is missing is missing of all these parents.
        state.parents_until = plan.parents_after;
    }
    if ended {
        state.changes_until = plan.changes_until.or(state.changes_until);
        if plan.refresh {
            state.refreshed_at = Some(plan.started_at);
        }
    }
    // A stream that the source does not have was not fetched.
    let passed_over = came.cut_short == Some(CutShort::PassedOver);
    state.passed_over = passed_over.then_some(finished_at);
    if !passed_over || came.records > 0 {
        state.last = Some(LastRun {
            started_at: plan.run.moment(),
            finished_at,
            records: came.records,
            asked_at: Some(asked_at(plan, came)),
        });
    }
    let nothing_missing = ended
        && state.gaps.is_empty()
        && came.gone.iter().all(|listing| listing.changed)
        && came.unreadable == 0
        && plan.parents_complete;
    let records_before = before.complete.as_ref().map_or(0, Complete::records);
    let doubted = stream.whole
        && !plan.full
        && before.held_back.is_none()
        && has_collapsed(records_before, came.records);
    let complete = (nothing_missing && !doubted).then_some(Complete {
        run: plan.run,
        records: came.records,
    });
    let held_back = (nothing_missing && doubted).then_some(records_before);
    if complete.is_some() {
        state.complete = complete;
        state.held_back = None;
    } else if held_back.is_some() {
        state.held_back = Some(came.records);
    }
    Folded {
        state,
        complete,
        held_back,
    }
}

/// Whether a listing has so much less than the one before that a fault is likelier than that all of it was deleted:
/// nothing, or less than a tenth where there was more than a handful.
fn has_collapsed(before: u64, now: u64) -> bool {
    (now == 0 && before > 0) || (before >= 20 && now < before / 10)
}

/// The gaps that are left: those of before as far as they were not filled, and those of this run.
fn gaps(
    stream: &StreamExtraction,
    before: &State,
    plan: &RunPlan,
    came: &Came,
    now: Timestamp,
) -> Vec<Gap> {
    // Nothing is missing yet of what is still to come. What a clock that was ahead made a gap ends now, once the source
    // says what time it is.
    let to_come = to_come(plan, came);
    let still_to_come = came.source_time.map(|time| after(time.max(now)));
    let mut new: Vec<Gap> = new_gaps(stream, plan, came)
        .iter()
        .flat_map(|gap| without(gap, &[to_come]))
        .collect();
    let mut left = Vec::new();
    let answered = Answered::of(stream, plan, came);
    for old in &before.gaps {
        let rest = answered.rest_of(old);
        let rest = rest
            .iter()
            .flat_map(|gap| without(gap, still_to_come.as_slice()));
        for gap in new.iter_mut().filter(|gap| concern_the_same(gap, old)) {
            gap.since = gap.since.min(old.since).or(old.since);
        }
        left.extend(rest.flat_map(|gap| {
            let again: Vec<Window> = new
                .iter()
                .filter(|new| concern_the_same(new, &gap))
                .filter_map(|new| new.window)
                .collect();
            let replaced =
                gap.window.is_none() && new.iter().any(|new| concern_the_same(new, &gap));
            if replaced {
                Vec::new()
            } else {
                without(&gap, &again)
            }
        }));
    }
    for gap in &mut new {
        gap.since = gap.since.or(Some(now));
    }
    left.extend(new);
    left
}

/// Whether two gaps miss some of the same.
fn concern_the_same(a: &Gap, b: &Gap) -> bool {
    let overlap = match (a.window, b.window) {
        (Some(a), Some(b)) => a.since < b.until && b.since < a.until,
        (None, None) => true,
        _ => false,
    };
    overlap && a.parent == b.parent && a.changed == b.changed
}

/// What this run did not bring.
fn new_gaps(stream: &StreamExtraction, plan: &RunPlan, came: &Came) -> Vec<Gap> {
    let behind = plan
        .until
        .zip(came.source_time)
        .filter(|(until, time)| until < time)
        .map(|(since, until)| Window { since, until });
    let behind = behind.into_iter().flat_map(|window| {
        let reason =
            "the clock of this machine is behind that of the source: nothing newer was asked for";
        of_all_parents(stream, Cause::Failed, reason, &[window])
    });
    let mut gaps = match (&came.cut_short, &stream.parent) {
        (Some(CutShort::Missing(cause, reason)), None) => {
            rest_of_run(stream, plan, came, *cause, reason)
        }
        (Some(CutShort::Missing(cause, reason)), Some(_)) => {
            of_all_parents(stream, *cause, reason, &plan.windows)
        }
        (Some(CutShort::PassedOver), _) => came.failed.clone(),
        (None, Some(parent)) if !plan.parents_complete => {
            // What the parents lack may have had records here.
            let reason = format!(
                "it depends on `{}`, which is not complete",
                parent.stream.text
            );
            let mut gaps = of_all_parents(stream, Cause::Parents, &reason, &plan.windows);
            if stream.windows.is_none() {
                gaps.extend(came.failed.iter().cloned());
            }
            gaps
        }
        (None, _) => came.failed.clone(),
    };
    gaps.extend(behind);
    gaps
}

/// The gaps of windows, whatever the parent; one gap without a window where the stream is not cut by time.
fn of_all_parents(
    stream: &StreamExtraction,
    cause: Cause,
    reason: &str,
    windows: &[Window],
) -> Vec<Gap> {
    let joined = joined(windows);
    let mut windows: Vec<Option<Window>> = Vec::new();
    if stream.windows.is_some() {
        windows.extend(joined.as_slice().iter().copied().map(Some));
    }
    if windows.is_empty() && (stream.windows.is_none() || stream.parent.is_some()) {
        windows.push(None);
    }
    let gap = |window| Gap {
        window,
        parent: None,
        changed: false,
        reason: reason.to_owned(),
        cause,
        since: None,
    };
    windows.into_iter().map(gap).collect()
}

/// What a run that was cut short did not come to, as one gap with what failed in it.
fn rest_of_run(
    stream: &StreamExtraction,
    plan: &RunPlan,
    came: &Came,
    cause: Cause,
    reason: &str,
) -> Vec<Gap> {
    let mut missing = joined(&plan.windows);
    came.done
        .iter()
        .filter_map(|listing| listing.window)
        .for_each(|done| missing.remove(done));
    // Of what is still to come nothing is missing, so that it does not stand for the changed records either.
    missing.remove(to_come(plan, came));
    let changed = came.failed.iter().filter(|gap| gap.changed).cloned();
    let mut rest = of_all_parents(stream, cause, reason, missing.as_slice());
    if rest.is_empty() {
        // Only requests for changed records were left.
        rest.push(Gap {
            window: None,
            parent: None,
            changed: true,
            reason: reason.to_owned(),
            cause,
            since: None,
        });
    }
    changed.chain(rest).collect()
}

fn joined(windows: &[Window]) -> Windows {
    let mut all = Windows::default();
    windows.iter().for_each(|window| all.add(*window));
    all
}

/// What a run got an answer to.
struct Answered<'a> {
    windowed: bool,
    parented: bool,
    /// Whether all that there is was asked for, so that what failed is among the new gaps.
    everything: bool,
    plan: &'a RunPlan,
    windows: HashMap<Option<&'a Values>, Vec<Window>>,
    whole: Vec<&'a Listing>,
}

impl<'a> Answered<'a> {
    fn of(stream: &StreamExtraction, plan: &'a RunPlan, came: &'a Came) -> Self {
        let mut answered = Self {
            windowed: stream.windows.is_some(),
            parented: stream.parent.is_some(),
            everything: came.cut_short.is_none() && plan.parents_complete,
            plan,
            windows: HashMap::new(),
            whole: Vec::new(),
        };
        for listing in came.done.iter().chain(&came.gone) {
            match listing.window {
                Some(window) => {
                    let windows = answered.windows.entry(listing.parent.as_ref()).or_default();
                    windows.push(window);
                }
                None => answered.whole.push(listing),
            }
        }
        answered
    }

    /// What of a gap is still to be filled.
    fn rest_of(&self, gap: &Gap) -> Vec<Gap> {
        let listing = gap.listing();
        let stays = |stays: bool| if stays { vec![gap.clone()] } else { Vec::new() };
        if gap.changed && gap.parent.is_none() {
            return stays(!self.everything);
        }
        if gap.changed {
            return stays(!self.whole.contains(&&listing));
        }
        let of_all_parents = self.parented && gap.parent.is_none();
        match gap.window {
            Some(_) if of_all_parents && self.windowed => {
                let asked = if self.everything {
                    self.plan.windows.as_slice()
                } else {
                    &[]
                };
                without(gap, asked)
            }
            Some(_) if self.windowed => {
                let answered = self.windows.get(&gap.parent.as_ref());
                without(gap, answered.map_or(&[], Vec::as_slice))
            }
            _ if of_all_parents || self.windowed => stays(!self.everything),
            _ => stays(!self.everything && !self.whole.contains(&&listing)),
        }
    }
}

/// A gap without some stretches of time.
fn without(gap: &Gap, windows: &[Window]) -> Vec<Gap> {
    let Some(window) = gap.window else {
        return vec![gap.clone()];
    };
    let mut left = joined(&[window]);
    windows.iter().for_each(|window| left.remove(*window));
    let part = |window: &Window| Gap {
        window: Some(*window),
        ..gap.clone()
    };
    left.as_slice().iter().map(part).collect()
}

/// What was still to come when the source was asked.
fn to_come(plan: &RunPlan, came: &Came) -> Window {
    after(asked_at(plan, came))
}

fn after(since: Timestamp) -> Window {
    Window {
        since,
        until: Timestamp::MAX,
    }
}

/// The moment at which the source was asked: by its own clock if it said so, since ours may be wrong.
fn asked_at(plan: &RunPlan, came: &Came) -> Timestamp {
    came.source_time.unwrap_or(plan.started_at)
}

/// Brings what is covered up to date. Nothing is covered beyond the moment at which the source was asked, by its parents
/// or by itself.
fn cover(
    stream: &StreamExtraction,
    covered: &mut Windows,
    gaps: &[Gap],
    plan: &RunPlan,
    came: &Came,
) {
    let asked_at = asked_at(plan, came);
    let asked_at = plan
        .parents_asked_at
        .map_or(asked_at, |parents| parents.min(asked_at));
    let mut add = |window: Window| {
        covered.add(Window {
            since: window.since,
            until: window.until.min(asked_at),
        });
    };
    if stream.parent.is_none() {
        let own = came.done.iter().filter(|listing| !listing.changed);
        own.filter_map(|listing| listing.window).for_each(&mut add);
    } else if came.cut_short.is_none() {
        plan.windows.iter().copied().for_each(&mut add);
    }
    for gap in gaps.iter().filter(|gap| gap.parent.is_none()) {
        if let Some(window) = gap.window {
            covered.remove(window);
        }
    }
}
