//! Rows into tables, by the loading rules.
//!
//! 1. Of several copies of a row the newest extraction wins; ties go to the later file, then the later line.
//! 2. Rows that a record makes in further tables live as long as its newest copy makes them: they are found by the
//!    record's key, which the definitions' check demands at the head of theirs, and replaced together.
//!
//! (The third rule, about complete listings, is applied when a stream is finished.)
//!
//! What people write carries no time of extraction, so it has no newer copy: of two records with one key the later is
//! loaded, and what the earlier one said is noted in `copies`.

use definitions::Table;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OptionalExtension, ToSql};
use transform::{Batch, Cell, Plan, RecordRows};

use crate::copies::{self, Content, Copy};
use crate::ddl::quote;

/// The rules for the tables of a plan, as statements.
pub(crate) struct Rules<'p> {
    pub(crate) plan: &'p Plan,
    pub(crate) tables: Vec<TableSql>,
}

/// The file that a record stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Its number in the database.
    pub(crate) file: i64,
    pub(crate) path: String,
}

/// The statements of one table.
pub(crate) struct TableSql {
    width: usize,
    key: Vec<usize>,
    /// Inserts, where no row has that key.
    pub(crate) insert: String,
    /// Inserts, or updates where the new row is newer.
    upsert: String,
    /// Inserts or replaces, whatever is there.
    replace: String,
    /// Deletes the rows of one record, by its key.
    delete_of_record: String,
    /// Time, file, path and line of the row with a key.
    find: String,
}

/// Where a row came from, in the order in which newer rows win: no time counts as before every time.
type Version = (Option<i64>, String, i64);

impl<'p> Rules<'p> {
    pub(crate) fn new(plan: &'p Plan) -> Self {
        let own_key = plan.tables[0].table.key.len();
        let tables = plan.tables.iter();
        Self {
            plan,
            tables: tables
                .map(|table| TableSql::new(&table.table, own_key))
                .collect(),
        }
    }

    /// The table that has a row for each record.
    pub(crate) fn own(&self) -> &Table {
        &self.plan.tables[0].table
    }

    /// Adds the rows of some records by the rules.
    pub(crate) fn apply(
        &self,
        connection: &Connection,
        batch: &Batch,
        origin: &Origin,
    ) -> rusqlite::Result<()> {
        let mut upsert = connection.prepare_cached(&self.tables[0].upsert)?;
        for (index, record) in batch.records.iter().enumerate() {
            // A stream that fills one table needs no look at what is there: the upsert decides.
            if self.tables.len() == 1 && record.extracted_at.is_some() {
                self.write_rows(&mut upsert, batch, index, 0, origin.file)?;
            } else {
                self.apply_record(connection, batch, index, origin)?;
            }
        }
        Ok(())
    }

    /// Adds the rows of a record whose key no row has, by the `insert` of each table.
    pub(crate) fn append(
        &self,
        inserts: &mut [CachedStatement],
        batch: &Batch,
        index: usize,
        file: i64,
    ) -> rusqlite::Result<()> {
        for (table, insert) in inserts.iter_mut().enumerate() {
            self.write_rows(insert, batch, index, table, file)?;
        }
        Ok(())
    }

    /// The key of a record, as bytes that are the same for the same key.
    pub(crate) fn key(&self, batch: &Batch, index: usize) -> Vec<u8> {
        let cells = batch.cells(index, 0);
        let key = self.tables[0].key.iter();
        key_bytes(key.map(|column| cell_value(cells[*column], batch)))
    }

    fn apply_record(
        &self,
        connection: &Connection,
        batch: &Batch,
        index: usize,
        origin: &Origin,
    ) -> rusqlite::Result<()> {
        let record = batch.records[index];
        let own = &self.tables[0];
        let cells = batch.cells(index, 0);
        let key: Vec<Bound> = own
            .key
            .iter()
            .map(|column| Bound(cells[*column], batch))
            .collect();
        if let Some((file, there)) = self.find(connection, &key)? {
            let new: Version = (record.extracted_at, origin.path.clone(), record.line as i64);
            let new_wins = new > there;
            if new.0.is_none() && there.0.is_none() {
                let (file, line, content) = if new_wins {
                    let content = Content::of_loaded(connection, self.plan, &key)?;
                    (file, there.2, content)
                } else {
                    (origin.file, new.2, self.content_of(batch, index))
                };
                let copy = Copy {
                    file,
                    line,
                    stream: self.plan.stream.as_str(),
                    key: serde_json::Value::from_iter(key.iter().map(Bound::json)).to_string(),
                    named: self.named(&key),
                    content,
                };
                copies::note(connection, &copy)?;
            }
            if !new_wins {
                return Ok(());
            }
            for child in &self.tables[1..] {
                let mut delete = connection.prepare_cached(&child.delete_of_record)?;
                delete.execute(rusqlite::params_from_iter(&key))?;
            }
        }
        for (table, sql) in self.tables.iter().enumerate() {
            let mut replace = connection.prepare_cached(&sql.replace)?;
            self.write_rows(&mut replace, batch, index, table, origin.file)?;
        }
        Ok(())
    }

    /// The row of the own table that has a key: its file, and its version.
    fn find(
        &self,
        connection: &Connection,
        key: &[Bound],
    ) -> rusqlite::Result<Option<(i64, Version)>> {
        let mut find = connection.prepare_cached(&self.tables[0].find)?;
        find.query_row(rusqlite::params_from_iter(key), |row| {
            Ok((row.get(1)?, (row.get(0)?, row.get(2)?, row.get(3)?)))
        })
        .optional()
    }

