//! Derived tables: made from text, made anew when what they read changed and only then, and their faults.

use snapbox::{assert_data_eq, str};

use crate::world::{World, query_file, small};

const LOADS: &str = "-- one row per letter; the teams whose name begins so
CREATE TABLE Loads (
    -- the letter
    letter TEXT PRIMARY KEY NOT NULL,
    -- how many
    n_teams INTEGER NOT NULL
);
CREATE INDEX LoadsByNumber ON Loads (n_teams);

-- From the names that anything gives.
select substr(name, 1, 1) as letter, count(*) as n_teams
from Names
where kind = 'team'
group by substr(name, 1, 1);
";

const LOADS_PATH: &str = "definitions/derived/loads.sql";

fn team(world: &World, file: &str, id: &str, name: &str) {
    let record = format!("{{\"id\":\"{id}\",\"name\":\"{name}\"}}\n");
    world.write(&format!("raw_data/pagerduty_teams/{file}.ndjson"), record);
}

fn loads(world: &World) -> Vec<String> {
    world.rows("select letter || n_teams from Loads order by 1")
}

/// When a table was made is not kept; that it was made again shows in its version.
fn version(world: &World, table: &str) -> Vec<String> {
    world.rows(&format!(
        "select version from _versions where table_name = '{table}'"
    ))
}

#[test]
fn a_table_by_text_alone() {
    let world = small();
    world
        .write(LOADS_PATH, LOADS)
        .write(
            "definitions/derived/loads.tests.yaml",
            "- given: {PagerDutyTeams: [{id: 1, name: Pay}, {id: 2, name: Pool}]}\n  expect: [{letter: P, n_teams: 2}]\n",
        )
        .write(
            "definitions/queries/mine.sql",
            query_file("select sum(n_teams) as n from Loads"),
        )
        .write(
            "definitions/queries/mine.tests.yaml",
            "- given: {PagerDutyTeams: [{id: 1, name: Pay}]}\n  expect: [{n: 1}]\n- given: {Loads: [{letter: P, n_teams: 5}]}\n  expect: [{n: 5}]\n",
        );
    world.run(&["check"]).exits(0);
    let run = world.run(&["query", "mine", "--format", "csv"]);
    assert_eq!(run.exits(0).stdout, "n\r\n1\r\n");
    world.run(&["show", "loads"]).exits(0);
    let run = world.run(&["status"]);
    assert!(run.stdout.lines().any(|line| line.starts_with("Loads")));
}

#[test]
fn made_anew_when_what_they_read_changed_and_only_then() {
    let world = small();
    world.write(LOADS_PATH, LOADS);
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(loads(&world), ["P1"]);
    let before = version(&world, "Loads");
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(version(&world, "Loads"), before);
    // Those that read the bookkeeping too.
    let run = world.run_on_disk(&["query", "--sql", "select count(*) as n from IncidentStarts"]);
    run.exits(0).does_not_say("older");
    // Another stream than those it is made from.
    world.write(
        "raw_data/sentry_teams/2.ndjson",
        "{\"id\":\"9\",\"slug\":\"x\"}\n",
    );
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(version(&world, "Loads"), before);
    // Through the table that it is made from.
    team(&world, "2", "B", "Pool");
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(loads(&world), ["P2"]);
    // Its own text; a database on disk is answered from as it is, and that is said.
    world.write(
        LOADS_PATH,
        LOADS.replace("substr(name, 1, 1)", "substr(name, 1, 2)"),
    );
    let run = world.run_on_disk(&["query", "--sql", "select count(*) as n from Loads"]);
    assert_eq!(run.exits(0).stdout, "n\r\n1\r\n");
    run.says(&[
        "warning[derived-outdated]: older than what they are made from: `Loads`",
        "hint: `reliability load` brings them up to date",
    ]);
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(loads(&world), ["Pa1", "Po1"]);
    // Somebody dropped it, and then its definition goes.
    world.change("drop table Loads");
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(loads(&world), ["Pa1", "Po1"]);
    std::fs::remove_file(world.path(LOADS_PATH)).unwrap();
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(
        world.rows("select count(*) from sqlite_schema where tbl_name = 'Loads'"),
        ["0"]
    );
}

