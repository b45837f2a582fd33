//! Slips of people who write postmortems and sheets: what is taken all the same, what is a warning, what is a reject.

use std::fs;

use crate::bad_input::{TEAMS, load_incidents, load_teams};
use crate::world::World;

#[test]
fn the_same_incident_twice() {
    let world = World::new();
    let content =
        "- incident_name: Same\n  severity_level: 1\n- incident_name: Same\n  severity_level: 2\n";
    let (run, loaded) = load_incidents(&world, content);
    run.exits(1)
        .says(&["has the same key (`id` = `Same`)", "incidents/notes.yaml:1"]);
    assert_eq!(loaded, ["Same"]);
    assert_eq!(world.rows("select severity from Incidents"), ["2"]);
    // It stays a fault until somebody mends it, and is one in two files too.
    world.run_on_disk(&["load"]).exits(1);
    world
        .write(
            "incidents/notes.yaml",
            "- incident_name: Same\n  severity_level: 3\n",
        )
        .write(
            "incidents/more.yaml",
            "- incident_name: Same\n  severity_level: 4\n",
        );
    world
        .run_on_disk(&["load"])
        .exits(1)
        .says(&["incidents/more.yaml:1"]);
    assert_eq!(world.rows("select severity from Incidents"), ["3"]);
    fs::remove_file(world.path("incidents/more.yaml")).unwrap();
    world.run_on_disk(&["load"]).exits(0);
}

