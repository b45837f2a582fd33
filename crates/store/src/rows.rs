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
use rusqlite::{
    CachedStatement, Connection, OptionalExtension, ToSql, Transaction, TransactionBehavior,
};
use transform::{Batch, Cell, Plan, RecordRows, Reject, Warning};

use crate::copies::{self, Content, Copy};
use crate::ddl::quote;
use crate::{Error, FileFacts, Place};

/// The loading of one file: a transaction.
pub struct FileLoad<'a> {
    transaction: Transaction<'a>,
    plan: &'a Plan,
    place: Place,
    facts: FileFacts,
    file: i64,
    sql: Vec<TableSql>,
    records: u64,
    rejects: u64,
    extracted: Option<(i64, i64)>,
}

/// The statements of one table.
struct TableSql {
    width: usize,
    key: Vec<usize>,
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

impl<'a> FileLoad<'a> {
    pub(crate) fn begin(
        connection: &'a mut Connection,
        plan: &'a Plan,
        facts: &FileFacts,
        place: Place,
    ) -> Result<Self, Error> {
        connection.set_prepared_statement_cache_capacity(64);
        let failed = |error| Error::sqlite(&place, "write", error);
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let begun = (|| {
            forget_file(&transaction, &facts.path)?;
            let sql = "update _streams set unfinished = 1 where stream = ?1 and unfinished = 0";
            transaction.execute(sql, [&facts.stream])?;
            insert_file(&transaction, facts)
        })();
        let file = begun.map_err(failed)?;
        let own_key = plan.tables[0].table.key.len();
        let sql = plan
            .tables
            .iter()
            .map(|table| TableSql::new(&table.table, own_key))
            .collect();
        Ok(Self {
            transaction,
            plan,
            place,
            facts: facts.clone(),
            file,
            sql,
            records: 0,
            rejects: 0,
            extracted: None,
        })
    }

    /// Adds the rows, rejects and warnings of some records.
    pub fn apply(&mut self, batch: &Batch) -> Result<(), Error> {
        self.apply_rows(batch)
            .map_err(|error| Error::sqlite(&self.place, "write", error))
    }

    /// How many records the file gave so far, and how many of what stands in it could not be taken.
    pub fn counts(&self) -> (u64, u64) {
        (self.records, self.rejects)
    }

    /// Makes it stay, with the file's size and hash.
    pub fn commit(self, size: u64, hash: u64) -> Result<(), Error> {
        let done = (|| {
            let (from, to) = self.extracted.unzip();
            self.transaction.execute(
                "update _files set size = ?2, hash = ?3, records = ?4, rejects = ?5, extracted_from = ?6, extracted_to = ?7 where id = ?1",
                (self.file, size as i64, hash.cast_signed(), self.records as i64, self.rejects as i64, from, to),
            )?;
            self.transaction.commit()
        })();
        done.map_err(|error| Error::sqlite(&self.place, "write", error))
    }

    fn apply_rows(&mut self, batch: &Batch) -> rusqlite::Result<()> {
        for reject in &batch.rejects {
            insert_reject(&self.transaction, self.file, &self.facts.stream, reject)?;
        }
        for warning in &batch.warnings {
            insert_warning(&self.transaction, self.file, &self.facts.stream, warning)?;
        }
        self.rejects += batch.rejects.len() as u64;
        self.records += batch.records.len() as u64;
        for time in batch
            .records
            .iter()
            .filter_map(|record| record.extracted_at)
        {
            let (from, to) = self.extracted.unwrap_or((time, time));
            self.extracted = Some((from.min(time), to.max(time)));
        }
        let mut upsert = self.transaction.prepare_cached(&self.sql[0].upsert)?;
        for (index, record) in batch.records.iter().enumerate() {
            // A stream that fills one table needs no look at what is there: the upsert decides.
            if self.plan.tables.len() == 1 && record.extracted_at.is_some() {
                self.write_rows(&mut upsert, batch, index, 0, record)?;
            } else {
                self.apply_record(batch, index, record)?;
            }
        }
        Ok(())
    }

    fn apply_record(
        &self,
        batch: &Batch,
        index: usize,
        record: &RecordRows,
    ) -> rusqlite::Result<()> {
        let own = &self.sql[0];
        let cells = batch.cells(index, 0);
        let key: Vec<Bound> = own
            .key
            .iter()
            .map(|column| Bound(cells[*column], batch))
            .collect();
        if let Some((file, there)) = self.find(&key)? {
            let new: Version = (
                record.extracted_at,
                self.facts.path.clone(),
                record.line as i64,
            );
            let new_wins = new > there;
            if new.0.is_none() && there.0.is_none() {
                let (file, line, content) = if new_wins {
                    (file, there.2, self.content_there(&key)?)
                } else {
                    (self.file, new.2, self.content_of(batch, index))
                };
                let copy = Copy {
                    file,
                    line,
                    stream: &self.facts.stream,
                    key: serde_json::Value::from_iter(key.iter().map(Bound::json)).to_string(),
                    named: self.named(&key),
                    content,
                };
                copies::note(&self.transaction, &copy)?;
            }
            if !new_wins {
                return Ok(());
            }
            for child in &self.sql[1..] {
                let mut delete = self.transaction.prepare_cached(&child.delete_of_record)?;
                delete.execute(rusqlite::params_from_iter(&key))?;
            }
        }
        for (table, sql) in self.sql.iter().enumerate() {
            let mut replace = self.transaction.prepare_cached(&sql.replace)?;
            self.write_rows(&mut replace, batch, index, table, record)?;
        }
        Ok(())
    }

