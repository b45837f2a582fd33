//! An answer taken apart: its records as the source wrote them, and what it says of the pages to come.
//!
//! Records are stretches of the answer's own text. What is not to be kept is replaced in that text; nothing else of it
//! changes but line breaks, so that a record is one line.

use std::borrow::Cow;

use definitions::extractor::{FieldPath, Keep, Paging, Redaction, Request, Step};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
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

/// What redaction needs.
#[derive(Debug, Clone)]
pub struct Redactor<'a> {
    /// What is not kept as it came.
    pub rules: &'a [Redaction],
    /// The project's own key, so that nobody can tell a phone number from its hash by trying all of them.
    pub key: [u8; 32],
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
    let found = select(text, &request.records.steps)
        .ok_or_else(|| format!("the answer has no records at `{}`", show(&request.records)))?;
    let records: Vec<Record> = found
        .into_iter()
        .map(|json| Record {
            json,
            key: key_hash(json, &request.key),
        })
        .collect();
    let member = |path: &FieldPath| first_scalar(text, path);
    let mut facts = Facts {
        records: records.len() as u64,
        last_key: records
            .last()
            .and_then(|record| first_scalar(record.json, &request.key)),
        next: next.clone(),
        ..Facts::default()
    };
    match paging {
        Some(Paging::Offset { more, total, .. }) => {
            facts.more = more
                .as_ref()
                .and_then(member)
                .and_then(|word| word.parse().ok());
            facts.total = total
                .as_ref()
                .and_then(member)
                .and_then(|word| word.parse().ok());
        }
        Some(Paging::Page { total, .. }) => {
            facts.total = total
                .as_ref()
                .and_then(member)
                .and_then(|word| word.parse().ok());
        }
        _ => {}
    }
    Ok(Page { records, facts })
}

/// Appends a record as a line of a raw file: redacted, and with the member `_extract`.
pub fn write_line(
    out: &mut Vec<u8>,
    record: &str,
    redactor: &Redactor,
    at: Timestamp,
    parent: Option<&str>,
) {
    let redacted = redact(record, redactor);
    let start = out.len();
    let mut extract = format!("\"_extract\":{{\"at\":\"{at:.6}\"");
    if let Some(parent) = parent {
        extract += ",\"parent\":";
        extract += parent;
    }
    extract += "}}";
    match redacted.trim_end().strip_suffix('}') {
        Some(members) if redacted.starts_with('{') => {
            out.extend_from_slice(members.trim_end().as_bytes());
            if !members.trim_end().ends_with('{') {
                out.push(b',');
            }
        }
        // Not an object: kept all the same, for whoever looks at the reject that it becomes.
        _ => {
            out.extend_from_slice(b"{\"_record\":");
            out.extend_from_slice(redacted.as_bytes());
            out.push(b',');
        }
    }
    out.extend_from_slice(extract.as_bytes());
    // Between the tokens of JSON a line break is a space; inside a string there is none.
    for byte in &mut out[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    out.push(b'\n');
}

/// The values at a path, as text of JSON; nothing if the path leads nowhere or an `[]` meets what is no list.
pub fn select<'a>(json: &'a str, steps: &[Step]) -> Option<Vec<&'a str>> {
    let Some((step, rest)) = steps.split_first() else {
        return Some(vec![json.trim()]);
    };
    match step {
        Step::Member(name) => select(member(json, name)?, rest),
        Step::Each => {
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
    let value = select(json, &path.steps)?.into_iter().next()?;
    match value.as_bytes().first()? {
        b'"' => sonic_rs::from_str(value).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(value.to_owned()),
    }
}

/// A path as people write it.
pub fn show(path: &FieldPath) -> String {
    let mut text = String::new();
    for step in &path.steps {
        match step {
            Step::Member(name) => {
                text.push('.');
                text += name;
            }
            Step::Each if text.is_empty() => text += ".[]",
            Step::Each => text += "[]",
        }
    }
    if text.is_empty() { ".".into() } else { text }
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

fn redact<'a>(record: &'a str, redactor: &Redactor) -> Cow<'a, str> {
    let mut changes: Vec<(usize, usize, String)> = Vec::new();
    for rule in redactor.rules {
        for value in select(record, &rule.path.steps).unwrap_or_default() {
            let text: String = match value.as_bytes().first() {
                None | Some(b'n') => continue,
                Some(b'"') => sonic_rs::from_str(value).unwrap_or_default(),
                Some(b'{' | b'[') if is_empty_collection(value) => continue,
                Some(_) => value.to_owned(),
            };
            let concerns = rule
                .matching
                .as_ref()
                .is_none_or(|pattern| pattern.is_match(&text));
            if text.is_empty() || !concerns {
                continue;
            }
            // `value` is a stretch of `record`, so the difference of addresses is its place.
            let start = value.as_ptr() as usize - record.as_ptr() as usize;
            changes.push((
                start,
                start + value.len(),
                kept(&text, rule.keep, &redactor.key),
            ));
        }
    }
    if changes.is_empty() {
        return Cow::Borrowed(record);
    }
    changes.sort();
    let mut text = String::with_capacity(record.len());
    let mut end = 0;
    for (from, to, replacement) in changes {
        if from < end {
            continue;
        }
        text += &record[end..from];
        text += &serde_json::Value::String(replacement).to_string();
        end = to;
    }
    text += &record[end..];
    Cow::Owned(text)
}

