//! A run of one stream: what to ask for, as many listings at once as the source allows, what is left out, and what is
//! remembered for the next run.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use definitions::extractor::{Parent, Start, StreamExtraction};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::client::{Client, Failure};
use crate::listing::{self, Context, Ended};
use crate::output::{self, Output};
use crate::page;
use crate::paging::Position;
use crate::state::{self, Gap, LastRun, Listing, Plan, Progress as ListingProgress, State, Values};
use crate::window::{self, Window};
use crate::{Options, Outcome, Progress, SettingValues, Stop, StreamReport};

/// A run that was killed longer ago, in seconds, is finished and then followed by a new one, for what came since.
const STALE_RUN: i64 = 900;

/// What a run of a stream needs.
pub(crate) struct Run<'a> {
    pub client: &'a Client,
    pub stream: &'a StreamExtraction,
    pub concurrency: usize,
    pub settings: &'a SettingValues,
    pub raw_data: &'a Path,
    pub redaction_key: [u8; 32],
    pub definition: u64,
    pub options: &'a Options,
    pub stop: &'a Stop,
    pub progress: &'a dyn Progress,
}

/// Fetches a stream: first what a killed run left over, then what is new.
pub(crate) async fn run(run: &Run<'_>) -> StreamReport {
    let folder = run.raw_data.join(run.stream.stream.text.as_str());
    match try_run(run, &folder).await {
        Ok(report) => report,
        Err(error) => StreamReport::failed(
            &run.stream.stream.text,
            Outcome::Disk(format!("`{}`: {error}", folder.display())),
        ),
    }
}

async fn try_run(run: &Run<'_>, folder: &Path) -> io::Result<StreamReport> {
    make_folder(folder)?;
    let mut resumed = 0;
    if let Some(left) = state::unfinished(folder)? {
        let output = if left.plan.definition == run.definition {
            Output::resume(folder, &left)?
        } else {
            None
        };
        match output {
            Some(output) => {
                // A new run would ask for the same once more, if nothing can have come since.
                let recent =
                    Timestamp::now().as_second() - left.plan.started_at.as_second() < STALE_RUN;
                let same =
                    left.plan.since == run.options.since && left.plan.full == run.options.full;
                let mut report = go(run, folder, left.plan, left.listings, output).await?;
                report.resumed = true;
                if report.outcome.ends_the_source() || (recent && same) {
                    return Ok(report);
                }
                resumed = report.records;
            }
            None => {
                output::keep_what_is_there(folder, &left)?;
                state::end_journal(folder)?;
            }
        }
    }
    let state = state::read(folder)?;
    let plan = match plan(run, folder, &state)? {
        Ok(plan) => plan,
        Err(outcome) => return Ok(StreamReport::failed(&run.stream.stream.text, outcome)),
    };
    let output = Output::begin(folder, &plan)?;
    let mut report = go(run, folder, plan, HashMap::new(), output).await?;
    report.records += resumed;
    report.resumed = resumed > 0;
    Ok(report)
}

/// What a new run is to ask for.
fn plan(run: &Run<'_>, folder: &Path, state: &State) -> io::Result<Result<Plan, Outcome>> {
    let started_at = Timestamp::now();
    let mut plan = Plan {
        started_at,
        stamp: unused_stamp(folder, started_at)?,
        since: run.options.since,
        full: run.options.full,
        windows: Vec::new(),
        parent_files: Vec::new(),
        parents_until: None,
        parents_complete: true,
        change_files: Vec::new(),
        changes_until: None,
        refresh: false,
        definition: run.definition,
    };
    if let Some(windows) = &run.stream.windows {
        (plan.windows, plan.refresh) = windows_to_ask(windows, state, started_at, run.options);
    }
    if let Some(parent) = &run.stream.parent {
        // Of what is listed whole the last run counts; of what is cut by time, what came since.
        let after = run.stream.windows.as_ref().and(state.parents_until.clone());
        let after = after.filter(|_| !run.options.full && run.options.since.is_none());
        let found = files_of(run, parent, after.as_deref())?;
        let Some(last) = found.last else {
            return Ok(Err(Outcome::NoParents(parent.stream.text.to_string())));
        };
        plan.parents_complete = last.complete;
        plan.parents_until = found.until;
        plan.parent_files = if run.stream.windows.is_some() {
            found.files
        } else {
            found.newest
        };
    }
    if let Some(changed) = &run.stream.changed {
        let found = files_of(run, &changed.by, state.changes_until.as_deref())?;
        plan.changes_until = found.until;
        plan.change_files = found.files;
    }
    Ok(Ok(plan))
}

