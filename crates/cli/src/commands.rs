//! One module a verb.

pub mod check;
pub mod compare;
pub mod demo;
pub mod doctor;
pub mod extract;
mod fetched;
mod fetching;
pub mod init;
pub mod load;
pub mod manual;
pub mod postmortem;
pub mod query;
pub mod report;
pub mod run;
#[cfg(feature = "serve")]
mod serve;
pub mod show;
pub mod status;

use std::path::Path;
use std::time::Duration;

use ::load::LoadReport;
use diagnostics::{Diagnostic, counted};
use project::faults::database_fault;
use project::{OpenError, Project};
use store::{Database, Limits, Place, Store};
use transform::Plan;

use crate::console::Console;
use crate::{CouldNotRun, Outcome, distributed};

/// How long a run waits for another that is loading into the same database.
const PATIENCE: Duration = Duration::from_secs(60);

/// Opens the project's database for loading.
fn open_store(project: &Project, place: &Place, console: &Console) -> Result<Store, CouldNotRun> {
    let store = Store::open(
        place,
        &project.definitions.schema,
        PATIENCE,
        &mut |holder| {
            let text = format!(
                "waiting up to {} seconds for {}, which is held by {holder}",
                PATIENCE.as_secs(),
                place.name()
            );
            console.note(&text, &serde_json::json!({ "holder": holder }));
        },
    );
    store.map_err(|error| console.cannot_run(&database_fault(&error)))
}

/// A database that can be asked.
struct Ready {
    database: Box<dyn Database>,
    /// What loading it came to.
    outcome: Outcome,
    /// One in memory is there as long as this is.
    _store: Option<Store>,
}

impl Ready {
    fn database(&self) -> &dyn Database {
        &*self.database
    }
}

/// A database to ask. One on disk and a cluster are taken as they are; one in memory is loaded first.
fn ready(project: &Project, console: &Console) -> Result<Ready, CouldNotRun> {
    if project.settings.cluster.is_some() {
        return Ok(Ready {
            database: distributed::open(project, console)?,
            outcome: Outcome::Done,
            _store: None,
        });
    }
    let place = project.place();
    if let Place::Disk(_) = place {
        say_outdated(project, &place, console)?;
        return Ok(Ready {
            database: Box::new(place),
            outcome: Outcome::Done,
            _store: None,
        });
    }
    if let Some(name) = &project.settings.directory {
        let message = format!(
            "`DIRECTORY_PATH={name}` does nothing here: all streams are loaded, so that all can be asked"
        );
        console.diagnostic(&Diagnostic::warning("setting-unused", message));
    }
    let mut store = open_store(project, &place, console)?;
    let plans: Vec<_> = project.plans.iter().collect();
    let outcome = load_for_answers(project, &plans, &mut store, console)?;
    Ok(Ready {
        database: Box::new(place),
        outcome,
        _store: Some(store),
    })
}

/// Loads into a database in memory for what is asked of it: only what was not taken is said of the loading, in a line.
fn load_for_answers(
    project: &Project,
    plans: &[&Plan],
    store: &mut Store,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let reports = crate::loading::load_quietly(project, plans, store, console)?;
    let sum = |of: fn(&LoadReport) -> u64| reports.iter().map(of).sum();
    let (rejects, warnings): (u64, u64) =
        (sum(|report| report.rejects), sum(|report| report.warnings));
    let counts = [(rejects, "reject"), (warnings, "warning")];
    let counts = counts.iter().filter(|(number, _)| *number > 0);
    let counts: Vec<String> = counts
        .map(|(number, noun)| counted(*number, noun))
        .collect();
    if !counts.is_empty() {
        let text = format!(
            "loaded with {}: `reliability load` shows them",
            counts.join(" and ")
        );
        let facts = serde_json::json!({ "rejects": rejects, "warnings": warnings });
        console.note(&text, &facts);
    }
    Ok(outcome(rejects))
}

/// Says which derived tables are out of date: a load ended early, or their text changed.
fn say_outdated(project: &Project, place: &Place, console: &Console) -> Result<(), CouldNotRun> {
    let outdated = match store::outdated(place, &project.definitions.schema) {
        Ok(outdated) => outdated,
        // The next command that asks the database will say so.
        Err(_) => return Ok(()),
    };
    if !outdated.is_empty() {
        console.diagnostic(
            &Diagnostic::warning(
                "derived-outdated",
                format!(
                    "older than what they are made from: `{}`",
                    outdated.join("`, `")
                ),
            )
            .hint("`reliability load` brings them up to date"),
        );
    }
    Ok(())
}

/// Opens a project; what is wrong with it is said.
fn open_project(folder: &Path, console: &Console) -> Result<Project, CouldNotRun> {
    ::project::open(folder).map_err(|error| not_opened(&error, console))
}

/// Says why a project cannot be worked with.
fn not_opened(error: &OpenError, console: &Console) -> CouldNotRun {
    match error {
        OpenError::Settings(faults) => console.diagnostics(faults),
        OpenError::Definitions(faults) => {
            console.diagnostics(faults);
            let nothing = "nothing was run: the definitions have faults";
            let nothing = Diagnostic::error("definitions", nothing);
            console.diagnostic(&nothing.hint("`reliability check` checks them all"));
        }
        OpenError::Database(error) => console.diagnostic(&database_fault(error)),
    }
    CouldNotRun
}

/// What is loaded where these streams are named; said if a setting has to do with it.
fn to_load<'p>(
    project: &'p Project,
    names: &[String],
    console: &Console,
) -> Result<Vec<&'p Plan>, CouldNotRun> {
    let to_load = project
        .to_load(names)
        .map_err(|fault| console.cannot_run(&fault))?;
    if let Some(warning) = &to_load.warning {
        console.diagnostic(warning);
    }
    if let (true, Some(name)) = (to_load.by_directory, &project.settings.directory) {
        let text = format!("`DIRECTORY_PATH` is `{name}`: nothing else is loaded");
        console.note(&text, &serde_json::json!({ "directory": name }));
    }
    Ok(to_load.plans)
}

/// The first Ctrl-C, or SIGTERM, stops what is under way; the second ends the program at once, which loses nothing that
/// is on disk.
fn stop_on_interrupt(stop: &::extract::Stop) {
    let stop = stop.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            interrupted().await;
            stop.set();
            interrupted().await;
            std::process::exit(130);
        });
    });
}

/// Waits until somebody wants an end.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

fn outcome(rejects: u64) -> Outcome {
    if rejects == 0 {
        Outcome::Done
    } else {
        Outcome::DoneWithFaults
    }
}

fn limits(timeout: u64) -> Limits {
    Limits {
        timeout: (timeout > 0).then(|| Duration::from_secs(timeout)),
    }
}
