//! The loading rules, each on a few records made by hand.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use crate::world::World;

/// A user as a listing of users gives them, fetched at a minute of one hour.
pub fn user(id: &str, name: &str, teams: &[&str], minute: u32) -> String {
    let teams: Vec<String> = teams
        .iter()
        .map(|team| format!(r#"{{"id":"{team}","summary":"Team {team}"}}"#))
        .collect();
    format!(
        r#"{{"id":"{id}","name":"{name}","teams":[{}],"_extract":{{"at":"2026-11-23T20:{minute:02}:00Z"}}}}"#,
        teams.join(",")
    ) + "\n"
}

/// A team of a listing.
pub fn team(id: &str, name: &str, minute: u32) -> String {
    format!(
        r#"{{"id":"{id}","name":"{name}","_extract":{{"at":"2026-11-23T20:{minute:02}:00Z"}}}}"#
    ) + "\n"
}

/// A marker of a listing that started at a minute of that hour and ended five minutes later.
pub fn marker(stream: &str, minute: u32, files: &[&str], records: u32) -> String {
    let end = minute + 5;
    format!(
        r#"{{"stream":"{stream}","started_at":"2026-11-23T20:{minute:02}:00Z","finished_at":"2026-11-23T20:{end:02}:00Z","files":{files:?},"records":{records}}}"#
    )
}

pub const TEAMS: &str = "select id, name from PagerDutyTeams order by id";
pub const MEMBERS: &str = "select user_id, team_id from PagerDutyUserTeams order by 1, 2";

#[test]
fn the_newest_extraction_wins_whatever_the_order_of_files() {
    let files = [
        (
            "raw_data/pagerduty_teams/a.ndjson",
            team("T1", "newest", 30) + &team("T2", "old", 1),
        ),
        (
            "raw_data/pagerduty_teams/b.ndjson",
            team("T1", "oldest", 10) + &team("T2", "new", 2),
        ),
        (
            "raw_data/pagerduty_teams/c.ndjson",
            team("T1", "middle", 20) + &team("T2", "older", 0),
        ),
    ];
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let world = World::new();
        for index in order {
            world.write(files[index].0, &files[index].1);
            world.run_on_disk(&["load", "pagerduty_teams"]).exits(0);
        }
        assert_eq!(
            world.rows(TEAMS),
            ["T1|newest", "T2|new"],
            "in the order {order:?}"
        );
    }
}

#[test]
fn of_copies_of_one_moment_the_later_file_wins_and_in_a_file_the_later_line() {
    let first = team("T1", "first file", 5) + &team("T2", "line 2", 5) + &team("T2", "line 3", 5);
    let second = team("T1", "second file", 5);
    for order in [["a", "b"], ["b", "a"]] {
        let world = World::new();
        for name in order {
            let content = if name == "a" { &first } else { &second };
            world.write(&format!("raw_data/pagerduty_teams/{name}.ndjson"), content);
            world.run_on_disk(&["load", "pagerduty_teams"]).exits(0);
        }
        assert_eq!(
            world.rows(TEAMS),
            ["T1|second file", "T2|line 3"],
            "in the order {order:?}"
        );
    }
}

#[test]
fn rows_of_a_record_go_with_its_newest_copy() {
    let old = user("U1", "Ada", &["A", "B"], 1) + &user("U2", "Bo", &["A"], 1);
    let new = user("U1", "Ada", &["B", "C"], 2);
    for order in [["old", "new"], ["new", "old"]] {
        let world = World::new();
        for name in order {
            let content = if name == "old" { &old } else { &new };
            world.write(&format!("raw_data/pagerduty_users/{name}.ndjson"), content);
            world.run_on_disk(&["load", "pagerduty_users"]).exits(0);
        }
        // U1 left A and joined C; nothing newer is known of U2.
        assert_eq!(
            world.rows(MEMBERS),
            ["U1|B", "U1|C", "U2|A"],
            "in the order {order:?}"
        );
    }
}

#[test]
fn a_record_whose_newest_copy_makes_no_further_rows_has_none() {
    let world = World::new();
    world.write(
        "raw_data/pagerduty_users/1.ndjson",
        user("U1", "Ada", &["A", "B"], 1),
    );
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(MEMBERS), ["U1|A", "U1|B"]);
    world.write(
        "raw_data/pagerduty_users/2.ndjson",
        user("U1", "Ada", &[], 2),
    );
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(MEMBERS), [""; 0]);
    assert_eq!(world.rows("select name from PagerDutyUsers"), ["Ada"]);
}

