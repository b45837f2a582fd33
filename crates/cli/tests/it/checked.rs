//! What `check` says of definitions that hold nothing, or say too little of themselves.

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
checked 4 extractors, 31 tables, 20 mappers, 147 tests, 11 derived tables and 33 queries: 7 errors, 6 warnings

"#]]);
}
