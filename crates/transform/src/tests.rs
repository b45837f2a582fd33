use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use raw::{Chunk, Record};

use super::*;

fn setting() -> Arc<Setting> {
    let agreed = HashMap::from([("teams.yaml".to_owned(), vec!["Payments".to_owned()])]);
    Arc::new(Setting {
        clock: Clock::UTC,
        agreed,
        headings: HashMap::new(),
        latest: None,
    })
}

const SCHEMA: &str = "-- one row per user
CREATE TABLE Users (
  id INTEGER NOT NULL PRIMARY KEY, -- id
  name TEXT, -- name
  score REAL, -- score
  is_admin BOOLEAN, -- admin
  born_on DATE, -- day
  seen_at TIMESTAMP, -- moment
  extra JSON -- all else
);
-- one row per user and team
CREATE TABLE Teams (
  user_id INTEGER NOT NULL, -- user
  name TEXT NOT NULL, -- team
  since TEXT, -- since
  PRIMARY KEY (user_id, name)
);
";

/// A project with one schema and one mapper of its own, for the stream `users`.
fn plan_for(mapper: &str) -> Result<Plan, Vec<String>> {
    let project = tempfile::tempdir().unwrap();
    for (folder, name, text) in [
        ("schemas", "own.sql", SCHEMA),
        ("mappers", "users.yaml", mapper),
    ] {
        let folder = project.path().join("definitions").join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    }
    let (definitions, faults) = definitions::read(project.path());
    let errors: Vec<String> = faults
        .iter()
        .filter(|fault| fault.severity == diagnostics::Severity::Error)
        .map(|fault| fault.render(false))
        .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    plan(
        definitions.mapper("users").unwrap(),
        &definitions.schema,
        &setting(),
    )
    .map_err(|faults| faults.iter().map(|fault| fault.render(false)).collect())
}

const MAPPER: &str = "stream: users
records: .users[]?
tables:
  Users:
    columns:
      id: .id
      name: .name | values | ascii_upcase
      score: .score
      is_admin: .admin
      born_on: .born
      seen_at: .seen
      extra: .extra
  Teams:
    each: (.teams // [])[]
    columns:
      user_id: $record.id
      name: .name
      since: '.since // \"ever\"'
    agreed: {name: teams.yaml}
";

fn run(plan: &Plan, lines: &[&str]) -> Batch {
    let mut bytes = Vec::new();
    let mut records = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let start = bytes.len();
        bytes.extend_from_slice(line.as_bytes());
        records.push(Record {
            span: start..bytes.len(),
            line: index as u64 + 1,
        });
    }
    plan.worker().transform(
        &Chunk {
            bytes,
            records,
            ..Chunk::default()
        },
        None,
    )
}

fn reasons(batch: &Batch) -> Vec<(u64, Option<&str>, &str)> {
    batch
        .rejects
        .iter()
        .map(|reject| {
            (
                reject.line,
                reject.column.as_deref(),
                reject.reason.as_str(),
            )
        })
        .collect()
}

fn shown(batch: &Batch, table: usize) -> Vec<String> {
    let show = |cell: &Cell| {
        batch
            .text_of(*cell)
            .map_or_else(|| format!("{cell:?}"), str::to_owned)
    };
    batch.tables[table].iter().map(show).collect()
}

#[test]
fn a_record_becomes_typed_rows() {
    let plan = plan_for(MAPPER).unwrap();
    let line = r#"{"id":"7","name":"ada","score":"1.5","admin":1,"born":"2024/02/29","seen":"2024-01-01T10:00:00+02:00","extra":{"a":[1]},"teams":[{"name":"Payments"},{"name":"Paymnts","since":"2020"}],"_extract":{"at":"2026-01-01T00:00:00.5Z"}}"#;
    let batch = run(&plan, &[line]);
    assert_eq!(reasons(&batch), []);
    assert_eq!(
        shown(&batch, 0),
        [
            "Integer(7)",
            "ADA",
            "Real(1.5)",
            "Integer(1)",
            "2024-02-29",
            "2024-01-01T08:00:00Z",
            r#"{"a":[1]}"#
        ]
    );
    assert_eq!(
        shown(&batch, 1),
        [
            "Integer(7)",
            "Payments",
            "ever",
            "Integer(7)",
            "Paymnts",
            "2020"
        ]
    );
    assert_eq!(batch.records[0].extracted_at, Some(1_767_225_600_500_000));
    assert_eq!(
        batch.warnings[0].reason,
        "`Paymnts` is not in the agreed list; did you mean `Payments`?"
    );
}

