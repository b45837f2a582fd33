//! Whatever a disk and other programs do to the database: said, with what to do, and nothing is broken by it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::world::{self, Run, World};

/// Where the files of a stream that fills one table go.
const TEAMS: &str = "raw_data/pagerduty_teams";

/// A file system of its own in a folder of the world, gone when this is dropped, however the test ends.
struct Mount(PathBuf);

impl Mount {
    /// Nothing where this machine, or who runs the tests, cannot mount.
    fn new(world: &World, name: &str, options: &[&str]) -> Option<Self> {
        let path = world.path(name);
        if !path.exists() {
            fs::create_dir_all(&path).unwrap();
        }
        let mounted = mount(options, &path);
        if !mounted {
            eprintln!("skipped: `mount` is not possible here");
        }
        mounted.then_some(Self(path))
    }

    #[track_caller]
    fn remount(&self, options: &str) {
        assert!(mount(&["-o", &format!("remount,{options}")], &self.0));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn mount(options: &[&str], path: &Path) -> bool {
    Command::new("mount")
        .args(options)
        .arg(path)
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[test]
fn a_full_disk_and_then_room() {
    let world = World::new();
    let small = ["-t", "tmpfs", "-o", "size=6m", "tmpfs"];
    let Some(disk) = Mount::new(&world, "disk", &small) else {
        return;
    };
    let team = |id: u32, length: usize| {
        format!(
            "{{\"id\":\"{id:04}\",\"description\":\"{}\"}}\n",
            "x".repeat(length)
        )
    };
    world
        .write(
            &format!("{TEAMS}/1.ndjson"),
            (0..200).map(|id| team(id, 1_000)).collect::<String>(),
        )
        .write(
            &format!("{TEAMS}/2.ndjson"),
            (200..1_200).map(|id| team(id, 10_000)).collect::<String>(),
        );
    let settings = [("DB_MODE", "DISK"), ("DB_PATH", "disk/r.db")];
    let run = world.run_with(&settings, &["load"]);
    run.prints(
        2,
        snapbox::str![[r#"
error[database]: no space is left for disk/r.db
hint: make room, and run this again: files that were loaded whole are kept

"#]],
    );
    // What is there is whole, and the second file left nothing.
    let rows = world::rows(
        &world.path("disk/r.db"),
        "select count(*) from PagerDutyTeams",
    );
    assert_eq!(rows, ["200"]);

    disk.remount("size=200m");
    let run = world.run_with(&settings, &["load"]);
    run.exits(0).says(&["1,000 records from 1 file"]);
    let database = world.path("disk/r.db");
    assert_eq!(
        world::rows(&database, "select count(*) from PagerDutyTeams"),
        ["1200"]
    );
    assert_eq!(world::rows(&database, "pragma integrity_check"), ["ok"]);
    drop(disk);
}

#[test]
fn an_output_folder_on_a_full_disk() {
    let world = World::new();
    let small = ["-t", "tmpfs", "-o", "size=64k", "tmpfs"];
    let Some(disk) = Mount::new(&world, "output", &small) else {
        return;
    };
    world.write(
        "definitions/queries/long.sql",
        "-- title: Long\n-- question: Long?\nwith recursive n (i) as (select 1 union all select i + 1 from n where i < 50000)\nselect i from n order by i\n",
    );
    let run = world.run(&["query", "long"]);
    run.prints(2, snapbox::str![[r#"
error[query]: the query `long` has no answer: cannot write `output/long.csv`: No space left on device (os error 28)
  --> definitions/queries/long.sql

"#]]);
    assert_eq!(world.files("output").len(), 0);
    drop(disk);
}

#[test]
fn a_disk_that_may_only_be_read() {
    let world = World::new();
    let Some(disk) = Mount::new(&world, "disk", &["-t", "tmpfs", "tmpfs"]) else {
        return;
    };
    world.write(&format!("{TEAMS}/1.ndjson"), "{\"id\":\"A\"}\n");
    let settings = [("DB_MODE", "DISK"), ("DB_PATH", "disk/r.db")];
    world.run_with(&settings, &["load"]).exits(0);
    disk.remount("ro");
    let run = world.run_with(&settings, &["load"]);
    run.prints(
        2,
        snapbox::str![[r#"
error[database]: disk/r.db is read-only
hint: make the file and its folder writable, or set `DB_PATH` to another place

"#]],
    );
    // Questions are answered all the same.
    let run = world.run_with(
        &settings,
        &["query", "--sql", "select id from PagerDutyTeams"],
    );
    assert_eq!(run.exits(0).stdout, "id\r\nA\r\n");
    drop(disk);
}

#[test]
fn a_database_file_that_may_only_be_read() {
    let world = World::new();
    world.write(&format!("{TEAMS}/1.ndjson"), "{\"id\":\"A\"}\n");
    world.run_on_disk(&["load"]).exits(0);
    let path = world.path("reliability.db");
    let file = path.to_str().unwrap();
    let Some(disk) = Mount::new(&world, "reliability.db", &["--bind", file]) else {
        return;
    };
    disk.remount("bind,ro");
    world.write(&format!("{TEAMS}/2.ndjson"), "{\"id\":\"B\"}\n");
    let run = world.run_on_disk(&["load"]);
    run.exits(2).says(&["reliability.db is read-only"]);
    drop(disk);
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(
        world.rows("select id from PagerDutyTeams order by 1"),
        ["A", "B"]
    );
}

#[test]
fn a_database_that_another_program_has_locked() {
    let world = World::new();
    world.write(&format!("{TEAMS}/1.ndjson"), "{\"id\":\"A\"}\n");
    world.run_on_disk(&["load"]).exits(0);
    world.write(&format!("{TEAMS}/2.ndjson"), "{\"id\":\"B\"}\n");
    let other = rusqlite::Connection::open(world.path("reliability.db")).unwrap();
    other.execute_batch("begin exclusive").unwrap();
    let run = world.run_on_disk(&["load"]);
    run.exits(2)
        .says(&["is locked by another program", "close the program"]);
    other.execute_batch("rollback").unwrap();
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(
        world.rows("select id from PagerDutyTeams order by 1"),
        ["A", "B"]
    );
}

#[test]
fn a_file_that_is_no_database() {
    for content in [
        "too short\n".to_owned(),
        "this is somebody's notes\n".repeat(200),
    ] {
        let world = World::new();
        world
            .write("notes.txt", &content)
            .write(&format!("{TEAMS}/1.ndjson"), "{\"id\":\"A\"}\n");
        let settings = [("DB_MODE", "DISK"), ("DB_PATH", "notes.txt")];
        for arguments in [&["load"][..], &["run"], &["query"], &["status"], &["init"]] {
            let run = world.run_with(&settings, arguments);
            run.exits(2).says(&[
                "notes.txt is not a database of this program",
                "set `DB_PATH`",
            ]);
            assert_eq!(world.read("notes.txt"), content);
        }
    }
}

#[test]
fn a_database_of_somebody_else() {
    let world = World::new();
    world.write(&format!("{TEAMS}/1.ndjson"), "{\"id\":\"A\"}\n");
    let path = world.path("reliability.db");
    rusqlite::Connection::open(&path)
        .and_then(|other| {
            other.execute_batch(
                "create table PagerDutyTeams (id, mine); insert into PagerDutyTeams values (1, 2)",
            )
        })
        .unwrap();
    let before = fs::read(&path).unwrap();
    for arguments in [&["load"][..], &["run"], &["query"], &["status"]] {
        let run = world.run_on_disk(arguments);
        run.exits(2)
            .says(&["reliability.db is not a database of this program"]);
        assert!(
            fs::read(&path).unwrap() == before,
            "{arguments:?} changed it"
        );
    }
}

#[test]
fn a_run_waits_for_another_and_says_for_whom() {
    let world = World::new();
    world.write(&format!("{TEAMS}/1.ndjson"), "{\"id\":\"A\"}\n");
    let mut lock = File::create(world.path("reliability.db.lock")).unwrap();
    lock.lock().unwrap();
    lock.write_all(b"process 12345 (`load`), since 2026-11-23T20:05:00Z")
        .unwrap();
    let mut child = world
        .command(&["load"])
        .env("DB_MODE", "DISK")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It has said so when it waits; only then is it let go on.
    let mut stderr = child.stderr.take().unwrap();
    let mut said = Vec::new();
    while !said.ends_with(b"\n") {
        let mut byte = [0];
        stderr.read_exact(&mut byte).unwrap();
        said.push(byte[0]);
    }
    lock.unlock().unwrap();
    let said = String::from_utf8(said).unwrap();
    assert!(
        said.contains("held by process 12345 (`load`), since 2026-11-23T20:05:00Z"),
        "{said}"
    );
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    world::ended(child.wait_with_output().unwrap()).exits(0);
    assert!(rest.contains("1 record from 1 file"), "{rest}");
    assert_eq!(world.rows("select id from PagerDutyTeams"), ["A"]);
}

#[test]
fn two_runs_at_once_come_to_the_same() {
    let world = World::new();
    world.run(&["demo", "--scale", "1000"]).exits(0);
    let children: Vec<_> = (0..2)
        .map(|_| {
            world
                .command(&["load"])
                .env("DB_MODE", "DISK")
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let runs: Vec<Run> = children
        .into_iter()
        .map(|child| world::ended(child.wait_with_output().unwrap()))
        .collect();
    for run in &runs {
        run.exits(0);
    }
    // One did it, the other found it done.
    let idle = runs
        .iter()
        .filter(|run| run.stderr.contains("nothing new"))
        .count();
    assert_eq!(idle, 1);
    let together = world.contents();
    fs::remove_file(world.path("reliability.db")).unwrap();
    world.run_on_disk(&["load"]).exits(0);
    assert!(world.contents() == together);
}

#[test]
fn data_that_is_gone_stays_in_the_database_until_somebody_says_that_it_is_meant() {
    let world = world::small();
    world.run_on_disk(&["run"]).exits(0);
    let (contents, answers) = (world.contents(), world.files("output"));
    // The disk is not mounted; it is mounted and empty; something else lies in its place.
    std::fs::rename(world.path("raw_data"), world.path("elsewhere")).unwrap();
    for unmounted in [0, 1, 2] {
        match unmounted {
            1 => std::fs::create_dir_all(world.path("raw_data/pagerduty_teams")).unwrap(),
            2 => {
                std::fs::remove_dir(world.path("raw_data/pagerduty_teams")).unwrap();
                world.write("raw_data/pagerduty_teams", "not a folder");
            }
            _ => {}
        }
        for verb in ["load", "run", "run"] {
            world.run_on_disk(&[verb]).exits(2).says(&[
                "`pagerduty_teams` was loaded before",
                "reliability load --forget pagerduty_teams",
            ]);
            assert_eq!(world.contents(), contents);
            assert_eq!(world.files("output"), answers);
        }
    }
    std::fs::remove_dir_all(world.path("raw_data")).unwrap();
    std::fs::rename(world.path("elsewhere"), world.path("raw_data")).unwrap();
    world.run_on_disk(&["load"]).exits(0).says(&["nothing new"]);
    assert_eq!(world.contents(), contents);

    std::fs::remove_dir_all(world.path("raw_data/pagerduty_teams")).unwrap();
    world.run_on_disk(&["load"]).exits(2);
    world
        .run_on_disk(&["load", "--forget", "pagerduty_team"])
        .exits(2)
        .says(&["did you mean `pagerduty_teams`?"]);
    world
        .run_on_disk(&["load", "--forget", "pagerduty_teams"])
        .exits(0);
    assert_eq!(world.rows("select count(*) from PagerDutyTeams"), ["0"]);
    world.run_on_disk(&["run"]).exits(0);
}

#[test]
fn somebody_who_reads_for_long_does_not_stop_loading() {
    let world = World::new();
    world.write(&format!("{TEAMS}/1.ndjson"), "{\"id\":\"A\"}\n");
    world.run_on_disk(&["init"]).exits(0);
    let early = rusqlite::Connection::open(world.path("reliability.db")).unwrap();
    early
        .execute_batch("begin; select * from PagerDutyTeams")
        .unwrap();
    world.run_on_disk(&["load"]).exits(0);
    drop(early);
    world.run_on_disk(&["load"]).exits(0);
    let names: Vec<String> = world.files(".").into_keys().collect();
    assert!(
        !names.iter().any(|name| name.ends_with("-wal")),
        "{names:?}"
    );
    let reader = rusqlite::Connection::open(world.path("reliability.db")).unwrap();
    let count = |of: &rusqlite::Connection| -> i64 {
        of.query_row("select count(*) from PagerDutyTeams", [], |row| row.get(0))
            .unwrap()
    };
    reader.execute_batch("begin").unwrap();
    assert_eq!(count(&reader), 1);
    for number in 2..5 {
        world.write(
            &format!("{TEAMS}/{number}.ndjson"),
            format!("{{\"id\":\"{number}\"}}\n"),
        );
        world.run_on_disk(&["run"]).exits(0);
        assert_eq!(
            (
                count(&reader),
                world.rows("select id from PagerDutyTeams").len()
            ),
            (1, number)
        );
    }
    reader.execute_batch("commit").unwrap();
    assert_eq!(count(&reader), 4);
    drop(reader);
    // Asking leaves nothing behind either.
    world.run_on_disk(&["query", "--sql", "select 1"]).exits(0);
    assert!(!world.path("reliability.db-wal").exists());
}

#[test]
fn tables_of_other_people_are_never_dropped_or_taken() {
    let world = World::new();
    world.write(&format!("{TEAMS}/1.ndjson"), "{\"id\":\"A\"}\n");
    world.run_on_disk(&["load"]).exits(0);
    world.change(
        "create table mine (a); insert into mine values (7); create view of_mine as select a from mine",
    );
    // An older format: what is ours is made anew.
    world.change("pragma user_version = 0");
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows("select a from of_mine"), ["7"]);
    assert_eq!(world.rows("select id from PagerDutyTeams"), ["A"]);
    // Tables of ours that somebody dropped are made and filled again, those of the bookkeeping as well.
    for dropped in [
        "PagerDutyTeams",
        "PagerDutyUsers",
        "_rejects",
        "_files",
        "_streams",
        "_tables",
        "_versions",
        "Names",
    ] {
        world.change(&format!("drop table {dropped}"));
        world.run_on_disk(&["load"]).exits(0);
        assert_eq!(
            world.rows("select id from PagerDutyTeams"),
            ["A"],
            "{dropped}"
        );
        assert_eq!(world.rows("select a from mine"), ["7"]);
    }
    // A newer format is left alone.
    world.change("pragma user_version = 99");
    let before = fs::read(world.path("reliability.db")).unwrap();
    for verb in ["load", "run"] {
        world
            .run_on_disk(&[verb])
            .exits(2)
            .says(&["newer version", "set `DB_PATH` to another file"]);
    }
    assert!(fs::read(world.path("reliability.db")).unwrap() == before);
}

#[test]
fn a_name_that_is_taken_stays_its_owners() {
    const SCHEMA: &str = "-- Mine.\n\n-- one row per x\nCREATE TABLE Mine (\n-- its id\nid TEXT PRIMARY KEY NOT NULL\n);";
    let world = World::new();
    world.run_on_disk(&["init"]).exits(0);
    world.change("create table Mine (a); insert into Mine values (7)");
    world.write("definitions/schemas/mine.sql", SCHEMA);
    world.run_on_disk(&["load"]).exits(2).says(&[
        "has a table `Mine` that this program did not make",
        "alter table Mine rename to",
    ]);
    assert_eq!(world.rows("select a from Mine"), ["7"]);
    world.change("alter table Mine rename to theirs");
    world.run_on_disk(&["load"]).exits(0);
    // Put in place of ours, it is theirs as well, also when ours is declared no longer.
    world.change("drop table Mine; alter table theirs rename to Mine");
    world.run_on_disk(&["load"]).exits(2).says(&["`Mine`"]);
    fs::remove_file(world.path("definitions/schemas/mine.sql")).unwrap();
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows("select a from Mine"), ["7"]);
}

#[test]
fn a_damaged_database_says_so_and_what_to_do() {
    let world = World::new();
    let teams: String = (0..2_000)
        .map(|id| format!("{{\"id\":\"T{id}\"}}\n"))
        .collect();
    world.write(&format!("{TEAMS}/1.ndjson"), teams);
    world.run_on_disk(&["load"]).exits(0);
    let path = world.path("reliability.db");
    let mut bytes = fs::read(&path).unwrap();
    for byte in &mut bytes[4096..] {
        *byte ^= 0x5A;
    }
    fs::write(&path, bytes).unwrap();
    for arguments in [
        &["load"][..],
        &["run"],
        &["query", "--sql", "select * from PagerDutyTeams"],
        &["status"],
    ] {
        world.run_on_disk(arguments).exits(2).says(&[
            "reliability.db is damaged",
            "delete the file and run `reliability load`",
        ]);
    }
    fs::remove_file(&path).unwrap();
    world.run_on_disk(&["load"]).exits(0);
}

#[cfg(target_os = "linux")]
#[test]
fn messages_may_be_lost_but_answers_may_not() {
    let full = || {
        std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    let world = world::small();
    let silent = world.command(&["load"]).stderr(full()).status().unwrap();
    assert_eq!(silent.code(), Some(0));
    let unanswered = world
        .command(&["query", "--sql", "select 1"])
        .stdout(full())
        .output()
        .unwrap();
    assert_eq!(unanswered.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unanswered.stderr).contains("cannot write the answer"));
}
