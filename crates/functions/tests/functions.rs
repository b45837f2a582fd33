//! Runs every expression of `cases.tsv` and every documented example, and compares the aggregates
//! with plain definitions.

// A panic is how a test fails, in its helpers too.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use functions::FUNCTIONS;
use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value;

const CASES: &str = include_str!("cases.tsv");

fn connection() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    functions::register(&connection).unwrap();
    connection
}

fn evaluate(connection: &Connection, expression: &str) -> Result<Value, String> {
    connection
        .query_row(&format!("select {expression}"), [], |row| row.get(0))
        .map_err(|error| error.to_string())
}

/// Expression, kind, result.
fn cases() -> Vec<(&'static str, &'static str, &'static str)> {
    CASES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut cells = line.splitn(3, '\t');
            (
                cells.next().unwrap(),
                cells.next().unwrap(),
                cells.next().unwrap(),
            )
        })
        .collect()
}

fn agrees(value: &Result<Value, String>, kind: &str, expected: &str) -> bool {
    match (kind, value) {
        // An error of ours, not of SQLite's parser.
        ("error", Err(message)) => message.starts_with('`') && message.contains("`: "),
        ("null", Ok(Value::Null)) => true,
        ("boolean" | "integer", Ok(Value::Integer(integer))) => integer.to_string() == expected,
        ("real", Ok(Value::Real(real))) => close(*real, expected.parse().unwrap()),
        ("text" | "date" | "timestamp", Ok(Value::Text(text))) => text == expected,
        _ => false,
    }
}

/// Equal but for the last digits: sums are taken in another order.
fn close(left: f64, right: f64) -> bool {
    left == right || (left - right).abs() <= 1e-11 * left.abs().max(right.abs()).max(1e-3)
}

#[test]
fn every_case_gives_what_spark_gives() {
    let connection = connection();
    let wrong: Vec<String> = cases()
        .into_iter()
        .filter_map(|(expression, kind, expected)| {
            let value = evaluate(&connection, expression);
            // One wrong name must not cost a whole answer: here it has no local time.
            let kind = match (kind, expression.starts_with("from_utc_timestamp(")) {
                ("error", true) => "null",
                (kind, _) => kind,
            };
            let agreed = agrees(&value, kind, expected);
            (!agreed)
                .then(|| format!("{expression}\n    spark: {kind} {expected}\n    here: {value:?}"))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} cases differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_documented_example_is_one_of_the_cases() {
    let cases: BTreeMap<_, _> = cases()
        .into_iter()
        .map(|(expression, kind, expected)| {
            (expression, if kind == "null" { "NULL" } else { expected })
        })
        .collect();
    for function in FUNCTIONS {
        assert_eq!(
            cases.get(function.example),
            Some(&function.result),
            "{}",
            function.name
        );
    }
}

#[test]
fn every_documented_function_is_registered_and_every_registered_one_documented() {
    let names = |connection: &Connection| -> BTreeSet<(String, i64)> {
        let mut statement = connection
            .prepare("select name, narg from pragma_function_list where builtin = 0")
            .unwrap();
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        rows.map(Result::unwrap).collect()
    };
    let before = names(&Connection::open_in_memory().unwrap());
    let registered: BTreeSet<String> = names(&connection())
        .difference(&before)
        .map(|(name, _)| name.clone())
        .filter(|name| name != "like")
        .collect();
    let documented: BTreeSet<String> = FUNCTIONS
        .iter()
        .map(|function| function.name.to_owned())
        .collect();
    assert_eq!(registered, documented);
}

#[test]
fn each_example_uses_its_function() {
    for function in FUNCTIONS {
        let used = function.example.contains(&format!("{}(", function.name));
        assert!(
            used || function.example.contains(" regexp "),
            "{}",
            function.name
        );
    }
}

#[test]
fn a_refusal_names_function_and_value_and_a_way_out() {
    let connection = connection();
    for (expression, message) in [
        (
            "year('soon')",
            "`year`: `soon` is not a date, write it as `2026-11-23`",
        ),
        (
            "to_utc_timestamp('2026-01-01', 'Berlin')",
            "`to_utc_timestamp`: `Berlin` is not a time zone, write it as `Europe/Berlin` or `+01:00`",
        ),
        (
            "(select median(x) from (select 'much' as x))",
            "`median`: `much` is not a number, convert text with `cast(… as double)`",
        ),
    ] {
        assert_eq!(evaluate(&connection, expression), Err(message.to_owned()));
    }
}

fn rows(connection: &Connection, values: &[Option<f64>]) {
    connection
        .execute_batch("create temp table numbers (i integer primary key, x)")
        .unwrap();
    let mut insert = connection
        .prepare("insert into numbers (x) values (?)")
        .unwrap();
    for value in values {
        insert.execute([value]).unwrap();
    }
}

fn naive_percentile(values: &[Option<f64>], share: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().flatten().copied().collect();
    sorted.sort_by(f64::total_cmp);
    let position = share * (sorted.len().checked_sub(1)? as f64);
    let (low, high) = (
        sorted[position.floor() as usize],
        sorted[position.ceil() as usize],
    );
    Some(low + (high - low) * position.fract())
}

fn same(left: Option<f64>, right: Option<f64>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => (left - right).abs() <= 1e-9 * left.abs().max(1.0),
        (None, None) => true,
        _ => false,
    }
}

fn values() -> impl Strategy<Value = Vec<Option<f64>>> {
    prop::collection::vec(prop::option::weighted(0.9, -1e6..1e6_f64), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn percentile_is_the_interpolated_value_of_the_sorted_column(values in values(), share in 0.0..=1.0_f64) {
        let connection = connection();
        rows(&connection, &values);
        let found: Option<f64> = connection
            .query_row("select percentile(x, ?) from numbers", [share], |row| row.get(0))
            .unwrap();
        prop_assert!(same(found, naive_percentile(&values, share)));
    }

    #[test]
    fn a_moving_window_gives_what_its_rows_give(values in values(), width in 0..6_usize) {
        let connection = connection();
        rows(&connection, &values);
        let sql = format!(
            "select median(x) over w, stddev_pop(x) over w, count_if(x > 0) over w from numbers
             window w as (order by i rows between {width} preceding and current row) order by i"
        );
        let mut statement = connection.prepare(&sql).unwrap();
        let found = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap();
        for (last, row) in found.enumerate() {
            let (median, deviation, positive): (Option<f64>, Option<f64>, i64) = row.unwrap();
            let frame = &values[last.saturating_sub(width)..=last];
            let present: Vec<f64> = frame.iter().flatten().copied().collect();
            let count = present.len() as f64;
            let mean = present.iter().sum::<f64>() / count;
            let variance = present.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
            prop_assert!(same(median, naive_percentile(frame, 0.5)));
            prop_assert!(same(deviation, (!present.is_empty()).then(|| variance.sqrt())));
            prop_assert_eq!(positive as usize, present.iter().filter(|x| **x > 0.0).count());
        }
    }

    #[test]
    fn local_time_and_back_is_the_same_moment_but_for_the_hour_shown_twice(seconds in 0..4_000_000_000_i64) {
        let connection = connection();
        for zone in ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"] {
            let back: i64 = connection
                .query_row(
                    "select unix_timestamp(to_utc_timestamp(from_utc_timestamp(timestamp_seconds(?1), ?2), ?2))",
                    (seconds, zone),
                    |row| row.get(0),
                )
                .unwrap();
            prop_assert!(seconds - back == 0 || seconds - back == 3600 || seconds - back == 1800);
        }
    }
}
