//! What the system may do to this process: limits on its files, and signals that end it. What is kept then is said.

use std::path::Path;
#[cfg(unix)]
use std::sync::Arc;
use std::thread;

use diagnostics::Diagnostic;
use project::settings;

use crate::args::{Arguments, MessageFormat, Verb};
use crate::console::Console;

/// Files that a command opens at once, whatever the machine: raw file, database with its log, answers.
const FILES: usize = 16;

/// And for each thread that answers queries.
const FILES_PER_THREAD: usize = 4;

/// When a file grows beyond the limit of the process, a signal would end the program without a word. With a handler for
/// it, writing fails as on a full disk, and the error names the file.
pub fn survive_file_size_limit() {
    // Without a handler the program ends as any other would.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signals::SIGXFSZ, Arc::default());
}

/// What is wrong where too few files can be open at once. This is found out before anything is read or written: a file
/// that cannot be opened for this reason must not be taken for one that is gone, nor a database for a read-only one.
pub fn too_few_files(folder: &Path) -> Option<Diagnostic> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let needed = FILES + FILES_PER_THREAD * threads;
    let mut open = Vec::new();
    while open.len() < needed {
        match std::fs::File::open(folder) {
            Ok(file) => open.push(file),
            // EMFILE and ENFILE.
            Err(error) if matches!(error.raw_os_error(), Some(23 | 24)) => {
                let message = format!(
                    "too few files can be open at once, tried with `{}`: {error}",
                    folder.display()
                );
                return Some(
                    Diagnostic::error("open-files", message)
                        .note(format!(
                            "{} of {needed} files could be open at once",
                            open.len()
                        ))
                        .hint("allow this process more: `ulimit -n 256`"),
                );
            }
            // Whatever else is wrong with it is said where it is used.
            Err(_) => break,
        }
    }
    None
}

/// Waits in a thread of its own for somebody to end the program, says what is kept, and ends it. Nothing has to be
/// put in order: what is half written is never taken for whole.
pub fn say_what_is_kept(arguments: &Arguments) {
    let Some(writes) = writes(&arguments.verb) else {
        return;
    };
    let (folder, format) = (arguments.project.clone(), arguments.message_format);
    #[cfg(unix)]
    {
        let ends = [signals::SIGINT, signals::SIGTERM];
        // Without a handler the program ends as any other would.
        let Ok(mut arrived) = signal_hook::iterator::Signals::new(ends) else {
            return;
        };
        thread::spawn(move || {
            if let Some(signal) = arrived.forever().next() {
                say(&folder, format, writes);
                // What a shell says of a process that a signal ended.
                std::process::exit(128 + signal);
            }
        });
    }
    #[cfg(not(unix))]
    drop((folder, format, writes, say));
}

/// What a command writes besides the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writes {
    Nothing,
    Folder,
    Stdout,
}

/// Nothing for commands that end at once, and for those that fetch, which end in their own way.
fn writes(verb: &Verb) -> Option<Writes> {
    match verb {
        Verb::Load(_) => Some(Writes::Nothing),
        Verb::Query(options) if options.sql.is_some() || options.format.is_some() => {
            Some(Writes::Stdout)
        }
        Verb::Compare(_) => Some(Writes::Stdout),
        Verb::Query(_) | Verb::Report(_) | Verb::Run(_) => Some(Writes::Folder),
        _ => None,
    }
}

fn say(folder: &Path, format: MessageFormat, writes: Writes) {
    let database = settings::read(folder)
        .ok()
        .and_then(|settings| settings.database);
    let console = Console::new(format, false, folder);
    console.diagnostic(&interrupted(database.as_deref(), writes));
}

fn interrupted(database: Option<&Path>, writes: Writes) -> Diagnostic {
    let diagnostic = Diagnostic::error("interrupted", "interrupted before the end");
    let diagnostic = match database {
        Some(path) => diagnostic.note(format!(
            "files that were loaded whole are kept in `{}`",
            path.display()
        )),
        None => diagnostic.note("the database was in memory, so nothing of it is kept"),
    };
    let diagnostic = match writes {
        Writes::Nothing => diagnostic,
        Writes::Folder => diagnostic
            .note("each file in `output/` is whole: from this run as far as it got, otherwise from an earlier one"),
        Writes::Stdout => diagnostic.note("the answer on stdout is cut off"),
    };
    diagnostic
        .note("raw files are as they were")
        .hint(match database {
            Some(_) => "run it again: what is kept is not loaded anew",
            None => "run it again",
        })
}

/// The same on Linux, macOS and the BSDs.
#[cfg(unix)]
mod signals {
    pub(super) const SIGINT: i32 = 2;
    pub(super) const SIGTERM: i32 = 15;
    pub(super) const SIGXFSZ: i32 = 25;
}
