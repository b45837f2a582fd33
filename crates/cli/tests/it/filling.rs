//! Tables that are filled without key and indexes: what others see of it, what a kill in the middle leaves, and that it
//! comes to the same as adding row by row.

use std::process::{Child, Stdio};

use rusqlite::{Connection, OpenFlags};

use crate::world::World;

const USERS: &str = "raw_data/pagerduty_users";

/// A file of users, each a member of two teams, fetched at a minute.
fn users(ids: std::ops::Range<u32>, minute: u32) -> String {
    ids.map(|id| {
        format!(
            "{{\"id\":\"U{id}\",\"name\":\"User {id} at {minute}\",\"teams\":[{{\"id\":\"T{minute}\"}},{{\"id\":\"T{}\"}}],\"_extract\":{{\"at\":\"2026-11-01T10:{minute:02}:00Z\"}}}}\n",
            id % 7
        )
    })
    .collect()
}

/// Six files, each of which has a tenth of the users of the one before once more.
fn many(world: &World, each: u32) {
    for file in 0..6 {
        let first = file * each - file.min(1) * each / 10;
        // Every other file is older than the one before.
        let minute = if file % 2 == 0 { 10 + file } else { 5 };
        let users = users(first..(file + 1) * each, minute);
        world.write(&format!("{USERS}/{file}.ndjson"), users);
    }
}

fn start(world: &World) -> Child {
    let mut command = world.command(&["load", "pagerduty_users"]);
    command.env("DB_MODE", "DISK").stderr(Stdio::null());
    command.spawn().unwrap()
}

/// What somebody who reads meanwhile is told by a query; nothing as long as the tables are not there.
fn asked(world: &World, sql: &str) -> Option<i64> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(world.path("reliability.db"), flags).ok()?;
    connection.query_row(sql, [], |row| row.get(0)).ok()
}

const LOADED: &str = "select count(*) from _files where hash is not null";
const UNFINISHED: &str = "select count(*) from _streams where unfinished = 1";
const KEYS: &str = "select count(*) from sqlite_schema where name = '_key_PagerDutyUsers'";
const TWICE: &str = "select count(*) - count(distinct id) from PagerDutyUsers";

/// Kills the loading once so many files are loaded, and says whether that was before the stream was finished.
fn kill_after(world: &World, files: i64) -> bool {
    let mut child = start(world);
    while asked(world, LOADED).is_none_or(|loaded| loaded < files) {
        // No record is seen twice, whatever the moment.
        assert!(asked(world, TWICE).is_none_or(|twice| twice == 0));
        if child.try_wait().unwrap().is_some() {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    asked(world, UNFINISHED) == Some(1)
}

#[test]
fn a_kill_while_tables_are_filled_leaves_whole_files() {
    let whole = World::new();
    many(&whole, 4_000);
    whole.run_on_disk(&["load", "pagerduty_users"]).exits(0);
    let world = World::new();
    many(&world, 4_000);
    // After the second file, and again after the fourth; then while the keys are built, or just before.
    for files in [2, 4, 6] {
        assert!(kill_after(&world, files), "after {files} files it was done");
        assert_eq!(asked(&world, KEYS), Some(0));
        let loaded = asked(&world, LOADED).unwrap();
        assert!(loaded >= files);
        let strays = "select count(*) from PagerDutyUsers where _file not in (select id from _files where hash is not null)";
        assert_eq!(asked(&world, strays), Some(0));
        let lost = "select (select sum(records) from _files) - (select count(*) from PagerDutyUsers) - (select count(*) from _later)";
        assert_eq!(asked(&world, lost), Some(0));
    }
    world.run_on_disk(&["load", "pagerduty_users"]).exits(0);
    assert_eq!(world.contents(), whole.contents());
    assert_eq!(asked(&world, KEYS), Some(1));
    assert_eq!(asked(&world, UNFINISHED), Some(0));
    assert_eq!(asked(&world, "select count(*) from _later"), Some(0));
    assert_eq!(asked(&world, TWICE), Some(0));
}

#[test]
fn many_records_that_come_again_are_no_other_case() {
    let once = World::new();
    let stepwise = World::new();
    // More wait than may: the third file finds keys.
    for (file, minute) in [(0, 10), (1, 20), (2, 5), (3, 30)] {
        let users = users(0..11_000, minute);
        once.write(&format!("{USERS}/{file}.ndjson"), &users);
        stepwise.write(&format!("{USERS}/{file}.ndjson"), &users);
        stepwise.run_on_disk(&["load", "pagerduty_users"]).exits(0);
    }
    once.run_on_disk(&["load", "pagerduty_users"]).exits(0);
    assert_eq!(once.contents(), stepwise.contents());
    assert_eq!(
        once.rows("select count(*), min(name) from PagerDutyUsers"),
        ["11000|User 0 at 30"]
    );
}

#[test]
fn a_key_that_somebody_dropped_is_built_again() {
    let world = World::new();
    world.write(&format!("{USERS}/1.ndjson"), users(0..3, 1));
    world.run_on_disk(&["load"]).exits(0);
    let before = world.contents();
    world.change("drop index \"_key_PagerDutyUsers\"");
    world.run_on_disk(&["load"]).exits(0).says(&["nothing new"]);
    assert_eq!(asked(&world, KEYS), Some(1));
    world.change("drop index \"_key_PagerDutyUsers\"");
    world.write(&format!("{USERS}/2.ndjson"), users(2..5, 2));
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(asked(&world, KEYS), Some(1));
    assert_eq!(
        asked(&world, "select count(*) from PagerDutyUsers"),
        Some(5)
    );
    assert_eq!(
        world.contents()["PagerDutyUsers"][..2],
        before["PagerDutyUsers"][..2]
    );
}
