//! An answer as the page takes it: rows in memory, and what is asked of them.

use definitions::{Comparison, Condition, Query};
use store::{Known, Period, Value};

use crate::writer::text;

/// The answer to a query.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// The question.
    pub query: &'a Query,
    /// The names of its columns.
    pub columns: Vec<String>,
    /// Its rows, or the first of them where there are very many.
    pub rows: Vec<Vec<Value>>,
    /// How many rows it has in all.
    pub n_rows: u64,
    /// The period that it is of.
    pub period: Option<Period>,
    /// What is known of what it counts.
    pub known: Known,
}

impl Answer<'_> {
    /// Whether nothing was ever fetched or written of what it counts.
    pub(crate) fn is_unknown(&self) -> bool {
        let period = self.period.as_ref();
        period.is_some_and(|period| period.to.is_none())
    }

    /// The place of a column.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// Whether a row fits all conditions; a column that is not there fits none.
    pub(crate) fn fits(&self, row: &[Value], conditions: &[Condition]) -> bool {
        conditions.iter().all(|condition| {
            let value = self
                .column(&condition.column)
                .and_then(|place| row.get(place));
            value.is_some_and(|value| compares(value, condition.comparison, &condition.value))
        })
    }
}

/// A value as a number; a flag is 1 or 0.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(value) => Some(*value as f64),
        Value::Real(value) => Some(*value),
        Value::Boolean(value) => Some(f64::from(u8::from(*value))),
        Value::Null | Value::Text(_) => None,
    }
}

/// Numbers are compared by their size, anything else as text; no value compares with nothing.
fn compares(value: &Value, comparison: Comparison, with: &str) -> bool {
    if *value == Value::Null {
        return false;
    }
    let order = match (number(value), with.parse::<f64>()) {
        (Some(number), Ok(with)) => number.partial_cmp(&with),
        _ => Some(text(value).as_str().cmp(with)),
    };
    let Some(order) = order else { return false };
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::Unequal => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::More => order.is_gt(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An answer made by hand, for tests.
    pub(crate) fn answer<'a>(
        query: &'a Query,
        columns: &[&str],
        rows: Vec<Vec<Value>>,
    ) -> Answer<'a> {
        Answer {
            query,
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            n_rows: rows.len() as u64,
            rows,
            period: None,
            known: Known::default(),
        }
    }

    #[test]
    fn values_compare_as_what_they_are() {
        let two = Value::Integer(2);
        assert!(compares(&two, Comparison::Less, "10") && compares(&two, Comparison::Equal, "2.0"));
        let words = Value::Text("2".into());
        assert!(
            compares(&words, Comparison::More, "10"),
            "texts compare by their letters"
        );
        assert!(!compares(&Value::Null, Comparison::Unequal, "x"));
        assert!(compares(&Value::Boolean(true), Comparison::Equal, "1"));
        assert!(!compares(&Value::Real(f64::NAN), Comparison::Equal, "1"));
    }
}
