//! How fast the pipeline is, beside the least that SQLite takes for the same rows.
//!
//! `cargo bench -p cli --bench pipeline [-- --log-entries N] [--runs N]` prints a table: the load of the biggest stream into a new
//! file by the real binary (which makes the derived tables too), bare prepared upserts of the very same rows with the same
//! indexes, every derived table, every query, and peak memory. Machines are noisy: the ratios of medians are what to look at.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark stops where it fails, and prints its table"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::types::Value;

const STREAM: &str = "pagerduty_log_entries";
const TABLE: &str = "PagerDutyLogEntries";

fn main() {
    let log_entries = argument("--log-entries").unwrap_or(300_000);
    let runs = argument("--runs").unwrap_or(3);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let project = folder.path();
    let options = demo::Options {
        log_entries,
        ..demo::Options::default()
    };
    demo::write(project, &options, &mut |_| {}).expect("the demo is written");
    let bytes: u64 = std::fs::read_dir(project.join("raw_data").join(STREAM))
        .expect("the stream's folder")
        .flatten()
        .map(|entry| entry.metadata().map_or(0, |metadata| metadata.len()))
        .sum();

    beside_bare_upserts(project, bytes, runs);
    fresh(project);
    let (time, peak) = reliability(project, &["load"]);
    println!(
        "\nload of all streams: {:.3} s, peak memory {} MB",
        time.as_secs_f64(),
        peak / 1024
    );
    let (time, _) = reliability(project, &["load"]);
    println!("load again, nothing new: {:.3} s", time.as_secs_f64());
    let derived = derived(project);
    let (time, peak) = reliability(project, &["query"]);
    println!(
        "derived tables: {:.3} s; with all queries {:.3} s",
        derived.as_secs_f64(),
        (derived + time).as_secs_f64()
    );
    println!(
        "all queries together: {:.3} s, peak memory {} MB\n",
        time.as_secs_f64(),
        peak / 1024
    );
    let (paged, peak) = reliability(project, &["report"]);
    println!(
        "the page of all answers: {:.3} s, {:.3} s more than the queries, peak memory {} MB\n",
        paged.as_secs_f64(),
        paged.as_secs_f64() - time.as_secs_f64(),
        peak / 1024
    );
    queries(project, runs);
}

