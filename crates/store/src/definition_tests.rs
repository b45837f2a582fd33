//! Tests of queries and derived tables: rows given by hand, the answer compared. Nothing is loaded here by the loading
//! rules; the derived tables that are not given are made.

use std::collections::BTreeSet;

use definitions::{ColumnType, DerivedTable, QueryTest, Row, Schema};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};
use yaml::{Node, Value as Given};

use crate::ddl::{key, quote};
use crate::derived::{self, Making};
use crate::query::{self, Value};
use crate::{Error, Place, Store};

/// An empty database with the tables of a schema, in which tests of queries run one after another.
pub struct TestBench {
    store: Store,
    schema: Schema,
    steps: Vec<Making>,
}

impl TestBench {
    /// A database in memory.
    pub fn new(schema: &Schema) -> Result<Self, Error> {
        let place = Place::new_memory();
        let mut store = Store::open(&place, schema, std::time::Duration::ZERO, &mut |_| {})?;
        // Derived tables with faults are reported where definitions are checked.
        let steps = derived::plan(&mut store.connection, schema).unwrap_or_default();
        Ok(Self {
            store,
            schema: schema.clone(),
            steps,
        })
    }

    /// Makes a derived table from the rows of a test and compares its rows, in the order of its key.
    pub fn run_derived(&mut self, derived: &DerivedTable, test: &QueryTest) -> Result<(), String> {
        let table = &derived.table;
        let (name, key) = (quote(&table.name), key(table));
        self.run(&format!("select * from {name} order by {key}"), test)
    }

    /// Runs a query over the rows of a test. The error says how its answer differs.
    pub fn run(&mut self, sql: &str, test: &QueryTest) -> Result<(), String> {
        let (read, _) = derived::tables_read(&mut self.store.connection, sql)
            .map_err(|fault| format!("the query does not run: {fault}"))?;
        let transaction = self.store.connection.transaction();
        // It is never committed: the next test begins with empty tables.
        let transaction = transaction.map_err(|error| error.to_string())?;
        for (table, rows) in &test.given {
            insert(&transaction, &self.schema, &table.text, rows)?;
        }
        let given: BTreeSet<&str> = test.given.iter().map(|(table, _)| &*table.text).collect();
        for step in derived::needed(&self.steps, &read) {
            if !given.contains(step.table().as_str()) {
                step.fill(&transaction).map_err(|fault| fault.to_string())?;
            }
        }
        let mut columns = Vec::new();
        let mut answer = Vec::new();
        query::run(
            &transaction,
            sql,
            &mut |names| {
                columns = names.to_vec();
                Ok(())
            },
            &mut |values| {
                answer.push(values.to_vec());
                Ok(())
            },
        )
        .map_err(|fault| format!("the query does not run: {fault}"))?;
        compare(&columns, &answer, &test.expect)
    }
}

fn insert(
    connection: &Connection,
    schema: &Schema,
    table: &str,
    rows: &[Row],
) -> Result<(), String> {
    let needed = columns(connection, table)?;
    for (number, row) in rows.iter().enumerate() {
        if let Some((word, _)) = row
            .iter()
            .find(|(word, _)| !needed.iter().any(|column| column.name == word.text))
        {
            return Err(format!("`{}` is not a column of `{table}`", word.text));
        }
        let mut names = Vec::new();
        let mut values = Vec::new();
        for column in &needed {
            let given = row.iter().find(|(word, _)| word.text == column.name);
            let value = match given {
                Some((_, node)) => sql_value(schema, table, &column.name, node)?,
                // What the test does not say, but the table needs: its place tells rows apart.
                None if column.is_needed && column.is_text => {
                    Sql::Text(format!("row {}", number + 1))
                }
                None if column.is_needed => Sql::Integer(number as i64 + 1),
                None => continue,
            };
            names.push(quote(&column.name));
            values.push(value);
        }
        let places = vec!["?"; names.len()].join(", ");
        // Bookkeeping has its rows from the start: a test says what is in them.
        let or_replace = if table.starts_with('_') {
            "or replace "
        } else {
            ""
        };
        let sql = format!(
            "insert {or_replace}into {} ({}) values ({places})",
            quote(table),
            names.join(", ")
        );
        connection
            .execute(&sql, params_from_iter(values))
            .map_err(|error| format!("`{table}` does not take row {}: {error}", number + 1))?;
    }
    Ok(())
}

