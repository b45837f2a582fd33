//! What is printed about fetching: for each stream when it ends, and for all at the end.

use diagnostics::{Diagnostic, count, counted};
use extract::{FetchOutcome, FetchReport, SourceReport};
use project::Project;
use serde_json::json;

use crate::console::Console;
use crate::{CouldNotRun, Outcome, gaps};

/// How many gaps or parents of a stream are shown.
const SHOWN: usize = 3;

/// Says how a stream ended. `mended` is the number of halves of surrogate pairs that were replaced in it.
pub fn say(report: &FetchReport, mended: u64, console: &Console) {
    if let Some(diagnostic) = ended(report) {
        console.diagnostic(&diagnostic);
    }
    say_gaps(report, console);
    say_odd(report, mended, console);
    if let Some(before) = report.held_back {
        let stream = &report.stream;
        let message = format!(
            "`{stream}` has {} where there were {}: that is not believed yet, and nothing is removed",
            counted(report.records, "record"),
            count(before)
        );
        console.diagnostic(&Diagnostic::warning("extract-held-back", message).hint(format!(
            "if it is right, `reliability extract --only {stream} --full`; a second run that finds the same is believed, too"
        )));
    }
    let stream = &report.stream;
    for skipped in report.skipped.iter().take(SHOWN) {
        console.diagnostic(&Diagnostic::warning(
            "extract-skipped",
            format!("`{stream}` skips {}: {}", skipped.whose, skipped.reason),
        ));
    }
    if report.skipped.len() > SHOWN {
        console.note(
            &format!("{stream} skips {} in all", report.skipped.len()),
            &json!({}),
        );
    }
    let mut text = format!("fetched {stream:24} {}", counted(report.records, "record"));
    let others = if report.changed > 0 {
        text += &format!(", {} of them for changes meanwhile", count(report.changed));
        " others"
    } else {
        ""
    };
    if let Some(total) = report.total {
        text += &format!(", the source counts {}{others}", count(total));
    }
    if report.complete_listing {
        text += ", all that there is";
    }
    if report.resumed {
        text += ", going on with a run that was cut short";
    }
    if report.outcome == FetchOutcome::Stopped {
        text += ", stopped: this is kept, and the next run goes on from here";
    }
    let skipped: Vec<String> = report
        .skipped
        .iter()
        .map(|skipped| format!("{}: {}", skipped.whose, skipped.reason))
        .collect();
    let facts = json!({
        "stream": stream, "records": report.records, "unreadable": report.unreadable, "changed": report.changed,
        "total": report.total, "gaps": gaps::facts(&report.gaps),
        "skipped": skipped, "resumed": report.resumed, "complete_listing": report.complete_listing,
        "held_back": report.held_back, "outcome": name(&report.outcome),
    });
    console.note(&text, &facts);
}

/// Says what came of all, and how the command ends.
pub fn summary(
    project: &Project,
    reports: &[SourceReport],
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    for report in reports {
        say_source(project, report, console);
    }
    let streams: Vec<&FetchReport> = reports.iter().flat_map(|report| &report.streams).collect();
    let records: u64 = streams.iter().map(|report| report.records).sum();
    let gaps: u64 = streams
        .iter()
        .map(|report| gaps::lines(&report.gaps).len() as u64)
        .sum();
    let not_asked: u64 = reports
        .iter()
        .map(|report| report.not_asked.len() as u64)
        .sum();
    let to_the_end = |report: &&&FetchReport| {
        report.outcome == FetchOutcome::Done || report.outcome.is_passed_over()
    };
    let cut = streams.iter().filter(|report| !to_the_end(report)).count() as u64 + not_asked;
    let faulty = streams.iter().filter(|report| !report.is_whole()).count() as u64 + not_asked;
    let mut text = format!(
        "fetched {} of {}",
        counted(records, "record"),
        counted(streams.len() as u64, "stream")
    );
    if gaps > 0 {
        text += &format!(
            ", {} left, which the next run asks for again",
            counted(gaps, "gap")
        );
    }
    if cut > 0 {
        text += &format!(", {} not fetched to the end", counted(cut, "stream"));
    }
    console.note(
        &text,
        &json!({ "records": records, "gaps": gaps, "incomplete": cut }),
    );
    say_next(project, &streams, records, console);
    let disk = |report: &&FetchReport| matches!(report.outcome, FetchOutcome::Disk(_));
    if streams.iter().any(disk)
        || reports.iter().any(|report| report.nothing_there)
        || (!reports.is_empty() && reports.iter().all(nothing_came))
    {
        return Err(CouldNotRun);
    }
    Ok(super::outcome(faulty))
}