#[test]
fn nothing_empty_and_nan_are_no_value() {
    let plan = plan_for(MAPPER).unwrap();
    let batch = run(
        &plan,
        &[r#"{"id":1,"name":"","score":"NaN","admin":null,"born":"","seen":"NaN"}"#],
    );
    assert_eq!(reasons(&batch), []);
    assert!(batch.tables[0][1..].iter().all(|cell| *cell == Cell::Null));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_does_not_fit_is_rejected_with_column_and_value() {
    let plan = plan_for(MAPPER).unwrap();
    let batch = run(
        &plan,
        &[
            r#"{"id":1}"#,
            r#"{"id":1.5}"#,
            r#"{"id":null}"#,
            r#"{"id":1,"score":[1]}"#,
            r#"{"id":1,"admin":"perhaps"}"#,
            r#"{"id":1,"seen":"yesterday"}"#,
            r#"{"id":1,"teams":5}"#,
            r#"{"id":1,"teams":[{"name":"a"},{"since":"x"}]}"#,
            r#"{"id":1,"id":2}"#,
            r#"{"id":1"#,
            r#"{"id":1}{"id":2}"#,
            "5",
            "{\"id\":1,\"name\":\"\\ud800\"}",
            r#"{"id":99999999999999999999}"#,
            r#"{"id":1,"teams":[{"name":"a","since":"1"},{"name":"a","since":"2"}]}"#,
            r#"{"id":1,"_extract":{"at":"late"}}"#,
            r#"{"id":1,"name":5}"#,
            r#"{"id":2,"teams":[{"name":"a"},{"name":"a"}]}"#,
        ],
    );
    assert_eq!(
        batch
            .records
            .iter()
            .map(|record| record.line)
            .collect::<Vec<_>>(),
        [1, 18],
        "{:?}",
        reasons(&batch)
    );
    let expected = [
        (
            2,
            Some("id"),
            "expected a whole number, found the number 1.5",
        ),
        (3, Some("id"), "a value is needed here, and there is none"),
        (4, Some("score"), "expected a number, found a list"),
        (
            5,
            Some("is_admin"),
            "expected true or false, found the text `perhaps`",
        ),
        (6, Some("seen_at"), "`yesterday` is not a time"),
        (7, None, "expected a list at `.teams`, found a number"),
        (8, Some("name"), "a value is needed here"),
        (9, Some("id"), "the member `id` is given twice"),
        (10, None, "not sound JSON"),
        (11, None, "not sound JSON"),
        (12, None, "expected an object, found a number"),
        (13, None, "not sound JSON"),
        (14, Some("id"), "expected a whole number"),
        (15, None, "two different rows with the same key"),
        (16, None, "`_extract.at` is not a time"),
        (17, Some("name"), ""),
    ];
    let found = reasons(&batch);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for ((line, column, reason), found) in expected.iter().zip(found) {
        assert_eq!((found.0, found.1), (*line, *column), "{found:?}");
        assert!(found.2.contains(reason), "{found:?}");
    }
    assert_eq!(
        shown(&batch, 1),
        ["Integer(2)", "a", "ever"],
        "a reject leaves no row behind"
    );
    assert_eq!(batch.rejects[1].record, r#"{"id":null}"#);
    assert_eq!(batch.rejects[0].value.as_deref(), Some("1.5"));
}

#[test]
fn nesting_without_end_is_a_reject() {
    let plan = plan_for(MAPPER).unwrap();
    let deep = format!(
        "{{\"id\":1,\"extra\":{}{}}}",
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    let unclosed = format!("{{\"id\":1,\"extra\":{}", "[".repeat(1_000_000));
    assert_eq!(run(&plan, &[&deep, &unclosed]).rejects.len(), 2);
}

#[test]
fn a_whole_response_is_unwrapped_wherever_it_stands() {
    let plan = plan_for(MAPPER).unwrap();
    assert_eq!(plan.layout.envelope.as_deref(), Some("users"));
    let batch = run(
        &plan,
        &[
            r#"{"users":[{"id":1},{"id":2}],"more":false}"#,
            r#"{"id":3,"users":"not a list"}"#,
        ],
    );
    assert_eq!((batch.records.len(), batch.rejects.len()), (3, 0));
    let plan = plan_for(&MAPPER.replace(
        "records: .users[]?",
        "records: 'if has(\"data\") then .data[] else . end'",
    ))
    .unwrap();
    let batch = run(
        &plan,
        &[r#"{"data":[{"id":1},{"id":2}]}"#, r#"{"id":3}"#, "7"],
    );
    assert_eq!((batch.records.len(), batch.rejects.len()), (3, 1));
}

#[test]
fn faults_in_jq_point_into_the_expression() {
    let mapper = MAPPER
        .replace("score: .score", "score: .score | floo")
        .replace("born_on: .born", "born_on: '.born | ('")
        .replace("id: $record.id", "id: $recrd.id");
    let faults = plan_for(
        &MAPPER
            .replace("score: .score", "score: .score | floo")
            .replace("is_admin: .admin", "is_admin: if .admin"),
    )
    .unwrap_err();
    assert!(
        faults[0].contains("the filter `floo` is not known")
            && faults[0].contains("users.yaml:8:23"),
        "{}",
        faults[0]
    );
    assert!(
        faults[1].contains("cannot compile the expression"),
        "{}",
        faults[1]
    );
    assert!(plan_for(&mapper).is_err());
}

#[test]
fn a_mapper_sees_its_record_alone() {
    for filter in [
        "now",
        "env",
        "$ENV",
        "input",
        "halt",
        "debug",
        "[.a, (now)]",
        "env.HOME",
        "\"\\(now)\"",
        "$ENV.HOME",
        ". as [$a] ?// {(input): $a} | $a",
        "reduce range(3) as $i (input; .)",
        ".a[now:]",
        "try (def f: halt; f) catch .",
    ] {
        let mapper = MAPPER.replace(
            "name: .name | values | ascii_upcase",
            &format!("name: '{filter} | tostring'"),
        );
        let faults = plan_for(&mapper).map(|_| ()).unwrap_err();
        assert!(
            faults[0].contains("users.yaml:7:"),
            "{filter}: {}",
            faults[0]
        );
    }
    // Members and texts of that name are no such filters.
    let member = MAPPER.replace(
        "name: .name | values | ascii_upcase",
        r#"name: '.now // {now: .input} // "now"'"#,
    );
    assert!(plan_for(&member).is_ok());
}

#[test]
fn children_whose_key_does_not_name_their_record_are_refused() {
    let faults = plan_for(&MAPPER.replace("user_id: $record.id", "user_id: .user")).unwrap_err();
    assert!(
        faults[0].contains("the key of `Teams` must begin with the key of `Users`"),
        "{}",
        faults[0]
    );
}

#[test]
fn the_built_in_mappers_pass_their_own_tests() {
    let (definitions, faults) = definitions::read(Path::new("nowhere"));
    let faults: Vec<_> = faults.iter().map(|fault| fault.render(false)).collect();
    assert_eq!(faults, Vec::<String>::new());
    let mut tests = 0;
    for mapper in &definitions.mappers {
        let plan = plan(mapper, &definitions.schema, &setting())
            .unwrap_or_else(|faults| panic!("{}", faults[0].render(false)));
        let failed: Vec<_> = run_tests(mapper, &plan)
            .iter()
            .map(|fault| fault.render(false))
            .collect();
        assert_eq!(failed, Vec::<String>::new());
        assert!(
            !mapper.tests.is_empty(),
            "`{}` has no test",
            mapper.stream.text
        );
        tests += mapper.tests.len();
    }
    assert!(tests > 30);
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        (-5i64..5).prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "[a-c]{0,2}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 30, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::hash_map("[a-c]", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// A path followed in the parsed record gives what jq gives.
    #[test]
    fn the_fast_lane_means_what_jq_means(value in any_json(), which in 0..PATHS.len()) {
        let text = value.to_string();
        let parsed: sonic_rs::Value = sonic_rs::from_str(&text).unwrap();
        let path::Split::Path(plain) = path::split(PATHS[which]) else { panic!("{}", PATHS[which]) };
        let fast = plain.follow(&parsed, &parsed).map(|found| found.map(|value| jq::from_json(value).unwrap().to_string()));
        let input = jq::from_json(&parsed).unwrap();
        let slow = jq::compile(PATHS[which]).unwrap().run(input.clone(), input, &jaq_json::Val::Null);
        let slow = slow.map(|mut values| values.pop().map(|value| value.to_string()));
        prop_assert_eq!(fast.map_err(drop), slow.map_err(drop), "{} on {}", PATHS[which], text);
    }

    #[test]
    fn fast_lists_mean_what_jq_means(value in any_json(), which in 0..LISTS.len()) {
        let text = value.to_string();
        let parsed: sonic_rs::Value = sonic_rs::from_str(&text).unwrap();
        let fast = path::each_path(LISTS[which]).unwrap().elements(&parsed).map(|values| values.into_iter().map(|value| jq::from_json(value).unwrap().to_string()).collect::<Vec<_>>());
        let input = jq::from_json(&parsed).unwrap();
        let slow = jq::compile(LISTS[which]).unwrap().run(input.clone(), input, &jaq_json::Val::Null);
        let slow = slow.map(|values| values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>());
        prop_assert_eq!(fast.map_err(drop), slow.map_err(drop), "{} on {}", LISTS[which], text);
    }

    #[test]
    fn no_record_makes_it_panic(value in any_json(), cut in 0usize..200) {
        let plan = plan_for(MAPPER).unwrap();
        let text = value.to_string();
        let cut: String = text.chars().take(cut).collect();
        let batch = run(&plan, &[&text, &cut]);
        prop_assert_eq!(batch.records.len() + batch.rejects.len(), 2);
    }
}

const PATHS: &[&str] = &[
    ".",
    ".a",
    ".a.b",
    ".a.b.c",
    ".a?",
    ".a.b?",
    ".a?.b",
    ".[0]",
    ".a[0]",
    ".a[-1]",
    ".a[1]?",
    "$record.a",
    "$record.b.c?",
    ".[\"a\"]",
    ".\"a\".b",
];
const LISTS: &[&str] = &[
    ".[]",
    ".[]?",
    ".a[]",
    ".a[]?",
    ".a.b[]",
    "(.a // [])[]",
    "(.a.b // [])[]?",
    "$record.a[]",
];

#[test]
fn a_misspelt_filter_has_the_one_that_was_meant() {
    for (written, meant) in [
        (".a | ascii_downcas", Some("ascii_downcase")),
        (".a | to_timestam", Some("to_timestamp")),
        ("minute_between(.a; .b)", Some("minutes_between")),
        (".a | to_nam", Some("to_name")),
        ("[.[] | sort_byy(.x)]", Some("sort_by")),
        (".a | envv", None),
        (".a | no_such_filter_at_all", None),
    ] {
        let faults = crate::jq::compile(written).err().unwrap();
        assert_eq!(faults[0].near.as_deref(), meant, "{written}");
    }
}
