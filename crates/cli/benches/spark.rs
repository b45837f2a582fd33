//! When a cluster is worth it: the same demo loaded into SQLite and into a lake, and all questions asked of SQLite, of a
//! cluster with one worker, and of one with two.
//!
//! `SPARK_HOME=… cargo bench -p cli --features spark --bench spark -- [LOG_ENTRIES…]` prints a table for each number of log
//! entries, a million where none is said. Everything runs on this machine: a worker has one core, and the Connect server
//! needs another. The first to ask all questions makes the derived tables, so that has a line of its own.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark stops where it fails, and prints its table"
)]
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "the cluster is that of the tests"
)]

#[path = "../tests/spark/cluster.rs"]
mod cluster;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cluster::Cluster;

fn main() {
    let sizes: Vec<u64> = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .collect();
    let sizes = if sizes.is_empty() {
        vec![1_000_000]
    } else {
        sizes
    };
    for log_entries in sizes {
        measure(log_entries);
    }
}

fn measure(log_entries: u64) {
    let project = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    let folder = project.path();
    let options = demo::Options {
        log_entries,
        ..demo::Options::default()
    };
    demo::write(folder, &options, &mut |_| {}).expect("the demo is written");

    println!("{log_entries} log entries, and all that belongs to them\n");
    println!("| | seconds | records/s |\n| --- | ---: | ---: |");
    let on_disk = [("DB_MODE", "DISK")];
    let lake = [("LAKE_PATH", "lake")];
    let loads: [(&str, &[(&str, &str)]); 2] = [
        ("`load` into SQLite, derived tables included", &on_disk),
        ("`load` into the lake", &lake),
    ];
    for (what, settings) in loads {
        let (wall, said) = run(folder, settings, &["load"]);
        let rate = records(&said) as f64 / wall.as_secs_f64();
        line(what, wall, &format!("{rate:.0}"));
    }
    let wall = timed(folder, &on_disk, &["query"]);
    line("SQLite: all questions", wall, "");
    for workers in [1, 2] {
        let cluster = Cluster::start(workers);
        let address = cluster.address();
        let spark = [("LAKE_PATH", "lake"), ("DATABASE_URL", address.as_str())];
        let of = match workers {
            1 => "Spark, one worker".to_owned(),
            more => format!("Spark, {more} workers"),
        };
        // The derived tables that the previous cluster made.
        let _ = fs::remove_dir_all(folder.join("lake/derived"));
        let count = ["query", "--sql", "select count(*) from PagerDutyLogEntries"];
        let all = ["query", "--timeout", "0"];
        let questions: [(&str, &[&str]); 4] = [
            ("the first question, a count of log entries", &count),
            ("the same again", &count),
            ("all questions, and the derived tables", &all),
            ("all questions again", &all),
        ];
        for (what, arguments) in questions {
            line(
                &format!("{of}: {what}"),
                timed(folder, &spark, arguments),
                "",
            );
        }
    }
    println!();
}

fn line(what: &str, wall: Duration, records: &str) {
    println!("| {what} | {:.1} | {records} |", wall.as_secs_f64());
}

/// How long a command takes.
fn timed(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Duration {
    run(folder, settings, arguments).0
}

/// Runs a command, which has to succeed: how long it takes, and what it says on stderr.
fn run(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> (Duration, String) {
    let started = Instant::now();
    let done = Command::new(env!("CARGO_BIN_EXE_reliability"))
        .args(arguments)
        .current_dir(folder)
        .envs(settings.iter().copied())
        .output()
        .expect("the binary starts");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(
        done.status.success(),
        "{arguments:?} ended with {}: {said}",
        done.status
    );
    (started.elapsed(), said)
}

/// The number of records in what `load` says last: `4,701 records from 30 files are in the lake`.
fn records(said: &str) -> u64 {
    let last = said
        .lines()
        .filter_map(|line| line.split_once(" records from "))
        .next_back();
    let digits = last.map(|(records, _)| records.replace(',', ""));
    digits
        .and_then(|digits| digits.trim().parse().ok())
        .expect("`load` says how many records it loaded")
}
