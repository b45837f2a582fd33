//! `demo`: raw data of an invented organisation.

use demo::{Compression, Options};
use diagnostics::Diagnostic;
use serde_json::json;

use crate::args::{Arguments, DemoArguments};
use crate::console::{Console, counted};
use crate::{CouldNotRun, Outcome};

pub fn run(
    arguments: &Arguments,
    options: &DemoArguments,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let options = Options {
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
    let written = demo::write(&arguments.project, &options, &mut |written| {
        bar.inc(written.bytes)
    });
    bar.finish_and_clear();
    let written = written.map_err(|error| {
        console.diagnostic(&Diagnostic::error("demo", error.to_string()));
        CouldNotRun
    })?;
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
    console.note(
        &format!("next: `{}`", super::typed("run", &arguments.project)),
        &json!({}),
    );
    Ok(Outcome::Done)
}
