//! Mappers: how a record becomes rows, as people write it.
//!
//! Here they are read and their shape is checked; the jq in them is compiled in `transform`.

use std::ops::Range;
use std::sync::Arc;

use diagnostics::{Diagnostic, Source};
use yaml::Node;

use crate::reader::{self, Reader, first_line};
use crate::{File, FileName, StreamName};

/// A stretch of a definition file, in bytes.
pub type Span = Range<usize>;

/// A word or an expression, and where it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word<T = String> {
    /// The text, or what it stands for.
    pub text: T,
    /// Where it stands.
    pub span: Span,
}

/// How the records of one stream become rows.
#[derive(Debug, Clone)]
pub struct Mapper {
    /// The stream it reads.
    pub stream: Word<StreamName>,
    /// Where the records are, if a file holds a whole response: jq.
    pub records: Option<Word>,
    /// A file in the project folder that belongs to the stream as well, where people keep a list by hand.
    pub file: Option<Word<FileName>>,
    /// The members that a record may have, such as `stats.time_of_recovery` for one within another; any other member of a
    /// record that people wrote is odd. Empty where any member may be there.
    pub members: Vec<Word>,
    /// Members that may have another name in the header of a CSV file, and the setting that says which.
    pub headings: Vec<(Word, Word)>,
    /// The tables it fills; see [`Mapper::own_table`].
    pub tables: Vec<TableMapping>,
    /// Records given and rows expected.
    pub tests: Vec<MapperTest>,
    /// The mapper file.
    pub source: Arc<Source>,
}

/// How one table is filled.
#[derive(Debug, Clone)]
pub struct TableMapping {
    /// The table.
    pub table: Word,
    /// jq that gives one value for each row; without it a record gives one row.
    pub each: Option<Word>,
    /// Column and jq expression, in the order in which they are written.
    pub columns: Vec<(Word, Word)>,
    /// Columns whose values should be in a list of agreed names, and the file in the project folder that has it.
    pub agreed: Vec<(Word, Word<FileName>)>,
    /// Columns whose times should be later than 1990 and not lie ahead, and whose numbers should not be below 0.
    pub plausible: Vec<Word>,
    /// Pairs of columns of which the first should not be later than the second.
    pub in_order: Vec<(Word, Word)>,
}

/// A record given, and what it should become.
#[derive(Debug, Clone)]
pub struct MapperTest {
    /// What it is about; may be empty.
    pub name: String,
    /// The record, as JSON.
    pub given: String,
    /// Table and rows; a row has the columns to compare.
    pub expect: Vec<(String, Vec<Node>)>,
    /// Part of the reason for which the record should be rejected.
    pub reject: Option<String>,
    /// Where it stands.
    pub span: Span,
}

impl Mapper {
    /// The place in `tables` of the record's own table: the first that has one row a record. Its key is the record's
    /// identity.
    pub fn own_table(&self) -> Option<usize> {
        self.tables
            .iter()
            .position(|mapping| mapping.each.is_none())
    }
}

impl TableMapping {
    /// The expression that fills a column.
    pub fn expression(&self, column: &str) -> Option<&Word> {
        self.columns
            .iter()
            .find(|(name, _)| name.text == column)
            .map(|(_, expression)| expression)
    }
}

const MEMBERS: [&str; 7] = [
    "stream", "records", "file", "members", "headings", "tables", "tests",
];

/// Reads a mapper file. Nothing comes back if it has no stream or no tables; the faults say why.
pub(crate) fn parse(file: &File, faults: &mut Vec<Diagnostic>) -> Option<Mapper> {
    let source = &file.source;
    let root = reader::tree(source, "the mapper", faults)?;
    let mut reader = Reader { source, faults };
    let members = reader.members(&root, "a mapper", &MEMBERS)?;
    let stream_node = members.iter().find(|(key, _)| key.text == "stream");
    let stream = stream_node.map(|(_, node)| reader.stream_name(node));
    let (mut records, mut list) = (None, None);
    let mut tables = Vec::new();
    let (mut tests, mut known, mut headings) = (Vec::new(), Vec::new(), Vec::new());
    for (key, node) in &members {
        match key.text.as_str() {
            "records" => records = reader.word(node, "a jq expression"),
            "file" => {
                let expected = "the name of a file in the project folder";
                list = reader.name(node, expected, FileName::parse);
            }
            "members" => {
                for node in reader.list(node, "a list of members") {
                    known.extend(reader.word(node, "the name of a member"));
                }
            }
            "headings" => {
                for (member, node) in reader.pairs(node, "members by name") {
                    let setting = reader.word(node, "the name of a setting");
                    headings.extend(setting.map(|setting| (member, setting)));
                }
            }
            "tables" => {
                for (table, node) in reader.pairs(node, "tables by name") {
                    tables.extend(reader.table(table, node));
                }
            }
            "tests" => {
                for node in reader.list(node, "a list of tests") {
                    tests.extend(reader.test(node));
                }
            }
            _ => {}
        }
    }
    let Some(stream) = stream else {
        reader.missing(&root, "stream", "the stream whose records it maps");
        return None;
    };
    if tables.is_empty() {
        reader.missing(&root, "tables", "the tables it fills");
        return None;
    }
    Some(Mapper {
        stream: stream?,
        records,
        file: list,
        members: known,
        headings,
        tables,
        tests,
        source: Arc::clone(source),
    })
}

