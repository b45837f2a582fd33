//! Query files: a header of comments, then one select.

use diagnostics::{Diagnostic, Source, nearest};
use std::sync::Arc;

use crate::File;

/// The header keys that mean something.
const KEYS: &[&str] = &["title", "question", "grain", "meaning", "misleads", "chart"];

/// One question to the database.
#[derive(Debug, Clone)]
pub struct Query {
    /// The file's name without its ending; the CSV is called the same.
    pub name: String,
    /// A few words, for headings.
    pub title: String,
    /// What it answers, as a person would ask it.
    pub question: String,
    /// What one row is.
    pub grain: String,
    /// How it is computed, in words.
    pub meaning: String,
    /// How it can mislead.
    pub misleads: String,
    /// How to draw it, such as `line x=month y=p50_minutes`; empty for a table alone.
    pub chart: String,
    /// The whole text: the header is SQL comments.
    pub sql: String,
    /// Where it was written.
    pub source: Arc<Source>,
}

/// Reads the header; what the SQL says is for the engine to judge.
pub(crate) fn parse(file: &File, faults: &mut Vec<Diagnostic>) -> Option<Query> {
    let source = &file.source;
    let mut header: Vec<(String, String)> = Vec::new();
    let mut offset = 0;
    for line in source.text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let Some(comment) = line.trim().strip_prefix("--") else {
            if line.trim().is_empty() {
                continue;
            }
            break;
        };
        match comment.trim().split_once(':') {
            // A continued line is set in by at least two spaces.
            Some((key, value)) if is_key(key) && !comment.starts_with("  ") => {
                if !KEYS.contains(&key) {
                    let mut fault = Diagnostic::warning(
                        "query-unknown-key",
                        format!("`{key}` is not a header key of a query"),
                    )
                    .at(
                        source,
                        start..start + line.trim_end().len(),
                        format!("expected one of {}", KEYS.join(", ")),
                    );
                    if let Some(near) = nearest(key, KEYS.iter().copied()) {
                        fault = fault.hint(format!("did you mean `{near}`?"));
                    }
                    faults.push(fault);
                }
                header.push((key.to_owned(), value.trim().to_owned()));
            }
            _ => {
                if let Some((_, value)) = header.last_mut() {
                    value.push(' ');
                    value.push_str(comment.trim());
                }
            }
        }
    }
    let take = |key: &str| {
        let found = header.iter().find(|(name, _)| name == key);
        found.map_or(String::new(), |(_, value)| value.trim().to_owned())
    };
    let title = take("title");
    if title.is_empty() {
        faults.push(
            Diagnostic::warning(
                "query-without-title",
                format!("`{}` has no title", source.path),
            )
            .hint("begin the file with `-- title: A few words`"),
        );
    }
    if !source.text.to_lowercase().contains("order by") {
        faults.push(
            Diagnostic::warning("query-without-order", format!("`{}` has no `order by`", source.path))
                .hint("end it with an `order by` over all that tells rows apart, so that its CSV is the same from run to run"),
        );
    }
    Some(Query {
        name: file.stem().to_owned(),
        title: if title.is_empty() {
            file.stem().replace('_', " ")
        } else {
            title
        },
        question: take("question"),
        grain: take("grain"),
        meaning: take("meaning"),
        misleads: take("misleads"),
        chart: take("chart"),
        sql: source.text.clone(),
        source: Arc::clone(source),
    })
}

/// A header key is one lower-case word at the start of its comment; other colons are prose.
fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Query, Vec<Diagnostic>) {
        let file = File::built_in("queries/q.sql", text);
        let mut faults = Vec::new();
        (parse(&file, &mut faults).unwrap(), faults)
    }

    #[test]
    fn the_header_is_read_and_continued() {
        let (query, faults) = read(
            "-- title: T\n-- question: why\n--   note: indeed?\nselect 1 order by 1 -- grain: no",
        );
        assert_eq!(faults, []);
        assert_eq!((query.title.as_str(), query.grain.as_str()), ("T", ""));
        assert_eq!(query.question, "why note: indeed?");
    }

    #[test]
    fn a_misspelt_key_is_named() {
        let (_, faults) = read("-- titel: T\nselect 1");
        assert_eq!(faults[0].hint.as_deref(), Some("did you mean `title`?"));
        assert_eq!(faults[1].code, "query-without-title");
    }
}
