//! `load`: what is new in `raw_data/`, into the database.

use diagnostics::counted;
use serde_json::json;
use store::Place;

use crate::args::{Arguments, LoadArguments};
use crate::console::Console;
use crate::{CouldNotRun, Outcome, loading};

pub fn run(
    arguments: &Arguments,
    options: &LoadArguments,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let project = super::open_project(&arguments.project, console)?;
    let plans = super::to_load(&project, &options.streams, console)?;
    let place = project.place();
    let mut store = super::open_store(&project, &place, console)?;
    let meant: Vec<&str> = if options.forget.is_empty() {
        Vec::new()
    } else {
        let meant = project
            .select(&options.forget)
            .map_err(|fault| console.cannot_run(&fault))?;
        meant.iter().map(|plan| plan.stream.as_str()).collect()
    };
    let reports = loading::load(&project, &plans, &meant, &mut store, console)?;
    let files: u64 = reports.iter().map(|report| report.files).sum();
    let records: u64 = reports.iter().map(|report| report.records).sum();
    let rejects: u64 = reports.iter().map(|report| report.rejects).sum();
    let text = match files {
        0 => format!("nothing new for {}", place.name()),
        _ => format!(
            "{} from {} {} in {}",
            counted(records, "record"),
            counted(files, "file"),
            if records == 1 { "is" } else { "are" },
            place.name()
        ),
    };
    let text = match rejects {
        0 => text,
        _ => format!("{text}; {} in `rejects/`", counted(rejects, "reject")),
    };
    console.note(
        &text,
        &json!({ "files": files, "records": records, "rejects": rejects }),
    );
    if let Place::Memory(_) = place {
        console.note(
            "it is gone when this ends; to keep it, set `DB_MODE=DISK`",
            &json!({}),
        );
    }
    Ok(super::outcome(rejects))
}
