//! What a record must be before anybody asks what it means. Whoever reads JSON from outside, a page or a raw file, is as
//! strict as the other: by what stands here.

use memchr::memmem;
use sonic_rs::Value;

use crate::{MAX_RECORD, not_utf8, too_long};

/// No record may be nested deeper: parsers call themselves for each level.
pub const MAX_DEPTH: usize = 128;

/// Checks a record's length and that it is text; the error says what is wrong. What else may be, [`parse`] finds.
pub fn fits(record: &[u8]) -> Result<(), String> {
    if record.len() > MAX_RECORD {
        Err(too_long())
    } else if std::str::from_utf8(record).is_err() {
        Err(not_utf8())
    } else {
        Ok(())
    }
}

/// Parses JSON; numbers stay as they are written. The error says what is wrong, and where.
pub fn parse(json: &[u8]) -> Result<Value, String> {
    if nested_too_deep(json) {
        return Err(format!("nested deeper than {MAX_DEPTH} levels"));
    }
    let mut parser = sonic_rs::Deserializer::from_slice(json).use_rawnumber();
    let value = parser
        .deserialize::<Value>()
        .and_then(|value| parser.end().map(|()| value));
    value.map_err(|error| {
        // The library draws the place over several lines; its first line says what is wrong. The record stands on
        // one line of its own, as far as it knows.
        let text = error.to_string();
        let text = text
            .lines()
            .next()
            .unwrap_or_default()
            .replace(" at line 1 column ", ", at byte ");
        format!("not sound JSON: {}", in_a_sentence(&text))
    })
}

/// A message as it stands within a sentence: without the capital of its first word, unless that is an abbreviation.
fn in_a_sentence(message: &str) -> String {
    let mut letters = message.chars();
    match (letters.next(), letters.as_str()) {
        (Some(first), rest) if !rest.starts_with(|second: char| second.is_ascii_uppercase()) => {
            format!("{}{rest}", first.to_ascii_lowercase())
        }
        _ => message.to_owned(),
    }
}

