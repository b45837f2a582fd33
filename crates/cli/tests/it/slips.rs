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
    run.exits(1).says(&[
        "the row has 1 fields, the header has 2",
        "x.csv:3",
        "the row has 3 fields, the header has 2",
        "x.csv:4",
    ]);
    assert_eq!(loaded, ["A", "D", "E"]);
}

#[test]
fn csv_whose_header_cannot_be_told_apart() {
    for (header, reason, place) in [
        ("id,name,name", "the header names `name` twice", "x.csv:1"),
        // A column without a name may be there as long as nothing is in it.
        ("id,,name", "column 2 has no name in the header", "x.csv:2"),
    ] {
        let world = World::new();
        world.write(&format!("{TEAMS}/good.csv"), "id,name\nA,a\n");
        let (run, loaded) = load_teams(&world, "x.csv", format!("{header}\nB,b,b\n"));
        run.exits(1).says(&[reason, place]);
        assert_eq!(loaded, ["A"]);
    }
}

#[test]
fn what_nothing_reads_of_an_incident_is_told() {
    let world = World::new();
    world.write(
        "incidents/a.yaml",
        "- incident_name: One\n  severity: P1\n  stats:\n    time_of_first_triger: 2026-01-01 10:00\n  affected_entities:\n    - entity: A\n      products: [x]\n- foo: 1\n---\n",
    );
    let run = world.run_on_disk(&["load"]);
    run.exits(1);
    snapbox::assert_data_eq!(
        run.stderr,
        snapbox::str![[r#"
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
1 record from 1 file are in reliability.db; 1 reject in `rejects/`

"#]]
    );
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
    run.exits(1)
        .says(&[r"incidents/a\u{1b}[31m.yaml:1", r"\u{202e}x.txt"]);
    assert!(
        !run.stderr.contains(['\u{1b}', '\u{202e}']),
        "{:?}",
        run.stderr
    );
}

#[test]
fn a_file_of_one_line_without_a_line_break_is_line_one() {
    for (name, content) in [
        ("x.ndjson", "{\"id\": "),
        ("x.json", "{\"id\": "),
        ("x.csv", "id,name\rA,a,b"),
        ("x.yaml", "id: ["),
    ] {
        let world = World::new();
        let (run, _) = load_teams(&world, name, content);
        let line = if name == "x.csv" { 2 } else { 1 };
        run.exits(1).says(&[&format!("{name}:{line}")]);
        run.does_not_say("line 2:");
    }
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
    run.exits(1).says(&[
        "`2026-01-01T10:00:00+15:00` has an offset that no place on Earth has; expected one from -12:00 to +14:00",
        "`2026-01-01T10:00:00-12:30` has an offset",
        "`impacted_customer_count`: `-5` is below 0",
        "is before `first_triggered_at`",
        "lies before 1990",
    ]);
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
    run.exits(1).says(&[
        "a later record has the same key (`id` = `B`) and other values; only the last one is loaded",
        "x.csv:3",
    ]);
    assert_eq!(loaded, ["A", "B"]);
    assert_eq!(world.rows("select count(*) from _rejects"), ["1"]);
}