/// The windows that a run asks for, and whether it fetches again what may have changed without a sign.
fn windows_to_ask(
    windows: &definitions::extractor::Windows,
    state: &State,
    now: Timestamp,
    options: &Options,
) -> (Vec<Window>, bool) {
    let begun = state.covered.as_slice().first().map(|first| first.since);
    let start = match windows.start {
        Start::At(moment) => moment,
        Start::Before(span) => window::before(now, span),
    };
    let since = match (options.since, begun) {
        (Some(since), _) => since,
        (None, Some(begun)) if !options.full => begun,
        _ => start,
    };
    let range = Window {
        since: window::day_start(since),
        until: window::next_day(now),
    };
    let mut covered = state.covered.clone();
    let mut refresh = options.full;
    if options.full {
        covered.remove(range);
    }
    let forget = |span| Window {
        since: window::day_start(window::before(now, span)),
        until: range.until,
    };
    if let Some((every, reach)) = windows.refresh {
        let due = state
            .refreshed_at
            .is_none_or(|last| window::before(now, every) >= last);
        if due {
            covered.remove(forget(reach));
            refresh = true;
        }
    }
    if let Some(last) = covered.as_slice().last().copied() {
        covered.remove(Window {
            since: window::day_start(window::before(last.until, windows.lookback)),
            until: range.until,
        });
    }
    let missing = covered.missing(range);
    let cut = missing
        .into_iter()
        .flat_map(|window| window.cut(windows.longest));
    (cut.collect(), refresh)
}

struct FilesOf {
    /// Those of runs after the one named.
    files: Vec<String>,
    /// Those of the newest run.
    newest: Vec<String>,
    until: Option<String>,
    last: Option<LastRun>,
}

