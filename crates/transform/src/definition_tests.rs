//! The tests that mappers carry: a record given, rows expected.

use definitions::{ColumnType, Mapper, MapperTest};
use diagnostics::Diagnostic;
use raw::{Chunk, Record};
use yaml::{Node, Value};

use crate::batch::{Batch, Cell};
use crate::plan::{Plan, TablePlan};

/// Runs a mapper's own tests and says which fail, and how.
pub fn run_tests(mapper: &Mapper, plan: &Plan) -> Vec<Diagnostic> {
    let mut worker = plan.worker();
    let mut faults = Vec::new();
    for (number, test) in mapper.tests.iter().enumerate() {
        let bytes = test.given.clone().into_bytes();
        let records = vec![Record {
            span: 0..bytes.len(),
            line: 1,
        }];
        let batch = worker.transform(
            &Chunk {
                bytes,
                records,
                ..Chunk::default()
            },
            None,
        );
        if let Err(difference) = compare(test, plan, &batch) {
            let name = if test.name.is_empty() {
                format!("test {}", number + 1)
            } else {
                format!("the test `{}`", test.name)
            };
            faults.push(
                Diagnostic::error(
                    "mapper-test",
                    format!("{name} of the mapper `{}` fails", mapper.stream.text),
                )
                .at(&mapper.source, test.span.clone(), difference),
            );
        }
    }
    faults
}

fn compare(test: &MapperTest, plan: &Plan, batch: &Batch) -> Result<(), String> {
    let reason = batch.rejects.first().map(|reject| match &reject.column {
        Some(column) => format!("`{column}`: {}", reject.reason),
        None => reject.reason.clone(),
    });
    match (&test.reject, reason) {
        (Some(part), Some(reason)) if reason.contains(part.as_str()) => return Ok(()),
        (Some(part), Some(reason)) => {
            return Err(format!(
                "expected a reject with `{part}`, the reason is {reason}"
            ));
        }
        (Some(part), None) => {
            return Err(format!(
                "expected a reject with `{part}`, the record was taken"
            ));
        }
        (None, Some(reason)) => return Err(format!("the record was rejected: {reason}")),
        (None, None) => {}
    }
    for (name, _) in &test.expect {
        if !plan.tables.iter().any(|table| table.table.name == *name) {
            return Err(format!("`{name}` is not a table of this mapper"));
        }
    }
    for (index, table) in plan.tables.iter().enumerate() {
        let expected = test
            .expect
            .iter()
            .find(|(name, _)| *name == table.table.name)
            .map_or(&[][..], |(_, rows)| rows);
        let width = table.columns.len();
        let rows: Vec<&[Cell]> = batch.tables[index].chunks(width).collect();
        if rows.len() != expected.len() {
            return Err(format!(
                "expected {} rows of `{}`, found {}",
                expected.len(),
                table.table.name,
                rows.len()
            ));
        }
        for (expected, row) in expected.iter().zip(rows) {
            compare_row(expected, table, row, batch)?;
        }
    }
    Ok(())
}

fn compare_row(
    expected: &Node,
    table: &TablePlan,
    row: &[Cell],
    batch: &Batch,
) -> Result<(), String> {
    let Value::Mapping(pairs) = &expected.value else {
        return Err(format!(
            "a row of `{}` is written as columns and values",
            table.table.name
        ));
    };
    for (column, expected) in pairs {
        let name = column.as_text().unwrap_or_default();
        let Some(index) = table.table.column_index(name) else {
            return Err(format!(
                "`{name}` is not a column of `{}`",
                table.table.name
            ));
        };
        let found = shown(row[index], table.columns[index].kind, batch);
        let wanted = wanted(expected);
        if !same(&found, &wanted) {
            return Err(format!(
                "expected `{}.{name}` to be {wanted}, found {found}",
                table.table.name
            ));
        }
    }
    Ok(())
}

fn shown(cell: Cell, kind: ColumnType, batch: &Batch) -> String {
    match (cell, kind) {
        (Cell::Null, _) => "null".to_owned(),
        (Cell::Integer(value), ColumnType::Boolean) => (value == 1).to_string(),
        (Cell::Integer(value), _) => value.to_string(),
        (Cell::Real(value), _) => value.to_string(),
        (Cell::Text { .. }, _) => batch.text_of(cell).unwrap_or_default().to_owned(),
    }
}

fn wanted(expected: &Node) -> String {
    match &expected.value {
        Value::Text(text) => text.clone(),
        _ => {
            let mut json = String::new();
            expected.write_json(&mut json);
            json
        }
    }
}

/// `12` and `12.0` are the same number.
fn same(found: &str, wanted: &str) -> bool {
    found == wanted
        || matches!((found.parse::<f64>(), wanted.parse::<f64>()), (Ok(a), Ok(b)) if a == b)
}
