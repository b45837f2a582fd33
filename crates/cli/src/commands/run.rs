//! `run`: load, answer every question, and say what came of it.

use diagnostics::{count, counted};
use load::LoadReport;
use project::Project;
use store::TableStatus;
use transform::Plan;

use crate::answers::Answered;
use crate::args::{Arguments, RunArguments};
use crate::console::Console;
use crate::page::{self, Held, Names};
use crate::period::Undated;
use crate::{CouldNotRun, Outcome, distributed, gaps, loading, period};

pub fn run(
    arguments: &Arguments,
    options: &RunArguments,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let project = super::open_project(&arguments.project, console)?;
    let asked = period::read(&options.period, console)?;
    let plans = super::to_load(&project, &[], console)?;
    let (reports, ready) = load(&project, &plans, console)?;
    let database = ready.database();
    let status = database
        .reader()
        .and_then(|reader| reader.status())
        .map_err(|error| console.cannot_run(&project::faults::database_fault(&error)))?;
    let queries: Vec<_> = project.definitions.queries.iter().collect();
    let limits = super::limits(options.timeout);
    let held = match &asked {
        Some(asked) => Held::Narrowed(period::narrow(
            &project,
            database,
            asked,
            Undated::Said,
            console,
        )?),
        None => Held::Whole(database),
    };
    let answers = super::query::into_folder(
        &project,
        held.database(),
        &queries,
        limits,
        page::OUTPUT,
        page::KEPT,
        console,
    )?;

    let states = crate::fetched_states(&project, console)?;
    let gaps = states.iter();
    let gaps = gaps.map(|(_, state)| gaps::lines(&state.gaps).len() as u64);
    let counts = Counts::of(&status, &reports, gaps.sum());
    let summary = summary(&counts, &answers);
    let span = page::span(&project, database, asked.as_ref(), console)?;
    let is_of_page = span.is_all || asked.is_some_and(|asked| asked.from.is_some());
    let (times, answers) = match is_of_page {
        true => (
            page::times(&project, database, span, Some(held), console)?,
            answers,
        ),
        false => {
            let times = page::times(&project, database, span, None, console)?;
            let answers = page::into_files(&project, &times, &queries, limits, console)?;
            (times, answers)
        }
    };
    let page = page::of(&project, &times, answers, limits, Names::Shown, console)?;
    page::write(&project, &page, console)?;
    console.data(console.typable(&summary).as_bytes())?;
    Ok(super::outcome(counts.rejects + counts.gaps))
}

/// Loads, and gives what is to be asked then.
fn load(
    project: &Project,
    plans: &[&Plan],
    console: &Console,
) -> Result<(Vec<LoadReport>, super::Ready), CouldNotRun> {
    if project.settings.cluster.is_some() {
        let reports = distributed::load(project, plans, &[], None, console)?;
        return Ok((reports, super::ready(project, console)?));
    }
    let place = project.place();
    let mut store = super::open_store(project, &place, console)?;
    let reports = loading::load(project, plans, &[], &mut store, console)?;
    let ready = super::Ready {
        database: Box::new(place),
        outcome: Outcome::Done,
        _store: Some(store),
    };
    Ok((reports, ready))
}

/// What is loaded, and what is not.
struct Counts {
    rows: u64,
    /// Tables that have rows.
    filled: u64,
    rejects: u64,
    warnings: u64,
    gaps: u64,
}

impl Counts {
    fn of(status: &[TableStatus], reports: &[LoadReport], gaps: u64) -> Self {
        let loaded = || status.iter().filter(|line| !line.is_derived);
        Self {
            rows: loaded().map(|line| line.rows).sum(),
            filled: loaded().filter(|line| line.rows > 0).count() as u64,
            rejects: reports.iter().map(|report| report.rejects).sum(),
            warnings: reports.iter().map(|report| report.warnings).sum(),
            gaps,
        }
    }
}

/// What is loaded, a line for each answer, and what to type next.
fn summary(counts: &Counts, answers: &[Answered<'_>]) -> String {
    let mut summary = format!(
        "\n{} in {}, {}, {}, {}\n\n",
        counted(counts.rows, "row"),
        counted(counts.filled, "table"),
        counted(counts.rejects, "reject"),
        counted(counts.warnings, "warning"),
        counted(counts.gaps, "gap"),
    );
    let lines = answers.iter().map(|answer| {
        let question = match answer.query.question.as_str() {
            "" => &answer.query.title,
            question => question,
        };
        let kept = answer.outcome.as_ref();
        let rows = kept.map_or(String::new(), |kept| count(kept.n_rows));
        let file = format!("output/{}.csv", answer.query.name);
        vec![file, rows, question.to_owned()]
    });
    summary += &report::aligned(&lines.collect::<Vec<_>>());
    summary += match counts.rows {
        0 => {
            "\nthere is no data yet: try `reliability demo`, or put files in `raw_data/` and `incidents/`\n"
        }
        _ => {
            "\nask more: `reliability query --sql 'select …'`; what is in the tables: `reliability status`\n"
        }
    };
    if counts.rejects > 0 {
        summary +=
            "records that could not be taken are in `rejects/`, each with its place and reason\n";
    }
    if counts.gaps > 0 {
        summary += "what was asked for and did not come is listed by `reliability status`; `reliability extract` asks for it again\n";
    }
    summary
}
