//! The page: which period it is of, the databases that hold that and the one before, and what it is made of. How it looks
//! is for `report`.

use std::fs;
use std::panic::resume_unwind;
use std::thread;

use definitions::Query;
use diagnostics::{Diagnostic, counted};
use project::Project;
use project::faults::{database_fault, sql_fault};
use report::{Before, Counted, Happenings, Page, Stretch, Trust};
use store::{Database, Limits, Period};

use crate::answers::{Answered, Failure, first_rows, happenings, keep_all};
use crate::commands::query::{all_sound, into_folder};
use crate::console::Console;
use crate::period::{Undated, narrow};
use crate::{CouldNotRun, gaps};

/// How many rows of each answer are drawn; the CSV files have all.
pub const KEPT: usize = 20_000;

/// How many rows are shown of each table that is counted.
const BEHIND: usize = 5;

/// The folder of the answers to everything, and to what `--since` and `--until` say, relative to the project folder.
pub const OUTPUT: &str = "output";

/// The folder of the answers on a page that is of another period than those.
const OF_THE_PAGE: &str = "output/report";

/// The page, relative to the project folder.
const PAGE: &str = "output/report.html";

/// Whether people are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// As they are.
    Shown,
    /// Each is a number.
    Hidden,
}

/// Which period a page is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// As it is said.
    pub period: Period,
    /// What happened in it, without an end if none was asked for.
    wanted: Period,
    /// It with both ends; nothing if nothing is known at all.
    pub now: Option<Stretch>,
    /// The one before it; nothing if nothing is known of it.
    pub before: Option<Stretch>,
    /// Whether the database holds nothing else.
    pub is_all: bool,
}

/// The databases that a page is made of.
pub struct Times<'d> {
    span: Span,
    /// That of its period.
    pub now: Held<'d>,
    before: Option<Held<'d>>,
    /// Where its answers are as files.
    folder: &'static str,
}

/// A database of a period.
pub enum Held<'d> {
    /// All that is known.
    Whole(&'d dyn Database),
    /// What happened in the period.
    Narrowed(Box<dyn Database>),
}

impl Held<'_> {
    /// The database.
    pub fn database(&self) -> &dyn Database {
        match self {
            Self::Whole(database) => *database,
            Self::Narrowed(database) => &**database,
        }
    }
}

impl Times<'_> {
    /// The command that asks the database of the page's period, without its SQL.
    fn command(&self) -> String {
        let wanted = match self.now {
            Held::Whole(_) => Period::default(),
            Held::Narrowed(_) => self.span.wanted.clone(),
        };
        let option = |name: &str, end: Option<String>| {
            end.map_or(String::new(), |end| format!(" --{name} {end}"))
        };
        format!(
            "reliability query{}{} --sql",
            option("since", wanted.from),
            option("until", wanted.to)
        )
    }
}

/// The period of the page: what was asked for, or else the last twelve months until the newest that is known.
pub fn span(
    project: &Project,
    database: &dyn Database,
    asked: Option<&Period>,
    console: &Console,
) -> Result<Span, CouldNotRun> {
    Ok(span_of(asked, &known(project, database, console)?))
}

/// From the first moment of anything to the newest that is known.
pub fn known(
    project: &Project,
    database: &dyn Database,
    console: &Console,
) -> Result<Period, CouldNotRun> {
    let tables = project.definitions.schema.tables.iter();
    let tables: Vec<&str> = tables.map(|table| table.name.as_str()).collect();
    database
        .reader()
        .and_then(|reader| reader.period_of(&tables))
        .map_err(|error| console.cannot_run(&database_fault(&error)))
}

fn span_of(asked: Option<&Period>, known: &Period) -> Span {
    let asked = asked.cloned().unwrap_or_default();
    let end = asked.to.as_ref().or(known.to.as_ref());
    let now = end.and_then(|end| match &asked.from {
        Some(from) => Stretch::of(&Period {
            from: Some(from.clone()),
            to: Some(end.clone()),
        }),
        None => Stretch::last_year(end),
    });
    let Some(now) = now else {
        return Span {
            period: asked.clone(),
            wanted: asked,
            now: None,
            before: None,
            is_all: known.to.is_none(),
        };
    };
    let period = now.period();
    let first = known.from.as_deref();
    let is_known_before =
        |before: &Stretch| first.is_some_and(|first| before.is_known_in_part(first));
    Span {
        before: now.before().filter(is_known_before),
        is_all: asked.to.is_none() && (first.is_none() || known.from >= period.from),
        now: Some(now),
        wanted: Period {
            from: period.from.clone(),
            to: asked.to,
        },
        period,
    }
}

