//! `completions` and `man`: completion scripts and manual pages, made from the command line's definition.

use std::io::Error;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use diagnostics::{Diagnostic, counted};
use serde_json::json;

use crate::args::Arguments;
use crate::console::Console;
use crate::{CouldNotRun, Outcome};

/// Prints the completions of a shell.
pub fn completions(shell: Shell, console: &Console) -> Result<Outcome, CouldNotRun> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "reliability", &mut script);
    console.data(&script)?;
    Ok(Outcome::Done)
}

/// Prints the page of the program, or writes all pages into a folder.
pub fn run(folder: Option<&Path>, console: &Console) -> Result<Outcome, CouldNotRun> {
    let failed = |error: Error| {
        let message = format!("cannot write the manual: {error}");
        console.diagnostic(&Diagnostic::error("man", message));
        CouldNotRun
    };
    let command = Arguments::command();
    let Some(folder) = folder else {
        console.data(&page(command).map_err(failed)?)?;
        return Ok(Outcome::Done);
    };
    let pages = pages(&command);
    std::fs::create_dir_all(folder).map_err(failed)?;
    for page in &pages {
        page.generate_to(folder).map_err(failed)?;
    }
    let text = format!(
        "wrote {} to {}",
        counted(pages.len() as u64, "page"),
        folder.display()
    );
    console.note(&text, &json!({ "pages": pages.len() }));
    Ok(Outcome::Done)
}

fn page(command: Command) -> Result<Vec<u8>, Error> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}

/// One for the program, and one for each verb.
fn pages(command: &Command) -> Vec<Man> {
    let verbs = command.get_subcommands().map(|verb| {
        let name = format!("reliability-{}", verb.get_name());
        Man::new(verb.clone().display_name(name))
    });
    std::iter::once(Man::new(command.clone()))
        .chain(verbs)
        .collect()
}
