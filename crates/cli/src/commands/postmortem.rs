//! `postmortem`: documents, and what they say of their incidents as YAML to be reviewed.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use ::postmortem::{Document, ENDINGS, Incident, LONGEST, Unmerged, documents_of_zip, is_document};
use definitions::FileName;
use diagnostics::{Diagnostic, counted};
use project::Project;
use project::texts::FetchedText;
use serde_json::json;

use crate::args::{Arguments, FindingFormat, PostmortemArguments};
use crate::console::Console;
use crate::{CouldNotRun, Outcome};

/// The list of agreed root causes in the project folder.
const CAUSES: &str = "root_causes.yaml";

/// The longest zip that is read, in bytes.
const LONGEST_ZIP: usize = 256 << 20;

pub fn run(
    arguments: &Arguments,
    options: &PostmortemArguments,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let project = super::open_project(&arguments.project, console)?;
    let none = Vec::new();
    let agreed = project.agreed(CAUSES).unwrap_or(&none);
    let guide = &project.definitions.guide;
    let paths = paths(&options.documents, &project).map_err(|fault| console.cannot_run(&fault))?;
    let mut written = HashSet::new();
    let mut faults = 0;
    for source in paths.iter().flat_map(|path| sources(path, &project)) {
        let name = source.name;
        let parsed = source
            .bytes
            .and_then(|bytes| Document::parse(&name, &bytes));
        let document = match parsed {
            Ok(document) => document,
            Err(reason) => {
                faults += 1;
                console.diagnostic(&unreadable(reason, &name));
                continue;
            }
        };
        let mut incident = ::postmortem::read(&document, guide, agreed);
        if let Some(link) = source.link {
            incident.link_is(link);
        }
        match (options.check, options.format) {
            (true, _) => faults += u64::from(say_lacks(&incident, &name, console)),
            (_, Some(FindingFormat::Json)) => {
                let facts = json!({ "document": name, "incident": ::postmortem::json(&incident) });
                console.data(format!("{facts}\n").as_bytes())?;
            }
            (_, Some(FindingFormat::Yaml)) => {
                console.data(::postmortem::yaml(&incident, &name).as_bytes())?;
            }
            (false, None) => match file_for(&name, &mut written) {
                Ok(file) => {
                    faults += u64::from(!write(&incident, &name, &file, &project, console)?);
                }
                Err(reason) => {
                    faults += 1;
                    console.diagnostic(&unreadable(reason, &name));
                }
            },
        }
    }
    Ok(super::outcome(faults))
}

/// A document: what it is called, where it was fetched, and its bytes, or why they cannot be had.
struct Source {
    name: String,
    link: Option<String>,
    bytes: Result<Vec<u8>, String>,
}

fn unreadable(reason: String, name: &str) -> Diagnostic {
    Diagnostic::error("document-unreadable", reason).in_data(name)
}

/// The file in `incidents/` for a document: two documents of one name would overwrite each other.
fn file_for(document: &str, written: &mut HashSet<String>) -> Result<String, String> {
    let name = document.rsplit(['/', '\\']).next().unwrap_or(document);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let file = FileName::parse(&format!("{stem}.yaml"))
        .map_err(|expected| format!("`{stem}` cannot name a file: {expected}"))?
        .to_string();
    match written.insert(file.clone()) {
        true => Ok(file),
        false => Err(format!(
            "another document is called `{stem}` too, and `{file}` is of that one"
        )),
    }
}

/// The files named, and those in the folders named, in order. A folder of texts that were fetched stays as it is.
fn paths(named: &[PathBuf], project: &Project) -> Result<Vec<PathBuf>, Box<Diagnostic>> {
    let mut paths = Vec::new();
    for path in named {
        if !path.is_dir() || project.stream_of_texts(path).is_some() {
            paths.push(path.clone());
            continue;
        }
        let mut found = Vec::new();
        collect(path, &mut found).map_err(|error| {
            let message = format!("cannot list the folder: {error}");
            Box::new(unreadable(message, &path.display().to_string()))
        })?;
        found.sort();
        paths.append(&mut found);
    }
    if paths.is_empty() {
        let fault = Diagnostic::error("document-none", "there is no document in what was named");
        let hint = format!(
            "documents are `.{}`, and zips of them",
            ENDINGS.join("`, `.")
        );
        return Err(Box::new(fault.hint(hint)));
    }
    Ok(paths)
}

