//! `report`: every answer on one page, `output/report.html`.

use std::fs;

use report::{Page, Trust};
use store::{Period, Place, Store};

use crate::args::{Arguments, ReportArguments};
use crate::console::{Console, counted};
use crate::faults::database_fault;
use crate::project::Project;
use crate::queries::{Answered, keep_all};
use crate::{CouldNotRun, Outcome, gaps, period, project, states};
use diagnostics::Diagnostic;

/// Of each answer so many rows are drawn; the CSV files have all.
pub const KEPT: usize = 20_000;

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
    write(&project, place, answers, console)?;
    Ok(outcome)
}

/// Writes the page of some answers, whole or not at all.
pub fn write(
    project: &Project,
    place: &Place,
    answers: Vec<Answered<'_>>,
    console: &Console,
) -> Result<(), CouldNotRun> {
    let trust = trust(project, place, console)?;
    let answers: Vec<report::Answer> = answers
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
    let n_panels = answers.len() as u64;
    let page = report::page(&Page {
        organisation: project.settings.organisation.clone(),
        period: whole_period(&answers),
        trust,
        answers,
        rules: &project.definitions.attention,
        version: env!("CARGO_PKG_VERSION"),
    });
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
        crate::queries::write_whole(folder, &path, page.as_bytes()).map_err(failed)?;
    }
    let text = format!("{PAGE}  {}", counted(n_panels, "panel"));
    console.note(
        &text,
        &serde_json::json!({ "page": PAGE, "panels": n_panels }),
    );
    Ok(())
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