/// What to type next.
fn say_next(project: &Project, streams: &[&FetchReport], records: u64, console: &Console) {
    let is_stopped = |report: &&FetchReport| report.outcome == FetchOutcome::Stopped;
    if streams.iter().any(is_stopped) {
        console.note(
            "stopped; what came is kept in `raw_data/`, go on with `reliability extract`",
            &json!({ "stopped": true }),
        );
    } else if records > 0 {
        for report in streams.iter().filter(|report| report.records > 0) {
            let stream = report.stream.as_str();
            if project.has_texts(stream) {
                let next = format!("next: `reliability postmortem raw_data/{stream}`");
                console.note(&next, &json!({}));
            }
        }
        console.note("next: `reliability run`", &json!({}));
    }
}

/// Whether a source gave nothing, since it could not be reached or its token is wrong.
fn nothing_came(report: &SourceReport) -> bool {
    let could_not = |report: &FetchReport| {
        matches!(
            report.outcome,
            FetchOutcome::Unauthorized(_) | FetchOutcome::Down(_)
        )
    };
    report.streams.iter().all(|stream| stream.records == 0)
        && report.streams.last().is_some_and(could_not)
}

/// The warning for a source that has nothing at all of what it is asked for.
pub fn nothing_there(project: &Project, source: &str) -> Diagnostic {
    let mut names = Vec::new();
    let extractors = &project.definitions.extractors;
    if let Some(extractor) = extractors.iter().find(|one| *one.source.text == *source) {
        let open = extractor.settings.iter().filter(|setting| !setting.secret);
        names.extend(open.map(|setting| format!("`{}`", setting.name.text)));
    }
    names.push(format!("`{}`", extract::base_url_setting(source)));
    let message =
        format!("`{source}` has nothing that was asked for: every stream answers 404 Not Found");
    Diagnostic::error("extract-nothing-there", message).hint(format!(
        "is the organisation spelt as in its address, and the base URL right? look at {} in `.env`",
        names.join(" and ")
    ))
}

/// Prints what concerns more than one stream of a source.
fn say_source(project: &Project, report: &SourceReport, console: &Console) {
    let source = &report.source;
    if report.nothing_there {
        console.diagnostic(&nothing_there(project, source));
    }
    let is_stopped = |stream: &FetchReport| stream.outcome == FetchOutcome::Stopped;
    if report.not_asked.is_empty() || report.streams.iter().any(is_stopped) {
        return;
    }
    let left = format!("`{}`", report.not_asked.join("`, `"));
    let text = format!("{source} was not asked for {left}");
    console.note(
        &text,
        &json!({ "source": **source, "not_asked": report.not_asked }),
    );
}

