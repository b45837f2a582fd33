//! The period that is asked about: what can be typed, and the database that holds only what happened in it.

use diagnostics::{Diagnostic, counted};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use project::Project;
use project::faults::database_fault;
use store::{Database, Period};

use crate::CouldNotRun;
use crate::args::PeriodArguments;
use crate::console::Console;

/// The period that was asked for; nothing if none was.
pub fn read(arguments: &PeriodArguments, console: &Console) -> Result<Option<Period>, CouldNotRun> {
    if arguments.since.is_none() && arguments.until.is_none() {
        return Ok(None);
    }
    let read = |name: &str, text: &Option<String>| {
        let Some(text) = text else { return Ok(None) };
        let moment = moment(text).ok_or_else(|| {
            let message = format!("`--{name} {text}` is not a date");
            let hint =
                format!("write it as `--{name} 2026-01-31` or `--{name} 2026-01-31T08:00:00Z`");
            console.diagnostic(&Diagnostic::error("argument", message).hint(hint));
            CouldNotRun
        })?;
        Ok(Some(moment))
    };
    let (since, until) = (
        read("since", &arguments.since)?,
        read("until", &arguments.until)?,
    );
    if let (Some(since), Some(until)) = (&since, &until)
        && since >= until
    {
        let message = format!("the period would begin at {since} and end at {until}");
        let hint = "`--until` is the moment before which it ends: `--since 2026-01-01 --until 2026-04-01` is the first quarter";
        return Err(console.cannot_run(&Diagnostic::error("argument", message).hint(hint)));
    }
    Ok(Some(Period {
        from: since,
        to: until,
    }))
}

/// Whether to mention rows that are in no period because they do not say when they happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undated {
    /// They are.
    Said,
    /// They were said before.
    Known,
}

/// A database with what happened in the period.
pub fn narrow(
    project: &Project,
    database: &dyn Database,
    period: &Period,
    undated: Undated,
    console: &Console,
) -> Result<Box<dyn Database>, CouldNotRun> {
    let narrowed = database.narrow(&project.definitions.schema, period);
    let narrowed = narrowed.map_err(|error| console.cannot_run(&database_fault(&error)))?;
    for (table, rows) in narrowed.undated.iter().filter(|_| undated == Undated::Said) {
        let verbs = match rows {
            1 => ("has", "is"),
            _ => ("have", "are"),
        };
        let message = format!(
            "{} of `{table}` {} no plausible time, and so {} in no period",
            counted(*rows, "row"),
            verbs.0,
            verbs.1
        );
        console.diagnostic(&Diagnostic::warning("period-undated", message));
    }
    Ok(narrowed.database)
}

/// A moment; without a zone in UTC, as the weeks and months of the reports; a date as its midnight.
fn moment(text: &str) -> Option<String> {
    let moment = text.parse::<Timestamp>().ok().or_else(|| {
        let local: DateTime = text.parse().ok()?;
        TimeZone::UTC.to_timestamp(local).ok()
    })?;
    Some(moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn dates_and_moments() {
        let cases = [
            ("2026-01-31", Some("2026-01-31T00:00:00Z")),
            ("2026-01-31T08:00:00+02:00", Some("2026-01-31T06:00:00Z")),
            ("2026-01-31T08:00:00", Some("2026-01-31T08:00:00Z")),
            ("2026-02-30", None),
            ("yesterday", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(moment(text).as_deref(), expected, "{text}");
        }
    }
}
