//! Values into cells, as the schema's column types say.
//!
//! `null`, empty text and `NaN` are no value, whatever the type. A value that does not fit is an error that says what
//! was found and what was expected, never a silent NULL.

use std::borrow::Cow;

use definitions::ColumnType;

use crate::batch::{Batch, Cell};
use crate::time::{self, Clock};

/// A value as it comes out of a record or out of jq.
pub(crate) enum Given<'a> {
    Null,
    Bool(bool),
    /// A number, as written.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    /// A list or an object: its word for messages, and its JSON.
    Nested(&'static str, Box<dyn Fn(&mut String) + 'a>),
}

/// A moment in the form that tables keep, from any form that a TIMESTAMP accepts.
pub fn canonical_timestamp(text: &str, clock: &Clock) -> Result<String, String> {
    time::timestamp(text, clock)
}

/// Turns a value into the cell of a column.
pub(crate) fn convert(
    given: &Given,
    kind: ColumnType,
    clock: &Clock,
    batch: &mut Batch,
) -> Result<Cell, String> {
    match given {
        Given::Null => return Ok(Cell::Null),
        Given::Text(text) | Given::Number(text) if text.is_empty() || text == "NaN" => {
            return Ok(Cell::Null);
        }
        _ => {}
    }
    match kind {
        ColumnType::Text => text(given, batch),
        ColumnType::Integer => integer(given),
        ColumnType::Real => real(given),
        ColumnType::Boolean => boolean(given),
        ColumnType::Timestamp => match given {
            Given::Text(text) => {
                time::timestamp(text, clock).map(|moment| batch.push_text(&moment))
            }
            other => Err(unfit(other, "a time such as `2026-11-23T20:05:00Z`")),
        },
        ColumnType::Date => match given {
            Given::Text(text) => time::date(text, clock).map(|day| batch.push_text(&day)),
            other => Err(unfit(other, "a date such as `2026-11-23`")),
        },
        ColumnType::TimeZone => text(given, batch),
        ColumnType::Json => Ok(json(given, batch)),
    }
}

/// The value as a message shows it, cut to a readable length.
pub(crate) fn shown(given: &Given) -> String {
    let mut text = String::new();
    write_json(given, &mut text);
    if text.chars().count() > 200 {
        text = text.chars().take(200).collect::<String>() + "…";
    }
    text
}

fn text(given: &Given, batch: &mut Batch) -> Result<Cell, String> {
    match given {
        Given::Text(text) | Given::Number(text) => Ok(batch.push_text(text)),
        Given::Bool(value) => Ok(batch.push_text(if *value { "true" } else { "false" })),
        other => Err(unfit(other, "text")),
    }
}

fn integer(given: &Given) -> Result<Cell, String> {
    const EXPECTED: &str = "a whole number";
    let (Given::Number(text) | Given::Text(text)) = given else {
        return Err(unfit(given, EXPECTED));
    };
    let text = text.trim();
    if let Ok(whole) = text.parse() {
        return Ok(Cell::Integer(whole));
    }
    // `12.0` and `1e3` are whole numbers too, as far as a float counts them one by one.
    match text.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 => {
            Ok(Cell::Integer(number as i64))
        }
        _ => Err(unfit(given, EXPECTED)),
    }
}

fn real(given: &Given) -> Result<Cell, String> {
    const EXPECTED: &str = "a number";
    let (Given::Number(text) | Given::Text(text)) = given else {
        return Err(unfit(given, EXPECTED));
    };
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Cell::Real(number)),
        _ => Err(unfit(given, EXPECTED)),
    }
}

fn boolean(given: &Given) -> Result<Cell, String> {
    match given {
        Given::Bool(value) => Ok(Cell::Integer(i64::from(*value))),
        Given::Number(text) | Given::Text(text) => match text.trim().to_lowercase().as_str() {
            "true" | "1" => Ok(Cell::Integer(1)),
            "false" | "0" => Ok(Cell::Integer(0)),
            _ => Err(unfit(given, "true or false")),
        },
        other => Err(unfit(other, "true or false")),
    }
}

fn json(given: &Given, batch: &mut Batch) -> Cell {
    let start = batch.text.len();
    batch.text_since(start, |out| write_json(given, out))
}

fn write_json(given: &Given, out: &mut String) {
    match given {
        Given::Null => out.push_str("null"),
        Given::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Given::Number(number) => out.push_str(number),
        Given::Text(text) => yaml::write_json_text(text, out),
        Given::Nested(_, write) => write(out),
    }
}

fn unfit(given: &Given, expected: &str) -> String {
    let found = match given {
        Given::Null => "nothing".to_owned(),
        Given::Bool(_) => "true or false".to_owned(),
        Given::Number(number) => {
            format!("the number {}", number.chars().take(60).collect::<String>())
        }
        Given::Text(text) => format!("the text `{}`", text.chars().take(60).collect::<String>()),
        Given::Nested(word, _) => (*word).to_owned(),
    };
    format!("expected {expected}, found {found}")
}