/// The databases for a period: that whose answers are in `output/` already, the one there is, if it holds nothing else, or
/// else one made for it.
pub fn times<'d>(
    project: &Project,
    database: &'d dyn Database,
    span: Span,
    answered: Option<Held<'d>>,
    console: &Console,
) -> Result<Times<'d>, CouldNotRun> {
    let folder = match answered.is_some() || span.is_all {
        true => OUTPUT,
        false => OF_THE_PAGE,
    };
    let now = || match answered {
        Some(held) => Ok(held),
        None if span.is_all => Ok(Held::Whole(database)),
        None => narrow(project, database, &span.wanted, Undated::Said, console).map(Held::Narrowed),
    };
    let before = || {
        let made = span.before.map(|before| {
            let narrowed = narrow(project, database, &before.period(), Undated::Known, console)?;
            Ok(Held::Narrowed(narrowed))
        });
        made.transpose()
    };
    let (now, before) = both(now, before);
    let (now, before) = (now?, before?);
    Ok(Times {
        span,
        now,
        before,
        folder,
    })
}

/// Does two things at once.
fn both<A: Send, B: Send>(one: impl FnOnce() -> A, other: impl FnOnce() -> B + Send) -> (A, B) {
    thread::scope(|scope| {
        let other = scope.spawn(other);
        let one = one();
        let other = other.join();
        (one, other.unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// The answers of a page, each in a file too.
pub fn into_files<'p>(
    project: &'p Project,
    times: &Times<'_>,
    queries: &[&'p Query],
    limits: Limits,
    console: &Console,
) -> Result<Vec<Answered<'p>>, CouldNotRun> {
    let database = times.now.database();
    into_folder(
        project,
        database,
        queries,
        limits,
        times.folder,
        KEPT,
        console,
    )
}

/// Answers in memory only.
pub fn kept<'p>(
    project: &'p Project,
    database: &dyn Database,
    queries: &[&'p Query],
    limits: Limits,
    console: &Console,
) -> Result<Vec<Answered<'p>>, CouldNotRun> {
    let answers = keep_all(database, queries, limits, KEPT);
    all_sound(project, &answers, console)?;
    Ok(answers)
}

/// The page of some answers, with what was answered before, what happened, and whether it can be trusted.
pub fn of<'p>(
    project: &'p Project,
    times: &Times<'_>,
    answers: Vec<Answered<'p>>,
    limits: Limits,
    names: Names,
    console: &Console,
) -> Result<Page<'p>, CouldNotRun> {
    let mut answers = answers_of(answers);
    let mut happened = all_happenings(project, times.now.database(), limits, console)?;
    let mut earlier = Vec::new();
    if let Some(held) = &times.before {
        let queries: Vec<&Query> = answers.iter().map(|answer| answer.query).collect();
        earlier = answers_of(kept(project, held.database(), &queries, limits, console)?);
        let before = all_happenings(project, held.database(), limits, console)?;
        for (now, before) in happened.iter_mut().zip(before) {
            now.rows.extend(before.rows);
            now.known.since = before.known.since;
        }
    }
    if names == Names::Hidden {
        let mut all: Vec<&mut report::Answer> = answers.iter_mut().chain(&mut earlier).collect();
        report::hide_people(&mut all);
    }
    Ok(Page {
        organisation: project.settings.organisation.clone(),
        period: times.span.period.clone(),
        now: times.span.now,
        before: times.span.before.map(|stretch| Before {
            stretch,
            answers: earlier,
        }),
        counted: rows_counted(project, times, &answers, limits, names, console)?,
        trust: trust(project, times.now.database(), console)?,
        answers,
        folder: times.folder,
        happenings: happened,
        rules: &project.definitions.attention,
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// The tables that some answers count, with their newest rows.
fn rows_counted(
    project: &Project,
    times: &Times<'_>,
    answers: &[report::Answer<'_>],
    limits: Limits,
    names: Names,
    console: &Console,
) -> Result<Vec<Counted>, CouldNotRun> {
    let database = times.now.database();
    let failed = |error: &store::Error| console.cannot_run(&database_fault(error));
    let status = database
        .reader()
        .and_then(|reader| reader.status())
        .map_err(|error| failed(&error))?;
    let is_counted = |table: &str| {
        let mut words = answers.iter().flat_map(|answer| &answer.query.period);
        words.any(|word| word.text == table)
    };
    let tables = project.definitions.schema.tables.iter();
    let mut counted = Vec::new();
    for table in tables.filter(|table| is_counted(&table.name)) {
        let sql = store::rows_with_places(table);
        let rows = match names {
            Names::Shown => BEHIND,
            // Their keys may identify people.
            Names::Hidden => 0,
        };
        let kept = first_rows(database, &sql, limits, rows).map_err(|failure| match failure {
            Failure::Database(error) => failed(&error),
            Failure::Query(fault) => {
                let what = format!("the rows of `{}`", table.name);
                console.diagnostic(&sql_fault(&project.definitions.schema, &what, &fault));
                CouldNotRun
            }
        })?;
        let lines = status.iter().filter(|line| line.table == table.name);
        counted.push(Counted {
            table: table.name.clone(),
            command: times.command(),
            sql,
            columns: kept.columns,
            rows: kept.rows,
            n_rows: lines.map(|line| line.rows).sum(),
        });
    }
    Ok(counted)
}

fn answers_of(answers: Vec<Answered<'_>>) -> Vec<report::Answer<'_>> {
    answers
        .into_iter()
        .filter_map(|answered| {
            let kept = answered.outcome.ok()?;
            Some(report::Answer {
                query: answered.query,
                columns: kept.columns,
                rows: kept.rows,
                n_rows: kept.n_rows,
                period: kept.period,
                known: kept.known,
            })
        })
        .collect()
}

/// Writes the page, whole or not at all.
pub fn write(project: &Project, page: &Page<'_>, console: &Console) -> Result<(), CouldNotRun> {
    let failed = |error: std::io::Error| {
        console.diagnostic(&Diagnostic::error(
            "output",
            format!("cannot write `{PAGE}`: {error}"),
        ));
        CouldNotRun
    };
    let path = project.folder.join(PAGE);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
        let text = report::page(page);
        crate::answers::write_whole(folder, &path, text.as_bytes()).map_err(failed)?;
    }
    let n_panels = page.answers.len() as u64;
    let text = format!("{PAGE}  {}", counted(n_panels, "panel"));
    console.note(
        &text,
        &serde_json::json!({ "page": PAGE, "panels": n_panels }),
    );
    Ok(())
}

/// What happened, for each indicator.
pub fn all_happenings<'p>(
    project: &'p Project,
    database: &dyn Database,
    limits: store::Limits,
    console: &Console,
) -> Result<Vec<Happenings<'p>>, CouldNotRun> {
    let indicators = &project.definitions.indicators;
    let mut happened = Vec::new();
    for (indicator, found) in indicators
        .iter()
        .zip(happenings(database, indicators, limits))
    {
        let (rows, known) = found.map_err(|failure| {
            console.cannot_run(&indicator_fault(project, indicator, &failure))
        })?;
        happened.push(Happenings {
            indicator,
            rows,
            known,
        });
    }
    Ok(happened)
}

fn indicator_fault(
    project: &Project,
    indicator: &definitions::Indicator,
    failure: &Failure,
) -> Diagnostic {
    let what = format!("the indicator `{}`", indicator.name);
    match failure {
        Failure::Query(fault) => sql_fault(&project.definitions.schema, &what, fault)
            .in_data(indicator.source.path.clone()),
        Failure::Database(error) => database_fault(error),
    }
}

fn trust(
    project: &Project,
    database: &dyn Database,
    console: &Console,
) -> Result<Trust, CouldNotRun> {
    let status = database
        .reader()
        .and_then(|reader| reader.status())
        .map_err(|error| console.cannot_run(&database_fault(&error)))?;
    let mut rejects: Vec<(&String, u64)> = status
        .iter()
        .filter_map(|line| Some((line.stream.as_ref()?, line.rejects)))
        .collect();
    rejects.sort();
    rejects.dedup();
    let gaps = crate::fetched_states(project, console)?;
    Ok(Trust {
        streams: rejects.len() as u64,
        rejects: rejects.iter().map(|(_, rejects)| rejects).sum(),
        gaps: gaps
            .iter()
            .map(|(_, state)| gaps::lines(&state.gaps).len() as u64)
            .sum(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(from: &str, to: &str) -> Period {
        let end = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Period {
            from: end(from),
            to: end(to),
        }
    }

    /// The period, the one before, and whether that is all.
    fn made(asked: Option<Period>, known: Period) -> (String, String, bool) {
        let text = |period: &Period| {
            let day = |end: &Option<String>| end.as_ref().map_or("", |text| &text[..10]).to_owned();
            format!("{}/{}", day(&period.from), day(&period.to))
        };
        let span = span_of(asked.as_ref(), &known);
        let before = span.before.map(|before| text(&before.period()));
        (text(&span.period), before.unwrap_or_default(), span.is_all)
    }

    #[test]
    fn twelve_months_where_nothing_else_is_asked() {
        let newest = "2026-11-22T10:00:00Z";
        let says =
            |period: &str, before: &str, is_all| (period.to_owned(), before.to_owned(), is_all);
        let year = "2025-11-22/2026-11-22";
        let known = period("2023-05-01T00:00:00Z", newest);
        assert_eq!(
            made(None, known.clone()),
            says(year, "2024-11-22/2025-11-22", false)
        );
        let young = period("2026-01-01T00:00:00Z", newest);
        assert_eq!(made(None, young.clone()), says(year, "", true));
        assert_eq!(made(None, period("", newest)), says(year, "", true));
        assert_eq!(made(None, Period::default()), says("/", "", true));
        let asked = |from, to| Some(period(from, to));
        assert_eq!(
            made(
                asked("2026-04-01T00:00:00Z", "2026-07-01T00:00:00Z"),
                known.clone()
            ),
            says("2026-04-01/2026-07-01", "2026-01-01/2026-04-01", false)
        );
        assert_eq!(
            made(asked("", "2026-07-01T00:00:00Z"), known.clone()),
            says("2025-07-01/2026-07-01", "2024-07-01/2025-07-01", false)
        );
        assert!(made(asked("2000-01-01T00:00:00Z", ""), known).2);
        assert_eq!(
            made(asked("2026-12-01T00:00:00Z", ""), young),
            says("2026-12-01/", "", false),
            "nothing is known of it"
        );
    }
}
