//! What the lake knows besides rows, as lines of JSON that Rust and Spark both read.

use serde::{Deserialize, Serialize};

/// A raw file that is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileNote {
    /// Its name relative to the project folder.
    pub path: String,
    /// The stream.
    pub stream: String,
    /// Which of its loads counts: rows of any other are not there.
    pub load: i64,
    /// Bytes on disk.
    pub size: u64,
    /// When it was changed, in nanoseconds since 1970.
    pub modified: i64,
    /// The hash of its bytes; nothing if it could not be read.
    pub hash: Option<i64>,
    /// Records that gave rows.
    pub records: u64,
    /// What in it could not be taken.
    pub rejects: u64,
    /// When the first of its records was fetched, in microseconds since 1970.
    pub extracted_from: Option<i64>,
    /// When the last of them was.
    pub extracted_to: Option<i64>,
}

/// A record that gave no rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectNote {
    /// The raw file.
    pub path: String,
    /// Its stream.
    pub stream: String,
    /// The load that found it.
    pub load: i64,
    /// The line, from 1; 0 for the file as a whole.
    pub line: u64,
    /// A stable name for the kind of fault.
    pub code: String,
    /// What is wrong.
    pub reason: String,
    /// The table, if one can be named.
    pub table_name: Option<String>,
    /// The column, if one can be named.
    pub column_name: Option<String>,
    /// The beginning of the offending value.
    pub value: Option<String>,
    /// The record as it came.
    pub record: String,
}

/// A value that was loaded, but looks wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarningNote {
    /// The raw file.
    pub path: String,
    /// Its stream.
    pub stream: String,
    /// The load that found it.
    pub load: i64,
    /// The line, from 1.
    pub line: u64,
    /// The table.
    pub table_name: String,
    /// The column.
    pub column_name: String,
    /// What is odd.
    pub reason: String,
    /// The value.
    pub value: String,
}

/// A listing of a stream that ran to its end. Whether it can be trusted depends on the files that are loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The stream in whose folder it lies.
    pub stream: String,
    /// The marker's name.
    pub name: String,
    /// When it started, in microseconds since 1970.
    pub started_at: i64,
    /// How many records it fetched.
    pub records: u64,
    /// The files that it wrote, by their names relative to the project folder.
    pub files: Vec<String>,
}

/// Something that was asked for and did not come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The stream.
    pub stream: String,
    /// Whose records are missing; nothing where those of all are.
    pub parent: Option<String>,
    /// From when on, if the stream is cut by time.
    pub since_at: Option<String>,
    /// Until when.
    pub until_at: Option<String>,
    /// Why.
    pub reason: String,
}

/// A stretch of time that was fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The stream.
    pub stream: String,
    /// Its beginning, `2026-11-23T20:05:00Z`.
    pub since_at: String,
    /// Its end.
    pub until_at: String,
}
