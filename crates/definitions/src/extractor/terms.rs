//! The small parts of an extractor file: paths, templates, durations, numbers, and words from a list.

use std::time::Duration;

use diagnostics::{Diagnostic, nearest};
use yaml::{Node, Value};

use super::{FieldPath, Part, PathStep, Template};
use crate::Word;
use crate::reader::{Reader, first_line};

impl FieldPath {
    /// Reads `.a.b[].c`; `.` is the value itself. The error says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected =
            || "expected members and lists, such as `.items[]` or `.page.total`".to_owned();
        let mut steps = Vec::new();
        let rest = text.trim().strip_prefix('.').ok_or_else(expected)?;
        if rest.is_empty() {
            return Ok(Self { steps });
        }
        for part in rest.split('.') {
            let name = part.trim_end_matches("[]");
            let lists = (part.len() - name.len()) / 2;
            let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
            if !name.chars().all(plain) || (name.is_empty() && (lists == 0 || !steps.is_empty())) {
                return Err(expected());
            }
            if !name.is_empty() {
                steps.push(PathStep::Member(name.to_owned()));
            }
            steps.extend((0..lists).map(|_| PathStep::Each));
        }
        Ok(Self { steps })
    }
}

impl Template {
    /// Reads a text with `${SETTING}`, `{value}` and `{+value}` in it. The error says what was expected.
    pub fn parse(word: &Word) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = word.text.as_str();
        while let Some(start) = rest.find('{') {
            let (before, from) = rest.split_at(start);
            let end = from.find('}').ok_or("expected `}` behind it")?;
            let inner = &from[1..end];
            let (before, name, part): (&str, &str, fn(String) -> Part) =
                match (before.strip_suffix('$'), inner.strip_prefix('+')) {
                    (Some(before), _) => (before, inner, Part::Setting),
                    (None, Some(name)) => (before, name, Part::ValueWithSlashes),
                    (None, None) => (before, inner, Part::Value),
                };
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err("expected `${SETTING}`, `{value}` or `{+value}`".to_owned());
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(part(name.to_owned()));
            rest = &from[end + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self {
            parts,
            word: word.clone(),
        })
    }
}

/// A duration in jiff's friendly form, or ISO 8601; a day is 24 hours.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let span: jiff::Span = text.parse().ok()?;
    let exact = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .ok()?;
    Duration::try_from(exact).ok()
}

