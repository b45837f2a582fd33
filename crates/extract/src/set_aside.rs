//! Takes an answer's unsound records out, so that each costs itself and not the page.
//!
//! The answer is gone through by its brackets and quotes, so that the ends of a record are found whatever is in it. What
//! is unsound is replaced by an object that says so, `{"_unreadable": {"reason": …}}`: it goes into the raw file, and is a
//! reject when that is loaded.

use std::ops::Range;

use definitions::extractor::PathStep;
use raw::sound;

/// An answer all of whose records are sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// Its text.
    pub body: Vec<u8>,
    /// How many of its records could not be read.
    pub unreadable: u64,
    /// How many halves of surrogate pairs were replaced.
    pub mended: u64,
}

/// Checks an answer whose records are at the path `steps`; `name` is what messages call it. Nothing comes back if it is
/// no JSON even apart from its records.
pub fn set_aside(mut body: Vec<u8>, steps: &[PathStep], name: &str) -> Option<Sound> {
    if let Some(text) = body.strip_prefix(b"\xEF\xBB\xBF") {
        body = text.to_vec();
    }
    let mended = sound::mend(&mut body).len() as u64;
    if std::str::from_utf8(&body).is_ok_and(sound::is_json) {
        return Some(Sound {
            body,
            unreadable: 0,
            mended,
        });
    }
    let mut records = Vec::new();
    find(&body, 0..body.len(), steps, &mut records)?;
    let frame = replaced(&body, records.iter().map(|span| (span, "0".to_owned())));
    let frame = String::from_utf8(frame).ok()?;
    sound::parse(frame.as_bytes()).ok()?;
    let mut unsound = Vec::new();
    for (index, span) in records.iter().enumerate() {
        // Its length is for whoever loads it to judge: the record itself is kept.
        let record = &body[span.clone()];
        let checked = match std::str::from_utf8(record) {
            Ok(_) => sound::parse(record).map(drop),
            Err(_) => sound::fits(record),
        };
        if let Err(reason) = checked {
            let place = format!("record {} of the answer to `{name}`", index + 1);
            let reason = serde_json::Value::String(format!("{place} cannot be read: {reason}"));
            unsound.push((span, format!("{{\"_unreadable\":{{\"reason\":{reason}}}}}")));
        }
    }
    let unreadable = unsound.len() as u64;
    if unreadable > 0 {
        body = replaced(&body, unsound.into_iter());
    }
    Some(Sound {
        body,
        unreadable,
        mended,
    })
}

fn replaced<'s>(body: &[u8], parts: impl Iterator<Item = (&'s Range<usize>, String)>) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut end = 0;
    for (span, text) in parts {
        out.extend_from_slice(&body[end..span.start]);
        out.extend_from_slice(text.as_bytes());
        end = span.end;
    }
    out.extend_from_slice(&body[end..]);
    out
}

/// Finds the values at a path within a stretch of JSON; nothing if the path leads nowhere.
fn find(
    body: &[u8],
    within: Range<usize>,
    steps: &[PathStep],
    found: &mut Vec<Range<usize>>,
) -> Option<()> {
    let Some((step, rest)) = steps.split_first() else {
        let value = &body[within.clone()];
        let start = within.start + (value.len() - value.trim_ascii_start().len());
        found.push(start..start + value.trim_ascii().len());
        return Some(());
    };
    let mut scanner = Scanner {
        body,
        at: within.start,
    };
    match step {
        PathStep::Member(name) => {
            scanner.takes(b'{')?;
            loop {
                let key = scanner.value()?;
                scanner.takes(b':')?;
                let value = scanner.value()?;
                let key: Option<String> = sonic_rs::from_slice(&body[key]).ok();
                if key.as_ref() == Some(name) {
                    return find(body, value, rest, found);
                }
                scanner.takes(b',')?;
            }
        }
        PathStep::Each => {
            scanner.takes(b'[')?;
            if scanner.takes(b']').is_some() {
                return Some(());
            }
            loop {
                let value = scanner.value()?;
                find(body, value, rest, found)?;
                if scanner.takes(b']').is_some() {
                    return Some(());
                }
                scanner.takes(b',')?;
            }
        }
    }
}

