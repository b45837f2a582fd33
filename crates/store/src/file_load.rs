//! The loading of one file, in one transaction, and the forgetting of files and streams. What becomes of rows is said in
//! `rows`.

use rusqlite::{Connection, Transaction, TransactionBehavior};
use transform::{Batch, Plan, Reject, Warning};

use crate::bulk::{self, Bulk};
use crate::ddl::quote;
use crate::rows::{Origin, Rules};
use crate::{Error, FileFacts, Place, counts};

/// The loading of one file: a transaction.
pub struct FileLoad<'a> {
    transaction: Transaction<'a>,
    rules: Rules<'a>,
    place: Place,
    stream: String,
    origin: Origin,
    /// Where the tables of the stream are filled in bulk.
    bulk: &'a mut Option<Bulk>,
    records: u64,
    rejects: u64,
    extracted: Option<(i64, i64)>,
    additions: Additions,
}

impl<'a> FileLoad<'a> {
    pub(crate) fn begin(
        connection: &'a mut Connection,
        plan: &'a Plan,
        facts: &FileFacts,
        place: Place,
        bulk: &'a mut Option<Bulk>,
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
            *bulk = bulk::begin(&transaction, plan, bulk.take())?;
            let additions = Additions::begin(&transaction, plan)?;
            Ok((insert_file(&transaction, facts)?, additions))
        })();
        let (file, additions) = begun.map_err(failed)?;
        Ok(Self {
            transaction,
            rules: Rules::new(plan),
            place,
            stream: facts.stream.clone(),
            origin: Origin {
                file,
                path: facts.path.clone(),
            },
            bulk,
            records: 0,
            rejects: 0,
            extracted: None,
            additions,
        })
    }

    /// Adds the rows, rejects and warnings of some records.
    pub fn apply(&mut self, batch: &Batch) -> Result<(), Error> {
        self.apply_batch(batch)
            .map_err(|error| Error::sqlite(&self.place, "write", error))
    }

    /// How many records the file gave so far, and how many of what stands in it could not be taken.
    pub fn counts(&self) -> (u64, u64) {
        (self.records, self.rejects)
    }

    /// Makes it stay, with the file's size and hash.
    pub fn commit(self, size: u64, hash: u64) -> Result<(), Error> {
        let done = (|| {
            if !self.additions.are_all(&self.transaction, self.rules.plan)? {
                counts::forget(&self.transaction, self.rules.plan)?;
            }
            let (from, to) = self.extracted.unzip();
            self.transaction.execute(
                "update _files set size = ?2, hash = ?3, records = ?4, rejects = ?5, extracted_from = ?6, extracted_to = ?7 where id = ?1",
                (self.origin.file, size as i64, hash.cast_signed(), self.records as i64, self.rejects as i64, from, to),
            )?;
            self.transaction.commit()
        })();
        done.map_err(|error| Error::sqlite(&self.place, "write", error))
    }

    fn apply_batch(&mut self, batch: &Batch) -> rusqlite::Result<()> {
        for reject in &batch.rejects {
            insert_reject(&self.transaction, self.origin.file, &self.stream, reject)?;
        }
        for warning in &batch.warnings {
            insert_warning(&self.transaction, self.origin.file, &self.stream, warning)?;
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
        let before = self.transaction.total_changes();
        match self.bulk {
            Some(bulk) => bulk.append(&self.transaction, &self.rules, batch, &self.origin)?,
            None => self.rules.apply(&self.transaction, batch, &self.origin)?,
        }
        let changes = self.transaction.total_changes() - before;
        self.additions.note(batch, changes);
        Ok(())
    }
}

/// Whether a file only added rows to the table of its stream: then each change of the database gave one more row.
struct Additions {
    /// The last row before.
    before: i64,
    changes: u64,
    /// Rows of records without a time replace others, and a replacement counts as one change.
    can_tell: bool,
}

impl Additions {
    fn begin(connection: &Connection, plan: &Plan) -> rusqlite::Result<Self> {
        Ok(Self {
            before: counts::last_row(connection, &plan.tables[0].table)?,
            changes: 0,
            can_tell: plan.tables.len() == 1,
        })
    }

    fn note(&mut self, batch: &Batch, changes: u64) {
        self.changes += changes;
        let mut records = batch.records.iter();
        self.can_tell &= records.all(|record| record.extracted_at.is_some());
    }

    fn are_all(&self, connection: &Connection, plan: &Plan) -> rusqlite::Result<bool> {
        let last = counts::last_row(connection, &plan.tables[0].table)?;
        Ok(self.can_tell && last - self.before == self.changes as i64)
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
    counts::forget(&transaction, plan)?;
    for table in [
        "_rejects",
        "_copies",
        "_warnings",
        "_files",
        "_removed",
        "_later",
    ] {
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
