//! What a run of a stream is to ask for: decided here and nowhere else, from the state, the raw files that are there,
//! what was typed, and the time. Nothing is read or written here. What came of it is folded back in `fold`.
//!
//! A gap is an obligation: whatever a run was asked for, it asks for every gap as well.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use definitions::extractor::{Start, StreamExtraction, Windowing};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fold::Complete;
use crate::journal::Listing;
use crate::run_id::RunId;
use crate::state::{Gap, State, Values};
use crate::window::{self, Window};

/// What somebody asks for beyond what is new.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// From this moment on, also where that was never asked for before.
    pub since: Option<Timestamp>,
    /// All over again.
    pub full: bool,
}

/// The raw files that are there, as far as planning looks at them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Ids that names in the stream's own folder begin with, whoever wrote them.
    pub taken: BTreeSet<RunId>,
    /// What the parent's stream has.
    pub parent: Runs,
    /// What the stream has that says which records changed.
    pub teller: Runs,
}

/// The runs of a stream that another one follows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runs {
    /// The raw files of runs, in order. Files that people brought are not among them.
    pub files: Vec<(RunId, String)>,
    /// The newest run that ended.
    pub ended: Option<RunId>,
    /// The run that was cut short and will be gone on with.
    pub under_way: Option<RunId>,
    /// From when on everything is wanted of it, if it is cut by time.
    pub begun: Option<Timestamp>,
    /// The latest time that the source's clock ever said.
    pub seen: Option<Timestamp>,
    /// Up to when the newest run that ended can have brought what there was.
    pub asked_at: Option<Timestamp>,
    /// The newest run that left nothing out.
    pub complete: Option<RunId>,
    /// Whether nothing is left out now, by the stream itself and by all that it is asked for by.
    pub is_complete: bool,
}

/// What a run sets out to do: the first line of its journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPlan {
    /// When it began.
    pub started_at: Timestamp,
    /// Its id, which the names of its raw files begin with.
    #[serde(alias = "stamp")]
    pub run: RunId,
    /// What was asked for beyond what was new.
    pub since: Option<Timestamp>,
    /// Whether everything was to be fetched again.
    pub full: bool,
    /// From when on everything is wanted, if the stream is cut by time.
    #[serde(default)]
    pub begun: Option<Timestamp>,
    /// Until when everything is wanted.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// The windows to ask for, of all parents; none where the stream is not cut by time.
    pub windows: Vec<Window>,
    /// What is asked for besides: gaps of one parent or of one changed record.
    #[serde(default)]
    pub again: Vec<Listing>,
    /// The raw files that name the parents.
    pub parent_files: Vec<String>,
    /// The run of the parent's stream behind which these begin; nothing where they are all that there are.
    #[serde(default)]
    pub parents_after: Option<RunId>,
    /// The newest ended run of the parent's stream.
    pub parents_until: Option<RunId>,
    /// Whether the parents are all that there are.
    pub parents_complete: bool,
    /// From when on the parents are all that there are, if they are cut by time.
    #[serde(default)]
    pub parents_begun: Option<Timestamp>,
    /// Up to when the parents are all that there are: what is newer may belong to others.
    #[serde(default)]
    pub parents_asked_at: Option<Timestamp>,
    /// The raw files that say what changed.
    pub change_files: Vec<String>,
    /// The newest ended run of the telling stream.
    pub changes_until: Option<RunId>,
    /// Whether it fetches everything within reach again.
    pub refresh: bool,
    /// The hash of what the definition said: under another one the journal means nothing.
    pub definition: u64,
}

/// The parent stream was never fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoParents;

