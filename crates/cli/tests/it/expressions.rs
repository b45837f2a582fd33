//! jq expressions of mappers that would never end, or end the program.

use snapbox::str;

use crate::world::{Run, World};

/// What the program says of a mapper with this expression for a name, loading one record or checking it.
fn run(verb: &str, expression: &str) -> Run {
    let world = World::new();
    world
        .write(
            "definitions/schemas/mine.sql",
            "-- What is mine, one row a thing.\nCREATE TABLE Mine (\n    -- its id\n    id TEXT PRIMARY KEY NOT NULL,\n    -- a name\n    name TEXT NOT NULL\n);\n",
        )
        .write(
            "definitions/mappers/mine.yaml",
            format!("stream: mine\ntables:\n  Mine:\n    columns:\n      id: .id\n      name: >-\n        {expression}\n"),
        )
        .write("raw_data/mine/1.ndjson", "{\"id\":\"A\"}\n");
    world.run(&[verb])
}

#[test]
fn an_expression_without_end_costs_its_record() {
    run("load", "def f: f; f").prints(
        1,
        str![[r#"
loaded mine                     0 records from 1 file
error[record-rejected]: `Mine.name`: the filter takes more than 1,000,000 steps
  --> raw_data/mine/1.ndjson:1
1 reject of mine kept in `rejects/mine/`, with their reasons
0 records from 1 file are in the database in memory; 1 reject in `rejects/`
it is gone when this ends; to keep it, set `DB_MODE=DISK`

"#]],
    );
    run("load", "[range(1e12)] | length | tostring").prints(
        1,
        str![[r#"
loaded mine                     0 records from 1 file
error[record-rejected]: `Mine.name`: the filter takes more than 1,000,000 steps
  --> raw_data/mine/1.ndjson:1
1 reject of mine kept in `rejects/mine/`, with their reasons
0 records from 1 file are in the database in memory; 1 reject in `rejects/`
it is gone when this ends; to keep it, set `DB_MODE=DISK`

"#]],
    );
    run("load", "[limit(3; repeat(1))] | until(false; .) | tostring").prints(
        1,
        str![[r#"
loaded mine                     0 records from 1 file
error[record-rejected]: `Mine.name`: the filter takes more than 1,000,000 steps
  --> raw_data/mine/1.ndjson:1
1 reject of mine kept in `rejects/mine/`, with their reasons
0 records from 1 file are in the database in memory; 1 reject in `rejects/`
it is gone when this ends; to keep it, set `DB_MODE=DISK`

"#]],
    );
}

#[test]
fn an_expression_that_goes_too_deep_costs_its_record() {
    run("load", "def f: 1 + f; f").prints(
        1,
        str![[r#"
loaded mine                     0 records from 1 file
error[record-rejected]: `Mine.name`: the filter calls itself too deeply
  --> raw_data/mine/1.ndjson:1
1 reject of mine kept in `rejects/mine/`, with their reasons
0 records from 1 file are in the database in memory; 1 reject in `rejects/`
it is gone when this ends; to keep it, set `DB_MODE=DISK`

"#]],
    );
    run("load", "\"[\" * 20000 | fromjson | tostring").prints(
        1,
        str![[r#"
loaded mine                     0 records from 1 file
error[record-rejected]: `Mine.name`: the filter reads JSON that is nested too deeply
  --> raw_data/mine/1.ndjson:1
1 reject of mine kept in `rejects/mine/`, with their reasons
0 records from 1 file are in the database in memory; 1 reject in `rejects/`
it is gone when this ends; to keep it, set `DB_MODE=DISK`

"#]],
    );
}

#[test]
fn an_expression_that_makes_too_much_costs_its_record() {
    run("load", "reduce range(60) as $i (.id; . + .)").prints(
        1,
        str![[r#"
loaded mine                     0 records from 1 file
error[record-rejected]: `Mine.name`: the filter makes a value that is too large
  --> raw_data/mine/1.ndjson:1
1 reject of mine kept in `rejects/mine/`, with their reasons
0 records from 1 file are in the database in memory; 1 reject in `rejects/`
it is gone when this ends; to keep it, set `DB_MODE=DISK`

"#]],
    );
}

#[test]
fn an_expression_of_too_many_brackets_is_no_definition() {
    let brackets = format!("{}.id{}", "(".repeat(1_000), ")".repeat(1_000));
    run("check", &brackets).prints(1, str![[r#"
error[mapper-jq]: cannot compile the expression: more than 200 brackets within one another
 --> definitions/mappers/mine.yaml:7:9
  |
7 | ...   (((((((((((((((((((((((((((((((((((((((((((((...)))))))))))))))))))))))))))))))))))))))))))))
  |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^...^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: expressions are jq; the filters are those of https://jqlang.org/manual
checked 5 extractors, 33 tables, 23 mappers, 149 tests, 11 derived tables and 31 queries: 1 error, 0 warnings

"#]]);
    run("load", &brackets).prints(2, str![[r#"
error[mapper-jq]: cannot compile the expression: more than 200 brackets within one another
 --> definitions/mappers/mine.yaml:7:9
  |
7 | ...   (((((((((((((((((((((((((((((((((((((((((((((...)))))))))))))))))))))))))))))))))))))))))))))
  |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^...^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: expressions are jq; the filters are those of https://jqlang.org/manual
error[definitions]: nothing was run: the definitions have faults
hint: `reliability check` checks them all

"#]]);
}

#[test]
fn an_expression_that_asks_for_more_than_its_record_is_no_definition() {
    run("check", "env.HOME").prints(1, str![[r#"
error[mapper-jq]: cannot compile the expression: a mapper sees only its record: `env` is not available
 --> definitions/mappers/mine.yaml:7:9
  |
7 |         env.HOME
  |         ^^^^^^^^
hint: expressions are jq; the filters are those of https://jqlang.org/manual
checked 5 extractors, 33 tables, 23 mappers, 149 tests, 11 derived tables and 31 queries: 1 error, 0 warnings

"#]]);
    run("check", "input").prints(1, str![[r#"
error[mapper-jq]: cannot compile the expression: a mapper sees only its record: `input` is not available
 --> definitions/mappers/mine.yaml:7:9
  |
7 |         input
  |         ^^^^^
hint: expressions are jq; the filters are those of https://jqlang.org/manual
checked 5 extractors, 33 tables, 23 mappers, 149 tests, 11 derived tables and 31 queries: 1 error, 0 warnings

"#]]);
    run("check", "now | tostring").prints(1, str![[r#"
error[mapper-jq]: cannot compile the expression: a mapper sees only its record: `now` is not available
 --> definitions/mappers/mine.yaml:7:9
  |
7 |         now | tostring
  |         ^^^^^^^^^^^^^^
hint: expressions are jq; the filters are those of https://jqlang.org/manual
checked 5 extractors, 33 tables, 23 mappers, 149 tests, 11 derived tables and 31 queries: 1 error, 0 warnings

"#]]);
}
