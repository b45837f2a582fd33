//! The tests of queries: rows given, an answer expected. `queries/noisy_services.tests.yaml` holds those of
//! `queries/noisy_services.sql`. What is here reads them; the room `store` runs them.

use std::sync::Arc;

use diagnostics::{Diagnostic, Source};
use yaml::Node;

use crate::reader::{self, Reader, first_line};
use crate::{File, Span, Word};

/// Rows of tables, and what a query should answer to them, or a derived table should hold then.
#[derive(Debug, Clone)]
pub struct QueryTest {
    /// What is tested.
    pub subject: Subject,
    /// What it is about; may be empty.
    pub name: String,
    /// Tables and their rows; a row has the columns that matter.
    pub given: Vec<(Word, Vec<Row>)>,
    /// The rows of the answer, in order; a row has the columns to compare.
    pub expect: Vec<Row>,
    /// Where it stands.
    pub span: Span,
    /// The file.
    pub source: Arc<Source>,
}

/// What a test is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A query, by its name.
    Query(String),
    /// A derived table, by its file's name.
    Derived(String),
}

/// A row by the names of its columns.
pub type Row = Vec<(Word, Node)>;

/// Whether a file holds tests of a query.
pub(crate) fn holds_tests(file: &File) -> bool {
    matches!(file.kind(), ("queries" | "derived", "yaml")) && file.stem().ends_with(ENDING)
}

const ENDING: &str = ".tests";

/// Reads the tests of one query or derived table.
pub(crate) fn parse(file: &File, faults: &mut Vec<Diagnostic>) -> Vec<QueryTest> {
    let source = &file.source;
    let Some(root) = reader::tree(source, "the tests", faults) else {
        return Vec::new();
    };
    let mut reader = Reader { source, faults };
    let name = file.stem().trim_end_matches(ENDING).to_owned();
    let subject = match file.kind() {
        ("derived", _) => Subject::Derived(name),
        _ => Subject::Query(name),
    };
    let nodes = reader.list(&root, "a list of tests");
    nodes
        .iter()
        .filter_map(|node| reader.query_test(&subject, node))
        .collect()
}

impl Reader<'_> {
    fn query_test(&mut self, subject: &Subject, node: &Node) -> Option<QueryTest> {
        let members = self.members(node, "a test of a query", &["name", "given", "expect"])?;
        let (mut name, mut given, mut expect) = (String::new(), None, None);
        for (key, node) in members {
            match key.text.as_str() {
                "name" => name = self.word(node, "a few words")?.text,
                "given" => {
                    let tables = self.pairs(node, "tables by name, each with a list of rows");
                    let rows = tables
                        .into_iter()
                        .map(|(table, node)| (table, self.rows(node)));
                    given = Some(rows.collect());
                }
                _ => expect = Some(self.rows(node)),
            }
        }
        if given.is_none() {
            self.missing(node, "given", "tables and their rows");
        }
        if expect.is_none() {
            self.missing(node, "expect", "the rows of the answer, `[]` for none");
        }
        Some(QueryTest {
            subject: subject.clone(),
            name,
            given: given?,
            expect: expect?,
            span: first_line(self.source, node),
            source: Arc::clone(self.source),
        })
    }

    fn rows(&mut self, node: &Node) -> Vec<Row> {
        let nodes = self.list(node, "a list of rows");
        let row = |node| {
            let pairs = self.pairs(node, "a row: its columns and their values");
            let owned = |(word, node): (Word, &Node)| (word, node.clone());
            pairs.into_iter().map(owned).collect()
        };
        nodes.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<QueryTest>, Vec<String>) {
        let file = File::built_in("queries/q.tests.yaml", text);
        assert!(holds_tests(&file));
        let mut faults = Vec::new();
        let tests = parse(&file, &mut faults);
        (
            tests,
            faults.into_iter().map(|fault| fault.message).collect(),
        )
    }

    #[test]
    fn tables_and_answers_are_read() {
        let (tests, faults) = read(
            "- name: two\n  given:\n    T:\n      - {id: 1, at: 2026-01-01}\n      - {}\n  expect:\n    - {n: 2}\n- given: {}\n  expect: []\n",
        );
        assert_eq!(faults, [""; 0]);
        assert_eq!(
            (&tests[0].subject, tests[0].name.as_str()),
            (&Subject::Query("q".into()), "two")
        );
        assert_eq!(tests[0].given[0].0.text, "T");
        assert_eq!(tests[0].given[0].1.len(), 2);
        assert_eq!(tests[0].given[0].1[0][1].0.text, "at");
        assert!(tests[1].given.is_empty() && tests[1].expect.is_empty());
    }

    #[test]
    fn what_is_needed_is_missed() {
        let (tests, faults) = read(
            "- {}\n- {given: {}, expect: [], expct: 1}\n- 5\n- {given: {T: 1}, expect: [2]}\n",
        );
        assert_eq!(tests.len(), 2);
        assert_eq!(
            faults,
            [
                "`given` is missing",
                "`expect` is missing",
                "`expct` is not a key of a test of a query",
                "a number does not belong here",
                "a number does not belong here",
                "a number does not belong here"
            ]
        );
    }
}
