//! What `check` says of definitions that hold nothing, or say too little of themselves.

use snapbox::str;

use crate::definitions::{MAPPER, SCHEMA, deploys, said};
use crate::world::World;

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn definitions_that_hold_nothing_or_say_too_little() {
    let world = World::new();
    world
        .write("definitions/queries/empty.sql", "\n")
        .write("definitions/queries/comment.sql", "-- only words\n;\n")
        .write("definitions/schemas/empty.sql", "")
        .write("definitions/derived/empty.sql", "")
        .write("definitions/mappers/empty.yaml", "")
        .write("definitions/queries/bare.sql", "-- period: Incidents\n-- columns:\n--   a: one\nselect 1 as a order by a\n")
        .write("definitions/queries/chart.sql", "-- title: Chart\n-- grain: one row\n-- period: Incidents\n-- columns:\n--   a: one\n--   b: two\n-- chart: bar x=a y=b colour=c\nselect 1 as a, 2 as b order by a\n")
        .write("definitions/schemas/n.sql", "CREATE TABLE N (id TEXT PRIMARY KEY);\n")
        .write(
            "definitions/mappers/n.yaml",
            "stream: logs/n\ntables:\n  N: {columns: {id: .id}}\n",
        )
        .write(
            "definitions/mappers/o.yaml",
            "stream: con\ntables:\n  N: {columns: {id: .id}}\n",
        );
    let run = world.run(&["check"]);
    run.prints(1, snapbox::str![[r#"
error[definition-empty]: `definitions/derived/empty.sql` is empty: its SQL is missing
hint: write it, or take the file away

error[definition-empty]: `definitions/mappers/empty.yaml` is empty: the mapper is missing
hint: write it, or take the file away

error[definition-name]: `logs/n` is not the name of a stream
 --> definitions/mappers/n.yaml:1:9
  |
1 | stream: logs/n
  |         ^^^^^^ expected a name without `/`, not a path

error[definition-name]: `con` is not the name of a stream
 --> definitions/mappers/o.yaml:1:9
  |
1 | stream: con
  |         ^^^ expected a name that Windows does not reserve, as it does `CON`

warning[query-without-title]: `definitions/queries/bare.sql` has no title
hint: begin the file with `-- title: A few words`

warning[query-without-grain]: `definitions/queries/bare.sql` does not say what one row is
hint: say it in the header: `-- grain: one row per …`

warning[query-chart]: `colour` is not known of a chart: expected x, y, series, apart, limits, band, so_far, mark, only, without or top
 --> definitions/queries/chart.sql:7:11
  |
7 | -- chart: bar x=a y=b colour=c
  |           ^^^^^^^^^^^^^^^^^^^^

error[definition-empty]: `definitions/queries/comment.sql` is empty: its SQL is missing
hint: write it, or take the file away

error[definition-empty]: `definitions/queries/empty.sql` is empty: its SQL is missing
hint: write it, or take the file away

error[definition-empty]: `definitions/schemas/empty.sql` is empty: its SQL is missing
hint: write it, or take the file away

warning[schema-comment]: the column `N.id` has no comment
 --> definitions/schemas/n.sql:1:17
  |
1 | CREATE TABLE N (id TEXT PRIMARY KEY);
  |                 ^^ expected `-- what it means` above it or behind it

warning[schema-comment]: the table `N` has no comment
 --> definitions/schemas/n.sql:1:14
  |
1 | CREATE TABLE N (id TEXT PRIMARY KEY);
  |              ^ expected `-- one row per …` above it

warning[schema-table-unfilled]: no mapper fills `N`
 --> definitions/schemas/n.sql:1:14
  |
1 | CREATE TABLE N (id TEXT PRIMARY KEY);
  |              ^ nothing refers to this table
checked 5 extractors, 33 tables, 22 mappers, 149 tests, 11 derived tables and 33 queries: 7 errors, 6 warnings

"#]]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn a_name_in_a_definition_cannot_lead_out_of_the_project() {
    let outside = World::new();
    outside.write("elsewhere/kept.ndjson", "{\"id\": 1}\n");
    let absolute = outside.path("elsewhere").display().to_string();
    for stream in [
        absolute.as_str(),
        "../elsewhere",
        "..",
        ".",
        "a/b",
        "a\\\\b",
        ".hidden",
        "",
    ] {
        let world = World::new();
        world.write("elsewhere/kept.ndjson", "{\"id\": 2}\n");
        world.write("definitions/schemas/deploys.sql", SCHEMA);
        let mapper = MAPPER.replace("stream: deploys", &format!("stream: \"{stream}\""));
        world.write("definitions/mappers/deploys.yaml", mapper);
        world.run_on_disk(&["load"]).exits(2).says(&[
            "error[definition-name]",
            "is not the name of a stream",
            "definitions/mappers/deploys.yaml:1:9",
        ]);
        assert_eq!(world.read("elsewhere/kept.ndjson"), "{\"id\": 2}\n");
        assert_eq!(outside.read("elsewhere/kept.ndjson"), "{\"id\": 1}\n");
    }
    for (stream, place) in [
        ("/srv/x", "streams"),
        ("../x", "streams"),
        ("../x", "parent"),
    ] {
        let world = World::new();
        let parent = match place {
            "parent" => format!("    parent: {{stream: {stream}, values: {{a: .id}}}}\n"),
            _ => String::new(),
        };
        let name = if place == "streams" {
            stream
        } else {
            "deploys"
        };
        let extractor = format!(
            "source: ours\nbase_url: https://ours.example\nstreams:\n  {name}:\n    path: /x\n    records: .[]\n{parent}"
        );
        world.write("definitions/extractors/ours.yaml", extractor);
        world
            .run(&["check"])
            .exits(1)
            .says(&["is not the name of a stream", "not a path"]);
    }
    let world = World::new();
    world.write("definitions/schemas/deploys.sql", SCHEMA);
    let list = "      sha: .\n    agreed: {sha: ../names.yaml}\n";
    world.write(
        "definitions/mappers/deploys.yaml",
        MAPPER.replacen("      sha: .\n", list, 1),
    );
    world
        .run(&["check"])
        .exits(1)
        .says(&["`../names.yaml` is not the name of a file in the project folder"]);
}

#[test]
fn a_column_without_a_word_and_a_word_without_a_column_are_warnings() {
    let world = deploys();
    world.write(
        "definitions/queries/deploys.sql",
        "-- title: T\n-- question: Q?\n-- period: Deploy\n-- columns:\n--   id: the deployment\n--   servce: what was deployed\nselect id, service, minutes, minutes from Deploys order by id\n",
    );
    let run = world.run(&["check"]);
    run.exits(0);
    snapbox::assert_data_eq!(
        said(&run),
        str![[r#"
warning[query-without-grain]: `definitions/queries/deploys.sql` does not say what one row is
hint: say it in the header: `-- grain: one row per …`

warning[query-period]: `Deploy` is not a table that is loaded
 --> definitions/queries/deploys.sql:3:12
  |
3 | -- period: Deploy
  |            ^^^^^^
hint: did you mean `Deploys`?

warning[query-column-undescribed]: `definitions/queries/deploys.sql` does not say what `service`, `minutes` mean
hint: describe each below `-- columns:`, as `--   name: what it means`

warning[query-column-missing]: the answer of `deploys` has no column `servce`
 --> definitions/queries/deploys.sql:6:6
  |
6 | --   servce: what was deployed
  |      ^^^^^^
hint: did you mean `service`?

warning[query-column-twice]: the answer of `deploys` has two columns `minutes`
  --> definitions/queries/deploys.sql
checked all: 0 errors, 5 warnings

"#]]
    );
}
