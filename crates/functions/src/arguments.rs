//! How a scalar function is declared, how it reads its arguments, and how it is registered.

use std::borrow::Cow;
use std::ffi::c_int;

use jiff::civil::{Date, DateTime};
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Error};

use crate::time;

/// Every function here gives the same result for the same arguments and touches nothing else.
pub(crate) const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8
    .union(FunctionFlags::SQLITE_DETERMINISTIC)
    .union(FunctionFlags::SQLITE_INNOCUOUS);

/// Any number of arguments, as SQLite writes it.
pub(crate) const ANY: c_int = -1;

/// Why a function refuses its arguments; the function's name is put in front of it.
pub(crate) type Refusal = String;

/// What a scalar function gives.
pub(crate) type Evaluated = Result<Value, Refusal>;

/// A scalar function: what SQL calls it and what it does.
pub(crate) struct Scalar {
    pub(crate) name: &'static str,
    /// The numbers of arguments it takes.
    pub(crate) counts: &'static [c_int],
    /// What a NULL among the arguments does.
    pub(crate) nulls: Nulls,
    pub(crate) call: fn(&Arguments<'_, '_>) -> Evaluated,
}

/// What a NULL among the arguments does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// The result is NULL.
    GiveNull,
    /// The function sees to it.
    AreSeen,
}

/// A function that gives NULL when any argument is NULL.
pub(crate) const fn scalar(
    name: &'static str,
    counts: &'static [c_int],
    call: fn(&Arguments<'_, '_>) -> Evaluated,
) -> Scalar {
    Scalar {
        name,
        counts,
        nulls: Nulls::GiveNull,
        call,
    }
}

/// Registers scalar functions on a connection.
pub(crate) fn register(
    connection: &Connection,
    scalars: &'static [Scalar],
) -> rusqlite::Result<()> {
    for scalar in scalars {
        for count in scalar.counts {
            connection.create_scalar_function(scalar.name, *count, FLAGS, move |context| {
                let arguments = Arguments(context);
                let any_null = || (0..arguments.count()).any(|index| arguments.is_null(index));
                if scalar.nulls == Nulls::GiveNull && any_null() {
                    return Ok(Value::Null);
                }
                (scalar.call)(&arguments).map_err(|refusal| error(scalar.name, &refusal))
            })?;
        }
    }
    Ok(())
}

/// The SQL error of a function that refuses its arguments.
pub(crate) fn error(function: &str, refusal: &str) -> Error {
    Error::UserFunctionError(format!("`{function}`: {refusal}").into())
}

/// The arguments of one call.
pub(crate) struct Arguments<'a, 'b>(pub(crate) &'a Context<'b>);

impl Arguments<'_, '_> {
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_null(&self, index: usize) -> bool {
        self.raw(index) == ValueRef::Null
    }

    pub(crate) fn raw(&self, index: usize) -> ValueRef<'_> {
        self.0.get_raw(index)
    }

    /// The value itself, for functions that hand one of their arguments back.
    pub(crate) fn value(&self, index: usize) -> Evaluated {
        Value::try_from(self.raw(index)).map_err(|error| error.to_string())
    }

    /// Text; a number is written as Spark casts it to STRING.
    pub(crate) fn text(&self, index: usize) -> Result<Cow<'_, str>, Refusal> {
        text_of(self.raw(index))
    }

    /// A whole number.
    pub(crate) fn integer(&self, index: usize) -> Result<i64, Refusal> {
        match self.raw(index) {
            ValueRef::Integer(integer) => Ok(integer),
            other => Err(format!("{} is not a whole number", shown(other))),
        }
    }

    /// A number, whole or not.
    pub(crate) fn number(&self, index: usize) -> Result<f64, Refusal> {
        number_of(self.raw(index))
    }

    /// A BOOLEAN.
    pub(crate) fn boolean(&self, index: usize) -> Result<bool, Refusal> {
        boolean_of(self.raw(index))
    }

    /// A timestamp; a date is its midnight.
    pub(crate) fn timestamp(&self, index: usize) -> Result<DateTime, Refusal> {
        let raw = self.raw(index);
        let parsed = raw.as_str().ok().and_then(time::parse_timestamp);
        parsed.ok_or_else(|| {
            format!(
                "{} is not a timestamp, write it as `2026-11-23T20:05:00Z`",
                shown(raw)
            )
        })
    }

    /// A date; of a timestamp its date.
    pub(crate) fn date(&self, index: usize) -> Result<Date, Refusal> {
        let raw = self.raw(index);
        let parsed = raw.as_str().ok().and_then(time::parse_date);
        parsed.ok_or_else(|| format!("{} is not a date, write it as `2026-11-23`", shown(raw)))
    }
}

/// A number, whole or not.
pub(crate) fn number_of(raw: ValueRef<'_>) -> Result<f64, Refusal> {
    match raw {
        ValueRef::Integer(integer) => Ok(integer as f64),
        ValueRef::Real(real) => Ok(real),
        other => Err(format!(
            "{} is not a number, convert text with `cast(… as double)`",
            shown(other)
        )),
    }
}

/// A BOOLEAN, which SQLite holds as 1 or 0.
pub(crate) fn boolean_of(raw: ValueRef<'_>) -> Result<bool, Refusal> {
    match raw {
        ValueRef::Integer(0) => Ok(false),
        ValueRef::Integer(1) => Ok(true),
        other => Err(format!(
            "{} is not a boolean, compare it with something",
            shown(other)
        )),
    }
}

fn text_of(raw: ValueRef<'_>) -> Result<Cow<'_, str>, Refusal> {
    match raw {
        ValueRef::Null => Ok(Cow::Borrowed("")),
        ValueRef::Integer(integer) => Ok(Cow::Owned(integer.to_string())),
        ValueRef::Real(real) => Ok(Cow::Owned(text_of_real(real))),
        ValueRef::Text(text) => std::str::from_utf8(text)
            .map(Cow::Borrowed)
            .map_err(|_| "a text is not UTF-8".to_owned()),
        ValueRef::Blob(_) => Err("a blob is not text".to_owned()),
    }
}

/// A DOUBLE as Spark casts it to STRING, which is Java's `Double.toString`: plain from 0.001 to
/// below ten million, with an exponent elsewhere, always with a decimal point.
pub(crate) fn text_of_real(real: f64) -> String {
    if real.is_infinite() {
        return if real > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if real == 0.0 || (1e-3..1e7).contains(&real.abs()) {
        return format!("{real:?}");
    }
    let scientific = format!("{real:e}");
    match scientific.split_once('e') {
        Some((digits, exponent)) if digits.contains('.') => format!("{digits}E{exponent}"),
        Some((digits, exponent)) => format!("{digits}.0E{exponent}"),
        None => scientific,
    }
}

/// A value as a message shows it.
pub(crate) fn shown(raw: ValueRef<'_>) -> String {
    match raw {
        ValueRef::Blob(_) => "a blob".to_owned(),
        ValueRef::Null => "`NULL`".to_owned(),
        other => match text_of(other) {
            Ok(text) => format!("`{text}`"),
            Err(refusal) => refusal,
        },
    }
}