/// Goes through JSON, looking only at its brackets and quotes.
struct Scanner<'a> {
    body: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.body[self.at..];
        self.at += rest.len() - rest.trim_ascii_start().len();
        self.body.get(self.at).copied()
    }

    fn takes(&mut self, wanted: u8) -> Option<()> {
        let found = self.peek()? == wanted;
        self.at += usize::from(found);
        found.then_some(())
    }

    /// Where the next value is.
    fn value(&mut self) -> Option<Range<usize>> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'"' => self.string()?,
            b'{' | b'[' => self.nested()?,
            _ => {
                let ends = |byte: &u8| {
                    matches!(byte, b',' | b']' | b'}' | b':') || byte.is_ascii_whitespace()
                };
                let rest = &self.body[start..];
                self.at += rest.iter().position(ends)?;
            }
        }
        (self.at > start).then_some(start..self.at)
    }

    fn nested(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match *self.body.get(self.at)? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match *self.body.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use definitions::extractor::FieldPath;
    use proptest::prelude::*;

    use super::*;

    fn read(body: &[u8], path: &str) -> Option<(String, u64, u64)> {
        let path = FieldPath::parse(path).unwrap();
        let sound = set_aside(body.to_vec(), &path.steps, "/items")?;
        Some((
            String::from_utf8(sound.body).unwrap(),
            sound.unreadable,
            sound.mended,
        ))
    }

    #[test]
    fn a_bad_record_costs_itself() {
        for bad in [
            b"{\"id\":2,\"a\":NaN}".as_slice(),
            b"{\"id\":2,\"a\":\"\xFF\"}",
            b"{\"id\":2,\"a\":}",
            b"{\"id\":2 \"a\":[1,]}",
            b"Infinity",
            b"{\"id\":02}",
            b"{\"id\":\"\x01\"}",
        ] {
            let body = [
                b"{\"items\": [{\"id\":1}, ".as_slice(),
                bad,
                b",{\"id\":3}], \"more\":false}",
            ]
            .concat();
            let (text, unreadable, _) = read(&body, ".items[]").unwrap();
            assert_eq!(unreadable, 1, "{text}");
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(
                (&value["items"][0]["id"], &value["items"][2]["id"]),
                (&1.into(), &3.into())
            );
            let reason = value["items"][1]["_unreadable"]["reason"].as_str().unwrap();
            assert!(
                reason.starts_with("record 2 of the answer to `/items` cannot be read: "),
                "{reason}"
            );
        }
    }

    #[test]
    fn marks_and_lone_surrogates_cost_nothing() {
        let (text, unreadable, mended) =
            read("\u{feff}[{\"id\":\"a\\ud83d\"}]".as_bytes(), ".[]").unwrap();
        assert_eq!(
            (text.as_str(), unreadable, mended),
            (r#"[{"id":"a\ufffd"}]"#, 0, 1)
        );
    }

    #[test]
    fn what_is_no_json_apart_from_its_records_is_none() {
        for body in [
            "<html>",
            "{\"items\":[{\"id\":1}",
            "{\"items\":[{\"id\":1}]",
            "{\"items\":[1]} x",
            "{\"items\":[1,]}",
            "{\"items\":[{\"id\":1]}",
            "{\"total\":NaN,\"items\":[]}",
            "{\"items\":[1 2]}",
            "",
            "[",
        ] {
            assert_eq!(read(body.as_bytes(), ".items[]"), None, "{body}");
        }
        assert_eq!(read(b"{\"items\":[{}],\"x\":\"\xFF\"}", ".items[]"), None);
        // Without records there it is still JSON.
        assert!(read(b"{\"errors\":[]}", ".items[]").is_some());
        assert_eq!(read(b"{\"item\": {\"id\":NaN} }", ".item").unwrap().1, 1);
        let deep = format!("{{\"items\":[{}]}}", "[".repeat(127) + &"]".repeat(127));
        assert_eq!(read(deep.as_bytes(), ".items[]").unwrap().1, 0);
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in prop::collection::vec(prop_oneof![
            Just(b'{'), Just(b'}'), Just(b'['), Just(b']'), Just(b'"'), Just(b'\\'), Just(b','), Just(b':'), Just(b'1'),
            Just(b'a'), Just(b' '), any::<u8>(),
        ], 0..60)) {
            let _ = read(&body, ".a[]");
            let _ = read(&body, ".[]");
        }

        #[test]
        fn what_is_sound_stays_as_it_is(ids in prop::collection::vec(".{0,8}", 0..5)) {
            let items: Vec<_> = ids.iter().map(|id| serde_json::json!({"id": id, "in": [{"x": id}]})).collect();
            let body = serde_json::json!({"before": ids, "items": items, "after": {"items": 1}}).to_string();
            prop_assert_eq!(read(body.as_bytes(), ".items[]"), Some((body, 0, 0)));
        }
    }
}
