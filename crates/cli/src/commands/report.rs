//! `report`: every answer on one page, `output/report.html`.

use std::fs;

use report::{Happenings, Page, Trust};
use store::{Period, Place, Store};

use crate::args::{Arguments, PageFormat, ReportArguments};
use crate::console::{Console, counted};
use crate::faults::{database_fault, sql_fault};
use crate::project::Project;
use crate::queries::{Answered, Failure, happenings, keep_all};
use crate::{CouldNotRun, Outcome, gaps, period, project, states};
use diagnostics::Diagnostic;

/// Of each answer so many rows are drawn; the CSV files have all.
pub const KEPT: usize = 20_000;

/// Whether people are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// As they are.
    Shown,
    /// Each is a number.
    Hidden,
}

/// The page, relative to the project folder.
const PAGE: &str = "output/report.html";

pub fn run(
    arguments: &Arguments,
    options: &ReportArguments,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let project = project::open(&arguments.project, console)?;
    let queries = super::query::select(&project, &options.only, console)?;
    let wanted = period::read(&options.period, console)?;
    let (place, _store, outcome) = super::ready_store(&project, console)?;
    let narrowed = wanted
        .map(|wanted| period::narrow(&project, &place, &wanted, console))
        .transpose()?;
    let place = narrowed.as_ref().map_or(&place, Store::place);
    let answers = keep_all(place, &queries, super::limits(options.timeout), KEPT);
    super::query::all_sound(&project, &answers, console)?;
    let names = match options.anonymous {
        true => Names::Hidden,
        false => Names::Shown,
    };
    let limits = super::limits(options.timeout);
    let page = page_of(&project, place, answers, limits, names, console)?;
    match options.format {
        PageFormat::Html => write(&project, &page, console)?,
        PageFormat::Markdown => console.data(report::markdown(&page).as_bytes())?,
        PageFormat::Json => console.data(report::json(&page).as_bytes())?,
    }
    Ok(outcome)
}

/// The page of some answers, with what happened and whether it can be trusted.
pub fn page_of<'p>(
    project: &'p Project,
    place: &Place,
    answers: Vec<Answered<'p>>,
    limits: store::Limits,
    names: Names,
    console: &Console,
) -> Result<Page<'p>, CouldNotRun> {
    let mut answers: Vec<report::Answer> = answers
        .into_iter()
        .filter_map(|answered| {
            let kept = answered.outcome.ok()?;
            Some(report::Answer {
                query: answered.query,
                columns: kept.columns,
                rows: kept.rows,
                n_rows: kept.n_rows,
                period: kept.period,
            })
        })
        .collect();
    if names == Names::Hidden {
        report::hide_people(&mut answers);
    }
    Ok(Page {
        organisation: project.settings.organisation.clone(),
        period: whole_period(&answers),
        trust: trust(project, place, console)?,
        answers,
        happenings: all_happenings(project, place, limits, console)?,
        rules: &project.definitions.attention,
        version: env!("CARGO_PKG_VERSION"),
    })
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
        crate::queries::write_whole(folder, &path, text.as_bytes()).map_err(failed)?;
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
    place: &Place,
    limits: store::Limits,
    console: &Console,
) -> Result<Vec<Happenings<'p>>, CouldNotRun> {
    let indicators = &project.definitions.indicators;
    let mut happened = Vec::new();
    for (indicator, rows) in indicators.iter().zip(happenings(place, indicators, limits)) {
        let rows = rows.map_err(|failure| {
            console.diagnostic(&indicator_fault(project, indicator, &failure));
            CouldNotRun
        })?;
        happened.push(Happenings { indicator, rows });
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
        Failure::Query(fault) => {
            sql_fault(project, &what, fault).in_data(indicator.source.path.clone())
        }
        Failure::Database(error) => database_fault(error),
    }
}

/// From the first that any answer is of to the newest that is known of any.
fn whole_period(answers: &[report::Answer<'_>]) -> Period {
    let periods = || answers.iter().filter_map(|answer| answer.period.as_ref());
    Period {
        from: periods().filter_map(|period| period.from.clone()).min(),
        to: periods().filter_map(|period| period.to.clone()).max(),
    }
}

fn trust(project: &Project, place: &Place, console: &Console) -> Result<Trust, CouldNotRun> {
    let status = store::status(place).map_err(|error| {
        console.diagnostic(&database_fault(&error));
        CouldNotRun
    })?;
    let mut rejects: Vec<(&String, u64)> = status
        .iter()
        .filter_map(|line| Some((line.stream.as_ref()?, line.rejects)))
        .collect();
    rejects.sort();
    rejects.dedup();
    let gaps = states::read(project, console)?;
    Ok(Trust {
        streams: rejects.len() as u64,
        rejects: rejects.iter().map(|(_, rejects)| rejects).sum(),
        gaps: gaps
            .iter()
            .map(|(_, state)| gaps::lines(&state.gaps).len() as u64)
            .sum(),
    })
}
