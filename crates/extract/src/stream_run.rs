//! A run of one stream: as many listings at once as the source allows, until all that is planned came or failed.
//!
//! What to ask for is decided in `plan`, what it came to in `fold`; one listing is followed in `listing`.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::Path;

use definitions::extractor::StreamExtraction;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;

use crate::client::Client;
use crate::failure::Failure;
use crate::fold::{self, Came, CutShort, Folded};
use crate::journal::{self, Listing, Reached, Unfinished};
use crate::lines::Redactor;
use crate::listing::{self, Begin, Context, Ended};
use crate::output::{self, Output};
use crate::page_queue::PageQueue;
use crate::plan::{self, NoParents, RunPlan, Wanted};
use crate::state::{self, Cause};
use crate::tally::Tally;
use crate::{
    FetchOutcome, FetchReport, Progress, SettingValues, Stop, disk, inventory, records, retry,
};

/// A run that was killed longer ago, in seconds, is finished and then followed by a new one, for what came since.
const STALE_RUN: i64 = 900;

/// What a run of a stream needs.
pub(crate) struct Run<'a> {
    pub client: &'a Client,
    pub stream: &'a StreamExtraction,
    /// All streams of the source.
    pub streams: &'a [StreamExtraction],
    pub concurrency: usize,
    pub settings: &'a SettingValues,
    pub raw_data: &'a Path,
    pub redaction_key: [u8; 32],
    pub definition: u64,
    pub wanted: Wanted,
    pub stop: &'a Stop,
    pub progress: &'a dyn Progress,
}

/// Fetches a stream: first what a killed run left over, then what is new.
pub(crate) async fn run(run: &Run<'_>) -> FetchReport {
    let folder = run.raw_data.join(run.stream.stream.text.as_str());
    match try_run(run, &folder).await {
        Ok(report) => report,
        Err(error) => {
            let outcome = FetchOutcome::Disk(format!("`{}`: {error}", folder.display()));
            FetchReport::failed(&run.stream.stream.text, Vec::new(), outcome)
        }
    }
}

/// A stream that is not asked for because the source does not have its parent for us: what was missing still is.
pub(crate) fn passed_over(run: &Run<'_>, outcome: FetchOutcome) -> FetchReport {
    let folder = run.raw_data.join(run.stream.stream.text.as_str());
    match state::read(&folder) {
        Ok(state) => FetchReport::failed(&run.stream.stream.text, state.gaps, outcome),
        Err(error) => {
            let outcome = FetchOutcome::Disk(error.to_string());
            FetchReport::failed(&run.stream.stream.text, Vec::new(), outcome)
        }
    }
}

async fn try_run(run: &Run<'_>, folder: &Path) -> io::Result<FetchReport> {
    disk::make_folder(folder)?;
    let mut beginning = None;
    if let Some(left) = journal::unfinished(folder)? {
        let output = if left.plan.definition == run.definition {
            Output::resume(folder, &left)?
        } else {
            None
        };
        match output {
            Some(output) => {
                // A new run would ask for the same once more, if nothing can have come since.
                let age = Timestamp::now().as_second() - left.plan.started_at.as_second();
                let recent = (0..STALE_RUN).contains(&age);
                let same = left.plan.since == run.wanted.since && left.plan.full == run.wanted.full;
                let inventory = inventory::inventory(run.raw_data, run.streams, run.stream)?;
                let plan = left.plan.gone_on_with(run.stream, &inventory);
                let mut report = go(run, folder, plan, left.listings, output).await?;
                report.resumed = true;
                if report.outcome != FetchOutcome::Done || (recent && same) {
                    return Ok(report);
                }
                beginning = Some(report);
            }
            None => give_up(run, folder, &left)?,
        }
    }
    let state = state::read(folder)?;
    let inventory = inventory::inventory(run.raw_data, run.streams, run.stream)?;
    let now = Timestamp::now();
    let planned = plan::plan(
        run.stream,
        &state,
        &inventory,
        run.wanted,
        run.definition,
        now,
    );
    let plan = match (planned, &run.stream.parent) {
        (Ok(plan), _) => plan,
        (Err(NoParents), parent) => {
            let parent = parent.as_ref().map(|parent| parent.stream.text.to_string());
            let outcome = FetchOutcome::NoParents(parent.unwrap_or_default());
            return Ok(FetchReport::failed(
                &run.stream.stream.text,
                state.gaps,
                outcome,
            ));
        }
    };
    let output = Output::begin(folder, &plan)?;
    let mut report = go(run, folder, plan, HashMap::new(), output).await?;
    if let Some(beginning) = &beginning {
        report.goes_on_from(beginning);
    }
    Ok(report)
}

/// Ends a run that cannot be gone on with: what it brought is kept, and what it set out to do is a gap.
fn give_up(run: &Run<'_>, folder: &Path, left: &Unfinished) -> io::Result<()> {
    output::keep_what_is_there(folder, left)?;
    let reason =
        "a run was cut short, and the extractor or a file of it was changed before it went on";
    let came = Came {
        cut_short: Some(CutShort::Missing(Cause::Failed, reason.to_owned())),
        records: left.files.iter().map(|(_, _, records)| records).sum(),
        ..Came::default()
    };
    let state = state::read(folder)?;
    let folded = fold::fold(run.stream, &state, &left.plan, &came, Timestamp::now());
    state::write(folder, &folded.state)?;
    journal::end(folder)
}