/// Whether a text is JSON, without keeping what it says. As strict as [`parse`], but for the depth, which a text of many
/// records says little about, and for halves of surrogate pairs, which [`mend`] takes out.
pub fn is_json(text: &str) -> bool {
    sonic_rs::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Replaces each half of a surrogate pair that stands alone, such as `\ud83d`, by `\ufffd`: no text has one, but sources
/// that cut texts by UTF-16 make them (RFC 8259, section 8.2). Says where each begins; lengths do not change.
pub fn mend(json: &mut [u8]) -> Vec<usize> {
    let mut lone = Vec::new();
    let mut skip_until = 0;
    for at in memmem::find_iter(json, b"\\u") {
        if at < skip_until || !is_escape(json, at) {
            continue;
        }
        match (unit(json, at), unit(json, at + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => skip_until = at + 12,
            (Some(0xD800..=0xDFFF), _) => lone.push(at),
            _ => {}
        }
    }
    for at in &lone {
        json[at + 2..at + 6].copy_from_slice(b"fffd");
    }
    lone
}

/// Whether the backslash here is not escaped itself.
fn is_escape(json: &[u8], at: usize) -> bool {
    let before = json[..at].iter().rev().take_while(|byte| **byte == b'\\');
    before.count().is_multiple_of(2)
}

/// The UTF-16 code unit that an escape here stands for.
fn unit(json: &[u8], at: usize) -> Option<u16> {
    let escape = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
    if !escape.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(escape).ok()?, 16).ok()
}

/// The parser calls itself for each level, so depth is bounded before it starts. Few records have as many brackets
/// as levels are allowed; only those are looked at closely.
fn nested_too_deep(json: &[u8]) -> bool {
    // The two differ in one bit, so one comparison a byte counts both; sums of a byte are taken many at a time.
    let opens = |part: &[u8]| {
        part.iter()
            .map(|byte| u8::from(byte | 0x20 == b'{'))
            .sum::<u8>()
    };
    let parts = json.chunks(usize::from(u8::MAX));
    if parts.map(|part| usize::from(opens(part))).sum::<usize>() <= MAX_DEPTH {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lone_surrogates_are_mended_in_place() {
        for (given, expected) in [
            (r#"{"a":"\ud83d"}"#, r#"{"a":"\ufffd"}"#),
            (r#"{"a":"x\uDE00y"}"#, r#"{"a":"x\ufffdy"}"#),
            (r#"{"a":"\ud83d\ude00"}"#, r#"{"a":"\ud83d\ude00"}"#),
            (
                r#"{"a":"\ud83d\ud83d\ude00\ude00"}"#,
                r#"{"a":"\ufffd\ud83d\ude00\ufffd"}"#,
            ),
            (r#"{"a":"\\ud83d"}"#, r#"{"a":"\\ud83d"}"#),
            (r#"{"a":"\\\ud83d"}"#, r#"{"a":"\\\ufffd"}"#),
            (r#"{"a":"\u00e9\ud83"}"#, r#"{"a":"\u00e9\ud83"}"#),
            (r#"{"a":"\ud83d\n"}"#, r#"{"a":"\ufffd\n"}"#),
        ] {
            let mut json = given.as_bytes().to_vec();
            let mended = mend(&mut json);
            assert_eq!(String::from_utf8(json).unwrap(), expected);
            assert_eq!(mended.is_empty(), given == expected, "{given}");
        }
    }

    #[test]
    fn who_only_looks_is_as_strict_as_who_parses() {
        for text in [
            "{\"a\":02}",
            "\"\\x\"",
            "\"a\u{1}b\"",
            "[1,]",
            "{\"a\":NaN}",
            "[tru]",
            "{\"a\" 1}",
            "\"\\u12\"",
            "[1 2]",
            "{\"a\":1,}",
            "-",
            "1.",
            "1e",
            "{a:1}",
            "{} {}",
            "",
            "[",
            "{\"a\":[1,\"\\ufffd\",null,-1.5e3]}",
            " [] ",
        ] {
            assert_eq!(is_json(text), parse(text.as_bytes()).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_record_is_sound_or_it_is_said_what_is_wrong() {
        let check = |record: &[u8]| fits(record).and_then(|()| parse(record).map(drop));
        assert_eq!(check(br#"{"a":[1,"x",null]}"#), Ok(()));
        let deep = "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1);
        let long = format!("\"{}\"", "x".repeat(MAX_RECORD));
        for (bad, why) in [
            (b"{\"a\":NaN}".as_slice(), "not sound JSON"),
            (b"{\"a\":\"\xFF\"}", "not valid UTF-8"),
            (b"{\"a\":1", "not sound JSON"),
            (b"{} {}", "not sound JSON"),
            (deep.as_bytes(), "nested deeper"),
            (long.as_bytes(), "longer than"),
        ] {
            assert!(check(bad).unwrap_err().contains(why), "{why}");
        }
    }

    proptest! {
        #[test]
        fn who_only_looks_agrees_with_who_parses(text in r#"[\[\]{},:" \\a-eEtrufnl0-9.+-]{0,16}"#) {
            prop_assert_eq!(is_json(&text), parse(text.as_bytes()).is_ok());
        }

        #[test]
        fn what_is_mended_is_sound_and_nothing_else_changes(units in prop::collection::vec(
            prop_oneof![Just(0x41u16), Just(0xD83D), Just(0xDE00), Just(0xE9), any::<u16>()], 0..12,
        )) {
            let escaped: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let mut json = format!("\"{escaped}\"").into_bytes();
            mend(&mut json);
            let text: String = serde_json::from_slice(&json).unwrap();
            prop_assert_eq!(text, String::from_utf16_lossy(&units));
        }
    }
}