impl Reader<'_> {
    fn table(&mut self, table: Word, node: &Node) -> Option<TableMapping> {
        let known = ["each", "columns", "agreed", "plausible", "in_order"];
        let members = self.members(node, "a table of a mapper", &known)?;
        let mut mapping = TableMapping {
            table,
            each: None,
            columns: Vec::new(),
            agreed: Vec::new(),
            plausible: Vec::new(),
            in_order: Vec::new(),
        };
        for (key, node) in members {
            match key.text.as_str() {
                "each" => mapping.each = self.word(node, "a jq expression"),
                "columns" => {
                    for (column, node) in self.pairs(node, "columns by name") {
                        if let Some(expression) = self.word(node, "a jq expression") {
                            mapping.columns.push((column, expression));
                        }
                    }
                }
                "plausible" => {
                    for node in self.list(node, "a list of columns") {
                        mapping.plausible.extend(self.word(node, "a column"));
                    }
                }
                "in_order" => {
                    for node in self.list(node, "a list of pairs of columns") {
                        mapping.in_order.extend(self.pair(node));
                    }
                }
                "agreed" => {
                    for (column, node) in self.pairs(node, "columns by name") {
                        let expected = "the name of a file in the project folder";
                        if let Some(list) = self.name(node, expected, FileName::parse) {
                            mapping.agreed.push((column, list));
                        }
                    }
                }
                _ => {}
            }
        }
        Some(mapping)
    }

    fn pair(&mut self, node: &Node) -> Option<(Word, Word)> {
        let expected = "two columns: the earlier and the later";
        match self.list(node, expected) {
            [earlier, later] => Some((self.word(earlier, expected)?, self.word(later, expected)?)),
            _ => {
                self.unexpected(node, expected);
                None
            }
        }
    }

    fn test(&mut self, node: &Node) -> Option<MapperTest> {
        let members = self.members(
            node,
            "a test of a mapper",
            &["name", "given", "expect", "reject"],
        )?;
        let mut test = MapperTest {
            name: String::new(),
            given: String::new(),
            expect: Vec::new(),
            reject: None,
            span: first_line(self.source, node),
        };
        for (key, node) in members {
            match key.text.as_str() {
                "name" => test.name = self.word(node, "a few words")?.text,
                "given" => node.write_json(&mut test.given),
                "reject" => test.reject = Some(self.word(node, "a part of the reason")?.text),
                "expect" => {
                    for (table, node) in self.pairs(node, "tables by name") {
                        let rows = self.list(node, "a list of rows").to_vec();
                        test.expect.push((table.text, rows));
                    }
                }
                _ => {}
            }
        }
        if test.given.is_empty() {
            self.missing(node, "given", "a record");
            return None;
        }
        if test.expect.is_empty() && test.reject.is_none() {
            self.missing(
                node,
                "expect",
                "tables and their rows, or `reject:` and a part of the reason",
            );
            return None;
        }
        Some(test)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Mapper>, Vec<Diagnostic>) {
        let file = File::built_in("mappers/m.yaml", text);
        let mut faults = Vec::new();
        (parse(&file, &mut faults), faults)
    }

    #[test]
    fn a_mapper_is_read_with_places() {
        let (mapper, faults) = read(
            "stream: users\ntables:\n  Users:\n    columns: {id: .id, one: 1}\n  Teams:\n    each: .teams[]\n    columns:\n      user_id: $record.id\n    agreed: {name: teams.yaml}\ntests:\n  - given: {id: 1}\n    expect: {Users: [{id: 1}]}\n",
        );
        assert_eq!(faults, []);
        let mapper = mapper.unwrap();
        assert_eq!((mapper.own_table(), mapper.tables.len()), (Some(0), 2));
        assert_eq!(mapper.tables[0].expression("one").unwrap().text, "1");
        let each = mapper.tables[1].each.clone().unwrap();
        assert_eq!(&mapper.source.text[each.span], ".teams[]");
        assert_eq!(mapper.tests[0].given, r#"{"id":1}"#);
    }

    #[test]
    fn all_faults_come_at_once() {
        let (mapper, faults) =
            read("stream: s\ntabels: {}\ntables:\n  T:\n    colums: {}\n    each: [1]\ntests: 5\n");
        assert!(mapper.is_some());
        let codes: Vec<_> = faults
            .iter()
            .map(|fault| (fault.code, fault.hint.as_deref()))
            .collect();
        assert_eq!(
            codes,
            [
                ("definition-unknown-key", Some("did you mean `tables`?")),
                ("definition-unknown-key", Some("did you mean `columns`?")),
                ("definition-unexpected", None),
                ("definition-unexpected", None),
            ]
        );
    }

    #[test]
    fn without_stream_or_tables_there_is_no_mapper() {
        for text in [
            "tables: {T: {columns: {id: .id}}}",
            "stream: s",
            "[]",
            "a: [",
            "",
        ] {
            let (mapper, faults) = read(text);
            assert!(mapper.is_none() && !faults.is_empty(), "{text}");
        }
    }
}
