//! `demo`: raw data of an invented organisation, or a server that has them as the vendors would.

use std::path::Path;
use std::time::Duration;

use demo::{Compression, Written};
use diagnostics::Diagnostic;
use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::json;

use crate::args::{Arguments, DemoArguments};
use crate::console::Console;
use crate::{CouldNotRun, Outcome};
use diagnostics::counted;

pub fn run(
    arguments: &Arguments,
    options: &DemoArguments,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    if options.serve {
        return serve(arguments, options, console);
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
    console.note(
        &format!("next: `{}`", super::typed("run", &arguments.project)),
        &json!({}),
    );
    Ok(Outcome::Done)
}

fn write(
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

/// Serves until the process is ended.
fn serve(
    arguments: &Arguments,
    options: &DemoArguments,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let data = invented(options, console)?;
    let server = fake::Options {
        port: options.port,
        latency: Duration::from_millis(options.latency),
        now: Some(end_of_data()),
        ..fake::Options::default()
    };
    let server = fake::Server::start(data, server).map_err(|error| {
        let text = format!("cannot listen on port {}: {error}", options.port);
        console.diagnostic(
            &Diagnostic::error("demo", text)
                .hint("take any free port: `reliability demo --serve --port 0`"),
        );
        CouldNotRun
    })?;
    let wrong = fake::misbehaviours()
        .iter()
        .filter(|one| options.misbehave.iter().any(|name| name == one.name));
    server.misbehave(wrong.flat_map(fake::Misbehaviour::rules).collect());

    for (name, value) in server.environment() {
        console.data(format!("{name}={value}\n").as_bytes())?;
    }
    let (port, end) = (server.port(), demo::DEFAULT_END);
    let text = format!("serving a year at an invented organisation on port {port}, until Ctrl-C");
    console.note(&text, &json!({ "port": port }));
    let text = format!(
        "its data end on {end}, and so does the time by which it cuts what is asked for without dates"
    );
    console.note(&text, &json!({ "end": end.to_string() }));
    let next = super::typed("extract", &arguments.project);
    let text = format!("next: put the lines above into `.env`, then `{next}` in another terminal");
    console.note(&text, &json!({}));
    loop {
        std::thread::park();
    }
}

/// The data of the demo, by way of a folder that is gone afterwards.
fn invented(options: &DemoArguments, console: &Console) -> Result<fake::Data, CouldNotRun> {
    let no_folder = |error| {
        failed(
            console,
            &format!("no temporary folder can be used: {error}"),
        )
    };
    let folder = tempfile::tempdir().map_err(no_folder)?;
    write(folder.path(), options, console)?;
    fake::Data::from_raw(&folder.path().join("raw_data")).map_err(no_folder)
}

/// Midnight after the last day of the demo.
fn end_of_data() -> Timestamp {
    let midnight = demo::DEFAULT_END.tomorrow().and_then(|day| {
        let midnight = day.to_datetime(jiff::civil::Time::midnight());
        Offset::UTC.to_timestamp(midnight)
    });
    midnight.unwrap_or(Timestamp::MAX)
}

fn failed(console: &Console, text: &str) -> CouldNotRun {
    console.diagnostic(&Diagnostic::error("demo", text));
    CouldNotRun
}
