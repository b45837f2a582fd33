//! `load`: what is new in `raw_data/`, into the database.

use diagnostics::{Diagnostic, counted};
use serde_json::json;
use store::Place;

use crate::args::{Arguments, LoadArguments};
use crate::console::Console;
use crate::{CouldNotRun, Outcome, distributed, loading};

pub fn run(
    arguments: &Arguments,
    options: &LoadArguments,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let project = super::open_project(&arguments.project, console)?;
    let plans = super::to_load(&project, &options.streams, console)?;
    let meant: Vec<&str> = if options.forget.is_empty() {
        Vec::new()
    } else {
        let meant = project
            .select(&options.forget)
            .map_err(|fault| console.cannot_run(&fault))?;
        meant.iter().map(|plan| plan.stream.as_str()).collect()
    };
    let is_lake = project.settings.lake.is_some();
    if options.shard.is_some() && !is_lake {
        let fault = Diagnostic::error("argument", "`--shard` is for a lake, and there is none");
        let hint = "set `LAKE_PATH` to a folder that all machines see";
        return Err(console.cannot_run(&fault.hint(hint)));
    }
    let place = project.place();
    let (reports, name) = if is_lake {
        let shard = options.shard.as_deref();
        let reports = distributed::load(&project, &plans, &meant, shard, console)?;
        (reports, "the lake".to_owned())
    } else {
        let mut store = super::open_store(&project, &place, console)?;
        let reports = loading::load(&project, &plans, &meant, &mut store, console)?;
        (reports, place.name())
    };
    let files: u64 = reports.iter().map(|report| report.files).sum();
    let records: u64 = reports.iter().map(|report| report.records).sum();
    let rejects: u64 = reports.iter().map(|report| report.rejects).sum();
    let text = match files {
        0 => format!("nothing new for {name}"),
        _ => format!(
            "{} from {} {} in {name}",
            counted(records, "record"),
            counted(files, "file"),
            if records == 1 { "is" } else { "are" },
        ),
    };
    let text = match rejects {
        0 => text,
        _ if is_lake => format!("{text}; {} in `_rejects`", counted(rejects, "reject")),
        _ => format!("{text}; {} in `rejects/`", counted(rejects, "reject")),
    };
    console.note(
        &text,
        &json!({ "files": files, "records": records, "rejects": rejects }),
    );
    if let (Place::Memory(_), false) = (&place, is_lake) {
        console.note(
            "it is gone when this ends; to keep it, set `DB_MODE=DISK`",
            &json!({}),
        );
    }
    Ok(super::outcome(rejects))
}
