//! What went wrong, where, what was expected, and what to type next.
//!
//! One type, [`Diagnostic`], for every fault that a person is to read, and its two renderings: text with the
//! offending line and a caret, and JSON for machines. Nothing here prints, and nothing here knows what a mapper
//! or a query is: the rooms that find faults build diagnostics, and the command line shows them.

mod words;

pub use words::{count, counted};

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// A text that people wrote, with the name under which they know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file as a person would name it, relative to the project folder where it lies in there.
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// The line (from 1) and column (from 1, in characters) of a byte offset. Offsets past the end count as the end.
    pub fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        )
    }

    /// The byte offset of a line (from 1) and a column (from 1, in characters); the end of the text if there is no
    /// such place.
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let mut start = 0;
        for _ in 1..line {
            match self.text[start..].find('\n') {
                Some(at) => start += at + 1,
                None => return self.text.len(),
            }
        }
        self.text[start..]
            .char_indices()
            .nth(column.saturating_sub(1))
            .map_or(self.text.len(), |(at, _)| start + at)
    }
}

/// A stretch of a source, in bytes, and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The text that the stretch is in.
    pub source: Arc<Source>,
    /// The stretch, in bytes.
    pub span: Range<usize>,
    /// What was expected there; may be empty.
    pub text: String,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is lost.
    Warning,
    /// Something could not be done.
    Error,
}

/// One fault: what is wrong, where, and a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable name in kebab-case, such as `mapper-unknown-column`.
    pub code: &'static str,
    /// What is wrong, in one line: lower-case start, no full stop, names in backticks.
    pub message: String,
    /// Where, in texts whose lines can be shown.
    pub labels: Vec<Label>,
    /// Where, in data that is not shown: `path:line`.
    pub place: Option<String>,
    /// What else helps to understand it.
    pub notes: Vec<String>,
    /// What to do, as something that can be typed or changed.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error with a code and a message.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A warning with a code and a message.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// Points at a stretch of a source.
    pub fn at(
        mut self,
        source: &Arc<Source>,
        span: Range<usize>,
        expected: impl Into<String>,
    ) -> Self {
        let source = Arc::clone(source);
        self.labels.push(Label {
            source,
            span,
            text: expected.into(),
        });
        self
    }

    /// Names a place in data: `path:line`, or only a path.
    pub fn in_data(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Adds a note.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The text that a person reads, several lines, without a newline at the end.
    pub fn render(&self, colour: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let (message, notes) = (
            visible(&self.message),
            self.notes.iter().map(|note| visible(note)),
        );
        let notes: Vec<_> = notes.collect();
        let mut group = level.primary_title(&*message).id(self.code).elements(
            self.labels
                .iter()
                .map(|label| snippet(label, AnnotationKind::Primary)),
        );
        let mut tail = String::new();
        if let Some(place) = &self.place {
            tail += &format!("\n  --> {}", visible(place));
        }
        for note in &notes {
            group = group.element(Level::NOTE.message(&**note));
        }
        if let Some(hint) = &self.hint {
            tail += &format!("\nhint: {}", visible(hint));
        }
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        renderer.render(&[group]) + &tail
    }

    /// The same as one JSON object, for `--message-format json`.
    pub fn to_json(&self) -> serde_json::Value {
        let places: Vec<_> = self
            .labels
            .iter()
            .map(|label| {
                let (line, column) = label.source.line_and_column(label.span.start);
                serde_json::json!({
                    "path": label.source.path, "line": line, "column": column, "expected": label.text,
                })
            })
            .collect();
        serde_json::json!({
            "kind": "diagnostic", "severity": self.severity, "code": self.code, "message": self.message,
            "places": places, "place": self.place, "notes": self.notes, "hint": self.hint,
        })
    }

    fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            message: message.into(),
            labels: Vec::new(),
            place: None,
            notes: Vec::new(),
            hint: None,
        }
    }
}

/// Text as it can be shown on a terminal: what would move the cursor, colour, turn the direction of writing or not be seen
/// at all is written as `\u{1b}`. Line breaks and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    replaced(text, |letter, shown| shown.extend(letter.escape_unicode()))
}

/// The same for a text whose places are counted in bytes: each hidden letter becomes one that is seen and as long. Those
/// of one byte are shown by the renderer.
fn visible_in_place(text: &str) -> Cow<'_, str> {
    replaced(text, |letter, shown| {
        shown.push(match letter.len_utf8() {
            1 => letter,
            2 => '·',
            3 => char::REPLACEMENT_CHARACTER,
            _ => '\u{1f6ab}',
        });
    })
}

fn replaced(text: &str, show: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match is_hidden(letter) {
            true => show(letter, &mut shown),
            false => shown.push(letter),
        }
    }
    Cow::Owned(shown)
}

