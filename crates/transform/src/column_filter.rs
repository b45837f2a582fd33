//! The filter of one column, and the last results of it: kinds, types and states come again all the time, and so do people
//! and teams.

use std::borrow::Cow;
use std::collections::HashMap;

use jaq_json::Val;
use sonic_rs::{JsonType, JsonValueTrait, Value};

use crate::jq::{self, Filter};

/// How many results are remembered, of texts, and of lists and objects.
const REMEMBERED: usize = 512;

/// The longest value whose result is remembered, in bytes.
const LONGEST_REMEMBERED: usize = 512;

/// The filter of a column, which gives one value or none.
pub(crate) struct ColumnFilter {
    filter: Filter,
    /// The result of `null`, once it is known: most records lack most of what they may have.
    of_null: Option<Option<Val>>,
    of_texts: Remembered,
    /// By their JSON.
    of_nested: Remembered,
}

/// A value that filters are run on. Several columns of a row are often made from one, so what they need of it is made
/// once.
pub(crate) struct FilterInput<'v> {
    value: &'v Value,
    /// What its results are remembered by.
    key: Option<Cow<'v, str>>,
    as_jq: Option<Val>,
}

/// The last results, by what they are of.
#[derive(Default)]
struct Remembered(HashMap<String, Option<Val>>);

impl ColumnFilter {
    pub(crate) fn new(filter: Filter) -> Self {
        Self {
            filter,
            of_null: None,
            of_texts: Remembered::default(),
            of_nested: Remembered::default(),
        }
    }

    /// What the filter makes of a value, where nothing else counts.
    pub(crate) fn of(
        &mut self,
        input: &mut FilterInput,
        clock: &Val,
    ) -> Result<Option<Val>, String> {
        let value = input.value;
        if let (true, Some(known)) = (value.is_null(), &self.of_null) {
            return Ok(known.clone());
        }
        let remembered = match value.is_str() {
            true => &self.of_texts,
            false => &self.of_nested,
        };
        let key = input.key.as_deref();
        if let Some(known) = key.and_then(|key| remembered.0.get(key)) {
            return Ok(known.clone());
        }
        let result = self.run(input.as_jq()?, Val::Null, clock)?;
        match input.key.as_deref() {
            _ if value.is_null() => self.of_null = Some(result.clone()),
            Some(key) if value.is_str() => self.of_texts.add(key, &result),
            Some(key) => self.of_nested.add(key, &result),
            None => {}
        }
        Ok(result)
    }

    /// What the filter makes of a value and the record that it stands in.
    pub(crate) fn run(&self, value: Val, record: Val, clock: &Val) -> Result<Option<Val>, String> {
        one_value(self.filter.run(value, record, clock))
    }
}

impl<'v> FilterInput<'v> {
    pub(crate) fn new(value: &'v Value) -> Self {
        let key = match value.get_type() {
            JsonType::String => value.as_str().map(Cow::Borrowed),
            // To write it takes a fraction of what a filter would.
            JsonType::Array | JsonType::Object => Some(Cow::Owned(value.to_string())),
            _ => None,
        };
        Self {
            value,
            key,
            as_jq: None,
        }
    }

    /// Whether it is this very value, not only an equal one.
    pub(crate) fn is(&self, value: &Value) -> bool {
        std::ptr::eq(self.value, value)
    }

    fn as_jq(&mut self) -> Result<Val, String> {
        if let Some(known) = &self.as_jq {
            return Ok(known.clone());
        }
        let made = jq::from_json(self.value)?;
        self.as_jq = Some(made.clone());
        Ok(made)
    }
}

impl Remembered {
    fn add(&mut self, given: &str, result: &Option<Val>) {
        if given.len() > LONGEST_REMEMBERED {
            return;
        }
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        self.0.insert(given.to_owned(), result.clone());
    }
}

fn one_value(values: Result<Vec<Val>, String>) -> Result<Option<Val>, String> {
    let mut values = values?;
    if values.len() > 1 {
        return Err(format!(
            "the expression gave {} values, expected one",
            values.len()
        ));
    }
    Ok(values.pop())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_what_the_filter_gives() {
        let text = "if type == \"array\" then map(.id) else type end";
        let mut filter = ColumnFilter::new(jq::compile(text).unwrap());
        let long = format!("[{}]", vec!["{\"id\":1}"; 100].join(","));
        let many: Vec<String> = (0..2 * REMEMBERED)
            .map(|id| format!("[{{\"id\":{id}}}]"))
            .collect();
        let others = [
            "null",
            "[{\"id\":7}]",
            "\"[{\\\"id\\\":7}]\"",
            "[]",
            "\"\"",
            "[{\"id\":7.0}]",
            "3",
            "{}",
            "{\"id\":[7]}",
            &long,
        ];
        let given = others
            .into_iter()
            .chain(many.iter().map(String::as_str))
            .chain(others);
        for json in given {
            let value: Value = sonic_rs::from_str(json).unwrap();
            let fresh = filter.run(jq::from_json(&value).unwrap(), Val::Null, &Val::Null);
            let fresh = fresh.unwrap().map(|value| value.to_string());
            let mut input = FilterInput::new(&value);
            for _ in 0..2 {
                let found = filter.of(&mut input, &Val::Null).unwrap();
                assert_eq!(found.map(|value| value.to_string()), fresh, "{json}");
            }
        }
    }
}
