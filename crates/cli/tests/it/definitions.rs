//! Definitions of a project's own: a new source by text alone, built-in ones replaced, and their faults.

use std::fs;

use snapbox::str;

use crate::world::{Run, World};

pub const SCHEMA: &str = "\
-- Deployments, as our own tool tells them.

-- one row per deployment
-- period: live_at
CREATE TABLE Deploys (
    -- its number
    id TEXT PRIMARY KEY NOT NULL,
    -- what was deployed
    service TEXT NOT NULL,
    -- when it was live
    live_at TIMESTAMP,
    -- minutes that it took
    minutes REAL
);

-- one row per deployment and commit
-- period: deploy_id
CREATE TABLE DeployCommits (
    -- the deployment
    deploy_id TEXT NOT NULL REFERENCES Deploys (id),
    -- the commit
    sha TEXT NOT NULL,
    PRIMARY KEY (deploy_id, sha)
);
";

pub const MAPPER: &str = "\
stream: deploys
records: .deploys[]?
tables:
  Deploys:
    columns:
      id: .id
      service: .service.name
      live_at: .live_at
      minutes: minutes_between(.started_at; .live_at)
  DeployCommits:
    each: (.commits // [])[]
    columns:
      deploy_id: $record.id
      sha: .
tests:
  - given: { id: 1, service: { name: shop }, started_at: 2026-11-23T20:00:00Z, live_at: 2026-11-23T20:05:30Z, commits: [a, b] }
    expect:
      Deploys: [{ id: \"1\", service: shop, live_at: 2026-11-23T20:05:30Z, minutes: 5.5 }]
      DeployCommits: [{ deploy_id: \"1\", sha: a }, { sha: b }]
";

const QUERY: &str = "\
-- title: Deployments
-- question: What was deployed, and with how many commits?
-- grain: one row per service
-- period: Deploys
-- columns:
--   service: the service
--   deploys: how often it was deployed
--   commits: with how many commits
select
    Deploys.service,
    count(distinct Deploys.id) as deploys,
    count(DeployCommits.sha) as commits
from Deploys
left join DeployCommits on DeployCommits.deploy_id = Deploys.id
group by Deploys.service
order by Deploys.service
";

/// A project with a source of its own.
pub fn deploys() -> World {
    let world = World::new();
    world
        .write("definitions/schemas/deploys.sql", SCHEMA)
        .write("definitions/mappers/deploys.yaml", MAPPER)
        .write("definitions/queries/deploys.sql", QUERY);
    world
}

/// What was said, for a snapshot; how many definitions there are in all is left out.
pub fn said(run: &Run) -> String {
    let shown = |line: &str| match line.split_once(" queries: ") {
        Some((_, faults)) if line.starts_with("checked ") => format!("checked all: {faults}\n"),
        _ => format!("{line}\n"),
    };
    run.stderr.lines().map(shown).collect()
}

#[test]
fn a_new_source_by_text_alone() {
    let world = deploys();
    world.run(&["check"]).exits(0).says(&[
        "checked 5 extractors, 34 tables, 23 mappers",
        "0 errors, 0 warnings",
    ]);
    world
        .write(
            "raw_data/deploys/1.json",
            r#"{"deploys": [
  {"id": 1, "service": {"name": "shop"}, "started_at": "2026-11-23T20:00:00Z", "live_at": "2026-11-23T20:05:30Z", "commits": ["a", "b"]},
  {"id": 2, "service": {"name": "shop"}, "commits": ["c"]},
  {"id": 3, "service": {"name": "bank"}}
]}"#,
        )
        .write("raw_data/deploys/2.yaml", "id: 4\nservice: { name: bank }\nlive_at: 2026-11-23 21:00\n");
    let run = world.run_on_disk(&["run"]);
    run.exits(0);
    assert!(
        run.stdout
            .contains("What was deployed, and with how many commits?")
    );
    let period = "2026-11-23T20:05:30Z,2026-11-23T21:00:00Z";
    assert_eq!(
        world.read("output/deploys.csv"),
        format!("service,deploys,commits,from,to\r\nbank,2,0,{period}\r\nshop,2,3,{period}\r\n")
    );
    // Deployments that say no time are in no period, and their commits neither.
    let until = [
        "query",
        "deploys",
        "--format",
        "csv",
        "--until",
        "2026-11-23T21:00:00Z",
    ];
    let run = world.run(&until);
    assert_eq!(
        run.exits(0).stdout,
        "service,deploys,commits,from,to\r\nshop,1,2,2026-11-23T20:05:30Z,2026-11-23T21:00:00Z\r\n"
    );
    run.says(&[
        "2 rows of `Deploys` have no plausible time",
        "1 row of `DeployCommits` has no plausible time",
    ]);
    assert_eq!(
        world.rows("select id, live_at, minutes from Deploys order by id"),
        [
            "1|2026-11-23T20:05:30Z|5.5",
            "2|∅|∅",
            "3|∅|∅",
            "4|2026-11-23T21:00:00Z|∅"
        ]
    );
    let shown = world.run(&["show"]);
    let own: Vec<&str> = shown
        .stdout
        .lines()
        .filter(|line| line.contains("the project's own"))
        .collect();
    assert_eq!(own.len(), 3, "{own:?}");
}

#[test]
fn a_source_that_goes_takes_its_tables_along() {
    let world = deploys();
    world.write(
        "raw_data/deploys/1.yaml",
        "id: 4\nservice: { name: bank }\n",
    );
    world.run_on_disk(&["load"]).exits(0);
    let tables = "select count(*) from sqlite_schema where name like 'Deploy%'";
    assert_eq!(world.rows(tables), ["2"]);
    fs::remove_dir_all(world.path("definitions")).unwrap();
    fs::remove_dir_all(world.path("raw_data")).unwrap();
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(tables), ["0"]);
}

#[test]
fn a_column_more_makes_the_stream_load_anew() {
    let world = deploys();
    world.write(
        "raw_data/deploys/1.yaml",
        "id: 4\nservice: { name: bank }\nby: Ada\n",
    );
    world.run_on_disk(&["load"]).exits(0);
    world
        .write(
            "definitions/schemas/deploys.sql",
            SCHEMA.replace(
                "    -- when it was live",
                "    -- who did it\n    deployer TEXT,\n    -- when it was live",
            ),
        )
        .write(
            "definitions/mappers/deploys.yaml",
            MAPPER.replace(
                "      live_at: .live_at\n",
                "      live_at: .live_at\n      deployer: .by\n",
            ),
        );
    world
        .run_on_disk(&["load"])
        .exits(0)
        .says(&["1 record from 1 file"]);
    assert_eq!(world.rows("select id, deployer from Deploys"), ["4|Ada"]);
}

#[test]
fn a_built_in_query_replaced() {
    let world = World::new();
    let built_in = world.run(&["show", "queries/repeat_incidents.sql"]);
    built_in.exits(0).says(&["built in"]);
    world.write(
        "definitions/queries/repeat_incidents.sql",
        "-- title: Mine\n-- question: Mine?\nselect 42 as answer\n",
    );
    let run = world.run(&["show", "repeat_incidents"]);
    run.exits(0)
        .says(&["the project's own, in place of the built-in one"]);
    assert_eq!(
        run.stdout,
        world.read("definitions/queries/repeat_incidents.sql")
    );
    world.run(&["query", "repeat_incidents"]).exits(0);
    assert_eq!(
        world.read("output/repeat_incidents.csv"),
        "answer\r\n42\r\n"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn all_faults_at_once_each_with_its_place_and_a_hint() {
    let world = deploys();
    let mapper = MAPPER
        .replace("      service: .service.name\n", "")
        .replace("live_at: .live_at\n", "live_att: .live_at\n")
        .replace("deploy_id: $record.id", "deploy_id: .id")
        .replace("tests:", "  Deployss:\n    columns:\n      id: .id\ntests:");
    world
        .write("definitions/mappers/deploys.yaml", mapper)
        .write(
            "definitions/mappers/misspelt.yaml",
            "stream: misspelt\ntables:\n  Incidents:\n    colums:\n      id: .id\n",
        )
        .write(
            "definitions/mappers/sentry_teams.yaml",
            "stream: sentry_teams\ntables:\n  SentryTeams:\n    columns:\n      id: .id | foo\n      slug: .slug | {\n",
        )
        .write(
            "definitions/queries/deploys.sql",
            "-- title: Bad\n-- question: Bad?\n-- period: Deploys\nselect servise\nfrom Deploys\norder by 1\n",
        );
    let run = world.run(&["check"]);
    run.exits(1);
    snapbox::assert_data_eq!(
        said(&run),
        str![[r#"
error[definition-unknown-key]: `colums` is not a key of a table of a mapper
 --> definitions/mappers/misspelt.yaml:4:5
  |
4 |     colums:
  |     ^^^^^^ expected one of each, columns, agreed, plausible, in_order
hint: did you mean `columns`?

warning[query-without-grain]: `definitions/queries/deploys.sql` does not say what one row is
hint: say it in the header: `-- grain: one row per …`

error[mapper-unknown-column]: `live_att` is not a column of `Deploys`
 --> definitions/mappers/deploys.yaml:7:7
  |
7 |       live_att: .live_at
  |       ^^^^^^^^ definitions/schemas/deploys.sql has: id, service, live_at, minutes
hint: did you mean `live_at`?

error[mapper-missing-column]: `Deploys.service` must have a value, and no expression fills it
 --> definitions/mappers/deploys.yaml:4:3
  |
4 |   Deploys:
  |   ^^^^^^^ expected a column `service`

error[mapper-unknown-table]: `Deployss` is not a table of any schema
  --> definitions/mappers/deploys.yaml:14:3
   |
14 |   Deployss:
   |   ^^^^^^^^
hint: did you mean `Deploys`?

error[mapper-child-key]: the key of `DeployCommits` must begin with the key of `Deploys`
 --> definitions/mappers/deploys.yaml:9:3
  |
9 |   DeployCommits:
  |   ^^^^^^^^^^^^^ expected the key's first columns to be `$record.id`
  |
  = note: rows live as long as the newest copy of their record makes them, and are found by its key

error[mapper-table-twice]: `Incidents` is filled by two mappers
 --> definitions/mappers/misspelt.yaml:3:3
  |
3 |   Incidents:
  |   ^^^^^^^^^ the other is `mappers/incidents.yaml`
  |
  = note: a row lives as long as its own stream says so; two streams would disagree

error[mapper-missing-column]: `Incidents.id` must have a value, and no expression fills it
 --> definitions/mappers/misspelt.yaml:3:3
  |
3 |   Incidents:
  |   ^^^^^^^^^ expected a column `id`

error[mapper-missing-column]: `Incidents.name` must have a value, and no expression fills it
 --> definitions/mappers/misspelt.yaml:3:3
  |
3 |   Incidents:
  |   ^^^^^^^^^ expected a column `name`

error[mapper-jq]: cannot compile the expression: the filter `foo` is not known
 --> definitions/mappers/sentry_teams.yaml:5:17
  |
5 |       id: .id | foo
  |                 ^^^
hint: expressions are jq; the filters are those of https://jqlang.org/manual

error[mapper-jq]: cannot compile the expression: expected closing brace
 --> definitions/mappers/sentry_teams.yaml:6:22
  |
6 |       slug: .slug | {
  |                      ^
hint: expressions are jq; the filters are those of https://jqlang.org/manual

error[query]: the query `deploys` has no answer: no such column: servise
 --> definitions/queries/deploys.sql:4:8
  |
4 | select servise
  |        ^^^^^^^
hint: did you mean `service`?
checked all: 11 errors, 1 warning

"#]]
    );
    // The same for whoever would load: nothing is loaded.
    world.write("raw_data/pagerduty_teams/1.ndjson", "{\"id\":\"A\"}\n");
    for arguments in [&["load"][..], &["run"], &["query"], &["status"], &["init"]] {
        let run = world.run_on_disk(arguments);
        run.exits(2).says(&[
            "nothing was run",
            "`live_att` is not a column",
            "no such column: servise",
        ]);
        assert_eq!(run.stdout, "");
        assert!(!world.path("reliability.db").exists());
    }
}

#[test]
fn a_bad_definition_leaves_a_database_as_it_was() {
    let world = World::new();
    world.write("raw_data/pagerduty_teams/1.ndjson", "{\"id\":\"A\"}\n");
    world.run_on_disk(&["load"]).exits(0);
    let before = world.files(".")["reliability.db"].clone();
    world
        .write("raw_data/pagerduty_teams/2.ndjson", "{\"id\":\"B\"}\n")
        .write(
            "definitions/queries/bad.sql",
            "-- title: Bad\n-- question: Bad?\nselect * from Incident\n",
        );
    world
        .run_on_disk(&["load"])
        .exits(2)
        .says(&["did you mean `Incidents`?"]);
    assert!(world.files(".")["reliability.db"] == before);
}

#[test]
fn a_table_filled_by_two_mappers() {
    let world = deploys();
    world.write(
        "definitions/mappers/twice.yaml",
        "stream: twice\ntables:\n  Deploys:\n    columns:\n      id: .id\n      service: .service\n",
    );
    let run = world.run(&["check"]);
    run.exits(1);
    snapbox::assert_data_eq!(
        said(&run),
        str![[r#"
error[mapper-table-twice]: `Deploys` is filled by two mappers
 --> definitions/mappers/twice.yaml:3:3
  |
3 |   Deploys:
  |   ^^^^^^^ the other is `definitions/mappers/deploys.yaml`
  |
  = note: a row lives as long as its own stream says so; two streams would disagree
checked all: 1 error, 0 warnings

"#]]
    );
}

#[test]
fn a_definition_that_nothing_refers_to_is_a_warning() {
    let world = World::new();
    world
        .write("definitions/schemas/deploys.sql", SCHEMA)
        .write("definitions/mapers/deploys.yaml", MAPPER)
        .write("definitions/queries/notes.txt", "to do");
    let run = world.run(&["check"]);
    run.exits(0);
    snapbox::assert_data_eq!(
        said(&run),
        str![[r#"
warning[definition-unused]: nothing reads `definitions/mapers/deploys.yaml`
hint: definitions are `extractors/*.yaml`, `mappers/*.yaml`, `schemas/*.sql`, `derived/*.sql`, `queries/*.sql`, `*.tests.yaml` beside the last two, `attention/*.yaml`, `indicators/*.sql` and `postmortems/*.yaml`

warning[definition-unused]: nothing reads `definitions/queries/notes.txt`
hint: definitions are `extractors/*.yaml`, `mappers/*.yaml`, `schemas/*.sql`, `derived/*.sql`, `queries/*.sql`, `*.tests.yaml` beside the last two, `attention/*.yaml`, `indicators/*.sql` and `postmortems/*.yaml`

warning[schema-table-unfilled]: no mapper fills `Deploys`
 --> definitions/schemas/deploys.sql:5:14
  |
5 | CREATE TABLE Deploys (
  |              ^^^^^^^ nothing refers to this table

warning[schema-table-unfilled]: no mapper fills `DeployCommits`
  --> definitions/schemas/deploys.sql:18:14
   |
18 | CREATE TABLE DeployCommits (
   |              ^^^^^^^^^^^^^ nothing refers to this table
checked all: 0 errors, 4 warnings

"#]]
    );
    world.run_on_disk(&["load"]).exits(0);
}

#[test]
fn a_mapper_whose_own_test_fails() {
    let world = deploys();
    world.write(
        "definitions/mappers/deploys.yaml",
        MAPPER.replace("minutes: 5.5", "minutes: 6"),
    );
    let run = world.run(&["check"]);
    run.exits(1);
    snapbox::assert_data_eq!(
        said(&run),
        str![[r#"
error[mapper-test]: test 1 of the mapper `deploys` fails
  --> definitions/mappers/deploys.yaml:16:5
   |
16 |   - given: { id: 1, service: { name: shop }, started_at: 2026-11-23T20:00:00Z, live_at: 2026-11-23T20:05:30Z, commits: [a, b] }
   |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ expected `Deploys.minutes` to be 6, found 5.5
checked all: 1 error, 0 warnings

"#]]
    );
    // Only `check` runs the tests.
    world.run_on_disk(&["load"]).exits(0);
}

#[test]
fn definitions_that_are_not_even_text() {
    let world = World::new();
    world
        .write("definitions/mappers/a.yaml", b"stream: \xff\n")
        .write("definitions/mappers/b.yaml", "stream: [\n")
        .write("definitions/mappers/c.yaml", "")
        .write("definitions/schemas/d.sql", "CREATE TABEL X (id TEXT)")
        .write("definitions/schemas/e.sql", b"\xff\xfe")
        .write("definitions/queries/f.sql", "");
    let run = world.run_on_disk(&["load"]);
    run.exits(2).says(&[
        "mappers/a.yaml",
        "mappers/b.yaml",
        "mappers/c.yaml",
        "schemas/d.sql",
        "schemas/e.sql",
        "queries/f.sql",
    ]);
    assert!(!world.path("reliability.db").exists());
}

#[test]
fn tests_of_queries_say_what_differs() {
    let world = World::new();
    world
        .write(
            "definitions/queries/slow_incidents.sql",
            "-- title: Slow\n-- question: Which incidents were slow?\nselect id, minutes_to_recover as minutes\nfrom Incidents\nwhere minutes_to_recover > 60\norder by id\n",
        )
        .write(
            "definitions/queries/slow_incidents.tests.yaml",
            "- name: fits\n  given:\n    Incidents:\n      - {id: a, minutes_to_recover: 61}\n      - {id: b, minutes_to_recover: 60}\n  expect:\n    - {id: a, minutes: 61.0}\n- given:\n    Incidents:\n      - {id: a, minutes_to_recover: 90}\n  expect:\n    - {minutes: 91}\n- name: too few\n  given:\n    Incidents:\n      - {minutes_to_recover: 90}\n  expect: []\n- name: no such column\n  given:\n    Incidents:\n      - {minutes: 90}\n  expect: []\n",
        )
        .write("definitions/queries/gone.tests.yaml", "- {given: {}, expect: []}\n");
    let run = world.run(&["check"]);
    run.exits(1).says(&[
        "there is no query `gone`",
        "test 2 of the query `slow_incidents` fails",
        "expected `minutes` of row 1 to be 91, found 90",
        "the test `too few` of the query `slow_incidents` fails",
        "expected 0 rows, found 1; the next is {id: row 1, minutes: 90}",
        "`minutes` is not a column of `Incidents`",
        "4 errors",
    ]);
    assert!(!said(&run).contains("fits"));
}
