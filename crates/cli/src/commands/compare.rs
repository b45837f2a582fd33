//! `compare`: two periods, and what really changed between them.

use diagnostics::Diagnostic;
use report::Stretch;

use crate::args::{Arguments, CompareArguments};
use crate::console::Console;
use crate::{CouldNotRun, Outcome, page};

pub fn run(
    arguments: &Arguments,
    options: &CompareArguments,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let project = super::open_project(&arguments.project, console)?;
    let text = &options.periods;
    let periods = text
        .split_once("..")
        .and_then(|(before, now)| Some((Stretch::parse(before)?, Stretch::parse(now)?)));
    let Some((before, now)) = periods else {
        let message = format!("`{text}` is not two periods");
        let hint = "write them as `2026-Q1..2026-Q2`, `2026-02..2026-03` or `2026-03-01/2026-03-15..2026-03-15/2026-04-01`";
        return Err(console.cannot_run(&Diagnostic::error("argument", message).hint(hint)));
    };
    let ready = super::ready(&project, console)?;
    let (database, outcome) = (ready.database(), ready.outcome);
    let limits = super::limits(options.timeout);
    // A period that is not over has not had all of its events yet.
    let newest = page::known(&project, database, console)?.to;
    let newest = newest.as_deref().and_then(report::moment);
    let over = newest.map(|newest| now.until(newest));
    let now = match over {
        Some(None) => {
            let message = format!("nothing is known of `{text}` yet: the data end before it");
            return Err(console.cannot_run(&Diagnostic::error("argument", message)));
        }
        Some(Some(over)) if over != now => {
            let day = over.period().to.unwrap_or_default();
            let message = format!(
                "`{text}` is not over: the data end at {day}, so it is compared up to then"
            );
            console.diagnostic(&Diagnostic::warning("period-unfinished", message));
            over
        }
        _ => now,
    };
    let happened = page::all_happenings(&project, database, limits, console)?;
    let headings = [
        "indicator",
        "before",
        "now",
        "change",
        "95 %",
        "p",
        "verdict",
    ];
    let mut lines = vec![headings.map(str::to_owned).to_vec()];
    for one in report::compare_stretches(&happened, before, now) {
        let cells = [
            one.title,
            one.before,
            one.now,
            one.change,
            one.interval,
            one.p,
            one.verdict.to_owned(),
        ];
        lines.push(cells.map(|cell| cell.replace('\u{a0}', " ")).to_vec());
    }
    console.data(report::aligned(&lines).as_bytes())?;
    Ok(outcome)
}
