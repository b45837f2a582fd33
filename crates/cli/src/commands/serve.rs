//! `demo --serve`: a server that has the demo's data as the vendors would.

use std::time::Duration;

use diagnostics::Diagnostic;
use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::json;

use super::demo::{failed, write};
use crate::args::DemoArguments;
use crate::console::Console;
use crate::{CouldNotRun, Outcome};

/// Serves until the process is ended.
pub fn run(options: &DemoArguments, console: &Console) -> Result<Outcome, CouldNotRun> {
    let serving = &options.serving;
    let data = invented(options, console)?;
    let server = fake::Options {
        port: serving.port,
        latency: Duration::from_millis(serving.latency),
        now: Some(end_of_data()),
        ..fake::Options::default()
    };
    let server = fake::Server::start(data, server).map_err(|error| {
        let text = format!("cannot listen on port {}: {error}", serving.port);
        console.diagnostic(
            &Diagnostic::error("demo", text)
                .hint("take any free port: `reliability demo --serve --port 0`"),
        );
        CouldNotRun
    })?;
    let wrong = fake::misbehaviours()
        .iter()
        .filter(|one| serving.misbehave.iter().any(|name| name == one.name));
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
    console.note(
        "next: put the lines above into `.env`, then `reliability extract` in another terminal",
        &json!({}),
    );
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
