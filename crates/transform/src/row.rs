//! What one row is made from, where it goes, and what is wrong with it where it cannot be made.

use jaq_json::Val;
use sonic_rs::Value;

use crate::batch::{Reject, Warning};
use crate::column_filter::FilterInput;
use crate::jq;
use crate::path::Path;
use crate::plan::{ColumnPlan, PathPlace, TablePlan};
use crate::walk::{AllFound, Found};

/// The most characters of a record that a reject keeps.
const KEPT_RECORD: usize = 64 * 1024;

/// A record's part that could not become a row.
pub(crate) struct Unfit {
    pub(crate) code: &'static str,
    pub(crate) column: Option<String>,
    pub(crate) reason: String,
    pub(crate) value: Option<String>,
}

/// Where a row goes, and the line of its record.
#[derive(Clone, Copy)]
pub(crate) struct RowPlace<'p> {
    /// The table's place in the plan.
    pub(crate) index: usize,
    pub(crate) table: &'p TablePlan,
    pub(crate) line: u64,
}

/// What one row is made from: an element of `each`, or the record.
pub(crate) struct Element<'v> {
    pub(crate) value: &'v Value,
    /// What the paths from it lead to.
    pub(crate) found: AllFound<'v>,
    /// The element as a jq value, made when first needed.
    pub(crate) jq: Option<Val>,
    /// The last value that a filter was run on.
    pub(crate) filter_input: Option<FilterInput<'v>>,
}

/// What the rows of one record are made from.
pub(crate) struct Input<'v> {
    pub(crate) record: &'v Value,
    /// What the paths from it lead to.
    pub(crate) found: AllFound<'v>,
    /// The record as a jq value, made when first needed.
    pub(crate) jq: Option<Val>,
}

/// What a path leads to, by the walk where that found it. `None` is jq's "no value".
pub(crate) fn followed<'e, 'r: 'e>(
    column: &ColumnPlan,
    path: &Path,
    element: &Element<'e>,
    input: &Input<'r>,
) -> Result<Option<&'e Value>, String> {
    const NULL: &Value = &Value::new();
    let found = match column.place {
        Some(PathPlace::Record(number)) => input.found.get(number),
        Some(PathPlace::Element(number)) => element.found.get(number),
        None => None,
    };
    match found {
        Some(Found::Value(value)) => Ok(Some(value)),
        Some(Found::Nothing) => Ok(Some(NULL)),
        Some(Found::Odd) | None => path.follow(element.value, input.record),
    }
}

impl Input<'_> {
    pub(crate) fn as_jq(&mut self) -> Result<Val, Unfit> {
        if self.jq.is_none() {
            self.jq = Some(
                jq::from_json(self.record).map_err(|reason| Unfit::new("record-unfit", reason))?,
            );
        }
        Ok(self.jq.clone().unwrap_or_default())
    }
}

impl RowPlace<'_> {
    /// A warning; the record is taken all the same.
    pub(crate) fn warning(&self, column: &ColumnPlan, unfit: Unfit) -> Warning {
        Warning {
            line: self.line,
            table: self.table.table.name.clone(),
            column: column.name.clone(),
            reason: format!("`{}`: {}", column.name, unfit.reason),
            value: unfit.value.unwrap_or_default(),
        }
    }
}

impl Unfit {
    pub(crate) fn new(code: &'static str, reason: String) -> Self {
        Self {
            code,
            column: None,
            reason,
            value: None,
        }
    }

    pub(crate) fn of(column: &ColumnPlan, reason: String, value: Option<String>) -> Self {
        Self {
            code: "record-unfit",
            column: Some(column.name.clone()),
            reason,
            value,
        }
    }
}

pub(crate) fn reject(line: u64, table: Option<String>, json: &[u8], unfit: Unfit) -> Reject {
    let record = String::from_utf8_lossy(&json[..json.len().min(KEPT_RECORD)]).into_owned();
    Reject {
        line,
        code: unfit.code,
        table,
        column: unfit.column,
        reason: unfit.reason,
        value: unfit.value,
        record,
    }
}