#[test]
fn csv_with_ragged_rows() {
    let world = World::new();
    let (run, loaded) = load_teams(
        &world,
        "x.csv",
        "id,name\nA,a\nB\nC,c,c\n\"D\",\"d\nd\"\nE,\n",
    );
    run.prints(
        1,
        snapbox::str![[r#"
loaded pagerduty_teams          3 records from 1 file
error[record-rejected]: the row has 1 field, the header has 2
  --> raw_data/pagerduty_teams/x.csv:3
error[record-rejected]: the row has 3 fields, the header has 2
  --> raw_data/pagerduty_teams/x.csv:4
2 rejects of pagerduty_teams kept in `rejects/pagerduty_teams/`, with their reasons
3 records from 1 file are in reliability.db; 2 rejects in `rejects/`

"#]],
    );
    assert_eq!(loaded, ["A", "D", "E"]);
}

#[test]
fn csv_whose_header_cannot_be_told_apart() {
    let world = World::new();
    world
        .write(&format!("{TEAMS}/good.csv"), "id,name\nA,a\n")
        .write(&format!("{TEAMS}/twice.csv"), "id,name,name\nB,b,b\n");
    // A column without a name may be there as long as nothing is in it.
    let nameless = "id,,name\nB,b,b\nC,,c\n,,\n";
    let (run, loaded) = load_teams(&world, "x.csv", nameless);
    run.prints(
        1,
        snapbox::str![[r#"
loaded pagerduty_teams          2 records from 3 files
error[record-rejected]: the header names `name` twice
  --> raw_data/pagerduty_teams/twice.csv:1
error[record-rejected]: column 2 has no name in the header, and a value here
  --> raw_data/pagerduty_teams/x.csv:2
2 rejects of pagerduty_teams kept in `rejects/pagerduty_teams/`, with their reasons
2 records from 3 files are in reliability.db; 2 rejects in `rejects/`

"#]],
    );
    assert_eq!(loaded, ["A", "C"]);
}

#[test]
fn what_nothing_reads_of_an_incident_is_told() {
    let world = World::new();
    world.write(
        "incidents/a.yaml",
        "- incident_name: One\n  severity: P1\n  stats:\n    time_of_first_triger: 2026-01-01 10:00\n  affected_entities:\n    - entity: A\n      products: [x]\n- foo: 1\n---\n",
    );
    let run = world.run_on_disk(&["load"]);
    run.prints(1, snapbox::str![[r#"
loaded incidents                1 record from 1 file
error[record-rejected]: `Incidents.id`: an incident needs an `incident_name`
  --> incidents/a.yaml:8
1 reject of incidents kept in `rejects/incidents/`, with their reasons
warning[record-odd]: nothing reads `affected_entities.entity`; did you mean `entity_name`?
  --> incidents/a.yaml:1
warning[record-odd]: nothing reads `severity`; did you mean `severity_level`?
  --> incidents/a.yaml:1
warning[record-odd]: nothing reads `stats.time_of_first_triger`; did you mean `time_of_first_trigger`?
  --> incidents/a.yaml:1
1 record from 1 file is in reliability.db; 1 reject in `rejects/`

"#]]);
    assert_eq!(world.rows("select name from Incidents"), ["One"]);
}

#[test]
fn control_characters_of_names_and_data_stay_out_of_the_terminal() {
    let world = World::new();
    world
        .write("incidents/a\u{1b}[31m.yaml", "- foo: 1\n")
        .write("raw_data/pagerduty_teams/\u{202e}x.txt", "")
        .write(
            "incidents/b.yaml",
            "incident_name: \"\\e[31mOne\"\nincident_date: \"\\e[2J\"\n",
        );
    let run = world.run(&["load"]);
    run.prints(1, snapbox::str![[r#"
loaded incidents                0 records from 2 files
error[record-rejected]: `Incidents.id`: an incident needs an `incident_name`
  --> incidents/a/u{1b}[31m.yaml:1
error[record-rejected]: `Incidents.incident_date`: `/u{1b}[2J` is not a date; expected `YYYY-MM-DD`
 |
 = note: the value is "/u001b[2J"
  --> incidents/b.yaml:1
2 rejects of incidents kept in `rejects/incidents/`, with their reasons
warning[file-unread]: nothing reads `raw_data/pagerduty_teams//u{202e}x.txt`: the ending says nothing
hint: endings are `.ndjson`, `.json`, `.yaml` and `.csv`, then perhaps `.gz` or `.zst`
0 records from 2 files are in the database in memory; 2 rejects in `rejects/`
it is gone when this ends; to keep it, set `DB_MODE=DISK`

"#]]);
    // A snapshot does not tell `\\` from `/`.
    run.says(&[r"incidents/a\u{1b}[31m.yaml:1", r"\u{202e}x.txt"]);
    assert!(
        !run.stderr.contains(['\u{1b}', '\u{202e}']),
        "{:?}",
        run.stderr
    );
}

#[test]
fn a_file_of_one_line_without_a_line_break_is_line_one() {
    let world = World::new();
    for (name, content) in [
        ("a.ndjson", "{\"id\": "),
        ("b.json", "{\"id\": "),
        ("c.csv", "id,name\rA,a,b"),
        ("../pagerduty_users/d.yaml", "id: ["),
    ] {
        world.write(&format!("{TEAMS}/{name}"), content);
    }
    world.run(&["load"]).prints(
        1,
        snapbox::str![[r#"
loaded pagerduty_teams          0 records from 3 files
error[record-rejected]: not sound JSON: invalid JSON value, at byte 7
  --> raw_data/pagerduty_teams/a.ndjson:1
error[record-rejected]: the JSON is cut off: the file ends in the middle of a value
  --> raw_data/pagerduty_teams/b.json:1
error[record-rejected]: the row has 3 fields, the header has 2
  --> raw_data/pagerduty_teams/c.csv:2
3 rejects of pagerduty_teams kept in `rejects/pagerduty_teams/`, with their reasons
loaded pagerduty_users          0 records from 1 file
error[record-rejected]: cannot read the YAML: while parsing a node, did not find expected node content
  --> raw_data/pagerduty_users/d.yaml:1
1 reject of pagerduty_users kept in `rejects/pagerduty_users/`, with their reasons
0 records from 4 files are in the database in memory; 4 rejects in `rejects/`
it is gone when this ends; to keep it, set `DB_MODE=DISK`

"#]],
    );
}

#[test]
fn times_and_counts_that_cannot_be_meant() {
    let world = World::new();
    let incident =
        |name: &str, stats: &str| format!("- incident_name: {name}\n  stats: {{{stats}}}\n");
    let text = [
        incident(
            "far",
            "time_of_first_trigger: \"2026-01-01T10:00:00+15:00\"",
        ),
        incident(
            "west",
            "time_of_first_trigger: \"2026-01-01T10:00:00-12:30\"",
        ),
        incident(
            "kiribati",
            "time_of_first_trigger: \"2026-01-01T10:00:00+14:00\"",
        ),
        incident("fewer", "number_of_impacted_customers: -5"),
        incident(
            "early",
            "time_of_first_trigger: 2026-01-01 10:00, time_of_internal_detect: 2026-01-01 09:00",
        ),
        incident("old", "time_of_first_trigger: 1980-01-01 10:00"),
    ];
    let (run, loaded) = load_incidents(&world, text.concat());
    run.prints(1, snapbox::str![[r#"
loaded incidents                4 records from 1 file
error[record-rejected]: `Incidents.first_triggered_at`: `2026-01-01T10:00:00+15:00` has an offset that no place on Earth has; expected one from -12:00 to +14:00
 |
 = note: the value is "2026-01-01T10:00:00+15:00"
  --> incidents/notes.yaml:1
error[record-rejected]: `Incidents.first_triggered_at`: `2026-01-01T10:00:00-12:30` has an offset that no place on Earth has; expected one from -12:00 to +14:00
 |
 = note: the value is "2026-01-01T10:00:00-12:30"
  --> incidents/notes.yaml:3
2 rejects of incidents kept in `rejects/incidents/`, with their reasons
warning[record-odd]: `impacted_customer_count`: `-5` is below 0
  --> incidents/notes.yaml:7
warning[record-odd]: `detected_at`: `2026-01-01T09:00:00Z` is before `first_triggered_at`, `2026-01-01T10:00:00Z`
  --> incidents/notes.yaml:9
warning[record-odd]: `first_triggered_at`: `1980-01-01T10:00:00Z` lies before 1990
  --> incidents/notes.yaml:11
4 records from 1 file are in reliability.db; 2 rejects in `rejects/`

"#]]);
    assert_eq!(loaded, ["early", "fewer", "kiribati", "old"]);
}

#[test]
fn rows_that_are_the_same_are_one_whatever_is_between_them() {
    let a = "- incident_name: Same\n  severity_level: 1\n  root_causes: [x, y]\n";
    // The same rows, otherwise written.
    let again = "- incident_name: \" Same\"\n  severity_level: \"1\"\n  root_causes: [\"y\", x]\n";
    let b = "- incident_name: Same\n  severity_level: 1\n  root_causes: [x]\n";
    for (files, rejected) in [
        (vec![a, a], vec![]),
        (vec![a, again, a], vec![]),
        (vec![a, b, a], vec!["1.yaml"]),
        (vec![a, a, b], vec!["0.yaml", "1.yaml"]),
        (vec![b, a, again], vec!["0.yaml"]),
    ] {
        // At once, and one after the other from either end.
        for order in [0, 1, 2] {
            let world = World::new();
            let write = |place: usize| {
                world.write(&format!("incidents/{place}.yaml"), files[place]);
            };
            let places: Vec<usize> = match order {
                2 => (0..files.len()).rev().collect(),
                _ => (0..files.len()).collect(),
            };
            for place in places {
                write(place);
                if order > 0 {
                    world.run_on_disk(&["load"]);
                }
            }
            let run = world.run_on_disk(&["load"]);
            run.exits(i32::from(!rejected.is_empty()));
            let found = world.rows(
                "select replace(path, 'incidents/', '') from _rejects join _files on _files.id = file_id order by 1",
            );
            assert_eq!(found, rejected, "{files:?} in order {order}");
            assert_eq!(world.rows("select count(*) from Incidents"), ["1"]);
        }
    }
}

#[test]
fn two_equal_lines_of_a_sheet_are_one() {
    let world = World::new();
    let (run, loaded) = load_teams(&world, "x.csv", "id,name\nA,a\nB,b\nA,a\nB,c\n");
    run.prints(1, snapbox::str![[r#"
loaded pagerduty_teams          4 records from 1 file
error[record-rejected]: `PagerDutyTeams`: a later record has the same key (`id` = `B`) and other values; only the last one is loaded
 |
 = note: the value is ["B"]
  --> raw_data/pagerduty_teams/x.csv:3
1 reject of pagerduty_teams kept in `rejects/pagerduty_teams/`, with their reasons
4 records from 1 file are in reliability.db; 1 reject in `rejects/`

"#]]);
    assert_eq!(loaded, ["A", "B"]);
    assert_eq!(world.rows("select count(*) from _rejects"), ["1"]);
}