fn is_hidden(letter: char) -> bool {
    match letter {
        '\n' | '\t' => false,
        // Soft hyphen, no-break space, marks of joining and of direction, invisible operators, byte order mark, tags.
        '\u{ad}' | '\u{a0}' | '\u{61c}' | '\u{180e}' | '\u{feff}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}'..='\u{206f}' => true,
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        other => other.is_control(),
    }
}

/// The known name that a misspelt one most likely meant: at most a third of its letters differ.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_within(name, known, |candidate| candidate.max(3) / 3)
}

/// The same; `most` says how many letters may differ in a name of so many.
pub fn nearest_within<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    most: impl Fn(usize) -> usize,
) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let length = wanted.chars().count();
    let distance = |candidate: &str| {
        let most = most(candidate.chars().count());
        let candidate = candidate.to_lowercase();
        // The difference of their lengths differs at least, and costs nothing to find.
        let at_least = candidate.chars().count().abs_diff(length);
        (at_least <= most)
            .then(|| strsim::damerau_levenshtein(&wanted, &candidate))
            .filter(|distance| *distance <= most)
    };
    let near = known
        .into_iter()
        .filter_map(|candidate| Some((distance(candidate)?, candidate)));
    near.min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn snippet(label: &Label, kind: AnnotationKind) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    let length = label.source.text.len();
    let start = label.span.start.min(length);
    let span = start..label.span.end.clamp(start, length);
    let annotation = kind.span(span);
    let annotation = if label.text.is_empty() {
        annotation
    } else {
        annotation.label(visible(&label.text))
    };
    Snippet::source(visible_in_place(&label.source.text))
        .path(visible(&label.source.path))
        .annotation(annotation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Arc<Source> {
        let text = "tables:\n  Users:\n    colums:\n      id: .id\n".to_owned();
        Arc::new(Source {
            path: "mappers/users.yaml".into(),
            text,
        })
    }

    #[test]
    fn nothing_from_outside_reaches_the_terminal_raw() {
        let raw = "a\u{1b}[31m\u{7}b\r\u{202e}c\u{200b}\u{a0}\u{85}";
        let source = Arc::new(Source {
            path: format!("mappers/{raw}.yaml"),
            text: format!("x: {raw}\n"),
        });
        let fault = Diagnostic::error("x", format!("`{raw}` is not known"))
            .at(&source, 3..4, format!("expected {raw}"))
            .in_data(format!("{raw}.ndjson:1"))
            .note(raw)
            .hint(raw);
        let text = fault.render(false);
        let is_raw = |letter: char| raw.contains(letter) && !"abc[31m".contains(letter);
        assert!(!text.contains(is_raw), "{text:?}");
        assert!(
            text.contains(
                "  --> a\\u{1b}[31m\\u{7}b\\u{d}\\u{202e}c\\u{200b}\\u{a0}\\u{85}.ndjson:1"
            ),
            "{text}"
        );
        assert_eq!(
            visible("Grüße, 東京, two\nlines"),
            "Grüße, 東京, two\nlines"
        );
    }

    #[test]
    fn a_fault_shows_its_line_a_caret_and_a_hint() {
        let source = source();
        let start = source.text.find("colums").unwrap();
        let fault = Diagnostic::error("mapper-unknown-key", "`colums` is not a key of a table")
            .at(&source, start..start + 6, "expected `each`, `columns`")
            .hint("did you mean `columns`?");
        let text = fault.render(false);
        assert!(
            text.contains("error[mapper-unknown-key]: `colums` is not a key of a table"),
            "{text}"
        );
        assert!(text.contains("mappers/users.yaml:3:5"), "{text}");
        assert!(text.contains("^^^^^^ expected `each`, `columns`"), "{text}");
        assert!(text.ends_with("hint: did you mean `columns`?"), "{text}");
        assert_eq!(fault.to_json()["places"][0]["line"], 3);
    }

    #[test]
    fn places_in_data_are_named() {
        let text = Diagnostic::warning("w", "odd")
            .in_data("raw_data/x.ndjson:7")
            .render(false);
        assert_eq!(text, "warning[w]: odd\n  --> raw_data/x.ndjson:7");
    }

    #[test]
    fn offsets_and_lines_agree() {
        let source = source();
        for at in 0..source.text.len() {
            let (line, column) = source.line_and_column(at);
            assert_eq!(source.offset(line, column), at);
        }
        assert_eq!(source.offset(99, 1), source.text.len());
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(
            nearest("resolved_att", ["created_at", "resolved_at"]),
            Some("resolved_at")
        );
        assert_eq!(nearest("banana", ["created_at", "resolved_at"]), None);
    }
}
