//! An answer taken apart: its records, which are stretches of its own text, and what it says of the pages to come.
//!
//! What becomes of the records is in `lines`.

use std::borrow::Cow;
use std::ops::Range;

use definitions::extractor::{FieldPath, Paging, PathStep, Request};
use xxhash_rust::xxh3::xxh3_64;

use crate::link::Next;
use crate::paging::Facts;

/// A record of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its text.
    pub json: &'a str,
    /// The hash of what tells it from others.
    pub key: u64,
}

/// A page taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<'a> {
    /// Its records.
    pub records: Vec<Record<'a>>,
    /// What it says of the pages to come; how many of its records are new is not known here.
    pub facts: Facts,
}

impl Page<'_> {
    /// Where the records are in the answer that they were taken from.
    pub fn spans(&self, body: &[u8]) -> Vec<Range<usize>> {
        let spans = self.records.iter().map(|record| {
            // A record is a stretch of the answer, so the difference of addresses is its place.
            let start = record.json.as_ptr() as usize - body.as_ptr() as usize;
            start..start + record.json.len()
        });
        spans.collect()
    }
}

/// Takes an answer apart. What comes back as an error is in words for people.
pub fn read<'a>(
    body: &'a [u8],
    next: &Next,
    request: &Request,
    paging: Option<&Paging>,
) -> Result<Page<'a>, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the answer is not valid UTF-8".to_owned())?;
    if text.trim().is_empty() {
        // Only where the source may send that: see `may_be_empty`.
        let facts = Facts {
            next: next.clone(),
            ..Facts::default()
        };
        return Ok(Page {
            records: Vec::new(),
            facts,
        });
    }
    let (more, total) = match paging {
        Some(Paging::Offset { more, total, .. }) => (more.as_ref(), total.as_ref()),
        Some(Paging::Page { total, .. }) => (None, total.as_ref()),
        _ => (None, None),
    };
    let token = match paging {
        Some(Paging::Token { token, .. }) => Some(token),
        _ => None,
    };
    let outer = Outer::of(text, [Some(&request.records), more, total, token]);
    let found = outer
        .select(&request.records)
        .ok_or_else(|| format!("the answer has no records at `{}`", show(&request.records)))?;
    let records: Vec<Record> = found
        .into_iter()
        .map(|json| Record {
            json,
            key: key_hash(json, &request.key),
        })
        .collect();
    let said = |path: Option<&FieldPath>| scalar(outer.select(path?)?.first()?);
    let facts = Facts {
        records: records.len() as u64,
        last_key: records
            .last()
            .and_then(|record| first_scalar(record.json, &request.key)),
        next: token.map_or_else(|| next.clone(), |token| outer.token(token)),
        more: said(more).and_then(|word| word.parse().ok()),
        total: said(total).and_then(|word| word.parse().ok()),
        ..Facts::default()
    };
    Ok(Page { records, facts })
}

/// The values at a path, as text of JSON; nothing if the path leads nowhere or an `[]` meets what is no list.
pub fn select<'a>(json: &'a str, steps: &[PathStep]) -> Option<Vec<&'a str>> {
    let Some((step, rest)) = steps.split_first() else {
        return Some(vec![json.trim()]);
    };
    match step {
        PathStep::Member(name) => select(member(json, name)?, rest),
        PathStep::Each => {
            if !json.trim_start().starts_with('[') {
                return None;
            }
            let mut found = Vec::new();
            for element in sonic_rs::to_array_iter(json) {
                if let Cow::Borrowed(text) = element.ok()?.as_raw_cow() {
                    found.extend(select(text, rest).unwrap_or_default());
                }
            }
            Some(found)
        }
    }
}

/// The first value at a path as plain text: words without their quotes, numbers as they are written. Nothing for null,
/// lists and objects.
pub fn first_scalar(json: &str, path: &FieldPath) -> Option<String> {
    scalar(select(json, &path.steps)?.first()?)
}

/// A path as people write it.
pub fn show(path: &FieldPath) -> String {
    let mut text = String::new();
    for step in &path.steps {
        match step {
            PathStep::Member(name) => {
                text.push('.');
                text += name;
            }
            PathStep::Each if text.is_empty() => text += ".[]",
            PathStep::Each => text += "[]",
        }
    }
    if text.is_empty() { ".".into() } else { text }
}