#[test]
fn faults_are_said_before_anything_is_loaded() {
    let world = small();
    let cases = [
        (
            LOADS.replace("from Names", "from Nmaes"),
            str![[r#"
error[query]: the derived table `Loads` has no answer: no such table: Nmaes
  --> definitions/derived/loads.sql:12:6
   |
12 | from Nmaes
   |      ^^^^^
hint: did you mean `Names`?
error[definitions]: nothing was run: the definitions have faults
hint: `reliability check` checks them all

"#]],
        ),
        (
            LOADS.replace("as n_teams", "as n_team"),
            str![[r#"
error[derived-table]: `Loads` cannot be made: the select does not give `n_teams`, and gives `n_team`, which is not among its columns
 --> definitions/derived/loads.sql:2:14
  |
2 | CREATE TABLE Loads (
  |              ^^^^^ the select must give each of its columns by name, from tables that are made before
error[definitions]: nothing was run: the definitions have faults
hint: `reliability check` checks them all

"#]],
        ),
        (
            LOADS.replace("from Names", "from Loads, Names"),
            str![[r#"
error[derived-table]: `Loads` is made from itself
 --> definitions/derived/loads.sql:2:14
  |
2 | CREATE TABLE Loads (
  |              ^^^^^ the select must give each of its columns by name, from tables that are made before
error[definitions]: nothing was run: the definitions have faults
hint: `reliability check` checks them all

"#]],
        ),
        (
            LOADS.replace("substr(name, 1, 1) as", "\"nmae\" as"),
            str![[r#"
error[query]: the derived table `Loads` has no answer: no such column: "nmae" - should this be a string literal in single-quotes?
  --> definitions/derived/loads.sql:11:8
   |
11 | select "nmae" as letter, count(*) as n_teams
   |        ^
hint: did you mean `name`?
error[definitions]: nothing was run: the definitions have faults
hint: `reliability check` checks them all

"#]],
        ),
    ];
    for (text, expected) in cases {
        world.write(LOADS_PATH, &text);
        let run = world.run_on_disk(&["load"]);
        run.exits(2);
        assert_data_eq!(run.stderr.clone(), expected);
        assert!(!world.path("reliability.db").exists());
    }
}

#[test]
fn two_rows_with_one_key_stop_the_run_and_leave_the_old_rows() {
    let world = small();
    world.write(LOADS_PATH, LOADS);
    world.run_on_disk(&["load"]).exits(0);
    team(&world, "2", "B", "Pool");
    world.write(
        LOADS_PATH,
        LOADS.replace("group by substr", "group by id, substr"),
    );
    let run = world.run_on_disk(&["load"]);
    run.exits(2)
        .says(&["the derived table `Loads` has no answer: UNIQUE constraint failed: Loads.letter"]);
    assert_eq!(loads(&world), ["P1"]);
}

#[test]
fn no_mapper_fills_a_derived_table() {
    let world = small();
    world.write(LOADS_PATH, LOADS).write(
        "definitions/mappers/letters.yaml",
        "stream: letters\ntables:\n  Loads:\n    columns: {letter: .id, n_teams: .n}\n",
    );
    world
        .run(&["check"])
        .exits(1)
        .says(&["`Loads` is made from other tables"]);
}

#[test]
fn an_index_is_what_it_means_however_it_is_written() {
    let world = small();
    world.run_on_disk(&["load"]).exits(0);
    let index = |text: &str| {
        let schema = format!(
            "-- one row per letter\nCREATE TABLE Letters (\n    -- it\n    id TEXT PRIMARY KEY,\n    -- its place\n    place INTEGER\n);\n{text};\n"
        );
        world.write("definitions/schemas/letters.sql", schema);
        // Whether it is the same index or another, nothing is loaded anew, and nobody has to do anything.
        world.run_on_disk(&["load"]).prints(
            0,
            snapbox::str![[r#"
nothing new for reliability.db

"#]],
        );
        let sql = "select name, sql from sqlite_schema where name = 'ByPlace'";
        (world.rows(sql), world.rows("pragma schema_version"))
    };
    let first = index("CREATE INDEX ByPlace ON Letters (place)");
    assert_eq!(first.0, ["ByPlace|CREATE INDEX ByPlace ON Letters(place)"]);
    for same in [
        "create index if not exists ByPlace on Letters(place)",
        "CREATE INDEX ByPlace\n  ON Letters (\n    place -- where it stands\n  )",
    ] {
        assert_eq!(index(same), first, "{same}");
    }
    for (other, made) in [
        (
            "create index if not exists ByPlace on Letters (place desc, id)",
            "ByPlace|CREATE INDEX ByPlace ON Letters(place DESC, id)",
        ),
        (
            "create unique index ByPlace on Letters (id) where place > 1",
            "ByPlace|CREATE UNIQUE INDEX ByPlace ON Letters(id) WHERE place > 1",
        ),
    ] {
        assert_eq!(index(other).0, [made]);
    }
    world.write(
        "definitions/schemas/letters.sql",
        "-- one row per letter\nCREATE TABLE Letters (\n    -- it\n    id TEXT PRIMARY KEY\n);\nCREATE INDEX ON Letters (id);\n",
    );
    let run = world.run(&["check"]);
    run.prints(1, snapbox::str![[r#"
error[schema-index-name]: an index on `Letters` has no name
 --> definitions/schemas/letters.sql:6:17
  |
6 | CREATE INDEX ON Letters (id);
  |                 ^^^^^^^ expected `CREATE INDEX Name ON Table (column, …)`

warning[schema-table-unfilled]: no mapper fills `Letters`
 --> definitions/schemas/letters.sql:2:14
  |
2 | CREATE TABLE Letters (
  |              ^^^^^^^ nothing refers to this table
checked 5 extractors, 33 tables, 22 mappers, 149 tests, 11 derived tables and 31 queries: 1 error, 1 warning

"#]]);
}
