//! What the program says where its process may not do all it needs: limits on files, and signals that end it.

#![cfg(target_os = "linux")]

use std::fs;
use std::process::{Command, Stdio};

use crate::world::{self, Run, World, query_file, small};

/// Where the files of a stream that fills one table go.
const TEAMS: &str = "raw_data/pagerduty_teams";

/// What a process that may write no file of more than so many blocks of 512 bytes says.
fn with_small_files(world: &World, mode: &str, blocks: u32, arguments: &str) -> Run {
    let command = world.command(&[]);
    let program = command.get_program().to_string_lossy().into_owned();
    let mut shell = Command::new("sh");
    shell
        .args([
            "-c",
            &format!("ulimit -f {blocks}; exec {program} {arguments}"),
        ])
        .current_dir(world.folder())
        .env("DB_MODE", mode);
    world::finish(&mut shell)
}

#[test]
fn a_limit_on_the_size_of_files_is_said_with_the_file() {
    let world = World::new();
    world.run(&["demo", "--scale", "1000"]).exits(0);
    let run = with_small_files(&world, "DISK", 200, "load");
    run.prints(
        2,
        snapbox::str![[r#"
error[database]: cannot prepare reliability.db: disk I/O error
hint: is there room, may the folder be written, and is the size of files limited (`ulimit -f`)?

"#]],
    );
}

#[test]
fn an_answer_longer_than_files_may_be_is_said_with_the_file() {
    let world = small();
    world.write(
        "definitions/queries/long.sql",
        query_file("with recursive n (i) as (select 1 union all select i + 1 from n where i < 5000)\nselect i from n order by i"),
    );
    let run = with_small_files(&world, "MEMORY", 2, "query long");
    run.prints(2, snapbox::str![[r#"
error[query]: the query `long` has no answer: cannot write `output/long.csv`: File too large (os error 27)
  --> definitions/queries/long.sql

"#]]);
    let run = with_small_files(&world, "MEMORY", 2, "report --only long");
    run.prints(2, snapbox::str![[r#"
error[query]: the query `long` has no answer: cannot write `output/long.csv`: File too large (os error 27)
  --> definitions/queries/long.sql

"#]]);
    assert_eq!(world.files("output").len(), 0);
}

#[test]
fn a_limit_on_open_files_is_said_before_anything_is_done() {
    let world = World::new();
    world.run_on_disk(&["demo"]).exits(0);
    let command = world.command(&[]);
    let program = command.get_program().to_string_lossy().into_owned();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("ulimit -n 12; exec {program} run")])
        .current_dir(world.folder());
    let run = world::finish(&mut shell);
    run.prints(2, snapbox::str![[r#"
error[open-files]: too few files can be open at once, tried with `.`: Too many open files (os error 24)
 |
 = note: [..] of [..] files could be open at once
hint: allow this process more: `ulimit -n 256`

"#]]);
    assert!(!world.path("output").exists() || world.files("output").is_empty());
}

/// Ends a command by a signal once it can say what is kept, which is before it does anything.
fn ended_by(world: &World, mode: &str, signal: &str, arguments: &[&str]) -> Run {
    let mut command = world.command(arguments);
    command
        .env("DB_MODE", mode)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let is_ready = || {
        let status = fs::read_to_string(&status).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        // SIGTERM, 15, is the last that is asked for.
        u64::from_str_radix(caught.unwrap().trim(), 16).unwrap() & (1 << 14) != 0
    };
    while !is_ready() {
        std::thread::yield_now();
    }
    let sent = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    world::ended(child.wait_with_output().unwrap())
}

#[test]
fn whoever_ends_a_command_is_told_what_is_kept() {
    let world = World::new();
    // No machine loads it before the signal comes.
    let teams: String = (0..1_000_000)
        .map(|id| format!("{{\"id\":\"T{id}\",\"name\":\"a team of that number\"}}\n"))
        .collect();
    world.write(&format!("{TEAMS}/t.ndjson"), teams);
    let run = ended_by(&world, "DISK", "-INT", &["load"]);
    run.prints(
        130,
        snapbox::str![[r#"
error[interrupted]: interrupted before the end
 |
 = note: files that were loaded whole are kept in `reliability.db`
 = note: raw files are as they were
hint: run it again: what is kept is not loaded anew

"#]],
    );
    let run = ended_by(&world, "MEMORY", "-TERM", &["run"]);
    run.prints(143, snapbox::str![[r#"
error[interrupted]: interrupted before the end
 |
 = note: the database was in memory, so nothing of it is kept
 = note: each file in `output/` is whole: from this run as far as it got, otherwise from an earlier one
 = note: raw files are as they were
hint: run it again

"#]]);
    let endless =
        "with recursive n (x) as (select 1 union all select x + 1 from n) select x from n";
    fs::remove_dir_all(world.path("raw_data")).unwrap();
    let run = ended_by(
        &world,
        "MEMORY",
        "-INT",
        &["query", "--sql", endless, "--timeout", "0"],
    );
    run.prints(
        130,
        snapbox::str![[r#"
error[interrupted]: interrupted before the end
 |
 = note: the database was in memory, so nothing of it is kept
 = note: the answer on stdout is cut off
 = note: raw files are as they were
hint: run it again

"#]],
    );
}
