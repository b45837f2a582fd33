//! The command line: what was typed, what it means, and the order in which the rooms are put to work.
//!
//! Everything that people read goes through [`console`], the only place that prints. The rooms themselves neither
//! print nor exit.

pub mod answers;
pub mod args;
pub mod console;
mod distributed;
pub mod gaps;
mod loading;
mod page;
mod period;
mod process;

mod commands;

use std::panic::resume_unwind;
use std::path::Path;
use std::process::ExitCode;
use std::thread;

use args::{Arguments, Verb};
use console::Console;
use diagnostics::Diagnostic;
use extract::state::State;
use project::Project;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All done: exit code 0.
    Done,
    /// Done, with rejects or failed checks: exit code 1.
    DoneWithFaults,
}

/// Why a command could not run: exit code 2. The reason has been printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CouldNotRun;

/// What is remembered of each stream that was fetched. That it cannot be understood is said.
fn fetched_states(
    project: &Project,
    console: &Console,
) -> Result<Vec<(String, State)>, CouldNotRun> {
    project::states::read(project).map_err(|fault| console.cannot_run(&fault))
}

/// Runs what was typed, on a stack that the expressions of mappers cannot overflow.
pub fn run(arguments: &Arguments) -> ExitCode {
    process::survive_file_size_limit();
    process::say_what_is_kept(arguments);
    thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(transform::STACK);
        match builder.spawn_scoped(scope, || run_here(arguments)) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(_) => run_here(arguments),
        }
    })
}

/// Says why what was typed is not understood, or the help that was asked for. What cannot be read of the arguments may be
/// how messages are to be written, so that is looked for by itself.
pub fn not_understood(error: &clap::Error) -> ExitCode {
    let words: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let for_machines = words.iter().any(|word| word == "--message-format=json")
        || words
            .windows(2)
            .any(|pair| pair == ["--message-format", "json"]);
    if !(for_machines && error.use_stderr()) {
        let _ = error.print();
        return match error.use_stderr() {
            true => ExitCode::from(2),
            false => ExitCode::SUCCESS,
        };
    }
    let text = error.render().to_string();
    let message = text.lines().next().unwrap_or_default();
    let fault = Diagnostic::error("argument", message.trim_start_matches("error: "));
    Console::new(args::MessageFormat::Json, false, Path::new("."))
        .diagnostic(&fault.hint("`reliability --help` says what can be typed"));
    ExitCode::from(2)
}

fn run_here(arguments: &Arguments) -> ExitCode {
    let console = Console::new(
        arguments.message_format,
        arguments.quiet,
        &arguments.project,
    );
    if let Some(fault) = process::too_few_files(&arguments.project) {
        console.diagnostic(&fault);
        return ExitCode::from(2);
    }
    let result = match &arguments.verb {
        Verb::Init => commands::init::run(arguments, &console),
        Verb::Demo(options) => commands::demo::run(arguments, options, &console),
        Verb::Extract(options) => commands::extract::run(arguments, options, &console),
        Verb::Doctor(sources) => commands::doctor::run(arguments, sources, &console),
        Verb::Postmortem(options) => commands::postmortem::run(arguments, options, &console),
        Verb::Check => commands::check::run(arguments, &console),
        Verb::Show { name } => commands::show::run(arguments, name.as_deref(), &console),
        Verb::Load(selection) => commands::load::run(arguments, selection, &console),
        Verb::Query(options) => commands::query::run(arguments, options, &console),
        Verb::Compare(options) => commands::compare::run(arguments, options, &console),
        Verb::Report(options) => commands::report::run(arguments, options, &console),
        Verb::Run(options) => commands::run::run(arguments, options, &console),
        Verb::Status => commands::status::run(arguments, &console),
        Verb::Completions { shell } => commands::manual::completions(*shell, &console),
        Verb::Man { folder } => commands::manual::run(folder.as_deref(), &console),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::DoneWithFaults) => ExitCode::from(1),
        Err(CouldNotRun) => ExitCode::from(2),
    }
}