/// Plans a run.
pub fn plan(
    stream: &StreamExtraction,
    state: &State,
    inventory: &Inventory,
    wanted: Wanted,
    definition: u64,
    now: Timestamp,
) -> Result<RunPlan, NoParents> {
    let (parent, teller) = (&inventory.parent, &inventory.teller);
    // A clock that was put back would leave out what came since.
    let now = [state.seen, parent.seen]
        .into_iter()
        .flatten()
        .fold(now, Ord::max);
    if stream.parent.is_some() && parent.ended.is_none() && parent.files.is_empty() {
        return Err(NoParents);
    }
    let mut plan = RunPlan {
        started_at: now,
        run: RunId::unused(now, state.newest(), &inventory.taken),
        since: wanted.since,
        full: wanted.full,
        begun: None,
        until: None,
        windows: Vec::new(),
        again: Vec::new(),
        parent_files: Vec::new(),
        parents_after: None,
        parents_until: parent.ended,
        parents_complete: stream.parent.is_none() || parent.is_complete,
        parents_begun: parent.begun,
        parents_asked_at: parent.asked_at,
        change_files: Vec::new(),
        changes_until: teller.ended,
        refresh: false,
        definition,
    };
    if let Some(cut) = &stream.windows {
        let range = range(cut, state, wanted, now);
        (plan.begun, plan.until) = (Some(range.since), Some(range.until));
        (plan.windows, plan.refresh) = windows(cut, state, parent, wanted, range, now);
    }
    if stream.parent.is_some() {
        plan.parent_files = if stream.windows.is_none() {
            parent.files_since(parent.complete)
        } else {
            let only_new = !wanted.full && wanted.since.is_none();
            plan.parents_after = state.parents_until.filter(|_| only_new);
            parent.files_after(plan.parents_after)
        };
    }
    if stream.changed.is_some() {
        plan.change_files = teller.files_after(state.changes_until);
    }
    // Where every run asks for all parents, those with a gap are among them, unless not all parents are known.
    let all_parents_asked = stream.windows.is_none() && plan.parents_complete;
    plan.again = state
        .gaps
        .iter()
        .filter(|gap| gap.parent.is_some() && (gap.changed || !all_parents_asked))
        .map(Gap::listing)
        .collect();
    Ok(plan)
}

impl RunPlan {
    /// The plan of a run that is gone on with: what its parents lack by now, it lacks too.
    pub fn gone_on_with(mut self, stream: &StreamExtraction, inventory: &Inventory) -> Self {
        self.parents_complete &= stream.parent.is_none() || inventory.parent.is_complete;
        self
    }

    /// The listings that the run begins with, given the values of the parents that its files name. Requests for changed
    /// records follow when these are done.
    pub fn listings(&self, stream: &StreamExtraction, parents: Vec<Values>) -> Vec<Listing> {
        let windows: Vec<Option<Window>> = if stream.windows.is_some() {
            self.windows.iter().copied().map(Some).collect()
        } else {
            vec![None]
        };
        let known: HashSet<&Values> = parents.iter().collect();
        let again = self.again.iter().filter(|listing| {
            let planned = |window: &Option<Window>| match (listing.window, window) {
                (Some(missing), Some(asked)) => {
                    asked.since <= missing.since && missing.until <= asked.until
                }
                (missing, asked) => missing.is_none() && asked.is_none(),
            };
            let parent_asked = listing
                .parent
                .as_ref()
                .is_some_and(|one| known.contains(one));
            let asked = parent_asked && windows.iter().any(planned);
            !(listing.changed || asked)
        });
        let again: Vec<Listing> = again.cloned().collect();
        let parents: Vec<Option<Values>> = match stream.parent {
            None => vec![None],
            Some(_) => parents.into_iter().map(Some).collect(),
        };
        let pairs = parents.iter().flat_map(|parent| {
            windows.iter().map(|window| Listing {
                window: *window,
                parent: parent.clone(),
                changed: false,
            })
        });
        pairs.chain(again).collect()
    }

    /// The requests for changed records: those of earlier runs that failed, and one for each record that the telling
    /// stream names. `fetched` says what this run has already.
    pub fn changed(&self, told: Vec<Values>, fetched: impl Fn(&str) -> bool) -> Vec<Listing> {
        let mut seen = HashSet::new();
        let mut listings = Vec::new();
        let again = self.again.iter().filter(|listing| listing.changed);
        for listing in again {
            seen.extend(
                listing
                    .parent
                    .as_ref()
                    .and_then(|values| values.first())
                    .cloned(),
            );
            listings.push(listing.clone());
        }
        for values in told {
            let is_new = values
                .first()
                .is_some_and(|first| !fetched(&first.1) && seen.insert(first.clone()));
            if is_new {
                listings.push(Listing {
                    window: None,
                    parent: Some(values),
                    changed: true,
                });
            }
        }
        listings
    }
}

impl Gap {
    /// What has to be asked for to fill it.
    pub fn listing(&self) -> Listing {
        Listing {
            window: self.window,
            parent: self.parent.clone(),
            changed: self.changed,
        }
    }
}

