//! `reliability`: how reliably an engineering organisation operates, from the records of its own tools.

use std::process::ExitCode;

use clap::Parser;

/// Rows are many small pieces of memory; the system's own allocator is slower at these.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::args::Arguments::try_parse() {
        Ok(arguments) => cli::run(&arguments),
        Err(error) => cli::not_understood(&error),
    }
}
