//! `init`: the project's folders, its `.env` from `.env.local`, and its database.

use std::fs;
use std::io;
use std::path::Path;

use diagnostics::Diagnostic;
use project::settings;
use serde_json::json;

use crate::args::Arguments;
use crate::console::Console;
use crate::{CouldNotRun, Outcome};

pub fn run(arguments: &Arguments, console: &Console) -> Result<Outcome, CouldNotRun> {
    let folder = &arguments.project;
    let made = make(folder).map_err(|error| {
        console.diagnostic(
            &Diagnostic::error("init", format!("cannot set up the project: {error}"))
                .in_data(folder.display().to_string()),
        );
        CouldNotRun
    })?;
    for name in &made {
        console.note(&format!("made {name}"), &json!({ "made": name }));
    }
    let project = super::open_project(folder, console)?;
    let place = project.place();
    drop(super::open_store(&project, &place, console)?);
    let tables = project.definitions.schema.tables.len();
    console.note(
        &format!("{} is ready, with {tables} tables", place.name()),
        &json!({ "tables": tables }),
    );
    console.note(
        "next: put tokens into `.env` and `reliability extract`, or files into `raw_data/` and `incidents/`; then `reliability run`",
        &json!({}),
    );
    Ok(Outcome::Done)
}

/// What people fill in for each postmortem.
const POSTMORTEM: &str = include_str!("postmortem_template.yaml");

/// Makes what is missing, and says what that was. What is there stays as it is.
fn make(folder: &Path) -> io::Result<Vec<String>> {
    let mut made = Vec::new();
    for name in ["raw_data", "incidents", "output"] {
        let path = folder.join(name);
        if !path.is_dir() {
            fs::create_dir_all(&path)?;
            made.push(format!("{name}/"));
        }
    }
    let template = folder.join(".env.local");
    if !template.exists() {
        fs::write(&template, settings::TEMPLATE)?;
        made.push(".env.local".to_owned());
    }
    let postmortem = folder.join("postmortem_template.yaml");
    if !postmortem.exists() {
        fs::write(&postmortem, POSTMORTEM)?;
        made.push("postmortem_template.yaml".to_owned());
    }
    let env = folder.join(".env");
    if !env.exists() {
        // It is for tokens: nobody else may read it.
        let text = fs::read_to_string(&template)?;
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        io::Write::write_all(&mut options.open(&env)?, text.as_bytes())?;
        made.push(".env".to_owned());
    }
    Ok(made)
}
