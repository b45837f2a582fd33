//! `status`: a line for each table, then one for each stream that was fetched.

use diagnostics::count;
use extract::state::State;
use project::faults::database_fault;
use project::{Project, states};
use store::{Database, Place, TableStatus};

use crate::args::{Arguments, MessageFormat};
use crate::console::Console;
use crate::{CouldNotRun, Outcome, gaps};

pub fn run(arguments: &Arguments, console: &Console) -> Result<Outcome, CouldNotRun> {
    let project = super::open_project(&arguments.project, console)?;
    let place = project.place();
    let status = match &place {
        _ if project.settings.cluster.is_some() => {
            let ready = super::ready(&project, console)?;
            ready.database().reader().and_then(|reader| reader.status())
        }
        Place::Memory(_) => {
            let mut store = super::open_store(&project, &place, console)?;
            let plans: Vec<_> = project.plans.iter().collect();
            super::load_for_answers(&project, &plans, &mut store, console)?;
            store.status()
        }
        Place::Disk(_) => place.reader().and_then(|reader| reader.status()),
    };
    let fetched = crate::fetched_states(&project, console)?;
    let status = match status {
        Err(store::Error::Missing { .. }) if !fetched.is_empty() => {
            console.note(
                "nothing is loaded yet: `reliability load` does it",
                &serde_json::json!({ "loaded": false }),
            );
            Vec::new()
        }
        status => status.map_err(|error| console.cannot_run(&database_fault(&error)))?,
    };
    if arguments.message_format == MessageFormat::Json {
        for facts in all_facts(&project, &status, &fetched) {
            console.data(format!("{facts}\n").as_bytes())?;
        }
        return Ok(Outcome::Done);
    }
    if !status.is_empty() {
        console.data(tables(&status).as_bytes())?;
    }
    if !fetched.is_empty() {
        if !status.is_empty() {
            console.data(b"\n")?;
        }
        console.data(extraction(&project, &fetched).as_bytes())?;
    }
    Ok(Outcome::Done)
}

/// The same for machines: an object for each table, then one for each stream.
fn all_facts(
    project: &Project,
    status: &[TableStatus],
    fetched: &[(String, State)],
) -> Vec<serde_json::Value> {
    let tables = status.iter().map(|line| {
        serde_json::json!({
            "table": line.table, "stream": line.stream, "rows": line.rows, "newest": line.newest,
            "rejects": line.rejects, "warnings": line.warnings,
        })
    });
    let streams = fetched.iter().map(|(stream, state)| {
        serde_json::json!({
            "stream": stream, "covered": state.covered, "gaps": gaps::facts(&state.gaps),
            "last_run": state.last, "complete": state.is_complete(),
            "unfinished": states::is_unfinished(project, stream),
        })
    });
    tables.chain(streams).collect()
}

fn tables(status: &[TableStatus]) -> String {
    let heading = ["table", "rows", "newest extraction", "rejects", "warnings"];
    let mut lines = vec![heading.map(str::to_owned).to_vec()];
    lines.extend(status.iter().map(|line| {
        vec![
            line.table.clone(),
            count(line.rows),
            line.newest.clone().unwrap_or_else(|| "-".to_owned()),
            count(line.rejects),
            count(line.warnings),
        ]
    }));
    report::aligned(&lines)
}

fn extraction(project: &Project, fetched: &[(String, State)]) -> String {
    let heading = ["stream", "last fetched", "records", "covered", "gaps"];
    let mut lines = vec![heading.map(str::to_owned).to_vec()];
    let mut list = String::new();
    for (stream, state) in fetched {
        let (mut when, mut records) = ("-".to_owned(), String::new());
        if let Some(last) = &state.last {
            when = last.finished_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            records = count(last.records);
        }
        let covered: Vec<String> = state
            .covered
            .as_slice()
            .iter()
            .map(|window| {
                let [since, until] = [window.since, window.until]
                    .map(|end| end.strftime("%Y-%m-%d %H:%M").to_string());
                format!("{since} to {until}")
            })
            .collect();
        let covered = match covered.is_empty() {
            false => covered.join(", "),
            _ if state.held_back.is_some() => "held back: far fewer records than before".to_owned(),
            _ if state.passed_over.is_some() => "not there for us".to_owned(),
            _ if state.is_complete() => "all that there is".to_owned(),
            _ => "in part".to_owned(),
        };
        let covered = if states::is_unfinished(project, stream) {
            format!("{covered}; a run is unfinished")
        } else {
            covered
        };
        lines.push(vec![
            stream.clone(),
            when,
            records,
            covered,
            count(gaps::lines(&state.gaps).len() as u64),
        ]);
        for line in gaps::lines(&state.gaps) {
            list += &format!("gap in {stream}: {}: {}\n", line.place(), line.gap.reason);
        }
    }
    let mut text = report::aligned(&lines);
    if !list.is_empty() {
        text.push('\n');
        text += &list;
    }
    text
}
