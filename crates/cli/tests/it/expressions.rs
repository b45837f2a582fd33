//! jq expressions of mappers that would never end, or end the program.

use crate::world::World;

#[test]
fn an_expression_that_never_ends_is_a_reject_or_a_fault() {
    let run = |expression: &str, verb: &str| {
        let world = World::new();
        world
            .write(
                "definitions/schemas/mine.sql",
                "-- What is mine, one row a thing.\nCREATE TABLE Mine (\n    -- its id\n    id TEXT PRIMARY KEY NOT NULL,\n    -- a name\n    name TEXT\n);\n",
            )
            .write(
                "definitions/mappers/mine.yaml",
                format!("stream: mine\ntables:\n  Mine:\n    columns:\n      id: .id\n      name: >-\n        {expression}\n"),
            )
            .write("raw_data/mine/1.ndjson", "{\"id\":\"A\"}\n");
        world.run(&[verb])
    };
    for (expression, reason) in [
        ("def f: f; f", "the filter takes more than 1,000,000 steps"),
        ("def f: 1 + f; f", "the filter calls itself too deeply"),
        (
            "[range(1e12)] | length | tostring",
            "the filter takes more than 1,000,000 steps",
        ),
        (
            "reduce range(60) as $i (.id; . + .)",
            "the filter makes a value that is too large",
        ),
        (
            "\"[\" * 20000 | fromjson | tostring",
            "the filter reads JSON that is nested too deeply",
        ),
    ] {
        let said = run(expression, "load");
        said.exits(1)
            .says(&[reason, "Mine.name", "raw_data/mine/1.ndjson:1"]);
    }
    let brackets = format!("{}.id{}", "(".repeat(1_000), ")".repeat(1_000));
    for verb in ["check", "load"] {
        let said = run(&brackets, verb);
        said.says(&[
            "more than 200 brackets within one another",
            "definitions/mappers/mine.yaml",
        ]);
        assert_ne!(said.code, Some(0));
    }
}