/// The documents below a folder; hidden files and links to folders are skipped.
fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&path, found)?;
        } else if is_document(&name) || is_zip(&name) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_zip(name: &str) -> bool {
    name.to_lowercase().ends_with(".zip")
}

/// The document of a file, or those of a zip, or the texts that were fetched into a folder.
fn sources(path: &Path, project: &Project) -> Vec<Source> {
    // Other folders are files by now.
    if path.is_dir()
        && let Some(stream) = project.stream_of_texts(path)
    {
        let texts = project.texts(stream).into_iter();
        return texts.map(|text| fetched(stream, text)).collect();
    }
    let name = path.display().to_string();
    let longest = if is_zip(&name) { LONGEST_ZIP } else { LONGEST };
    let bytes = match read(path, longest) {
        Ok(bytes) if is_zip(&name) => bytes,
        bytes => {
            return vec![Source {
                name,
                link: None,
                bytes,
            }];
        }
    };
    match documents_of_zip(&bytes) {
        Ok(documents) => documents
            .into_iter()
            .map(|(within, bytes)| Source {
                name: format!("{name}/{within}"),
                link: None,
                bytes,
            })
            .collect(),
        Err(reason) => vec![Source {
            name,
            link: None,
            bytes: Err(reason),
        }],
    }
}

/// A text that was fetched, as a document in Markdown. A slash in its name would lead to a folder.
fn fetched(stream: &str, text: FetchedText) -> Source {
    let name = text.name.replace(['/', '\\'], "-");
    Source {
        name: match text.text {
            Ok(_) => format!("{stream}/{name}.md"),
            Err(_) => text.name,
        },
        link: text.link,
        bytes: text.text.map(String::into_bytes),
    }
}

fn read(path: &Path, longest: usize) -> Result<Vec<u8>, String> {
    let failed = |error: io::Error| format!("cannot read the document: {error}");
    let file = File::open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err("the document is no plain file".to_owned());
    }
    let mut bytes = Vec::new();
    // One byte more shows that a file is too long.
    let most = longest as u64 + 1;
    file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > longest {
        return Err(format!("the document is longer than {} MiB", longest >> 20));
    }
    Ok(bytes)
}

/// Writes what was read into a file of `incidents/`, or brings the one that is there in line. Says whether it could.
fn write(
    incident: &Incident,
    document: &str,
    file: &str,
    project: &Project,
    console: &Console,
) -> Result<bool, CouldNotRun> {
    let (folder, _) = &project.settings.incidents;
    let path = folder.join(file);
    let shown = path.strip_prefix(&project.folder).unwrap_or(&path);
    let shown = shown.display().to_string();
    let failed = |error: io::Error| {
        let message = format!("cannot write `{shown}`: {error}");
        console.cannot_run(&Diagnostic::error("postmortem-unwritten", message))
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let yaml = ::postmortem::yaml(incident, document);
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
    let merged = match ::postmortem::merge(&there, incident, document) {
        Ok(merged) => merged,
        Err(why) => {
            console.diagnostic(&kept(&shown, document, &why));
            return Ok(false);
        }
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

/// The warning that a file is left as it is.
fn kept(shown: &str, document: &str, why: &Unmerged) -> Diagnostic {
    let why = match why {
        Unmerged::Foreign => "it was not written by this command".to_owned(),
        Unmerged::Other(other) => format!("it was read from `{other}`"),
    };
    let message = format!("`{shown}` is there already, and is kept: {why}");
    let hint = format!(
        "`reliability postmortem --format yaml '{document}'` prints what the document says"
    );
    Diagnostic::warning("postmortem-there", message).hint(hint)
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
