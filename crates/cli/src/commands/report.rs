//! `report`: every answer on one page, `output/report.html`.

use crate::args::{Arguments, PageFormat, ReportArguments};
use crate::console::Console;
use crate::page::{self, Names};
use crate::{CouldNotRun, Outcome, period};

pub fn run(
    arguments: &Arguments,
    options: &ReportArguments,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let project = super::open_project(&arguments.project, console)?;
    let queries = super::query::select(&project, &options.only, console)?;
    let asked = period::read(&options.period, console)?;
    let ready = super::ready(&project, console)?;
    let (database, outcome) = (ready.database(), ready.outcome);
    let limits = super::limits(options.timeout);
    let span = page::span(&project, database, asked.as_ref(), console)?;
    let times = page::times(&project, database, span, None, console)?;
    let answers = match options.format {
        PageFormat::Html => page::into_files(&project, &times, &queries, limits, console)?,
        // What goes to stdout writes no files.
        PageFormat::Markdown | PageFormat::Json => {
            page::kept(&project, times.now.database(), &queries, limits, console)?
        }
    };
    let names = match options.anonymous {
        true => Names::Hidden,
        false => Names::Shown,
    };
    let page = page::of(&project, &times, answers, limits, names, console)?;
    match options.format {
        PageFormat::Html => page::write(&project, &page, console)?,
        PageFormat::Markdown => console.data(report::markdown(&page).as_bytes())?,
        PageFormat::Json => console.data(report::json(&page).as_bytes())?,
    }
    Ok(outcome)
}
