//! `extract`: from the sources' APIs into `raw_data/`.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use definitions::extractor::Extractor;
use diagnostics::{Diagnostic, nearest};
use extract::{Event, Options, Outcome as StreamOutcome, SettingFault, Source, Stop, StreamReport};
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use serde_json::json;

use crate::args::{Arguments, ExtractArguments};
use crate::console::{Console, count, counted};
use crate::project::Project;
use crate::{CouldNotRun, Outcome, project};

pub fn run(
    arguments: &Arguments,
    options: &ExtractArguments,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let project = project::open(&arguments.project, console)?;
    let wanted = Options {
        only: streams(&project, &options.only, console)?,
        since: options
            .since
            .as_deref()
            .map(|text| since(&project, text, console))
            .transpose()?,
        full: options.full,
    };
    let sources = connect(&project, &options.sources, &wanted.only, console)?;
    let stop = Stop::default();
    super::stop_on_interrupt(&stop);
    let shown = Shown {
        console,
        bars: console.bars(),
        lines: Mutex::default(),
    };
    let raw_data = project.folder.join("raw_data");
    let reports = extract::extract(&sources, &raw_data, &wanted, &stop, &shown);
    let reports = reports.map_err(|error| {
        let fault = Diagnostic::error("extract", format!("cannot fetch: {error}"));
        console.diagnostic(&match error.kind() {
            std::io::ErrorKind::WouldBlock => {
                fault.hint("wait until it is done, or end that process")
            }
            _ => fault,
        });
        CouldNotRun
    })?;
    summary(&reports, arguments, console)
}

/// Makes the sources named ready to be asked; all of which the tokens are there, if none is named.
pub(super) fn connect<'a>(
    project: &'a Project,
    names: &[String],
    only: &[String],
    console: &Console,
) -> Result<Vec<Source<'a>>, CouldNotRun> {
    let extractors = &project.definitions.extractors;
    for name in names {
        if !extractors
            .iter()
            .any(|extractor| extractor.source.text == *name)
        {
            let known = extractors
                .iter()
                .map(|extractor| extractor.source.text.as_str());
            let fault = Diagnostic::error(
                "source-unknown",
                format!("`{name}` is not a source that can be fetched"),
            );
            let hint = match nearest(name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`reliability show extractors` lists them".to_owned(),
            };
            console.diagnostic(&fault.hint(hint));
            return Err(CouldNotRun);
        }
    }
    let concerned = |extractor: &&Extractor| {
        let named = names.is_empty() || names.contains(&extractor.source.text);
        let has_stream = |stream: &String| {
            extractor
                .streams
                .iter()
                .any(|known| known.stream.text == *stream)
        };
        named && (only.is_empty() || only.iter().any(has_stream))
    };
    let mut sources = Vec::new();
    let mut could_not = false;
    for extractor in extractors.iter().filter(concerned) {
        let source = &extractor.source.text;
        match extract::connect(extractor, &|name| project.settings.value(name)) {
            Ok(connected) => sources.push(connected),
            Err(faults) => {
                let only_missing = faults
                    .iter()
                    .all(|fault| matches!(fault, SettingFault::Missing { .. }));
                let nothing_set = extractor
                    .settings
                    .iter()
                    .filter(|setting| setting.secret)
                    .all(|setting| project.settings.value(&setting.name.text).is_none());
                if only_missing && nothing_set && names.is_empty() && only.is_empty() {
                    // Whoever does not use a source sets none of its tokens.
                    let missing = missing_names(&faults);
                    console.note(
                        &format!("{source} is passed over: {missing} not set"),
                        &json!({ "source": source, "skipped": true }),
                    );
                    continue;
                }
                could_not = true;
                for fault in faults {
                    console.diagnostic(&setting_fault(source, &fault));
                }
            }
        }
    }
    if could_not {
        return Err(CouldNotRun);
    }
    if sources.is_empty() {
        let fault = Diagnostic::error(
            "extract-nothing",
            "there is no source to fetch from: no token is set",
        );
        let tokens = extractors.iter().flat_map(|extractor| &extractor.settings);
        console.diagnostic(&match tokens.into_iter().find(|setting| setting.secret) {
            Some(token) => fault.hint(format!(
                "set one in `.env`, such as `{}=…`; `.env.local` lists them all",
                token.name.text
            )),
            None => fault,
        });
        return Err(CouldNotRun);
    }
    Ok(sources)
}

fn missing_names(faults: &[SettingFault]) -> String {
    let names: Vec<String> = faults
        .iter()
        .filter_map(|fault| match fault {
            SettingFault::Missing { name, .. } => Some(format!("`{name}`")),
            _ => None,
        })
        .collect();
    format!(
        "{} {}",
        names.join(" and "),
        if names.len() == 1 { "is" } else { "are" }
    )
}

