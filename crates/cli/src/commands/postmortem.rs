//! `postmortem`: documents, and what they say of their incidents as YAML to be reviewed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use ::postmortem::{Incident, LONGEST};
use diagnostics::{Diagnostic, counted};
use project::Project;
use serde_json::json;

use crate::args::{Arguments, FindingFormat, PostmortemArguments};
use crate::console::Console;
use crate::{CouldNotRun, Outcome};

/// The list of agreed root causes in the project folder.
const CAUSES: &str = "root_causes.yaml";

pub fn run(
    arguments: &Arguments,
    options: &PostmortemArguments,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let project = super::open_project(&arguments.project, console)?;
    let none = Vec::new();
    let agreed = project.agreed(CAUSES).unwrap_or(&none);
    let guide = &project.definitions.guide;
    let documents = documents(&options.documents).map_err(|fault| console.cannot_run(&fault))?;
    let mut faults = 0;
    for path in &documents {
        let name = path.display().to_string();
        let text = match text_of(path) {
            Ok(text) => text,
            Err(fault) => {
                faults += 1;
                console.diagnostic(&fault.in_data(name));
                continue;
            }
        };
        let incident = ::postmortem::read(&text, guide, agreed);
        match (options.check, options.format) {
            (true, _) => faults += u64::from(say_lacks(&incident, &name, console)),
            (_, Some(FindingFormat::Json)) => {
                let facts = json!({ "document": name, "incident": ::postmortem::json(&incident) });
                console.data(format!("{facts}\n").as_bytes())?;
            }
            (_, Some(FindingFormat::Yaml)) => {
                console.data(::postmortem::yaml(&incident, &name).as_bytes())?;
            }
            (false, None) => {
                faults += u64::from(!write(&incident, path, &project, console)?);
            }
        }
    }
    Ok(super::outcome(faults))
}

/// The documents named, and those in the folders named, in order.
fn documents(named: &[PathBuf]) -> Result<Vec<PathBuf>, Box<Diagnostic>> {
    let mut documents = Vec::new();
    for path in named {
        if !path.is_dir() {
            documents.push(path.clone());
            continue;
        }
        let mut found = Vec::new();
        collect(path, &mut found).map_err(|error| {
            let message = format!("cannot list the folder: {error}");
            Box::new(
                Diagnostic::error("document-unreadable", message)
                    .in_data(path.display().to_string()),
            )
        })?;
        found.sort();
        documents.append(&mut found);
    }
    if documents.is_empty() {
        let fault = Diagnostic::error("document-none", "there is no document in what was named");
        return Err(Box::new(
            fault.hint("documents are `.md`, `.markdown` or `.txt`"),
        ));
    }
    Ok(documents)
}

/// The documents below a folder; hidden files and links to folders are skipped.
fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if entry.file_type()?.is_dir() && !is_hidden {
            collect(&path, found)?;
        } else if !is_hidden && is_document(&path) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_document(path: &Path) -> bool {
    let ending = path
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| ["md", "markdown", "txt"].contains(&ending.as_str()))
}

fn text_of(path: &Path) -> Result<String, Box<Diagnostic>> {
    let unreadable = |reason: String| Box::new(Diagnostic::error("document-unreadable", reason));
    if !is_document(path) {
        let fault = unreadable("the document is of a kind that is not read".to_owned());
        return Err(Box::new(
            fault.hint("documents are `.md`, `.markdown` or `.txt`"),
        ));
    }
    let failed = |error: io::Error| unreadable(format!("cannot read the document: {error}"));
    let file = File::open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(unreadable("the document is no plain file".to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > LONGEST {
        let limit = LONGEST >> 20;
        return Err(unreadable(format!(
            "the document is longer than {limit} MiB"
        )));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        unreadable(format!(
            "the document is not UTF-8: byte {} is none of it",
            at + 1
        ))
    })?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// Writes what was read into a file of `incidents/`, or brings the one that is there in line. Says whether it could.
fn write(
    incident: &Incident,
    document: &Path,
    project: &Project,
    console: &Console,
) -> Result<bool, CouldNotRun> {
    let (folder, _) = &project.settings.incidents;
    let stem = document
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let path = folder.join(format!("{}.yaml", stem.unwrap_or_default()));
    let shown = path.strip_prefix(&project.folder).unwrap_or(&path);
    let shown = shown.display().to_string();
    let failed = |error: io::Error| {
        let message = format!("cannot write `{shown}`: {error}");
        console.cannot_run(&Diagnostic::error("postmortem-unwritten", message))
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let yaml = ::postmortem::yaml(incident, &document.display().to_string());
    let there = match OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => {
            file.write_all(yaml.as_bytes()).map_err(failed)?;
            say_written(&shown, &yaml, console);
            return Ok(true);
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::read_to_string(&path).map_err(failed)?
        }
        Err(error) => return Err(failed(error)),
    };
    // What people corrected there must not be lost.
    let Some(merged) = ::postmortem::merge(&there, incident) else {
        let message =
            format!("`{shown}` is there already, and is kept: it was not written by this command");
        let hint = format!(
            "`reliability postmortem --format yaml '{}'` prints what the document says",
            document.display()
        );
        console.diagnostic(&Diagnostic::warning("postmortem-there", message).hint(hint));
        return Ok(false);
    };
    if merged.text != there {
        replace(&path, &merged.text).map_err(failed)?;
    }
    say_written(&shown, &merged.text, console);
    for change in &merged.changes {
        console.note(
            &format!("  {change}"),
            &json!({ "file": shown, "change": change }),
        );
    }
    Ok(true)
}

/// Puts a file in the place of another in one step, so that nothing is lost if this ends half-way.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("yaml.tmp");
    fs::write(&new, text)?;
    fs::rename(&new, path)
}

fn say_written(shown: &str, yaml: &str, console: &Console) {
    let open = yaml.matches("review:").count().saturating_sub(1) as u64;
    let what = match open {
        0 => "nothing to review".to_owned(),
        open => format!("{} to review", counted(open, "place")),
    };
    let facts = json!({ "written": shown, "to_review": open });
    console.note(&format!("{shown}  {what}"), &facts);
}

/// Says what a document lacks, and whether it lacks anything.
fn say_lacks(incident: &Incident, name: &str, console: &Console) -> bool {
    let lacks = incident.lacks();
    let mut said: Vec<String> = Vec::new();
    if !lacks.is_empty() {
        said.push(format!(
            "the postmortem does not say for certain: `{}`",
            lacks.join("`, `")
        ));
    }
    said.extend(incident.contradictions.iter().cloned());
    for message in &said {
        console.diagnostic(&Diagnostic::error("postmortem-lacks", message.clone()).in_data(name));
    }
    !said.is_empty()
}
