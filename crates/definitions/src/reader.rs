//! Reads the YAML of a definition, and notes what is not as expected: all faults at once, each with its place.

use std::sync::Arc;

use diagnostics::{Diagnostic, Source, nearest};
use sqlparser::dialect::SQLiteDialect;
use sqlparser::tokenizer::{Token, Tokenizer};
use yaml::{Node, Value};

use crate::{Span, StreamName, Word};

/// Says that a file holds nothing where `what` was expected.
pub(crate) fn empty(source: &Source, what: &str) -> Diagnostic {
    let message = format!("`{}` is empty: {what} is missing", source.path);
    Diagnostic::error("definition-empty", message).hint("write it, or take the file away")
}

/// Whether a text of SQL has no statement: only white space, comments and semicolons.
pub(crate) fn is_blank_sql(text: &str) -> bool {
    // Most texts show at once that they are not.
    let may_be_blank =
        |line: &str| line.is_empty() || line.starts_with("--") || line.starts_with(';');
    if !text.contains("/*") && !text.lines().all(|line| may_be_blank(line.trim_start())) {
        return false;
    }
    let blank =
        |token: &Token| matches!(token, Token::Whitespace(_) | Token::SemiColon | Token::EOF);
    // What cannot be parsed is not blank; the parser says what is wrong with it.
    Tokenizer::new(&SQLiteDialect {}, text)
        .tokenize()
        .is_ok_and(|tokens| tokens.iter().all(blank))
}

/// Reads one file's YAML.
pub(crate) struct Reader<'a> {
    /// The file.
    pub source: &'a Arc<Source>,
    /// Where faults go.
    pub faults: &'a mut Vec<Diagnostic>,
}

/// The tree of a file; a syntax fault is noted, and nothing comes back.
pub(crate) fn tree(source: &Arc<Source>, what: &str, faults: &mut Vec<Diagnostic>) -> Option<Node> {
    match yaml::parse(&source.text) {
        Ok(root) if root.value == Value::Null => {
            faults.push(empty(source, what));
            None
        }
        Ok(root) => Some(root),
        Err(fault) => {
            faults.push(
                Diagnostic::error(
                    "definition-syntax",
                    format!("cannot read {what}: {}", fault.message),
                )
                .at(source, fault.offset..fault.offset + 1, ""),
            );
            None
        }
    }
}

impl Reader<'_> {
    /// The members of a mapping whose keys are all known.
    pub(crate) fn members<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        known: &[&str],
    ) -> Option<Vec<(Word, &'n Node)>> {
        if !matches!(node.value, Value::Mapping(_)) {
            self.unexpected(node, &format!("{what}: {}", known.join(", ")));
            return None;
        }
        let mut members = Vec::new();
        for (key, value) in self.pairs(node, what) {
            if known.contains(&key.text.as_str()) {
                members.push((key, value));
                continue;
            }
            let mut fault = Diagnostic::error(
                "definition-unknown-key",
                format!("`{}` is not a key of {what}", key.text),
            )
            .at(
                self.source,
                key.span.clone(),
                format!("expected one of {}", known.join(", ")),
            );
            if let Some(near) = nearest(&key.text, known.iter().copied()) {
                fault = fault.hint(format!("did you mean `{near}`?"));
            }
            self.faults.push(fault);
        }
        Some(members)
    }

    pub(crate) fn pairs<'n>(&mut self, node: &'n Node, expected: &str) -> Vec<(Word, &'n Node)> {
        let Value::Mapping(pairs) = &node.value else {
            self.unexpected(node, expected);
            return Vec::new();
        };
        let word = |key: &Node| Word {
            text: key.as_text().unwrap_or_default().to_owned(),
            span: key.span.clone(),
        };
        pairs
            .iter()
            .map(|(key, value)| (word(key), value))
            .collect()
    }

    pub(crate) fn list<'n>(&mut self, node: &'n Node, expected: &str) -> &'n [Node] {
        match &node.value {
            Value::List(items) => items,
            _ => {
                self.unexpected(node, expected);
                &[]
            }
        }
    }

    /// A scalar as text: an expression such as `1` or `true` is jq as well.
    pub(crate) fn word(&mut self, node: &Node, expected: &str) -> Option<Word> {
        let text = match &node.value {
            Value::Text(text) | Value::Number(text) => text.clone(),
            Value::Bool(value) => value.to_string(),
            Value::Null => "null".to_owned(),
            Value::List(_) | Value::Mapping(_) => {
                self.unexpected(node, expected);
                return None;
            }
        };
        Some(Word {
            text,
            span: node.span.clone(),
        })
    }

    /// The name of a stream, which is that of a folder too.
    pub(crate) fn stream_name(&mut self, node: &Node) -> Option<Word<StreamName>> {
        self.name(node, "the name of a stream", StreamName::parse)
    }

    /// A name that becomes part of a path.
    pub(crate) fn name<T>(
        &mut self,
        node: &Node,
        expected: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Word<T>> {
        let word = self.word(node, expected)?;
        self.named(&word, expected, parse)
    }

    /// The same for a word that was read already.
    pub(crate) fn named<T>(
        &mut self,
        word: &Word,
        expected: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Word<T>> {
        match parse(&word.text) {
            Ok(text) => Some(Word {
                text,
                span: word.span.clone(),
            }),
            Err(reason) => {
                let shown = word.text.escape_debug();
                self.faults.push(
                    Diagnostic::error("definition-name", format!("`{shown}` is not {expected}"))
                        .at(self.source, word.span.clone(), reason),
                );
                None
            }
        }
    }

    pub(crate) fn unexpected(&mut self, node: &Node, expected: &str) {
        self.faults.push(
            Diagnostic::error(
                "definition-unexpected",
                match node.value {
                    Value::Null => "something is missing here".to_owned(),
                    _ => format!("{} does not belong here", node.kind()),
                },
            )
            .at(
                self.source,
                first_line(self.source, node),
                format!("expected {expected}"),
            ),
        );
    }

    pub(crate) fn missing(&mut self, node: &Node, key: &str, meaning: &str) {
        self.faults.push(
            Diagnostic::error("definition-missing-key", format!("`{key}` is missing")).at(
                self.source,
                first_line(self.source, node),
                format!("expected `{key}:` with {meaning}"),
            ),
        );
    }
}

/// The first line of a node, so that a caret does not run over half a file.
pub(crate) fn first_line(source: &Source, node: &Node) -> Span {
    let text = source.text.get(node.span.clone()).unwrap_or_default();
    node.span.start..node.span.start + text.lines().next().unwrap_or_default().len()
}