/// The members of an answer's outermost object that some paths begin with, found by going through it once.
struct Outer<'a, 'p> {
    json: &'a str,
    members: Vec<(&'p str, &'a str)>,
}

impl<'a, 'p> Outer<'a, 'p> {
    fn of(json: &'a str, paths: [Option<&'p FieldPath>; 4]) -> Self {
        let mut wanted: Vec<&'p str> = Vec::new();
        for path in paths.into_iter().flatten() {
            match path.steps.first() {
                Some(PathStep::Member(name)) if !wanted.contains(&name.as_str()) => {
                    wanted.push(name)
                }
                _ => {}
            }
        }
        let mut members = Vec::new();
        if json.trim_start().starts_with('{') {
            let mut found = sonic_rs::to_object_iter(json);
            while !wanted.is_empty()
                && let Some(Ok((name, value))) = found.next()
            {
                let place = wanted.iter().position(|wanted| **wanted == name);
                if let (Some(place), Cow::Borrowed(text)) = (place, value.as_raw_cow()) {
                    members.push((wanted.swap_remove(place), text));
                }
            }
        }
        Self { json, members }
    }

    /// What the answer says of the next page at the place of its token. What is there and is no token may still mean that
    /// there is more.
    fn token(&self, path: &FieldPath) -> Next {
        let found = self.select(path).unwrap_or_default();
        match found.first() {
            None | Some(&"null" | &"\"\"") => Next::None,
            Some(value) => match scalar(value) {
                Some(token) => Next::At(token),
                None => Next::Unclear(format!(
                    "the answer has no token at `{}`, but `{}`",
                    show(path),
                    beginning(value)
                )),
            },
        }
    }

    /// As [`select`], of a path that begins with one of the members.
    fn select(&self, path: &FieldPath) -> Option<Vec<&'a str>> {
        match path.steps.split_first() {
            Some((PathStep::Member(name), rest)) => {
                let found = self.members.iter().find(|(member, _)| member == name);
                select(found?.1, rest)
            }
            _ => select(self.json, &path.steps),
        }
    }
}

/// A value of JSON as plain text, if it is a scalar.
fn scalar(value: &&str) -> Option<String> {
    match value.as_bytes().first()? {
        b'"' => sonic_rs::from_str(value).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some((*value).to_owned()),
    }
}

fn member<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    if !json.trim_start().starts_with('{') {
        return None;
    }
    match sonic_rs::get(json, [name]).ok()?.as_raw_cow() {
        Cow::Borrowed(text) => Some(text),
        Cow::Owned(_) => None,
    }
}

fn key_hash(json: &str, path: &FieldPath) -> u64 {
    match first_scalar(json, path) {
        Some(key) => xxh3_64(key.as_bytes()),
        None => xxh3_64(json.as_bytes()),
    }
}

/// The first characters of a text, on one line.
pub fn beginning(text: &str) -> String {
    let line: String = text
        .trim_start()
        .chars()
        .take(60)
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect();
    line.trim_end().to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A path as an extractor's text has it.
    pub(crate) fn path(text: &str) -> FieldPath {
        let mut steps = Vec::new();
        for part in text.split('.').filter(|part| !part.is_empty()) {
            let name = part.trim_end_matches("[]");
            if !name.is_empty() {
                steps.push(PathStep::Member(name.to_owned()));
            }
            if part.ends_with("[]") {
                steps.push(PathStep::Each);
            }
        }
        FieldPath { steps }
    }

    #[test]
    fn paths_lead_to_the_text_of_values() {
        let json = r#"{"a": {"b": [ {"c": 1}, {"c": "x\n"}, {"d": 0} ]}, "n": null}"#;
        assert_eq!(
            select(json, &path(".a.b[].c").steps).unwrap(),
            ["1", r#""x\n""#]
        );
        assert_eq!(select(json, &path(".a.b").steps).unwrap().len(), 1);
        assert_eq!(select(json, &path(".z").steps), None);
        assert_eq!(select(json, &path(".a[]").steps), None);
        assert_eq!(select("[1, 2]", &path(".[]").steps).unwrap(), ["1", "2"]);
        assert_eq!(first_scalar(json, &path(".a.b[].c")).as_deref(), Some("1"));
        assert_eq!(first_scalar(json, &path(".n")), None);
        assert_eq!(show(&path(".a.b[].c")), ".a.b[].c");
    }
}