    /// The row of the own table that has a key: its file, and its version.
    fn find(&self, key: &[Bound]) -> rusqlite::Result<Option<(i64, Version)>> {
        let mut find = self.transaction.prepare_cached(&self.sql[0].find)?;
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
        record: &RecordRows,
    ) -> rusqlite::Result<()> {
        let width = self.sql[table].width;
        for row in batch.cells(index, table).chunks_exact(width) {
            for (column, cell) in row.iter().enumerate() {
                statement.raw_bind_parameter(column + 1, Bound(*cell, batch))?;
            }
            statement.raw_bind_parameter(width + 1, record.extracted_at)?;
            statement.raw_bind_parameter(width + 2, self.file)?;
            statement.raw_bind_parameter(width + 3, record.line as i64)?;
            statement.raw_execute()?;
        }
        Ok(())
    }

    /// What the loaded rows of a record say.
    fn content_there(&self, key: &[Bound]) -> rusqlite::Result<Content> {
        Content::of_loaded(&self.transaction, self.plan, key)
    }

    /// What the rows of a record say that are to be loaded.
    fn content_of(&self, batch: &Batch, index: usize) -> Content {
        let mut content = Content::default();
        for (table, sql) in self.sql.iter().enumerate() {
            for row in batch.cells(index, table).chunks_exact(sql.width) {
                content.add(table, row.iter().map(|cell| cell_value(*cell, batch)));
            }
        }
        content
    }

    fn named(&self, key: &[Bound]) -> String {
        let columns = &self.plan.tables[0].table.columns;
        let names = self.sql[0].key.iter().zip(key);
        let names =
            names.map(|(column, value)| format!("`{}` = {}", columns[*column].name, value.shown()));
        names.collect::<Vec<_>>().join(", ")
    }
}

/// Empties the tables of a stream and forgets its files.
pub(crate) fn reset_stream(
    connection: &mut Connection,
    plan: &Plan,
    fingerprint: u64,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for table in &plan.tables {
        transaction.execute(&format!("delete from {}", quote(&table.table.name)), [])?;
    }
    for table in ["_rejects", "_copies", "_warnings", "_files", "_removed"] {
        transaction.execute(
            &format!("delete from {table} where stream = ?1"),
            [plan.stream.as_str()],
        )?;
    }
    transaction.execute(
        "insert into _streams (stream, fingerprint, unfinished) values (?1, ?2, 1)
         on conflict (stream) do update set fingerprint = excluded.fingerprint, unfinished = 1, listing = null, listed_at = null",
        (plan.stream.as_str(), fingerprint.cast_signed()),
    )?;
    transaction.commit()
}

/// A file that cannot be opened leaves a reject, and no hash: it counts as not loaded.
pub(crate) fn unreadable_file(
    connection: &mut Connection,
    facts: &FileFacts,
    reject: &Reject,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    forget_file(&transaction, &facts.path)?;
    let file = insert_file(&transaction, facts)?;
    insert_reject(&transaction, file, &facts.stream, reject)?;
    transaction.execute("update _files set rejects = 1 where id = ?1", [file])?;
    transaction.execute(
        "update _streams set unfinished = 1 where stream = ?1",
        [&facts.stream],
    )?;
    transaction.commit()
}

/// Drops the reject of a file that is not there any more.
pub(crate) fn forget_unreadable(
    connection: &mut Connection,
    stream: &str,
    path: &str,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    forget_file(&transaction, path)?;
    transaction.execute(
        "update _streams set unfinished = 1 where stream = ?1",
        [stream],
    )?;
    transaction.commit()
}

fn insert_file(connection: &Connection, facts: &FileFacts) -> rusqlite::Result<i64> {
    let sql = "insert into _files (path, stream, size, modified) values (?1, ?2, ?3, ?4)";
    connection.prepare_cached(sql)?.insert((
        &facts.path,
        &facts.stream,
        facts.size as i64,
        facts.modified,
    ))
}

/// Drops what is known of a file that has no rows: one that could not be read at an earlier run.
fn forget_file(connection: &Connection, path: &str) -> rusqlite::Result<()> {
    for table in ["_rejects", "_copies", "_warnings"] {
        connection
            .prepare_cached(&format!(
                "delete from {table} where file_id = (select id from _files where path = ?1)"
            ))?
            .execute([path])?;
    }
    connection
        .prepare_cached("delete from _files where path = ?1")?
        .execute([path])?;
    Ok(())
}

fn insert_reject(
    connection: &Connection,
    file: i64,
    stream: &str,
    reject: &Reject,
) -> rusqlite::Result<()> {
    let sql = "insert into _rejects (file_id, line, stream, table_name, column_name, code, reason, value, record) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let mut statement = connection.prepare_cached(sql)?;
    statement.execute((
        file,
        reject.line as i64,
        stream,
        &reject.table,
        &reject.column,
        reject.code,
        &reject.reason,
        &reject.value,
        &reject.record,
    ))?;
    Ok(())
}

fn insert_warning(
    connection: &Connection,
    file: i64,
    stream: &str,
    warning: &Warning,
) -> rusqlite::Result<()> {
    let sql = "insert into _warnings (file_id, line, stream, table_name, column_name, reason, value) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut statement = connection.prepare_cached(sql)?;
    statement.execute((
        file,
        warning.line as i64,
        stream,
        &warning.table,
        &warning.column,
        &warning.reason,
        &warning.value,
    ))?;
    Ok(())
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

fn cell_value(cell: Cell, batch: &Batch) -> ValueRef<'_> {
    match cell {
        Cell::Null => ValueRef::Null,
        Cell::Integer(value) => ValueRef::Integer(value),
        Cell::Real(value) => ValueRef::Real(value),
        text @ Cell::Text { .. } => {
            ValueRef::Text(batch.text_of(text).unwrap_or_default().as_bytes())
        }
    }
}
