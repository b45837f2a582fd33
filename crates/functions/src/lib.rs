//! SQL functions that SQLite lacks, or means differently, under Spark's names and with Spark's
//! meaning, so that one query text serves both engines.
//!
//! Here live the functions, their registration on a connection and their documentation
//! ([`FUNCTIONS`]). The queries that use them, and everything about files and tables, live
//! elsewhere.
//!
//! Agreements that hold throughout:
//! - a timestamp is text like `2026-11-23T20:05:00Z` (UTC, to the second; fractions are cut), a
//!   date is text like `2026-11-23`; functions take either, and a date counts as its midnight;
//! - the session's time zone is UTC, and ANSI mode is on, as Spark 4 has it by default: malformed
//!   text and a value out of range are an error that names function and value;
//! - NULL gives NULL unless a function says otherwise;
//! - a BOOLEAN is 1 or 0, and NaN, which SQLite cannot hold, is NULL.

mod aggregates;
mod arguments;
mod catalogue;
mod conditions;
mod dates;
mod numbers;
mod patterns;
mod text;
mod time;

pub use catalogue::{FUNCTIONS, Function};

use rusqlite::Connection;

/// Registers every function of [`FUNCTIONS`] on `connection`, and makes LIKE tell upper from lower
/// case, as Spark's does.
///
/// Some names replace SQLite's own functions of the same name (`round`, `lower`, `substr`,
/// `concat`, …), because those mean something else than Spark's.
///
/// # Errors
/// What SQLite reports when it refuses a function, which happens only on a connection that is
/// running a statement.
pub fn register(connection: &Connection) -> rusqlite::Result<()> {
    for scalars in [
        dates::SCALARS,
        numbers::SCALARS,
        text::SCALARS,
        conditions::SCALARS,
    ] {
        arguments::register(connection, scalars)?;
    }
    dates::register(connection)?;
    patterns::register(connection)?;
    aggregates::register(connection)?;
    connection.pragma_update(None, "case_sensitive_like", true)
}