/// The raw files that the runs of another stream wrote, by their names.
fn files_of(run: &Run<'_>, parent: &Parent, after: Option<&str>) -> io::Result<FilesOf> {
    let folder = run.raw_data.join(parent.stream.text.as_str());
    let last = state::read(&folder)?.last;
    let mut names = Vec::new();
    match fs::read_dir(&folder) {
        Ok(entries) => {
            for entry in entries {
                let name = entry?.file_name().to_string_lossy().into_owned();
                if !name.starts_with('.') && name.ends_with(".ndjson") {
                    names.push(name);
                }
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    names.sort();
    let newest_stamp = last.as_ref().map(|last| stamp(last.started_at));
    let path = |name: &String| format!("{}/{name}", parent.stream.text);
    Ok(FilesOf {
        files: names
            .iter()
            .filter(|name| after.is_none_or(|after| stamp_of(name) > after))
            .map(path)
            .collect(),
        newest: names
            .iter()
            .filter(|name| newest_stamp.as_deref() == Some(stamp_of(name)))
            .map(path)
            .collect(),
        until: names.last().map(|name| stamp_of(name).to_owned()),
        last,
    })
}

/// The form in which names of files hold a time.
fn stamp(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H-%M-%SZ").to_string()
}

fn stamp_of(name: &str) -> &str {
    name.get(..20).unwrap_or(name)
}

/// A time for names that no earlier run has.
fn unused_stamp(folder: &Path, now: Timestamp) -> io::Result<String> {
    let mut taken = HashSet::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        taken.insert(stamp_of(name.trim_start_matches('.')).to_owned());
    }
    let mut moment = now;
    while taken.contains(&stamp(moment)) {
        moment = moment
            .checked_add(jiff::SignedDuration::from_secs(1))
            .map_err(io::Error::other)?;
    }
    Ok(stamp(moment))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// What became of the listings of a run.
#[derive(Default)]
struct Tally {
    /// Windows whose listing came to its end, where there are no parents.
    done: Vec<Window>,
    /// Requests for single changed records that came to their end.
    changed: u64,
    gaps: Vec<Gap>,
    skipped: Vec<String>,
    ended_by: Option<Failure>,
    /// How many records the source counted, for each listing that named a number.
    totals: HashMap<Listing, u64>,
    halved: Vec<(Listing, Listing, Listing)>,
}

/// Follows all listings of a plan, and ends the run.
async fn go(
    run: &Run<'_>,
    folder: &Path,
    plan: Plan,
    known: HashMap<Listing, ListingProgress>,
    output: Output,
) -> io::Result<StreamReport> {
    let output = Arc::new(Mutex::new(output));
    let context = Context {
        client: run.client,
        stream: run.stream,
        settings: run.settings,
        redaction_key: run.redaction_key,
        output: Arc::clone(&output),
        stop: run.stop,
        progress: run.progress,
    };
    let mut tally = Tally::default();
    let first = listings(run, &plan)?;
    follow_all(run, &context, first.into(), &known, &mut tally).await?;
    if tally.ended_by.is_none() && run.stream.changed.is_some() && !plan.change_files.is_empty() {
        lock(&output)?.close_all()?;
        let changed = changed_listings(run, folder, &plan)?;
        follow_all(run, &context, changed.into(), &known, &mut tally).await?;
    }
    drop(context);
    let mut output = Arc::into_inner(output)
        .and_then(|output| output.into_inner().ok())
        .ok_or_else(|| io::Error::other("a page is still being written"))?;
    finish(run, folder, &plan, tally, &mut output)
}

fn lock(output: &Arc<Mutex<Output>>) -> io::Result<std::sync::MutexGuard<'_, Output>> {
    output
        .lock()
        .map_err(|_| io::Error::other("a page could not be written"))
}

async fn follow_all(
    run: &Run<'_>,
    context: &Context<'_>,
    mut queue: VecDeque<Listing>,
    known: &HashMap<Listing, ListingProgress>,
    tally: &mut Tally,
) -> io::Result<()> {
    let mut under_way = FuturesUnordered::new();
    loop {
        while under_way.len() < run.concurrency.max(1) && tally.ended_by.is_none() {
            let Some(listing) = queue.pop_front() else {
                break;
            };
            let from = match known.get(&listing) {
                Some(ListingProgress::Done) => {
                    tally.done(&listing);
                    continue;
                }
                Some(ListingProgress::Split) => {
                    halve(listing, &mut queue, tally);
                    continue;
                }
                // Places in a listing that must be whole may have shifted meanwhile.
                Some(ListingProgress::At(position)) if run.stream.windows.is_some() => {
                    position.clone()
                }
                _ => Position::First,
            };
            under_way.push(async move {
                let ended = listing::follow(context, &listing, from).await;
                (listing, ended)
            });
        }
        let Some((listing, ended)) = under_way.next().await else {
            return Ok(());
        };
        match ended {
            Ended::Done { total } => {
                if let Some(total) = total {
                    tally.totals.insert(listing.clone(), total);
                }
                tally.done(&listing);
            }
            Ended::TooMany { total } => {
                if let Some(total) = total {
                    tally.totals.insert(listing.clone(), total);
                }
                if cuts_by_time(&listing, tally) {
                    lock(&context.output)?.split(&listing)?;
                    halve(listing, &mut queue, tally);
                } else {
                    tally.gap(&listing, "its halves have as many records as the whole: the source does not cut this finely by time");
                }
            }
            Ended::Failed(failure) => match &failure {
                Failure::Stopped | Failure::Unauthorized(_) => tally.ended_by = Some(failure),
                Failure::Forbidden(_) | Failure::NotThere(_) if listing.parent.is_none() => {
                    tally.ended_by = Some(failure);
                }
                // A changed record that is gone is no record that is missing.
                Failure::NotThere(_) if listing.changed => {}
                Failure::NotThere(reason) => {
                    let whose = whose(&listing);
                    tally.skipped.push(format!("{whose}: {reason}"));
                }
                _ => tally.gap(&listing, failure.reason()),
            },
            Ended::Disk(error) => return Err(error),
        }
    }
}

fn halve(listing: Listing, queue: &mut VecDeque<Listing>, tally: &mut Tally) {
    let Some((left, right)) = listing.window.and_then(Window::halves) else {
        return tally.gap(&listing, "the stretch of time cannot be made shorter");
    };
    let half = |window| Listing {
        window: Some(window),
        ..listing.clone()
    };
    let (left, right) = (half(left), half(right));
    queue.push_front(right.clone());
    queue.push_front(left.clone());
    tally.halved.push((listing, left, right));
}

/// Whether halving got anywhere: not if both halves have all that the whole has.
fn cuts_by_time(listing: &Listing, tally: &Tally) -> bool {
    tally.halved.iter().all(|(whole, left, right)| {
        let total = |part: &Listing| tally.totals.get(part).copied();
        let concerned = left == listing || right == listing;
        match (total(whole), total(left), total(right)) {
            (Some(whole), Some(left), Some(right)) if concerned => left < whole || right < whole,
            _ => true,
        }
    })
}

impl Tally {
    fn done(&mut self, listing: &Listing) {
        self.changed += u64::from(listing.changed);
        if listing.parent.is_none() {
            self.done.extend(listing.window);
        }
    }

    fn gap(&mut self, listing: &Listing, reason: &str) {
        self.gaps.push(Gap {
            window: listing.window,
            parent: listing.parent.clone(),
            reason: reason.to_owned(),
        });
    }

    /// Halves that together have fewer records than the whole lost some between them.
    fn lost_by_halving(&self) -> Vec<Gap> {
        let lost = self.halved.iter().filter_map(|(whole, left, right)| {
            let [all, left, right] =
                [whole, left, right].map(|part| self.totals.get(part).copied());
            let (all, halves) = (all?, left? + right?);
            (halves < all).then(|| Gap {
                window: whole.window,
                parent: whole.parent.clone(),
                reason: format!(
                    "the source counts {all} records in it, but {halves} in its halves"
                ),
            })
        });
        lost.collect()
    }
}

fn whose(listing: &Listing) -> String {
    let values = listing.parent.as_deref().unwrap_or_default();
    values
        .first()
        .map_or_else(String::new, |(name, value)| format!("{name} `{value}`"))
}

/// The listings that a plan begins with.
fn listings(run: &Run<'_>, plan: &Plan) -> io::Result<Vec<Listing>> {
    let windows: Vec<Option<Window>> = if run.stream.windows.is_some() {
        plan.windows.iter().copied().map(Some).collect()
    } else {
        vec![None]
    };
    let parents: Vec<Option<Values>> = match &run.stream.parent {
        None => vec![None],
        Some(parent) => {
            let mut seen = HashSet::new();
            let mut found = Vec::new();
            each_parent(run.raw_data, &plan.parent_files, parent, &mut |values| {
                if seen.insert(hash(&values)) {
                    found.push(Some(values));
                }
            })?;
            found
        }
    };
    let pairs = parents.iter().flat_map(|parent| {
        windows.iter().map(|window| Listing {
            window: *window,
            parent: parent.clone(),
            changed: false,
        })
    });
    Ok(pairs.collect())
}

/// Requests for the records that changed and that this run has not fetched yet.
fn changed_listings(run: &Run<'_>, folder: &Path, plan: &Plan) -> io::Result<Vec<Listing>> {
    let Some(changed) = &run.stream.changed else {
        return Ok(Vec::new());
    };
    let mut seen = HashSet::new();
    let mut own: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if stamp_of(&name) == plan.stamp && name.ends_with(".ndjson") {
            own.push(format!("{}/{name}", run.stream.stream.text));
        }
    }
    own.sort();
    // What the windows brought came after the telling stream was fetched, so it is as new as can be.
    for file in &own {
        each_record(&run.raw_data.join(file), &mut |record| {
            if let Some(key) = page::first_scalar(record, &run.stream.request.key) {
                seen.insert(xxh3_64(key.as_bytes()));
            }
        })?;
    }
    let mut found = Vec::new();
    each_parent(
        run.raw_data,
        &plan.change_files,
        &changed.by,
        &mut |values| {
            let is_new = values
                .first()
                .is_some_and(|(_, key)| seen.insert(xxh3_64(key.as_bytes())));
            if is_new {
                found.push(Listing {
                    window: None,
                    parent: Some(values),
                    changed: true,
                });
            }
        },
    )?;
    Ok(found)
}

/// Hands out the values of each parent record that has all of them.
fn each_parent(
    raw_data: &Path,
    files: &[String],
    parent: &Parent,
    each: &mut dyn FnMut(Values),
) -> io::Result<()> {
    for file in files {
        each_record(&raw_data.join(file), &mut |record| {
            let values: Option<Values> = parent
                .values
                .iter()
                .map(|(name, path)| Some((name.clone(), page::first_scalar(record, path)?)))
                .collect();
            if let Some(values) = values {
                each(values);
            }
        })?;
    }
    Ok(())
}

fn each_record(path: &Path, each: &mut dyn FnMut(&str)) -> io::Result<()> {
    raw::read(path, raw::Format::Ndjson, None, &mut |chunk| {
        for record in &chunk.records {
            if let Some(Ok(text)) = chunk
                .bytes
                .get(record.span.clone())
                .map(std::str::from_utf8)
            {
                each(text);
            }
        }
        true
    })?;
    Ok(())
}

fn hash(values: &Values) -> u64 {
    let mut hash = Xxh3::new();
    for (_, value) in values {
        hash.update(&(value.len() as u64).to_le_bytes());
        hash.update(value.as_bytes());
    }
    hash.digest()
}

/// Ends a run: files get their names, the marker and the state are written, the journal goes. A run that was stopped
/// keeps its journal, and goes on the next time.
fn finish(
    run: &Run<'_>,
    folder: &Path,
    plan: &Plan,
    mut tally: Tally,
    output: &mut Output,
) -> io::Result<StreamReport> {
    tally.gaps.extend(tally.lost_by_halving());
    if let Some(parent) = run
        .stream
        .parent
        .as_ref()
        .filter(|_| !plan.parents_complete)
    {
        // What it lacks may have had records here: these windows are asked for again when it is whole.
        let reason = format!(
            "`{}`, on which it depends, is not complete",
            parent.stream.text
        );
        let gap = |window: &Window| Gap {
            window: Some(*window),
            parent: None,
            reason: reason.clone(),
        };
        tally.gaps.extend(plan.windows.iter().map(gap));
    }
    let name = &run.stream.stream.text;
    let total = tally.totals.iter().filter(|(listing, _)| {
        // What was halved is counted by its halves.
        !tally.halved.iter().any(|(whole, _, _)| whole == *listing)
    });
    let mut report = StreamReport {
        stream: name.to_string(),
        records: output.records,
        changed: tally.changed,
        total: (!tally.totals.is_empty()).then(|| total.map(|(_, total)| total).sum()),
        windows: plan.windows.len() as u64,
        gaps: tally.gaps.clone(),
        skipped: tally.skipped.clone(),
        resumed: false,
        complete_listing: false,
        outcome: Outcome::Done,
    };
    output.close_all()?;
    // With the journal still there the next run goes on; what was fetched can be loaded meanwhile.
    match &tally.ended_by {
        Some(Failure::Stopped) => {
            report.outcome = Outcome::Stopped;
            return Ok(report);
        }
        Some(Failure::Unauthorized(reason)) => {
            report.outcome = Outcome::Unauthorized(reason.clone());
            return Ok(report);
        }
        _ => {}
    }
    let finished_at = Timestamp::now();
    let mut state = state::read(folder)?;
    let nothing_missing = tally.gaps.is_empty() && tally.ended_by.is_none();
    let complete = nothing_missing && tally.skipped.is_empty();
    if run.stream.windows.is_some() {
        for (window, ended) in whole_windows(plan, &tally) {
            if ended {
                state.covered.add(Window {
                    since: window.since,
                    until: window.until.min(plan.started_at),
                });
            } else {
                state.covered.remove(window);
            }
        }
    }
    state.gaps = tally.gaps;
    if nothing_missing {
        state.parents_until = plan.parents_until.clone().or(state.parents_until);
        state.changes_until = plan.changes_until.clone().or(state.changes_until);
        if plan.refresh {
            state.refreshed_at = Some(plan.started_at);
        }
    }
    state.last = Some(LastRun {
        started_at: moment_of(&plan.stamp).unwrap_or(plan.started_at),
        finished_at,
        records: output.records,
        complete,
    });
    if run.stream.whole && complete && plan.parents_complete {
        output.mark_complete(name, plan.started_at, finished_at)?;
        report.complete_listing = true;
    }
    report.outcome = match tally.ended_by {
        Some(Failure::Forbidden(reason)) => Outcome::Forbidden(reason),
        Some(Failure::NotThere(reason)) => Outcome::NotInPlan(reason),
        _ => Outcome::Done,
    };
    state::write(folder, &state)?;
    state::end_journal(folder)?;
    Ok(report)
}

/// The windows of a plan, and whether all that was asked for in each has come.
fn whole_windows(plan: &Plan, tally: &Tally) -> Vec<(Window, bool)> {
    let overlaps = |a: Window, b: Window| a.since < b.until && b.since < a.until;
    let untouched = tally.ended_by.is_none();
    let mut windows = Vec::new();
    if untouched {
        windows.extend(plan.windows.iter().map(|window| (*window, true)));
    } else {
        windows.extend(tally.done.iter().map(|window| (*window, true)));
    }
    let gaps: Vec<Window> = tally.gaps.iter().filter_map(|gap| gap.window).collect();
    windows.extend(
        gaps.into_iter()
            .filter(|gap| plan.windows.iter().any(|window| overlaps(*window, *gap)))
            .map(|gap| (gap, false)),
    );
    windows
}

fn moment_of(stamp: &str) -> Option<Timestamp> {
    raw::time_in_name(stamp).and_then(|micros| Timestamp::from_microsecond(micros).ok())
}
