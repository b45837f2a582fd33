//! `check`: every definition, and the tests of mappers and queries.

use diagnostics::{Severity, counted};
use serde_json::json;

use crate::args::Arguments;
use crate::console::Console;
use crate::{CouldNotRun, Outcome};

pub fn run(arguments: &Arguments, console: &Console) -> Result<Outcome, CouldNotRun> {
    let checked = project::check(&arguments.project);
    let project::Checked {
        project,
        tests,
        faults,
    } = checked.map_err(|error| super::not_opened(&error, console))?;
    console.diagnostics(&faults);
    let errors = faults
        .iter()
        .filter(|fault| fault.severity == Severity::Error)
        .count() as u64;
    let definitions = &project.definitions;
    let text = format!(
        "checked {}, {}, {}, {}, {} and {}: {}, {}",
        counted(definitions.extractors.len() as u64, "extractor"),
        counted(definitions.schema.tables.len() as u64, "table"),
        counted(definitions.mappers.len() as u64, "mapper"),
        counted(tests as u64, "test"),
        counted(definitions.schema.derived.len() as u64, "derived table"),
        if definitions.queries.len() == 1 {
            "1 query".to_owned()
        } else {
            format!("{} queries", definitions.queries.len())
        },
        counted(errors, "error"),
        counted(faults.len() as u64 - errors, "warning"),
    );
    console.note(
        &text,
        &json!({ "errors": errors, "warnings": faults.len() as u64 - errors }),
    );
    Ok(if errors == 0 {
        Outcome::Done
    } else {
        Outcome::DoneWithFaults
    })
}