fn setting_fault(source: &str, fault: &SettingFault) -> Diagnostic {
    match fault {
        SettingFault::Missing { name, meaning } => {
            Diagnostic::error("setting-missing", format!("`{source}` needs `{name}`: {meaning}"))
                .hint(format!("put `{name}=…` into `.env`, or set it in the shell"))
        }
        SettingFault::NotSendable { header } => Diagnostic::error(
            "setting-not-sendable",
            format!("`{source}` cannot send the header `{header}`: a setting in it has a line break or another character that no header may have"),
        )
        .hint("copy the token anew"),
        SettingFault::BaseUrl { name, reason } => {
            Diagnostic::error("setting-base-url", format!("the base URL of `{source}` cannot be used: {reason}"))
                .hint(format!("set `{name}`, or remove it to use the source's own"))
        }
        SettingFault::Client(reason) => Diagnostic::error("extract", reason.clone()),
    }
}

/// The streams named, each of which an extractor must have.
fn streams(
    project: &Project,
    names: &[String],
    console: &Console,
) -> Result<Vec<String>, CouldNotRun> {
    let known: Vec<&str> = project
        .definitions
        .extractors
        .iter()
        .flat_map(|extractor| &extractor.streams)
        .map(|stream| stream.stream.text.as_str())
        .collect();
    for name in names {
        if !known.contains(&name.as_str()) {
            let fault = Diagnostic::error(
                "stream-unknown",
                format!("`{name}` is not a stream that can be fetched"),
            );
            let hint = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("expected one of `{}`", known.join("`, `")),
            };
            console.diagnostic(&fault.hint(hint));
            return Err(CouldNotRun);
        }
    }
    Ok(names.to_vec())
}

/// A date, which counts as its midnight in `TIME_ZONE`, or a moment.
fn since(project: &Project, text: &str, console: &Console) -> Result<jiff::Timestamp, CouldNotRun> {
    let moment = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let date: jiff::civil::Date = text.parse().ok()?;
        let zone = &project.settings.time_zone;
        zone.to_timestamp(date.to_datetime(jiff::civil::Time::midnight()))
            .ok()
    });
    let fault = |message: String| {
        console.diagnostic(
            &Diagnostic::error("argument", message)
                .hint("write it as `--since 2026-01-31` or `--since 2026-01-31T08:00:00Z`"),
        );
        CouldNotRun
    };
    let moment = moment.ok_or_else(|| fault(format!("`--since {text}` is not a date")))?;
    if moment > jiff::Timestamp::now() {
        return Err(fault(format!("`--since {text}` lies in the future")));
    }
    Ok(moment)
}

/// Says what came of each stream, and how the command ends.
fn summary(
    reports: &[StreamReport],
    arguments: &Arguments,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let records: u64 = reports.iter().map(|report| report.records).sum();
    let gaps: u64 = reports.iter().map(|report| report.gaps.len() as u64).sum();
    let failed = |report: &&StreamReport| {
        !matches!(
            report.outcome,
            StreamOutcome::Done | StreamOutcome::NotInPlan(_)
        )
    };
    let incomplete = reports.iter().filter(failed).count() as u64;
    let streams = reports.len() as u64;
    let mut text = format!(
        "fetched {} of {}",
        counted(records, "record"),
        counted(streams, "stream")
    );
    if gaps > 0 {
        text += &format!(
            ", {} left, which the next run asks for again",
            counted(gaps, "gap")
        );
    }
    if incomplete > 0 {
        text += &format!(", {} not fetched to the end", counted(incomplete, "stream"));
    }
    console.note(
        &text,
        &json!({ "records": records, "gaps": gaps, "incomplete": incomplete }),
    );
    if records > 0 {
        console.note(
            &format!("next: `{}`", super::typed("run", &arguments.project)),
            &json!({}),
        );
    }
    let unauthorized =
        |report: &StreamReport| matches!(report.outcome, StreamOutcome::Unauthorized(_));
    let disk = |report: &StreamReport| matches!(report.outcome, StreamOutcome::Disk(_));
    if reports.iter().any(disk)
        || (records == 0 && !reports.is_empty() && reports.iter().all(unauthorized))
    {
        return Err(CouldNotRun);
    }
    Ok(super::outcome(gaps + incomplete))
}

/// Bars on a terminal, lines elsewhere.
struct Shown<'a> {
    console: &'a Console,
    bars: Option<MultiProgress>,
    lines: Mutex<HashMap<String, Line>>,
}

/// What is known of a stream under way.
struct Line {
    bar: ProgressBar,
    records: u64,
}

