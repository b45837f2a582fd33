//! `run`: load, answer every question, and say what came of it.

use diagnostics::{count, counted};

use crate::args::{Arguments, RunArguments};
use crate::console::{Console, table};
use crate::page::{self, Held, Names};
use crate::period::Undated;
use crate::{CouldNotRun, Outcome, gaps, loading, period};

pub fn run(
    arguments: &Arguments,
    options: &RunArguments,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let project = super::open_project(&arguments.project, console)?;
    let asked = period::read(&options.period, console)?;
    let place = project.place();
    let mut store = super::open_store(&project, &place, console)?;
    let plans = super::to_load(&project, &[], console)?;
    let reports = loading::load(&project, &plans, &[], &mut store, console)?;
    let status = store.status().map_err(|error| {
        console.diagnostic(&project::faults::database_fault(&error));
        CouldNotRun
    })?;
    let queries: Vec<_> = project.definitions.queries.iter().collect();
    let limits = super::limits(options.timeout);
    let held = match &asked {
        Some(asked) => Held::Narrowed(Box::new(period::narrow(
            &project,
            &place,
            asked,
            Undated::Said,
            console,
        )?)),
        None => Held::Whole(place.clone()),
    };
    let answers = super::query::into_folder(
        &project,
        held.place(),
        &queries,
        limits,
        page::OUTPUT,
        page::KEPT,
        console,
    )?;

    let loaded = || status.iter().filter(|line| !line.is_derived);
    let rows: u64 = loaded().map(|line| line.rows).sum();
    let filled = loaded().filter(|line| line.rows > 0).count() as u64;
    let rejects: u64 = reports.iter().map(|report| report.rejects).sum();
    let warnings: u64 = reports.iter().map(|report| report.warnings).sum();
    let states = crate::fetched_states(&project, console)?;
    let gaps: u64 = states
        .iter()
        .map(|(_, state)| gaps::lines(&state.gaps).len() as u64)
        .sum();
    let mut summary = format!(
        "\n{} in {}, {}, {}, {}\n\n",
        counted(rows, "row"),
        counted(filled, "table"),
        counted(rejects, "reject"),
        counted(warnings, "warning"),
        counted(gaps, "gap"),
    );
    let mut lines = Vec::new();
    for answer in &answers {
        let question = if answer.query.question.is_empty() {
            &answer.query.title
        } else {
            &answer.query.question
        };
        let rows = answer
            .outcome
            .as_ref()
            .map_or(String::new(), |kept| count(kept.n_rows));
        lines.push(vec![
            format!("output/{}.csv", answer.query.name),
            rows,
            question.clone(),
        ]);
    }
    summary += &table(&lines);
    if rows == 0 {
        summary += "\nthere is no data yet: try `reliability demo`, or put files in `raw_data/` and `incidents/`\n";
    } else {
        summary += "\nask more: `reliability query --sql 'select …'`; what is in the tables: `reliability status`\n";
    }
    if rejects > 0 {
        summary +=
            "records that could not be taken are in `rejects/`, each with its place and reason\n";
    }
    if gaps > 0 {
        summary += "what was asked for and did not come is listed by `reliability status`; `reliability extract` asks for it again\n";
    }
    let span = page::span(&project, &place, asked.as_ref(), console)?;
    let is_of_page = span.is_all || asked.is_some_and(|asked| asked.from.is_some());
    let (times, answers) = match is_of_page {
        true => (
            page::times(&project, &place, span, Some(held), console)?,
            answers,
        ),
        false => {
            let times = page::times(&project, &place, span, None, console)?;
            let answers = page::into_files(&project, &times, &queries, limits, console)?;
            (times, answers)
        }
    };
    let page = page::of(&project, &times, answers, limits, Names::Shown, console)?;
    page::write(&project, &page, console)?;
    console.data(summary.as_bytes())?;
    Ok(super::outcome(rejects + gaps))
}
