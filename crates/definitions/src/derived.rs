//! Derived tables: tables that are made from other tables, so that a word has one meaning in all queries.
//!
//! A file declares one table as a schema does, with its indexes, and then holds the select that gives its rows. What the
//! select reads, and so in which order tables are made, is for the engine to find out.

use std::sync::Arc;

use diagnostics::{Diagnostic, Source};

use crate::schema::{self, Text};
use crate::{File, Index, Table};

/// Under which heading and in which diagram all derived tables stand.
pub(crate) const GROUP: &str = "derived";

/// A table that is made from others.
#[derive(Debug, Clone)]
pub struct DerivedTable {
    /// The file's name without its ending, such as `time_entries`.
    pub name: String,
    /// Its columns, as a schema declares them.
    pub table: Table,
    /// Its indexes.
    pub indexes: Vec<Index>,
    /// The select that gives its rows: one column for each of the table's, by name.
    pub sql: String,
    /// Where the select begins in the file, in bytes.
    pub offset: usize,
    /// The file.
    pub source: Arc<Source>,
}

/// Reads the declarations; what the select says is for the engine to judge.
pub(crate) fn parse(file: &File, faults: &mut Vec<Diagnostic>) -> Option<DerivedTable> {
    let source = &file.source;
    let text = Text::new(source);
    let end = text.declarations_end();
    let found = faults.len();
    let declared = schema::declared(file, GROUP, &text, &source.text[..end], faults);
    let rest = &source.text[end..];
    let sql = rest.trim_end().trim_end_matches(';');
    let mut tables = declared.tables.into_iter();
    let (Some(table), None) = (tables.next(), tables.next()) else {
        // A fault in the declaration was said already.
        if faults.len() == found {
            faults.push(wrong(
                source,
                "expected one `CREATE TABLE name (…);` and then its `select`",
            ));
        }
        return None;
    };
    if !declared.views.is_empty() {
        faults.push(wrong(source, "a view belongs into a file in `schemas/`"));
    }
    if sql.trim().is_empty() {
        faults.push(wrong(source, "the `select` that gives its rows is missing"));
        return None;
    }
    for index in declared
        .indexes
        .iter()
        .filter(|index| index.table != table.name)
    {
        let message = format!(
            "an index here is on `{}`, which is another table",
            index.table
        );
        faults.push(Diagnostic::error("derived-index", message).at(source, index.span.clone(), ""));
    }
    Some(DerivedTable {
        name: file.stem().to_owned(),
        table,
        indexes: declared.indexes,
        sql: sql.to_owned(),
        offset: end,
        source: Arc::clone(source),
    })
}

fn wrong(source: &Arc<Source>, expected: &str) -> Diagnostic {
    let message = format!("`{}` does not make a table", source.path);
    let end = source.text.find('\n').unwrap_or(source.text.len());
    Diagnostic::error("derived-table", message).at(source, 0..end, expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<DerivedTable>, Vec<&'static str>) {
        let file = File::built_in("derived/loads.sql", text);
        let mut faults = Vec::new();
        let table = parse(&file, &mut faults);
        (table, faults.into_iter().map(|fault| fault.code).collect())
    }

    #[test]
    fn a_table_its_index_and_what_makes_it() {
        let (table, faults) = read(
            "-- one row per x; really\nCREATE TABLE Loads (\n  -- x\n  x TEXT PRIMARY KEY\n);\nCREATE INDEX LoadsByX ON Loads (x);\n\n-- by hand; of course\nwith a as (select ';' as x)\nselect x from a;\n",
        );
        let table = table.unwrap();
        assert_eq!(faults, [""; 0]);
        assert_eq!(
            (table.name.as_str(), table.table.name.as_str()),
            ("loads", "Loads")
        );
        assert_eq!(
            (table.table.group.as_str(), table.indexes.len()),
            ("derived", 1)
        );
        assert_eq!(
            table.sql.trim(),
            "-- by hand; of course\nwith a as (select ';' as x)\nselect x from a"
        );
        assert!(table.source.text[table.offset..].starts_with(&table.sql));
    }

    #[test]
    fn what_does_not_make_a_table_is_said() {
        let table = "-- one row per x\nCREATE TABLE L (\n  -- x\n  x TEXT PRIMARY KEY\n);\n";
        let cases = [
            ("", vec!["derived-table"]),
            ("select 1", vec!["derived-table"]),
            (table, vec!["derived-table"]),
            (
                "CREATE TABLE L (x TEXT PRIMAR);select 1",
                vec!["schema-syntax"],
            ),
            (
                &format!("{table}CREATE VIEW V AS select 1;\nselect x from T"),
                vec!["derived-table"],
            ),
            (
                &format!("{table}CREATE INDEX I ON M (x);\nselect x from T"),
                vec!["derived-index"],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).1, expected, "{text}");
        }
    }
}
