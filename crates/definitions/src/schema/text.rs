//! The text of a schema: which comment belongs to which line, and where statements begin and end.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use diagnostics::Source;
use sqlparser::dialect::SQLiteDialect;
use sqlparser::tokenizer::{Location, Span, Token, Tokenizer, Whitespace};

use super::line_of;

/// A schema's text with its comments by line.
pub(crate) struct Text {
    source: Arc<Source>,
    /// Lines that hold a comment and nothing else.
    standing: BTreeMap<usize, String>,
    /// Comments behind something else on their line.
    trailing: BTreeMap<usize, String>,
    /// Where each statement ends: the byte offset of its semicolon.
    ends: Vec<usize>,
}

impl Text {
    pub(crate) fn new(source: &Arc<Source>) -> Self {
        let mut standing = BTreeMap::new();
        let mut trailing = BTreeMap::new();
        let mut ends = Vec::new();
        let tokens = Tokenizer::new(&SQLiteDialect {}, &source.text)
            .tokenize_with_location()
            .unwrap_or_default();
        let mut last_line_with_code = 0;
        for token in tokens {
            let line = line_of(token.span.start);
            match token.token {
                Token::Whitespace(Whitespace::SingleLineComment { comment, .. }) => {
                    let comment = comment.trim().to_owned();
                    if last_line_with_code == line {
                        trailing.insert(line, comment);
                    } else {
                        standing.insert(line, comment);
                    }
                }
                Token::Whitespace(_) | Token::EOF => {}
                other => {
                    if other == Token::SemiColon {
                        ends.push(offset(source, token.span.start));
                    }
                    last_line_with_code = line_of(token.span.end);
                }
            }
        }
        Self {
            source: Arc::clone(source),
            standing,
            trailing,
            ends,
        }
    }

    pub(super) fn span(&self, span: Span) -> Range<usize> {
        offset(&self.source, span.start)..offset(&self.source, span.end)
    }

    /// The comment lines directly above a line, joined by newlines.
    pub(super) fn comment_above(&self, line: usize) -> String {
        let mut lines: Vec<&str> = (1..line)
            .rev()
            .map_while(|above| self.standing.get(&above))
            .map(String::as_str)
            .collect();
        lines.reverse();
        lines.join("\n").trim().to_owned()
    }

    pub(super) fn comment_of_column(&self, line: usize) -> String {
        let above = self.comment_above(line).replace('\n', " ");
        match self.trailing.get(&line) {
            Some(behind) if above.is_empty() => behind.clone(),
            Some(behind) => format!("{above} {behind}"),
            None => above,
        }
    }

    /// Where the declarations at the beginning of a file end: behind the semicolon of the last statement that creates
    /// something, before the first that does not.
    pub(crate) fn declarations_end(&self) -> usize {
        let mut end_of_last = 0;
        for end in &self.ends {
            let statement = without_comments_above(&self.source.text[end_of_last..*end]);
            let creates = statement
                .get(..6)
                .is_some_and(|word| word.eq_ignore_ascii_case("create"));
            if !creates {
                break;
            }
            end_of_last = end + 1;
        }
        end_of_last
    }

    /// The statement around a place, from its first word to before its semicolon.
    pub(super) fn statement(&self, inside: Location) -> String {
        let inside = offset(&self.source, inside);
        let start = self
            .ends
            .iter()
            .rfind(|end| **end < inside)
            .map_or(0, |end| end + 1);
        let end = self
            .ends
            .iter()
            .find(|end| **end > inside)
            .copied()
            .unwrap_or(self.source.text.len());
        without_comments_above(&self.source.text[start..end]).to_owned()
    }
}

/// A statement without the comments above it, which belong to the documentation.
fn without_comments_above(statement: &str) -> &str {
    let mut skipped = 0;
    for line in statement.split_inclusive('\n') {
        if !line.trim().is_empty() && !line.trim_start().starts_with("--") {
            break;
        }
        skipped += line.len();
    }
    statement[skipped..].trim()
}

fn offset(source: &Source, location: Location) -> usize {
    source.offset(
        line_of(location),
        usize::try_from(location.column).unwrap_or(1),
    )
}