    fn write_rows(
        &self,
        statement: &mut CachedStatement,
        batch: &Batch,
        index: usize,
        table: usize,
        file: i64,
    ) -> rusqlite::Result<()> {
        for row in batch
            .cells(index, table)
            .chunks_exact(self.tables[table].width)
        {
            write_row(statement, row, batch, batch.records[index], file)?;
        }
        Ok(())
    }

    /// What the rows of a record say that are to be loaded.
    fn content_of(&self, batch: &Batch, index: usize) -> Content {
        let mut content = Content::default();
        for (table, sql) in self.tables.iter().enumerate() {
            for row in batch.cells(index, table).chunks_exact(sql.width) {
                content.add(table, row.iter().map(|cell| cell_value(*cell, batch)));
            }
        }
        content
    }

    fn named(&self, key: &[Bound]) -> String {
        let columns = &self.plan.tables[0].table.columns;
        let names = self.tables[0].key.iter().zip(key);
        let names =
            names.map(|(column, value)| format!("`{}` = {}", columns[*column].name, value.shown()));
        names.collect::<Vec<_>>().join(", ")
    }
}

/// The values of a key as bytes that are the same for the same key. A number is the same as a whole one and as another,
/// as the column may store it as either.
pub(crate) fn key_bytes<'v>(values: impl Iterator<Item = ValueRef<'v>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in values {
        match value {
            ValueRef::Null => bytes.push(0),
            ValueRef::Integer(value) => {
                bytes.push(1);
                bytes.extend((value as f64).to_le_bytes());
            }
            ValueRef::Real(value) => {
                bytes.push(1);
                bytes.extend(value.to_le_bytes());
            }
            ValueRef::Text(text) | ValueRef::Blob(text) => {
                bytes.push(2);
                bytes.extend(text.len().to_le_bytes());
                bytes.extend(text);
            }
        }
    }
    bytes
}

fn write_row(
    statement: &mut CachedStatement,
    row: &[Cell],
    batch: &Batch,
    record: RecordRows,
    file: i64,
) -> rusqlite::Result<()> {
    for (column, cell) in row.iter().enumerate() {
        statement.raw_bind_parameter(column + 1, Bound(*cell, batch))?;
    }
    let width = row.len();
    statement.raw_bind_parameter(width + 1, record.extracted_at)?;
    statement.raw_bind_parameter(width + 2, file)?;
    statement.raw_bind_parameter(width + 3, record.line as i64)?;
    statement.raw_execute().map(drop)
}

impl TableSql {
    fn new(table: &Table, own_key: usize) -> Self {
        let name = quote(&table.name);
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|column| quote(&column.name))
            .collect();
        let key: Vec<String> = table
            .key
            .iter()
            .map(|column| columns[*column].clone())
            .collect();
        let bookkeeping = ["_extracted_at", "_file", "_line"].map(str::to_owned);
        let all: Vec<String> = columns.iter().cloned().chain(bookkeeping).collect();
        let marks = vec!["?"; all.len()].join(", ");
        let updated: Vec<String> = all
            .iter()
            .filter(|column| !key.contains(column))
            .map(|column| format!("{column} = excluded.{column}"))
            .collect();
        let head = format!("into {name} ({}) values ({marks})", all.join(", "));
        // The paths are looked up only where the times are the same.
        let upsert = format!(
            "insert {head} on conflict ({}) do update set {} where excluded._extracted_at > ifnull({name}._extracted_at, -1)
             or (excluded._extracted_at = {name}._extracted_at and case when excluded._file = {name}._file then excluded._line > {name}._line
                 else (select path from _files where id = excluded._file) > (select path from _files where id = {name}._file) end)",
            key.join(", "),
            updated.join(", "),
        );
        let by_key = |count: usize| {
            key.iter()
                .take(count)
                .map(|column| format!("{column} = ?"))
                .collect::<Vec<_>>()
                .join(" and ")
        };
        Self {
            width: columns.len(),
            key: table.key.clone(),
            insert: format!("insert {head}"),
            upsert,
            replace: format!("insert or replace {head}"),
            delete_of_record: format!("delete from {name} where {}", by_key(own_key)),
            find: format!(
                "select _extracted_at, _file, (select path from _files where id = _file), _line from {name} where {}",
                by_key(key.len())
            ),
        }
    }
}

/// A cell on its way into a statement.
#[derive(Clone, Copy)]
struct Bound<'a>(Cell, &'a Batch);

impl Bound<'_> {
    fn json(&self) -> serde_json::Value {
        match self.0 {
            Cell::Null => serde_json::Value::Null,
            Cell::Integer(value) => value.into(),
            Cell::Real(value) => value.into(),
            text @ Cell::Text { .. } => self.1.text_of(text).unwrap_or_default().into(),
        }
    }

    fn shown(&self) -> String {
        match self.0 {
            Cell::Null => "nothing".to_owned(),
            Cell::Integer(value) => value.to_string(),
            Cell::Real(value) => value.to_string(),
            text @ Cell::Text { .. } => format!("`{}`", self.1.text_of(text).unwrap_or_default()),
        }
    }
}

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(cell_value(self.0, self.1)))
    }
}

pub(crate) fn cell_value(cell: Cell, batch: &Batch) -> ValueRef<'_> {
    match cell {
        Cell::Null => ValueRef::Null,
        Cell::Integer(value) => ValueRef::Integer(value),
        Cell::Real(value) => ValueRef::Real(value),
        text @ Cell::Text { .. } => {
            ValueRef::Text(batch.text_of(text).unwrap_or_default().as_bytes())
        }
    }
}
