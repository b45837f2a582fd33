//! Records as lines of a raw file.
//!
//! A record stays as the source wrote it. What is not to be kept is replaced in its text; nothing else of it changes but
//! line breaks, so that it is one line.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use definitions::extractor::{Keep, Redaction};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::page::select;
use crate::state::Values;

/// The records of an answer.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The answer.
    pub body: Arc<Vec<u8>>,
    /// Where its records are in it.
    pub records: Vec<Range<usize>>,
    /// When it came.
    pub at: Timestamp,
    /// The values of their parent.
    pub parent: Option<Values>,
}

/// Replaces what is not to be kept.
#[derive(Debug, Clone)]
pub struct Redactor {
    rules: Vec<Redaction>,
    /// Keyed already.
    hash: Option<Hmac<Sha256>>,
}

impl Fetched {
    /// Appends the lines of all records: redacted, and with the member `_extract`.
    pub fn add_lines(&self, lines: &mut Vec<u8>, redactor: &Redactor) {
        let mut extract = format!("\"_extract\":{{\"at\":\"{:.6}\"", self.at);
        if let Some(parent) = &self.parent {
            extract += ",\"parent\":";
            extract += &json_of(parent);
        }
        extract.push('}');
        let text = std::str::from_utf8(&self.body).unwrap_or_default();
        lines.reserve(text.len() + self.records.len() * (extract.len() + 2));
        for record in self
            .records
            .iter()
            .filter_map(|span| text.get(span.clone()))
        {
            write_line(lines, record, redactor, &extract);
        }
    }
}

impl Redactor {
    /// Replaces by these rules. The key is the project's own, so that nobody can tell a telephone number from its hash by
    /// trying all of them.
    pub fn new(rules: &[Redaction], key: &[u8; 32]) -> Self {
        Self {
            rules: rules.to_vec(),
            // HMAC takes keys of any length.
            hash: Hmac::new_from_slice(key).ok(),
        }
    }

    fn redact<'a>(&self, record: &'a str) -> Cow<'a, str> {
        let mut changes: Vec<(usize, usize, String)> = Vec::new();
        for rule in &self.rules {
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
                changes.push((start, start + value.len(), self.kept(&text, rule.keep)));
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

    /// What is kept of a text.
    fn kept(&self, text: &str, keep: Keep) -> String {
        match (keep, &self.hash) {
            (Keep::Presence, _) | (Keep::Hash, None) => "(redacted)".to_owned(),
            (Keep::Origin, _) => match reqwest::Url::parse(text) {
                Ok(url) if url.host_str().is_some() => {
                    format!(
                        "{}://{}/(redacted)",
                        url.scheme(),
                        url.host_str().unwrap_or_default()
                    )
                }
                _ => "(redacted)".to_owned(),
            },
            (Keep::Hash, Some(hash)) => {
                let mut hash = hash.clone();
                hash.update(text.as_bytes());
                let digest = hash.finalize().into_bytes();
                let digits = digest[..12].iter().flat_map(|byte| [byte >> 4, byte & 15]);
                let hex = digits.filter_map(|digit| char::from_digit(u32::from(digit), 16));
                format!("hash:{}", hex.collect::<String>())
            }
        }
    }
}

/// Values as a JSON object; they were scalars in the parent's record, and are kept as text.
fn json_of(values: &Values) -> String {
    let members = values
        .iter()
        .map(|(name, value)| (name.clone(), serde_json::Value::String(value.clone())));
    serde_json::Value::Object(members.collect()).to_string()
}

/// Appends a record as a line of a raw file; `extract` is the member that is added.
fn write_line(out: &mut Vec<u8>, record: &str, redactor: &Redactor, extract: &str) {
    let redacted = redactor.redact(record);
    let start = out.len();
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
    // Between the tokens of JSON a line break is a space; inside a string there is none. Every byte is written, so that
    // many go at a time.
    for byte in &mut out[start..] {
        *byte = if matches!(*byte, b'\n' | b'\r') {
            b' '
        } else {
            *byte
        };
    }
    out.extend_from_slice(b"}\n");
}

fn is_empty_collection(json: &str) -> bool {
    json.get(1..json.len() - 1)
        .is_some_and(|inside| inside.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::path;

    fn rule(at: &str, matching: Option<&str>, keep: Keep) -> Redaction {
        Redaction {
            path: path(at),
            matching: matching.map(|pattern| regex_lite::Regex::new(pattern).unwrap()),
            keep,
        }
    }

    fn line(record: &str, rules: &[Redaction], parent: Option<&str>) -> String {
        let fetched = Fetched {
            body: Arc::new(record.as_bytes().to_vec()),
            records: std::iter::once(0..record.len()).collect(),
            at: Timestamp::from_microsecond(1).unwrap(),
            parent: parent.map(|value| vec![("r".to_owned(), value.to_owned())]),
        };
        let mut lines = Vec::new();
        fetched.add_lines(&mut lines, &Redactor::new(rules, &[7; 32]));
        String::from_utf8(lines).unwrap()
    }

    #[test]
    fn a_record_stays_as_it_came_on_one_line() {
        assert_eq!(
            line("{ \"id\":1.50,\n \"t\":\"a\\nb\" }", &[], Some("x")),
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