impl Reader<'_> {
    pub(super) fn template(&mut self, node: &Node) -> Option<Template> {
        let word = self.word(node, "a text")?;
        match Template::parse(&word) {
            Ok(template) => Some(template),
            Err(expected) => {
                self.fault(node, "a place to fill is not written well", &expected);
                None
            }
        }
    }

    pub(super) fn field_path(&mut self, node: &Node) -> Option<FieldPath> {
        let word = self.word(node, "a path such as `.items[]`")?;
        match FieldPath::parse(&word.text) {
            Ok(path) => Some(path),
            Err(expected) => {
                self.fault(node, &format!("`{}` is not a path", word.text), &expected);
                None
            }
        }
    }

    /// A duration, 0 as well.
    pub(super) fn duration(&mut self, node: &Node) -> Option<Duration> {
        let expected = "a duration such as `30 seconds` or `1 day`";
        let word = self.word(node, expected)?;
        let span = duration(&word.text);
        if span.is_none() {
            self.unexpected(node, expected);
        }
        span
    }

    /// A duration longer than 0.
    pub(super) fn some_time(&mut self, node: &Node) -> Option<Duration> {
        let span = self.duration(node)?;
        if span.is_zero() {
            self.unexpected(node, "a duration longer than 0");
            return None;
        }
        Some(span)
    }

    /// A whole number, not below `least`.
    pub(super) fn number(&mut self, node: &Node, least: u64) -> Option<u64> {
        let number = match &node.value {
            Value::Number(text) => text.parse().ok().filter(|number| *number >= least),
            _ => None,
        };
        if number.is_none() {
            self.unexpected(node, &format!("a whole number, {least} or more"));
        }
        number
    }

    pub(super) fn truth(&mut self, node: &Node) -> bool {
        match node.value {
            Value::Bool(value) => value,
            _ => {
                self.unexpected(node, "`true` or `false`");
                false
            }
        }
    }

    pub(super) fn text(&mut self, node: &Node, expected: &str) -> Option<String> {
        self.word(node, expected).map(|word| word.text)
    }

    /// One of several words, and what it stands for.
    pub(super) fn choice<T: Copy>(&mut self, node: &Node, choices: &[(&str, T)]) -> Option<T> {
        let names: Vec<String> = choices
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let expected = format!("one of {}", names.join(", "));
        let word = self.word(node, &expected)?;
        if let Some((_, meaning)) = choices.iter().find(|(name, _)| *name == word.text) {
            return Some(*meaning);
        }
        let mut fault = Diagnostic::error(
            "definition-unexpected",
            format!("`{}` does not belong here", word.text),
        )
        .at(
            self.source,
            first_line(self.source, node),
            format!("expected {expected}"),
        );
        if let Some(near) = nearest(&word.text, choices.iter().map(|(name, _)| *name)) {
            fault = fault.hint(format!("did you mean `{near}`?"));
        }
        self.faults.push(fault);
        None
    }

    /// Reports the keys that are not there.
    pub(super) fn needed(
        &mut self,
        node: &Node,
        members: &[(Word, &Node)],
        needed: &[(&str, &str)],
    ) {
        for (key, meaning) in needed {
            if !members.iter().any(|(name, _)| name.text == *key) {
                self.missing(node, key, meaning);
            }
        }
    }

    pub(super) fn fault(&mut self, node: &Node, message: &str, expected: &str) {
        self.faults
            .push(Diagnostic::error("extractor-text", message.to_owned()).at(
                self.source,
                first_line(self.source, node),
                expected.to_owned(),
            ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Result<Vec<Part>, String> {
        let word = Word {
            text: text.to_owned(),
            span: 0..text.len(),
        };
        Template::parse(&word).map(|template| template.parts)
    }

    #[test]
    fn paths_are_members_and_lists() {
        let member = |name: &str| PathStep::Member(name.to_owned());
        let cases = [
            (".", vec![]),
            (".[]", vec![PathStep::Each]),
            (".items[]", vec![member("items"), PathStep::Each]),
            (
                ".a.b-c[][].d_1",
                vec![
                    member("a"),
                    member("b-c"),
                    PathStep::Each,
                    PathStep::Each,
                    member("d_1"),
                ],
            ),
            (" .id ", vec![member("id")]),
        ];
        for (text, steps) in cases {
            assert_eq!(FieldPath::parse(text).unwrap().steps, steps, "{text}");
        }
        for text in [
            "", "id", "..", ".a.", ".a..b", ".a[0]", ".a[].[]", ".a | .b", ".a?", ".a b",
        ] {
            assert!(FieldPath::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn templates_are_text_settings_and_values() {
        let text = |text: &str| Part::Text(text.to_owned());
        assert_eq!(template("/a/b").unwrap(), [text("/a/b")]);
        assert_eq!(template("").unwrap(), []);
        assert_eq!(
            template("Token token=${A_1}!").unwrap(),
            [
                text("Token token="),
                Part::Setting("A_1".to_owned()),
                text("!")
            ]
        );
        assert_eq!(
            template("/r/{+full_name}/{id}").unwrap(),
            [
                text("/r/"),
                Part::ValueWithSlashes("full_name".to_owned()),
                text("/"),
                Part::Value("id".to_owned())
            ]
        );
        for faulty in ["/{", "/{}", "${}", "${+A}", "{++a}", "{a b}", "{a{b}}"] {
            assert!(template(faulty).is_err(), "{faulty}");
        }
    }

    #[test]
    fn a_day_has_24_hours() {
        let seconds = |text: &str| duration(text).map(|span| span.as_secs());
        assert_eq!(seconds("179 days"), Some(179 * 86_400));
        assert_eq!(seconds("1 week"), Some(7 * 86_400));
        assert_eq!(seconds("1 hour 30 minutes"), Some(5_400));
        assert_eq!(seconds("PT30S"), Some(30));
        assert_eq!(seconds("0 seconds"), Some(0));
        for faulty in [
            "",
            "30",
            "a while",
            "-5 seconds",
            "5 seconds ago",
            "6 months",
            "1 year",
        ] {
            assert_eq!(seconds(faulty), None, "{faulty}");
        }
    }
}
