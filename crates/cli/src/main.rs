//! `reliability`: how reliably an engineering organisation operates, from the records of its own tools.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::run(&cli::args::Arguments::parse())
}