#[test]
fn records_written_twice_are_forgiven_where_a_fetched_copy_stands_above_them() {
    let untimed = |name: &str| format!("{{\"id\":\"T1\",\"name\":\"{name}\"}}\n");
    let files = [
        (
            "raw_data/pagerduty_teams/x.ndjson",
            untimed("a") + &untimed("b"),
        ),
        ("raw_data/pagerduty_teams/y.ndjson", untimed("c")),
        (
            "raw_data/pagerduty_teams/2026-01-01.ndjson",
            "{\"id\":\"T1\",\"name\":\"dated\"}\n".to_owned(),
        ),
    ];
    for order in [[0, 1, 2], [2, 1, 0], [0, 2, 1]] {
        let world = World::new();
        for index in order {
            world.write(files[index].0, &files[index].1);
            world.run_on_disk(&["load"]);
        }
        world.run_on_disk(&["load"]).exits(0);
        assert_eq!(world.rows(TEAMS), ["T1|dated"]);
        assert_eq!(
            world.rows("select line from _rejects"),
            Vec::<String>::new(),
            "in the order {order:?}"
        );
    }
    let world = World::new();
    for (name, content) in &files[..2] {
        world.write(name, content);
    }
    world
        .run_on_disk(&["load"])
        .exits(1)
        .says(&["has the same key (`id` = `T1`)"]);
    assert_eq!(world.rows(TEAMS), ["T1|c"]);
    assert_eq!(
        world.rows("select line from _rejects order by 1"),
        ["1", "2"]
    );
}

#[test]
fn a_file_is_loaded_once() {
    let world = World::new();
    world.write("raw_data/pagerduty_teams/1.ndjson", team("T1", "a", 1));
    world
        .run_on_disk(&["load"])
        .exits(0)
        .says(&["1 record from 1 file"]);
    world.run_on_disk(&["load"]).exits(0).says(&["nothing new"]);
    world.write(
        "raw_data/pagerduty_teams/2.ndjson",
        team("T2", "b", 2) + &team("T3", "b", 2),
    );
    // The new one alone.
    world
        .run_on_disk(&["load"])
        .exits(0)
        .says(&["2 records from 1 file are in"]);
    assert_eq!(world.rows(TEAMS), ["T1|a", "T2|b", "T3|b"]);
}

#[test]
fn a_file_that_was_touched_is_not_loaded_again() {
    let world = World::new();
    let name = "raw_data/pagerduty_teams/1.ndjson";
    world.write(name, team("T1", "a", 1));
    world.run_on_disk(&["load"]).exits(0);
    let later = SystemTime::now() + Duration::from_secs(3600);
    let file = File::options().write(true).open(world.path(name)).unwrap();
    file.set_modified(later).unwrap();
    let run = world.run_on_disk(&["load"]);
    run.exits(0).says(&["nothing new"]).does_not_say("loaded");
    let noted = world.rows("select modified from _files");
    let expected = later
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_nanos();
    assert_eq!(noted, [expected.to_string()]);
}

#[test]
fn a_file_that_changed_makes_its_stream_load_anew() {
    let world = World::new();
    world
        .write(
            "raw_data/pagerduty_teams/1.ndjson",
            team("T1", "a", 9) + &team("T2", "a", 9),
        )
        .write("raw_data/pagerduty_teams/2.ndjson", team("T1", "b", 1))
        .write(
            "raw_data/pagerduty_users/1.ndjson",
            user("U1", "Ada", &["A"], 1),
        );
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(TEAMS), ["T1|a", "T2|a"]);
    // T2 is not in it any more, and the copy of T1 is older than the one in the other file.
    world.write("raw_data/pagerduty_teams/1.ndjson", team("T1", "a", 0));
    let run = world.run_on_disk(&["load"]);
    run.exits(0)
        .says(&["2 records from 2 files are in"])
        .does_not_say("pagerduty_users");
    assert_eq!(world.rows(TEAMS), ["T1|b"]);
    assert_eq!(world.rows(MEMBERS), ["U1|A"]);
}

#[test]
fn a_change_that_keeps_size_and_line_count_is_noticed() {
    let world = World::new();
    let name = "raw_data/pagerduty_teams/1.ndjson";
    world.write(name, team("T1", "abc", 1));
    world.run_on_disk(&["load"]).exits(0);
    world.write(name, team("T1", "xyz", 1));
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(TEAMS), ["T1|xyz"]);
}

#[test]
fn a_file_that_went_takes_its_rows_along() {
    let world = World::new();
    world
        .write(
            "raw_data/pagerduty_teams/1.ndjson",
            team("T1", "a", 1) + &team("T2", "a", 1),
        )
        .write(
            "raw_data/pagerduty_teams/2.ndjson",
            team("T2", "b", 2) + &team("T3", "b", 2),
        );
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(TEAMS), ["T1|a", "T2|b", "T3|b"]);
    fs::remove_file(world.path("raw_data/pagerduty_teams/2.ndjson")).unwrap();
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(TEAMS), ["T1|a", "T2|a"]);
    fs::remove_dir_all(world.path("raw_data")).unwrap();
    world
        .run_on_disk(&["load", "--forget", "pagerduty_teams"])
        .exits(0);
    assert_eq!(world.rows(TEAMS), [""; 0]);
}

