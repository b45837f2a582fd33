//! `demo`: raw data of an invented organisation.

use std::path::Path;

use demo::{Compression, Written};
use diagnostics::{Diagnostic, counted};
use serde_json::json;

use crate::args::{Arguments, DemoArguments};
use crate::console::Console;
use crate::{CouldNotRun, Outcome};

pub fn run(
    arguments: &Arguments,
    options: &DemoArguments,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    #[cfg(feature = "serve")]
    if options.serving.serve {
        return super::serve::run(options, console);
    }
    let written = write(&arguments.project, options, console)?;
    let records: u64 = written.iter().map(|file| file.records).sum();
    let bytes: u64 = written.iter().map(|file| file.bytes).sum();
    let files = written.len() as u64;
    let text = format!(
        "wrote {} in {} ({} MB) of a year at an invented organisation",
        counted(records, "record"),
        counted(files, "file"),
        bytes / 1_000_000
    );
    console.note(
        &text,
        &json!({ "files": files, "records": records, "bytes": bytes }),
    );
    console.note("next: `reliability run`", &json!({}));
    Ok(Outcome::Done)
}

/// Writes the raw data into a folder.
pub(super) fn write(
    folder: &Path,
    options: &DemoArguments,
    console: &Console,
) -> Result<Vec<Written>, CouldNotRun> {
    let options = demo::Options {
        seed: options.seed,
        log_entries: options.scale,
        end: demo::DEFAULT_END,
        compression: if options.zstd {
            Compression::Zstd
        } else {
            Compression::None
        },
    };
    let bar = console.bar("demo", 0);
    let written = demo::write(folder, &options, &mut |written| bar.inc(written.bytes));
    bar.finish_and_clear();
    written.map_err(|error| failed(console, &error.to_string()))
}

pub(super) fn failed(console: &Console, text: &str) -> CouldNotRun {
    console.cannot_run(&Diagnostic::error("demo", text))
}