impl extract::Progress for Shown<'_> {
    fn event(&self, event: &Event<'_>) {
        let Ok(mut lines) = self.lines.lock() else {
            return;
        };
        match event {
            Event::Begun { stream } => {
                let bar = self.bars.as_ref().map_or_else(ProgressBar::hidden, |bars| {
                    bars.add(ProgressBar::new_spinner())
                });
                if let Ok(style) = ProgressStyle::with_template(
                    "{prefix:24} {human_pos:>10} records {rate:>10} {msg}",
                ) {
                    bar.set_style(style.with_key("rate", rate));
                }
                bar.set_prefix((*stream).to_owned());
                bar.enable_steady_tick(Duration::from_millis(200));
                lines.insert((*stream).to_owned(), Line { bar, records: 0 });
            }
            Event::Page {
                stream,
                records,
                total,
                remaining,
            } => {
                self.console.progress(&json!({
                    "stream": stream, "records": records, "total": total, "requests_left": remaining,
                }));
                if let Some(line) = lines.get_mut(*stream) {
                    line.records += records;
                    line.bar.set_position(line.records);
                    if let Some(remaining) = remaining {
                        line.bar.set_message(format!("{remaining} requests left"));
                    }
                }
            }
            Event::Waiting {
                source,
                wait,
                reason,
            } => {
                let seconds = wait.as_secs_f64();
                // Short waits are nobody's concern.
                if seconds >= 2.0 || self.console.is_for_machines() {
                    let text = format!("{source} waits {seconds:.0} s: {reason}");
                    let facts =
                        json!({ "source": source, "wait_seconds": seconds, "reason": reason });
                    self.suspended(|| self.console.note(&text, &facts));
                }
            }
            Event::Ended(report) => {
                if let Some(line) = lines.remove(&report.stream) {
                    line.bar.finish_and_clear();
                }
                self.suspended(|| say(report, self.console));
            }
        }
    }
}

impl Shown<'_> {
    /// Prints without tearing the bars.
    fn suspended(&self, print: impl FnOnce()) {
        match &self.bars {
            Some(bars) => bars.suspend(print),
            None => print(),
        }
    }
}

fn rate(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    // A bar that cannot be drawn is nobody's loss.
    let _ = write!(out, "{:.0}/s", state.per_sec());
}

fn say(report: &StreamReport, console: &Console) {
    const SHOWN: usize = 3;
    let stream = &report.stream;
    let fault = |code, message: &str| Diagnostic::error(code, format!("`{stream}`: {message}"));
    match &report.outcome {
        StreamOutcome::Done | StreamOutcome::Stopped => {}
        StreamOutcome::Unauthorized(reason) => console.diagnostic(
            &fault("extract-unauthorized", reason)
                .hint("the token is wrong or was revoked; `reliability doctor` tries them all"),
        ),
        StreamOutcome::Forbidden(reason) => {
            console.diagnostic(&fault("extract-forbidden", reason).hint(
                "the token may not see this; `reliability doctor` says which permission it needs",
            ))
        }
        StreamOutcome::NotInPlan(reason) => console.diagnostic(&Diagnostic::warning(
            "extract-not-in-plan",
            format!("`{stream}` is passed over: {reason}"),
        )),
        StreamOutcome::NoParents(parent) => console.diagnostic(
            &fault(
                "extract-no-parents",
                &format!("it is asked for by the records of `{parent}`, which was never fetched"),
            )
            .hint(format!(
                "`reliability extract --only {parent} --only {stream}`"
            )),
        ),
        StreamOutcome::Disk(reason) => console.diagnostic(
            &fault("extract-disk", reason)
                .hint("make room or mend the folder, and run this again: it goes on where it was"),
        ),
    }
    for gap in report.gaps.iter().take(SHOWN) {
        console.diagnostic(
            &Diagnostic::error(
                "extract-gap",
                format!("`{stream}` has a gap: {}", gap.reason),
            )
            .in_data(place(gap)),
        );
    }
    if report.gaps.len() > SHOWN {
        console.note(
            &format!(
                "{stream} has {} gaps in all; `reliability status` lists them",
                report.gaps.len()
            ),
            &json!({}),
        );
    }
    for skipped in report.skipped.iter().take(SHOWN) {
        console.diagnostic(&Diagnostic::warning(
            "extract-skipped",
            format!("`{stream}` passes over {skipped}"),
        ));
    }
    if report.skipped.len() > SHOWN {
        console.note(
            &format!("{stream} passes over {} in all", report.skipped.len()),
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
    if report.outcome == StreamOutcome::Stopped {
        text += ", stopped: the next run goes on from here";
    }
    let facts = json!({
        "stream": stream, "records": report.records, "changed": report.changed,
        "total": report.total, "gaps": report.gaps,
        "skipped": report.skipped, "resumed": report.resumed, "complete_listing": report.complete_listing,
        "outcome": outcome_name(&report.outcome),
    });
    console.note(&text, &facts);
}

fn outcome_name(outcome: &StreamOutcome) -> &'static str {
    match outcome {
        StreamOutcome::Done => "done",
        StreamOutcome::Stopped => "stopped",
        StreamOutcome::Unauthorized(_) => "unauthorized",
        StreamOutcome::Forbidden(_) => "forbidden",
        StreamOutcome::NotInPlan(_) => "not_in_plan",
        StreamOutcome::NoParents(_) => "no_parents",
        StreamOutcome::Disk(_) => "disk",
    }
}

/// What a gap is about, in words.
pub(super) fn place(gap: &extract::state::Gap) -> String {
    let mut parts = Vec::new();
    if let Some(window) = gap.window {
        parts.push(format!("{} to {}", window.since, window.until));
    }
    for (name, value) in gap.parent.iter().flatten() {
        parts.push(format!("{name} {value}"));
    }
    if parts.is_empty() {
        parts.push("the whole stream".to_owned());
    }
    parts.join(", ")
}
