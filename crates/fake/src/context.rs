//! What each vendor's part is given to answer with.

use jiff::Timestamp;
use serde_json::Value;

use crate::Options;
use crate::data::Data;
use crate::paging::Quirks;

/// What an answer is made from.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub data: &'a Data,
    pub options: &'a Options,
    pub quirks: &'a Quirks,
    /// The vendors' clock.
    pub now: Timestamp,
}

/// The text in a member of a record; empty if there is none.
pub(crate) fn text<'a>(record: &'a Value, pointer: &str) -> &'a str {
    record
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