impl Runs {
    /// What a stream has, by its state, the run of it that was cut short, its raw files, and what its own parent has.
    pub fn of(
        state: &State,
        under_way: Option<RunId>,
        files: Vec<(RunId, String)>,
        parent: Option<&Self>,
    ) -> Self {
        let parents_complete = parent.is_none_or(|parent| parent.is_complete);
        Self {
            files,
            ended: state.newest(),
            begun: state.begun,
            seen: state.seen,
            asked_at: state.last.as_ref().and_then(|last| last.asked_at),
            under_way,
            complete: state.complete.as_ref().map(Complete::run),
            is_complete: state.is_complete() && under_way.is_none() && parents_complete,
        }
    }

    /// The files of the runs after one; of all runs, if none is named.
    fn files_after(&self, after: Option<RunId>) -> Vec<String> {
        self.files_of(|run| after.is_none_or(|after| run > after))
    }

    /// The files of a run and of those behind it.
    fn files_since(&self, first: Option<RunId>) -> Vec<String> {
        self.files_of(|run| first.is_none_or(|first| run >= first))
    }

    /// Only runs that the stream knows of: somebody's file with a name like ours may say any time.
    fn files_of(&self, wanted: impl Fn(RunId) -> bool) -> Vec<String> {
        let newest = self.ended.max(self.under_way);
        self.files
            .iter()
            .filter(|(run, _)| Some(*run) <= newest && wanted(*run))
            .map(|(_, file)| file.clone())
            .collect()
    }
}

/// The stretch of time in which everything is wanted.
fn range(cut: &Windowing, state: &State, wanted: Wanted, now: Timestamp) -> Window {
    let start = match cut.start {
        Start::At(moment) => moment,
        Start::Before(span) => window::before(now, span),
    };
    // A state of an earlier version says only what came and what did not.
    let covered = state.covered.as_slice().first().map(|first| first.since);
    let gaps = state
        .gaps
        .iter()
        .filter_map(|gap| gap.window)
        .map(|gap| gap.since);
    let begun = state.begun.into_iter().chain(covered).chain(gaps).min();
    let since = match (begun, wanted.since) {
        (Some(begun), Some(since)) => begun.min(since),
        (Some(begun), None) if wanted.full => begun.min(start),
        (Some(begun), None) => begun,
        (None, Some(since)) => since,
        (None, None) => start,
    };
    Window {
        since: window::day_start(since),
        until: window::next_day(now),
    }
}

/// The windows that a run asks for, and whether it fetches again what may have changed without a sign.
fn windows(
    cut: &Windowing,
    state: &State,
    parent: &Runs,
    wanted: Wanted,
    range: Window,
    now: Timestamp,
) -> (Vec<Window>, bool) {
    let mut covered = state.covered.clone();
    // What was fetched later than now was fetched while the clock was wrong, or is.
    covered.remove(Window {
        since: now,
        until: Timestamp::MAX,
    });
    let back_to = |moment: Timestamp| Window {
        since: window::day_start(moment),
        until: range.until,
    };
    let back_by = |from: Timestamp, span: Duration| back_to(window::before(from, span));
    if wanted.full {
        covered.remove(wanted.since.map_or(range, back_to));
    }
    let mut refresh = wanted.full;
    if let Some((every, reach)) = cut.refresh {
        let due = state
            .refreshed_at
            .is_none_or(|last| window::before(now, every) >= last || last > now);
        if due {
            covered.remove(back_by(now, reach));
            refresh = true;
        }
    }
    if let Some(last) = covered.as_slice().last().copied() {
        covered.remove(back_by(last.until, cut.lookback));
    }
    if let (Some(begun), Some(until)) = (parent.begun, state.parents_begun)
        && begun < until
    {
        // Parents of earlier days are there now, and had their records then and before.
        covered.remove(Window {
            since: Timestamp::MIN,
            until,
        });
    }
    for gap in state.gaps.iter().filter(|gap| gap.parent.is_none()) {
        if let Some(gap) = gap.window {
            covered.remove(gap);
        }
    }
    let missing = covered.missing(range);
    let cut = missing
        .into_iter()
        .flat_map(|window| window.cut(cut.longest));
    (cut.collect(), refresh)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