struct Column {
    name: String,
    is_text: bool,
    is_needed: bool,
}

fn columns(connection: &Connection, table: &str) -> Result<Vec<Column>, String> {
    let read = || -> rusqlite::Result<Vec<Column>> {
        let sql = "select name, lower(type), \"notnull\" or pk > 0 from pragma_table_info(?)";
        let mut statement = connection.prepare(sql)?;
        let columns = statement.query_map([table], |row| {
            Ok(Column {
                name: row.get(0)?,
                is_text: row.get::<_, String>(1)? == "text",
                is_needed: row.get(2)?,
            })
        })?;
        columns.collect()
    };
    match read() {
        Ok(columns) if columns.is_empty() => Err(format!("`{table}` is not a table")),
        Ok(columns) => Ok(columns),
        Err(error) => Err(error.to_string()),
    }
}

/// A value as loading would store it.
fn sql_value(schema: &Schema, table: &str, column: &str, node: &Node) -> Result<Sql, String> {
    let kind = schema.any_table(table).and_then(|table| {
        let index = table.column_index(column)?;
        Some(table.columns[index].kind)
    });
    Ok(match (&node.value, kind) {
        (Given::Null, _) => Sql::Null,
        (Given::Bool(value), _) => Sql::Integer(i64::from(*value)),
        (Given::Text(text), Some(ColumnType::Timestamp)) => {
            let moment = transform::canonical_timestamp(text, &transform::Clock::UTC);
            Sql::Text(moment.map_err(|reason| format!("`{table}.{column}`: {reason}"))?)
        }
        (Given::Text(text), _) => Sql::Text(text.clone()),
        (Given::Number(text), Some(ColumnType::Text | ColumnType::Date | ColumnType::Json)) => {
            Sql::Text(text.clone())
        }
        (Given::Number(text), _) => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(number), _) => Sql::Integer(number),
            (_, Ok(number)) => Sql::Real(number),
            _ => return Err(format!("`{table}.{column}`: `{text}` is not a number")),
        },
        (Given::List(_) | Given::Mapping(_), _) => {
            let mut json = String::new();
            node.write_json(&mut json);
            Sql::Text(json)
        }
    })
}

fn compare(columns: &[String], answer: &[Vec<Value>], expected: &[Row]) -> Result<(), String> {
    for (number, (row, found)) in expected.iter().zip(answer).enumerate() {
        for (word, node) in row {
            let Some(index) = columns.iter().position(|name| *name == word.text) else {
                let known = columns.join(", ");
                return Err(format!(
                    "the answer has no column `{}`; it has {known}",
                    word.text
                ));
            };
            let wanted = shown_node(node);
            let is = shown(&found[index]);
            let same_number =
                || matches!((is.parse::<f64>(), wanted.parse::<f64>()), (Ok(a), Ok(b)) if a == b);
            if is != wanted && !same_number() {
                return Err(format!(
                    "expected `{}` of row {} to be {wanted}, found {is}",
                    word.text,
                    number + 1
                ));
            }
        }
    }
    if answer.len() != expected.len() {
        let next = answer.get(expected.len()).map(|row| {
            let cells = columns.iter().zip(row);
            let cells: Vec<String> = cells
                .map(|(name, value)| format!("{name}: {}", shown(value)))
                .collect();
            format!("; the next is {{{}}}", cells.join(", "))
        });
        return Err(format!(
            "expected {} rows, found {}{}",
            expected.len(),
            answer.len(),
            next.unwrap_or_default()
        ));
    }
    Ok(())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Real(value) => value.to_string(),
        Value::Text(text) => text.clone(),
    }
}

fn shown_node(node: &Node) -> String {
    match &node.value {
        Given::Text(text) => text.clone(),
        _ => {
            let mut json = String::new();
            node.write_json(&mut json);
            json
        }
    }
}
