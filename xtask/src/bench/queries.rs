//! `cargo xtask bench-queries [--log-entries N] [--runs N]`: how long each query of the library takes, beside DuckDB with
//! the same text and the same rows.
//!
//! Ours are asked by the release binary, as a user would; what it takes to ask `select 1` is taken off.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::process::Command;

use sonic_rs::{JsonValueTrait, Value};

use super::{Bench, Line, Path, measured, number, say};

/// How many of the slowest are shown.
const SHOWN: usize = 10;

/// A query, and the seconds that each takes; DuckDB nothing where it does not take the text.
struct Compared {
    name: String,
    ours: f64,
    duckdb: Option<f64>,
}

/// Measures, and prints the table.
pub fn run(arguments: &[String]) -> io::Result<()> {
    let log_entries = number(arguments, "--log-entries").unwrap_or(1_000_000);
    let runs = number(arguments, "--runs").unwrap_or(3).max(1);
    let Bench {
        ours,
        python,
        folder,
    } = Bench::set_up(log_entries, false)?;
    let project = folder.path();
    let ours_with = |arguments: &[&str]| {
        let mut command = Command::new(&ours);
        command.args(arguments).arg("--project").arg(project);
        command.env("DB_MODE", "DISK");
        command
    };
    measured(&mut ours_with(&["load"]))?;

    let duckdb = duckdb(&python, project, runs)?;
    let seconds = |arguments: &[&str]| -> io::Result<f64> {
        let mut line = Line::new("");
        for _ in 0..runs {
            line.costs.push(measured(&mut ours_with(arguments))?);
        }
        Ok(line.median().wall.as_secs_f64())
    };
    let start = seconds(&["query", "--sql", "select 1"])?;
    let (definitions, _) = definitions::read(project);
    let mut compared = Vec::new();
    for query in &definitions.queries {
        compared.push(Compared {
            ours: (seconds(&["query", &query.name, "--format", "csv"])? - start).max(0.0),
            duckdb: duckdb.get(&query.name).copied(),
            name: query.name.clone(),
        });
    }
    compared.sort_by(|one, other| other.ours.total_cmp(&one.ours));
    say(&format!(
        "{log_entries} log entries, medians of {runs} runs\n\n{}",
        table(&compared)
    ));
    Ok(())
}

/// The seconds of each query that DuckDB takes; the others are said on stderr, with its reason.
fn duckdb(python: &Path, project: &Path, runs: u64) -> io::Result<HashMap<String, f64>> {
    let script = project.join("queries.py");
    std::fs::write(&script, include_str!("query_duckdb.py"))?;
    let mut command = Command::new(python);
    command.arg(script).arg(project.join("reliability.db"));
    command
        .arg(crate::root().join("definitions"))
        .arg(runs.to_string());
    let output = command.output()?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(reason));
    }
    let mut found = HashMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let one: Value = sonic_rs::from_str(line).map_err(io::Error::other)?;
        let name = one
            .get("query")
            .and_then(|name| name.as_str().map(str::to_owned));
        match (name, one.get("seconds").as_f64()) {
            (Some(name), Some(seconds)) => _ = found.insert(name, seconds),
            _ => say(&format!("DuckDB does not take a query: {line}")),
        }
    }
    Ok(found)
}

fn table(compared: &[Compared]) -> String {
    let mut text = String::from(
        "| query | seconds | DuckDB | ours to DuckDB |\n| --- | ---: | ---: | ---: |\n",
    );
    let mut row = |name: &str, ours: f64, duckdb: Option<f64>| {
        let (peer, ratio) = match duckdb {
            Some(duckdb) => (format!("{duckdb:.3}"), format!("{:.1}", ours / duckdb)),
            None => ("-".to_owned(), "-".to_owned()),
        };
        let _ = writeln!(text, "| {name} | {ours:.3} | {peer} | {ratio} |");
    };
    for one in compared.iter().take(SHOWN) {
        row(&format!("`{}`", one.name), one.ours, one.duckdb);
    }
    let mut both: Vec<(&str, f64, f64)> = compared
        .iter()
        .filter_map(|one| Some((one.name.as_str(), one.ours, one.duckdb?)))
        .collect();
    let mut sums = |label: &str, both: &[(&str, f64, f64)]| {
        let ours = both.iter().map(|(_, ours, _)| ours).sum();
        let duckdb = both.iter().map(|(_, _, duckdb)| duckdb).sum();
        row(label, ours, Some(duckdb));
    };
    sums(&format!("the {} that both take", both.len()), &both);
    // One that DuckDB finds hard would hide all others.
    both.sort_by(|one, other| one.2.total_cmp(&other.2));
    if let Some((hardest, _, _)) = both.pop() {
        sums(&format!("the same without `{hardest}`"), &both);
    }
    text
}