#[test]
fn a_mapper_that_changed_makes_its_stream_load_anew() {
    let world = World::new();
    world
        .write("raw_data/pagerduty_teams/1.ndjson", team("T1", "a", 1))
        .write(
            "raw_data/pagerduty_users/1.ndjson",
            user("U1", "Ada", &[], 1),
        );
    world.run_on_disk(&["load"]).exits(0);
    let mapper = "stream: pagerduty_teams\ntables:\n  PagerDutyTeams:\n    columns:\n      id: .id\n      name: .name | ascii_upcase\n";
    world.write("definitions/mappers/pagerduty_teams.yaml", mapper);
    let run = world.run_on_disk(&["load"]);
    run.exits(0)
        .says(&["loaded pagerduty_teams"])
        .does_not_say("pagerduty_users");
    assert_eq!(world.rows(TEAMS), ["T1|A"]);
    // And back again.
    fs::remove_dir_all(world.path("definitions")).unwrap();
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(TEAMS), ["T1|a"]);
}

#[test]
fn a_stream_that_is_loaded_alone_leaves_the_others() {
    let world = World::new();
    world
        .write("raw_data/pagerduty_teams/1.ndjson", team("T1", "a", 1))
        .write(
            "raw_data/pagerduty_users/1.ndjson",
            user("U1", "Ada", &[], 1),
        )
        .write("raw_data/sentry_teams/1.ndjson", r#"{"id":"1","slug":"s"}"#);
    world.run_on_disk(&["load", "pagerduty_teams"]).exits(0);
    let count =
        "select (select count(*) from PagerDutyTeams), (select count(*) from PagerDutyUsers),
                 (select count(*) from SentryTeams)";
    assert_eq!(world.rows(count), ["1|0|0"]);
    // A source names all its streams.
    world.run_on_disk(&["load", "pagerduty"]).exits(0);
    assert_eq!(world.rows(count), ["1|1|0"]);
}

#[test]
fn every_row_knows_the_very_line_it_came_from() {
    let world = World::new();
    let zstd_less = [
        (
            "a.ndjson",
            format!("{}\n\n{}", team("T1", "a", 1), team("T2", "a", 1)),
        ),
        (
            "b.json",
            format!("[\n{},\n\n{}]\n", team("T3", "b", 2), team("T4", "b", 2)),
        ),
        (
            "deep/c.json",
            format!("{{\"teams\": [\n{}\n]}}", team("T5", "c", 3)),
        ),
    ];
    for (name, content) in &zstd_less {
        world.write(&format!("raw_data/pagerduty_teams/{name}"), content);
    }
    world.write(
        "incidents/one.yaml",
        "# notes\n- incident_name: First\n  root_causes: [Capacity]\n\n- incident_name: Second\n  root_causes:\n    - Capacity\n",
    );
    world.write(
        "raw_data/developer_survey/s.csv",
        "response_id,What else?\n1,\"two\nlines\"\n2,none\n",
    );
    world.run_on_disk(&["load"]).exits(0);
    let mut checked = 0;
    for (table, shown) in [
        ("PagerDutyTeams", "t.id"),
        ("Incidents", "t.name"),
        ("SurveyResponses", "t.id"),
    ] {
        let sql =
            format!("select {shown}, _line, path from {table} t join _files on _files.id = _file");
        for row in world.rows(&sql) {
            let [value, line, path] = row.split('|').collect::<Vec<_>>()[..] else {
                panic!("{row}")
            };
            let text = world.read(path);
            let line = text
                .lines()
                .nth(line.parse::<usize>().unwrap() - 1)
                .unwrap();
            assert!(line.contains(value), "{row} points at `{line}`");
            checked += 1;
        }
    }
    assert_eq!(checked, 9);
    // Rows that hang on a record come from where it begins.
    let children = "select root_cause, _line from RootCauses order by _line";
    assert_eq!(world.rows(children), ["Capacity|2", "Capacity|5"]);
}

#[test]
fn the_time_of_extraction_comes_from_the_record_or_else_from_the_files_name() {
    let world = World::new();
    world
        .write(
            "raw_data/pagerduty_teams/2026-11-23T20-05-00Z-1.ndjson",
            r#"{"id":"T1","_extract":{"at":"2026-11-23T21:00:00.5Z"}}
{"id":"T2"}
"#,
        )
        .write("raw_data/pagerduty_teams/mine.ndjson", r#"{"id":"T3"}"#);
    world.run_on_disk(&["load"]).exits(0);
    let sql = "select id, strftime('%Y-%m-%dT%H:%M:%S', _extracted_at / 1000000, 'unixepoch'), _extracted_at % 1000000
               from PagerDutyTeams order by 1";
    assert_eq!(
        world.rows(sql),
        [
            "T1|2026-11-23T21:00:00|500000",
            "T2|2026-11-23T20:05:00|0",
            "T3|∅|∅"
        ]
    );
}
