//! Loading as people see it: a bar for each stream, a line for what was loaded, the first rejects and warnings.

use diagnostics::{Diagnostic, counted};
use indicatif::ProgressBar;
use load::{Event, FirstFaults, LoadError, LoadReport};
use project::Project;
use project::faults::{database_fault, derived_fault};
use serde_json::json;
use store::Store;
use transform::Plan;

use crate::CouldNotRun;
use crate::console::Console;

/// Loads what is new of the given streams, and says what came of it; see [`load::load`].
pub fn load(
    project: &Project,
    plans: &[&Plan],
    meant: &[&str],
    store: &mut Store,
    console: &Console,
) -> Result<Vec<LoadReport>, CouldNotRun> {
    let mut bar = ProgressBar::hidden();
    let loaded = load::load(project, plans, meant, store, &mut |event| {
        say(event, &mut bar, console);
    });
    loaded.map_err(|error| say_error(project, &error, console))
}

/// The same, but the rejects and warnings of records are not said one by one, nor what was loaded.
pub fn load_quietly(
    project: &Project,
    plans: &[&Plan],
    store: &mut Store,
    console: &Console,
) -> Result<Vec<LoadReport>, CouldNotRun> {
    let mut bar = ProgressBar::hidden();
    let loaded = load::load(project, plans, &[], store, &mut |event| {
        say_progress(event, &mut bar, console);
    });
    loaded.map_err(|error| say_error(project, &error, console))
}

fn say_error(project: &Project, error: &LoadError, console: &Console) -> CouldNotRun {
    match error {
        LoadError::Database(error) => console.diagnostic(&database_fault(error)),
        LoadError::Faults(faults) => faults.iter().for_each(|fault| console.diagnostic(fault)),
        LoadError::Derived(fault) => {
            console.diagnostic(&derived_fault(&project.definitions.schema, fault));
        }
        LoadError::Thread(error) => {
            let message = format!("cannot begin a thread: {error}");
            console.diagnostic(&Diagnostic::error("threads", message));
        }
    }
    CouldNotRun
}

/// Prints what happens while streams are loaded.
pub fn say(event: &Event<'_>, bar: &mut ProgressBar, console: &Console) {
    match event {
        Event::Loaded(report) => say_stream(report, console),
        Event::Faults(report, first) => say_faults(report, first, console),
        event => say_progress(event, bar, console),
    }
}

/// Prints what is odd, and moves the bar; what became of the records is printed elsewhere.
fn say_progress(event: &Event<'_>, bar: &mut ProgressBar, console: &Console) {
    match event {
        Event::Odd(diagnostics) => console.diagnostics(diagnostics),
        Event::Reading { stream, bytes } => *bar = console.bar(stream, *bytes),
        Event::Written(bytes) => bar.inc(*bytes),
        Event::Read => bar.finish_and_clear(),
        Event::Loaded(_) | Event::Faults(..) => {}
    }
}

fn say_stream(report: &LoadReport, console: &Console) {
    let mut text = format!(
        "loaded {:24} {} from {}",
        report.stream,
        counted(report.records, "record"),
        counted(report.files, "file")
    );
    if report.removed > 0 {
        text += &format!(", {} gone since", counted(report.removed, "row"));
    }
    let facts = json!({
        "stream": report.stream, "files": report.files, "records": report.records,
        "rejects": report.rejects, "warnings": report.warnings, "removed": report.removed,
    });
    console.note(&text, &facts);
}

/// Shows the first rejects and warnings of a stream, and says where the others are.
fn say_faults(report: &LoadReport, first: &FirstFaults, console: &Console) {
    for row in &first.rejects {
        let what = match (&row.table, &row.column) {
            (Some(table), Some(column)) => format!("`{table}.{column}`: "),
            (Some(table), None) => format!("`{table}`: "),
            _ => String::new(),
        };
        let (code, place) = match row.line {
            0 => ("file-rejected", row.path.clone()),
            line => ("record-rejected", format!("{}:{line}", row.path)),
        };
        let mut fault = Diagnostic::error(code, format!("{what}{}", row.reason)).in_data(place);
        if let Some(value) = &row.value {
            fault = fault.note(format!("the value is {value}"));
        }
        console.diagnostic(&fault);
    }
    if report.rejects > 0 {
        let text = format!(
            "{} of {} kept in `rejects/{}/`, with their reasons",
            counted(report.rejects, "reject"),
            report.stream,
            report.stream
        );
        let facts = json!({ "stream": report.stream, "rejects": report.rejects });
        console.note(&text, &facts);
    }
    for (path, line, reason) in &first.warnings {
        let odd = Diagnostic::warning("record-odd", reason.clone());
        console.diagnostic(&odd.in_data(format!("{path}:{line}")));
    }
    if first.all_warnings > first.warnings.len() as u64 {
        let text = format!(
            "{} in all, in the table `_warnings`",
            counted(first.all_warnings, "warning")
        );
        console.note(&text, &json!(null));
    }
}