fn is_empty_collection(json: &str) -> bool {
    json.get(1..json.len() - 1)
        .is_some_and(|inside| inside.trim().is_empty())
}

fn kept(text: &str, keep: Keep, key: &[u8; 32]) -> String {
    match keep {
        Keep::Presence => "(redacted)".to_owned(),
        Keep::Origin => match reqwest::Url::parse(text) {
            Ok(url) if url.host_str().is_some() => {
                format!(
                    "{}://{}/(redacted)",
                    url.scheme(),
                    url.host_str().unwrap_or_default()
                )
            }
            _ => "(redacted)".to_owned(),
        },
        Keep::Hash => {
            // HMAC takes keys of any length.
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
                return "(redacted)".to_owned();
            };
            mac.update(text.as_bytes());
            let digest = mac.finalize().into_bytes();
            let hex: String = digest[..12]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            format!("hash:{hex}")
        }
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
mod tests {
    use super::*;

    fn path(text: &str) -> FieldPath {
        let mut steps = Vec::new();
        for part in text.split('.').filter(|part| !part.is_empty()) {
            let name = part.trim_end_matches("[]");
            if !name.is_empty() {
                steps.push(Step::Member(name.to_owned()));
            }
            if part.ends_with("[]") {
                steps.push(Step::Each);
            }
        }
        FieldPath { steps }
    }

    fn rule(at: &str, matching: Option<&str>, keep: Keep) -> Redaction {
        Redaction {
            path: path(at),
            matching: matching.map(|pattern| regex_lite::Regex::new(pattern).unwrap()),
            keep,
        }
    }

    fn line(record: &str, rules: &[Redaction], parent: Option<&str>) -> String {
        let mut out = Vec::new();
        let redactor = Redactor {
            rules,
            key: [7; 32],
        };
        let at = Timestamp::from_microsecond(1).unwrap();
        write_line(&mut out, record, &redactor, at, parent);
        String::from_utf8(out).unwrap()
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

    #[test]
    fn a_record_stays_as_it_came_on_one_line() {
        assert_eq!(
            line(
                "{ \"id\":1.50,\n \"t\":\"a\\nb\" }",
                &[],
                Some(r#"{"r":"x"}"#)
            ),
            "{ \"id\":1.50,  \"t\":\"a\\nb\",\"_extract\":{\"at\":\"1970-01-01T00:00:00.000001Z\",\"parent\":{\"r\":\"x\"}}}\n"
        );
        assert!(line("{}", &[], None).starts_with("{\"_extract\""));
        assert!(line("[1]", &[], None).starts_with("{\"_record\":[1],\"_extract\""));
    }

    #[test]
    fn what_is_redacted_is_gone_and_the_rest_is_not() {
        let rules = [
            rule(
                ".contacts[].address",
                Some(r"^\+?[0-9 ()-]{5,}$"),
                Keep::Hash,
            ),
            rule(".secret", None, Keep::Presence),
            rule(".url", None, Keep::Origin),
        ];
        let record = r#"{"contacts":[{"address":"+1 555 0100"},{"address":"a@b.example"},{"address":"+1 555 0100"}],"secret":"s3","url":"https://u:p@hooks.example:8443/T/x?k=v","empty":""}"#;
        let text = line(record, &rules, None);
        for gone in ["555", "s3", "u:p", "/T/x", "k=v"] {
            assert!(!text.contains(gone), "{gone} in {text}");
        }
        assert!(text.contains("a@b.example") && text.contains("https://hooks.example/(redacted)"));
        assert_eq!(text.matches("\"hash:").count(), 2);
        let hashes: Vec<_> = text
            .split("\"hash:")
            .skip(1)
            .map(|rest| &rest[..24])
            .collect();
        assert_eq!(hashes[0], hashes[1]);
        let untouched = r#"{"secret":null,"url":"","contacts":[]}"#;
        assert!(line(untouched, &rules, None).starts_with(&untouched[..untouched.len() - 1]));
    }

    #[test]
    fn objects_and_lists_are_redacted_whole() {
        let rules = [
            rule(".config", None, Keep::Presence),
            rule(".config.secret", None, Keep::Hash),
            rule(".tokens", None, Keep::Hash),
            rule(".on", None, Keep::Presence),
        ];
        let record = r#"{"config":{"secret":"s3","n":[1]},"tokens":["s4"],"on":true,"id":1}"#;
        let text = line(record, &rules, None);
        assert!(
            text.starts_with(r#"{"config":"(redacted)","tokens":"hash:"#),
            "{text}"
        );
        assert!(!text.contains("s3") && !text.contains("s4"), "{text}");
        assert!(text.contains(r#""on":"(redacted)","id":1"#), "{text}");
        let empty = r#"{"config":{ },"tokens":[]}"#;
        assert!(line(empty, &rules, None).starts_with(&empty[..empty.len() - 1]));
    }
}