/// Follows all listings of a plan, and ends the run.
async fn go(
    run: &Run<'_>,
    folder: &Path,
    plan: RunPlan,
    known: HashMap<Listing, Reached>,
    output: Output,
) -> io::Result<FetchReport> {
    let redactor = Redactor::new(&run.stream.redact, &run.redaction_key);
    let context = Context {
        client: run.client,
        stream: run.stream,
        settings: run.settings,
        pages: PageQueue::start(output, redactor)?,
        stop: run.stop,
        progress: run.progress,
    };
    let mut tally = Tally::default();
    let parents = match &run.stream.parent {
        Some(parent) => records::parents(run.raw_data, &plan.parent_files, parent, run.stop)?,
        None => Vec::new(),
    };
    tally.parents = parents.len() as u64;
    let first = plan.listings(run.stream, parents);
    follow_all(run, &context, first.into(), &known, &mut tally).await?;
    let changed_too = !plan.change_files.is_empty() || plan.again.iter().any(|one| one.changed);
    if tally.ended_by.is_none() && changed_too {
        context.pages.output()?.close_all()?;
        let changed = changed_listings(run, &plan)?;
        follow_all(run, &context, changed.into(), &known, &mut tally).await?;
    }
    let mut output = context.pages.output()?;
    finish(run, folder, &plan, tally, &mut output)
}

/// Requests for the records that changed and that this run has not fetched yet.
fn changed_listings(run: &Run<'_>, plan: &RunPlan) -> io::Result<Vec<Listing>> {
    let Some(changed) = &run.stream.changed else {
        return Ok(Vec::new());
    };
    // What the windows brought came after the telling stream was fetched, so it is as new as can be.
    let own = inventory::files_of_run(run.raw_data, &run.stream.stream.text, plan.run)?;
    let fetched = records::keys(run.raw_data, &own, &run.stream.request.key, run.stop)?;
    let told = records::parents(run.raw_data, &plan.change_files, &changed.by, run.stop)?;
    Ok(plan.changed(told, |key| fetched.contains(&records::hash(key))))
}

async fn follow_all(
    run: &Run<'_>,
    context: &Context<'_>,
    mut queue: VecDeque<Listing>,
    known: &HashMap<Listing, Reached>,
    tally: &mut Tally,
) -> io::Result<()> {
    let mut under_way = FuturesUnordered::new();
    loop {
        if run.stop.is_set() {
            tally.ended_by = Some(Failure::Stopped);
        }
        while under_way.len() < run.concurrency.max(1) && tally.ended_by.is_none() {
            let Some(listing) = queue.pop_front() else {
                break;
            };
            let from = match known.get(&listing) {
                Some(Reached::Done(listed)) => {
                    tally.done(listing, *listed);
                    continue;
                }
                Some(Reached::Split(total)) => {
                    tally.note_total(&listing, *total);
                    push_halves(listing, &mut queue, tally);
                    continue;
                }
                // Places in a listing that must be whole may have shifted meanwhile.
                Some(Reached::At(position, notes)) if run.stream.windows.is_some() => {
                    Begin::Behind(position.clone(), notes.clone())
                }
                _ => Begin::AtTheFirst,
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
            Ended::Done(listed) => tally.done(listing, listed),
            Ended::TooMany { total } => {
                tally.note_total(&listing, total);
                if tally.cuts_by_time(&listing) {
                    context.pages.output()?.split(&listing, total)?;
                    push_halves(listing, &mut queue, tally);
                } else {
                    let reason = "its halves have as many records as the whole: the source does not cut this finely by time";
                    tally.gap(&listing, Cause::Failed, reason);
                }
            }
            Ended::Failed(failure) => tally.failed(&listing, failure),
            Ended::Disk(error) => return Err(error),
        }
    }
}

fn push_halves(listing: Listing, queue: &mut VecDeque<Listing>, tally: &mut Tally) {
    if let Some((left, right)) = tally.halve(listing) {
        queue.push_front(right);
        queue.push_front(left);
    }
}

/// Ends a run: files get their names, the marker and the state are written, the journal goes. A run that was stopped
/// keeps its journal, and goes on the next time.
fn finish(
    run: &Run<'_>,
    folder: &Path,
    plan: &RunPlan,
    mut tally: Tally,
    output: &mut Output,
) -> io::Result<FetchReport> {
    tally.close();
    let name = &run.stream.stream.text;
    let before = state::read(folder)?;
    let mut report = FetchReport {
        stream: name.to_string(),
        records: tally.came.records,
        unreadable: tally.came.unreadable,
        changed: tally.changed,
        total: tally.total(),
        parents: tally.parents,
        gaps: before.gaps.clone(),
        skipped: tally.skipped,
        scope: run.stream.scope.clone(),
        resumed: false,
        complete_listing: false,
        was_never_there: before.complete.is_none() && before.last.is_none(),
        held_back: None,
        outcome: FetchOutcome::of(tally.ended_by),
    };
    output.close_all()?;
    if report.outcome.goes_on_later() {
        // With the journal still there the next run goes on; what was fetched can be loaded meanwhile.
        report.records = journal::unfinished(folder)?.map_or(0, |left| left.records());
        return Ok(report);
    }
    let finished_at = Timestamp::now();
    let Folded {
        state,
        complete,
        held_back,
    } = fold::fold(run.stream, &before, plan, &tally.came, finished_at);
    if let (true, Some(complete)) = (run.stream.whole, &complete) {
        let started_at = retry::start(plan.started_at, tally.came.source_time);
        output.mark_complete(name, complete, started_at, finished_at)?;
        report.complete_listing = true;
    }
    report.held_back = held_back;
    report.gaps.clone_from(&state.gaps);
    state::write(folder, &state)?;
    journal::end(folder)?;
    Ok(report)
}
