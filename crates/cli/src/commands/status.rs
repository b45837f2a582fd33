//! `status`: a line for each table.

use store::Place;

use crate::args::{Arguments, MessageFormat};
use crate::console::{Console, count, table};
use crate::project::database_fault;
use crate::{CouldNotRun, Outcome, load, project};

pub fn run(arguments: &Arguments, console: &Console) -> Result<Outcome, CouldNotRun> {
    let project = project::open(&arguments.project, console)?;
    let place = project.place();
    let status = match &place {
        Place::Memory(_) => {
            let mut store = super::open_store(&project, &place, console)?;
            let plans: Vec<_> = project.plans.iter().collect();
            load::load(&project, &plans, &mut store, console)?;
            store.status()
        }
        Place::Disk(_) => store::status(&place),
    };
    let status = status.map_err(|error| {
        console.diagnostic(&database_fault(&error));
        CouldNotRun
    })?;
    if arguments.message_format == MessageFormat::Json {
        for line in &status {
            let facts = serde_json::json!({
                "table": line.table, "stream": line.stream, "rows": line.rows, "newest": line.newest,
                "rejects": line.rejects, "warnings": line.warnings,
            });
            console.data(format!("{facts}\n").as_bytes());
        }
        return Ok(Outcome::Done);
    }
    let mut lines = vec![
        ["table", "rows", "newest extraction", "rejects", "warnings"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for line in &status {
        let newest = line.newest.clone().unwrap_or_else(|| "-".to_owned());
        lines.push(vec![
            line.table.clone(),
            count(line.rows),
            newest,
            count(line.rejects),
            count(line.warnings),
        ]);
    }
    console.data(table(&lines).as_bytes());
    Ok(Outcome::Done)
}