/// Loads one stream, and inserts the same rows with bare statements.
fn beside_bare_upserts(project: &Path, bytes: u64, runs: u64) {
    let (mut ours, mut bare, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    let mut rows = 0;
    for _ in 0..runs {
        let database = fresh(project);
        let (time, peak) = reliability(project, &["load", STREAM]);
        ours.push(time);
        peaks.push(peak);
        let (time, count) = bare_upserts(&database, &project.join("bare.db"));
        bare.push(time);
        rows = count;
    }
    let (ours, bare) = (median(&mut ours), median(&mut bare));
    peaks.sort_unstable();
    println!(
        "{rows} rows of {STREAM}, {} MB of NDJSON, medians of {runs} runs",
        bytes / 1_000_000
    );
    println!(
        "{:44} {:>9} {:>12} {:>9} {:>7}",
        "", "seconds", "rows/s", "MB/s", "ratio"
    );
    let line = |name: &str, time: Duration, ratio: f64| {
        let seconds = time.as_secs_f64();
        println!(
            "{name:44} {seconds:9.3} {:12.0} {:9.0} {ratio:7.2}",
            rows as f64 / seconds,
            bytes as f64 / 1e6 / seconds
        );
    };
    line("bare prepared upserts, rows in memory", bare, 1.0);
    line(
        "load from raw data, checked, with provenance",
        ours,
        ours.as_secs_f64() / bare.as_secs_f64(),
    );
    println!(
        "peak memory of the load: {} MB",
        peaks.last().copied().unwrap_or_default() / 1024
    );
}

/// Makes all derived tables once more; prints each, and gives their time together.
fn derived(project: &Path) -> Duration {
    let (definitions, _) = definitions::read(project);
    let database = project.join("reliability.db");
    Connection::open(&database)
        .and_then(|connection| connection.execute_batch("update _versions set made_of = null"))
        .expect("all of them are outdated now");
    let place = store::Place::Disk(database);
    let patience = Duration::from_secs(60);
    let mut store = store::Store::open(&place, &definitions.schema, patience, &mut |_| {})
        .expect("the database is free");
    let made = store.derive(&definitions.schema);
    let made = made
        .expect("the database can be written")
        .expect("each can be made");
    for one in &made {
        let seconds = one.time.as_secs_f64();
        println!("{:44} {seconds:9.3} {:12} rows", one.table, one.rows);
    }
    made.iter().map(|one| one.time).sum()
}

/// Each query alone, slowest first.
fn queries(project: &Path, runs: u64) {
    let (definitions, _) = definitions::read(project);
    let place = store::Place::Disk(project.join("reliability.db"));
    let mut times = Vec::new();
    for query in &definitions.queries {
        let mut runs: Vec<Duration> = (0..runs)
            .map(|_| {
                let started = Instant::now();
                let answer = cli::answers::answer_sql(
                    &place,
                    &query.sql,
                    store::Limits::default(),
                    report::Format::Csv,
                    std::io::sink(),
                );
                assert!(answer.is_ok(), "`{}` has an answer", query.name);
                started.elapsed()
            })
            .collect();
        times.push((median(&mut runs), &query.name));
    }
    times.sort_by(|a, b| b.cmp(a));
    for (time, name) in times {
        println!("{name:44} {:9.3}", time.as_secs_f64());
    }
}

/// Runs the real binary on disk; gives its time and its peak memory in kilobytes.
fn reliability(project: &Path, arguments: &[&str]) -> (Duration, u64) {
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_reliability"))
        .args(arguments)
        .arg("--project")
        .arg(project)
        .env("DB_MODE", "DISK")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut peak = 0;
    let status = loop {
        peak = peak.max(peak_memory(child.id()));
        match child.try_wait().expect("the program can be waited for") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    assert!(status.success(), "{arguments:?} ends well");
    (started.elapsed(), peak)
}

/// The kernel's own high-water mark, `VmHWM`; zero where there is no such file.
fn peak_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or_default()
}

/// The rows of the loaded table, upserted one by one into a new file whose table and indexes are the same.
fn bare_upserts(database: &Path, target: &Path) -> (Duration, u64) {
    let source = Connection::open(database).expect("the database opens");
    let ddl: Vec<String> = {
        let mut statement = source
            .prepare("select sql from sqlite_schema where tbl_name = ?1 and sql is not null")
            .expect("the schema");
        let found = statement
            .query_map([TABLE], |row| row.get(0))
            .expect("the schema");
        found.collect::<Result<_, _>>().expect("the schema")
    };
    let mut statement = source
        .prepare(&format!("select * from {TABLE} order by _file, _line"))
        .expect("the rows");
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let rows: Vec<Vec<Value>> = statement
        .query_map([], |row| {
            (0..columns.len()).map(|index| row.get(index)).collect()
        })
        .expect("the rows")
        .collect::<Result<_, _>>()
        .expect("the rows");

    let _ = std::fs::remove_file(target);
    let updates: Vec<String> = columns
        .iter()
        .skip(1)
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    let sql = format!(
        "insert into {TABLE} values ({}) on conflict (id) do update set {}",
        vec!["?"; columns.len()].join(", "),
        updates.join(", ")
    );
    let started = Instant::now();
    let mut connection = Connection::open(target).expect("a new database");
    connection
        .execute_batch("pragma foreign_keys = off; pragma journal_mode = wal; pragma synchronous = normal; pragma cache_size = -65536;")
        .expect("the pragmas");
    for sql in ddl {
        connection.execute_batch(&sql).expect("the table");
    }
    let transaction = connection.transaction().expect("a transaction");
    {
        let mut upsert = transaction.prepare(&sql).expect("the upsert");
        for row in &rows {
            upsert
                .execute(rusqlite::params_from_iter(row))
                .expect("a row");
        }
    }
    transaction.commit().expect("the commit");
    connection
        .query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
        .expect("the checkpoint");
    (started.elapsed(), rows.len() as u64)
}

fn fresh(project: &Path) -> PathBuf {
    let database = project.join("reliability.db");
    for ending in ["", "-wal", "-shm", ".lock"] {
        let _ = std::fs::remove_file(format!("{}{ending}", database.display()));
    }
    database
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn argument(name: &str) -> Option<u64> {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1)?.parse().ok()
}
