//! `show`: the definitions in force, and where each came from.

use definitions::{File, Library, Origin};
use diagnostics::{Diagnostic, nearest};

use crate::args::Arguments;
use crate::console::Console;
use crate::{CouldNotRun, Outcome};

pub fn run(
    arguments: &Arguments,
    name: Option<&str>,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let (library, faults) = Library::read(&arguments.project);
    console.diagnostics(&faults);
    let found = match name {
        Some(name) => library.find(name),
        None => library.files.iter().collect(),
    };
    match (name, found.as_slice()) {
        (Some(name), []) => {
            let fault = Diagnostic::error(
                "definition-unknown",
                format!("`{name}` is not a definition"),
            );
            console.diagnostic(&match nearest(
                name,
                library
                    .files
                    .iter()
                    .flat_map(|file| [file.stem(), file.path.as_str()]),
            ) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None => fault.hint("`reliability show` lists them all"),
            });
            return Err(CouldNotRun);
        }
        (Some(_), [file]) => {
            console.note(
                &format!("{}: {}", file.path, origin(file)),
                &serde_json::json!({ "path": file.path, "origin": origin(file) }),
            );
            console.data(file.source.text.as_bytes())?;
        }
        (_, files) => {
            let lines: Vec<Vec<String>> = files
                .iter()
                // Someone who asks for the queries does not mean their tests.
                .filter(|file| name.is_none() || !file.path.ends_with(".tests.yaml"))
                .map(|file| vec![file.path.clone(), origin(file).to_owned(), title(file)])
                .collect();
            console.data(report::aligned(&lines).as_bytes())?;
        }
    }
    Ok(Outcome::Done)
}

/// The title of a query; nothing for others.
fn title(file: &File) -> String {
    let mut lines = file.source.text.lines();
    let title = lines.find_map(|line| line.strip_prefix("-- title: "));
    title.unwrap_or_default().to_owned()
}

fn origin(file: &File) -> &'static str {
    match file.origin {
        Origin::BuiltIn => "built in",
        Origin::Added => "the project's own",
        Origin::Replaced => "the project's own, in place of the built-in one",
    }
}