fn ended(report: &FetchReport) -> Option<Diagnostic> {
    let stream = &report.stream;
    let fault = |code, message: &str| Diagnostic::error(code, format!("`{stream}`: {message}"));
    Some(match &report.outcome {
        FetchOutcome::Done | FetchOutcome::Stopped => return None,
        FetchOutcome::Unauthorized(reason) => fault("extract-unauthorized", reason)
            .hint("the token is wrong or was revoked; `reliability doctor` tries them all"),
        FetchOutcome::Forbidden(reason) => fault("extract-forbidden", reason).hint(
            "the token may not see this; `reliability doctor` says which permission it needs",
        ),
        FetchOutcome::NotThere(reason) | FetchOutcome::NotInPlan(reason) => Diagnostic::warning(
            "extract-not-in-plan",
            format!("`{stream}` is skipped: {reason}"),
        ),
        FetchOutcome::Down(reason) => fault("extract-unreachable", reason).hint(
            "nothing more is asked of this source; check the network and the base URL, then `reliability extract` asks for the rest",
        ),
        FetchOutcome::Trouble(reason) => fault("extract-trouble", reason).hint(
            "the source is in trouble; `reliability extract` asks for the rest when it is better",
        ),
        FetchOutcome::NoParents(parent) => fault(
            "extract-no-parents",
            &format!("it is asked for by the records of `{parent}`, which was never fetched"),
        )
        .hint(format!(
            "`reliability extract --only {parent} --only {stream}`"
        )),
        FetchOutcome::Disk(reason) => fault("extract-disk", reason)
            .hint("make room or mend the folder, and run this again: it goes on where it was"),
    })
}

fn say_gaps(report: &FetchReport, console: &Console) {
    let stream = &report.stream;
    // Why the stream ended has been printed already.
    let said = match &report.outcome {
        FetchOutcome::Forbidden(reason)
        | FetchOutcome::Down(reason)
        | FetchOutcome::Trouble(reason) => reason.as_str(),
        _ => "",
    };
    let lines = gaps::lines(&report.gaps);
    let new = lines.iter().filter(|line| line.gap.reason != said);
    for line in new.take(SHOWN) {
        let gap = line.gap;
        let fault = match (gap.cause, &gap.parent) {
            (extract::state::Cause::NotAllowed, Some(_)) => {
                let of = match report.parents {
                    0 => String::new(),
                    all => format!(" of {}", count(all)),
                };
                let message = format!(
                    "`{stream}` is not allowed for {}{of}: {}",
                    count(line.gaps),
                    gap.reason
                );
                let fault = Diagnostic::error("extract-not-allowed", message);
                match &report.scope {
                    Some(scope) => fault.hint(format!("the token needs `{scope}`")),
                    None => fault,
                }
            }
            _ => Diagnostic::error(
                "extract-gap",
                format!("`{stream}` has a gap: {}", gap.reason),
            ),
        };
        console.diagnostic(&fault.in_data(line.place()));
    }
    if lines.len() > SHOWN {
        console.note(
            &format!(
                "{stream} has {} gaps in all; `reliability status` lists them",
                lines.len()
            ),
            &json!({}),
        );
    }
}

fn say_odd(report: &FetchReport, mended: u64, console: &Console) {
    let stream = &report.stream;
    if report.unreadable > 0 {
        let message = format!(
            "{} of `{stream}` cannot be read; what came with them is kept",
            counted(report.unreadable, "record")
        );
        console.diagnostic(
            &Diagnostic::error("extract-unreadable", message)
                .hint("`reliability load` says which they are, and what is wrong with each"),
        );
    }
    if mended > 0 {
        let message = format!(
            "`{stream}` has {}, kept as U+FFFD",
            match mended {
                1 => "a lone half of a surrogate pair".to_owned(),
                _ => format!("{} lone halves of surrogate pairs", count(mended)),
            }
        );
        console.diagnostic(&Diagnostic::warning("extract-surrogate", message));
    }
}

fn name(outcome: &FetchOutcome) -> &'static str {
    match outcome {
        FetchOutcome::Done => "done",
        FetchOutcome::Stopped => "stopped",
        FetchOutcome::Unauthorized(_) => "unauthorized",
        FetchOutcome::Forbidden(_) => "forbidden",
        FetchOutcome::NotThere(_) => "not_there",
        FetchOutcome::NotInPlan(_) => "not_in_plan",
        FetchOutcome::Down(_) => "unreachable",
        FetchOutcome::Trouble(_) => "trouble",
        FetchOutcome::NoParents(_) => "no_parents",
        FetchOutcome::Disk(_) => "disk",
    }
}
