//! What the database knows of itself: files, streams, rejects, counts; and the rule of complete listings.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use transform::Plan;

use crate::ddl::{NEW_VERSION, key, quote};
use crate::{bulk, copies, counts};

/// A file that is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    /// Bytes on disk when it was loaded.
    pub size: u64,
    /// When it was last changed then, in nanoseconds since 1970.
    pub modified: i64,
    /// The hash of its bytes; nothing if it could not be read.
    pub hash: Option<u64>,
    /// Records that gave rows.
    pub records: u64,
    /// What in it could not be taken.
    pub rejects: u64,
}

/// What is known of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamState {
    /// The fingerprint of the definitions under which it was loaded, if it was.
    pub fingerprint: Option<u64>,
    /// Whether it was left before it was finished.
    pub unfinished: bool,
    /// The complete listing that was applied last: when it started, in microseconds since 1970, and its marker.
    pub listing: Option<(i64, String)>,
}

/// What is known of the fetching of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetching {
    /// The stream.
    pub stream: String,
    /// What was asked for and did not come.
    pub gaps: Vec<GapRow>,
    /// The stretches of time that are fetched, each from and until when, `2026-11-23T20:05:00Z`.
    pub windows: Vec<(String, String)>,
}

/// Something that was asked for and did not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapRow {
    /// Whose records are missing, such as a repository; nothing where those of all are.
    pub parent: Option<String>,
    /// From when on, if the stream is cut by time.
    pub since_at: Option<String>,
    /// Until when.
    pub until_at: Option<String>,
    /// Why.
    pub reason: String,
}

/// What finishing a stream did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// Rows that went because the newest complete listing no longer has them.
    pub removed: u64,
}

/// A line of `status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableStatus {
    /// The table.
    pub table: String,
    /// The stream that fills it, if one was loaded.
    pub stream: Option<String>,
    /// Whether it is made from other tables, so that its rows are none of any record.
    pub is_derived: bool,
    /// How many rows it has.
    pub rows: u64,
    /// When the newest of its records was fetched, `2026-11-23T20:05:00Z`; nothing for what people write.
    pub newest: Option<String>,
    /// How many of its stream's records were rejected: of the first of the stream's tables, so that a sum is right.
    pub rejects: u64,
    /// How many warnings its stream has, in the same way.
    pub warnings: u64,
}

/// A reject with its file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RejectRow {
    /// The raw file.
    pub path: String,
    /// The line, from 1; 0 for the file as a whole.
    pub line: u64,
    /// The table, if one can be named.
    pub table: Option<String>,
    /// The column, if one can be named.
    pub column: Option<String>,
    /// A stable name for the kind of fault.
    pub code: String,
    /// What is wrong.
    pub reason: String,
    /// The beginning of the offending value.
    pub value: Option<String>,
    /// The record as it came.
    pub record: String,
}

pub(crate) fn stream(connection: &Connection, stream: &str) -> rusqlite::Result<StreamState> {
    let sql = "select fingerprint, unfinished, listed_at, listing from _streams where stream = ?1";
    let state = connection.query_row(sql, [stream], |row| {
        Ok(StreamState {
            fingerprint: Some(row.get::<_, i64>(0)?.cast_unsigned()),
            unfinished: row.get(1)?,
            listing: row.get::<_, Option<i64>>(2)?.zip(row.get(3)?),
        })
    });
    Ok(state.optional()?.unwrap_or_default())
}

pub(crate) fn known_files(
    connection: &Connection,
    stream: &str,
) -> rusqlite::Result<HashMap<String, KnownFile>> {
    let mut statement = connection.prepare_cached(
        "select path, size, modified, hash, records, rejects from _files where stream = ?1",
    )?;
    let rows = statement.query_map([stream], |row| {
        let known = KnownFile {
            size: row.get::<_, i64>(1)?.cast_unsigned(),
            modified: row.get(2)?,
            hash: row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned),
            records: row.get::<_, i64>(4)?.cast_unsigned(),
            rejects: row.get::<_, i64>(5)?.cast_unsigned(),
        };
        Ok((row.get(0)?, known))
    })?;
    rows.collect()
}

/// The third loading rule, and the counts. What happens here depends only on the rows, so it may be done again.
pub(crate) fn finish_stream(
    connection: &mut Connection,
    plan: &Plan,
    listing: Option<(i64, &str)>,
) -> rusqlite::Result<Option<Finished>> {
    let state = stream(connection, plan.stream.as_str())?;
    let applied = state
        .listing
        .as_ref()
        .map(|(started, name)| (*started, name.as_str()));
    if !state.unfinished && applied == listing {
        return Ok(None);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    bulk::finish(&transaction, plan)?;
    copies::reject_contradictions(&transaction, plan, listing.is_some())?;
    let mut removed = 0;
    for (place, table) in plan.tables.iter().enumerate() {
        if let Some((started, _)) = listing {
            if place == 0 {
                note_removed(&transaction, plan, started)?;
            }
            // What people brought without a time is older than any listing.
            let name = quote(&table.table.name);
            let sql = format!("delete from {name} where ifnull(_extracted_at, -1) < ?1");
            removed += transaction.execute(&sql, [started])? as u64;
        }
        renew_version(&transaction, &table.table.name)?;
    }
    if removed > 0 {
        counts::forget(&transaction, plan)?;
    }
    counts::update(&transaction, plan)?;
    transaction.execute(
        "update _files set rejects = (select count(*) from _rejects where file_id = _files.id) where stream = ?1",
        [plan.stream.as_str()],
    )?;
    transaction.execute(
        "update _streams set unfinished = 0, listing = ?2, listed_at = ?3 where stream = ?1",
        (
            plan.stream.as_str(),
            listing.map(|(_, name)| name),
            listing.map(|(started, _)| started),
        ),
    )?;
    transaction.commit()?;
    Ok(Some(Finished { removed }))
}

/// Notes the records that the newest complete listing no longer has. One that came back is not gone: so the note
/// follows from the raw files, however they were loaded.
fn note_removed(connection: &Connection, plan: &Plan, started: i64) -> rusqlite::Result<()> {
    let table = &plan.tables[0].table;
    let (name, key) = (quote(&table.name), key(table));
    let stream = plan.stream.as_str();
    let removed = format!(
        "insert or ignore into _removed (stream, key) select ?1, json_array({key}) from {name} where ifnull(_extracted_at, -1) < ?2"
    );
    connection.execute(&removed, (stream, started))?;
    let back = format!(
        "delete from _removed where stream = ?1 and key in (select json_array({key}) from {name} where _extracted_at >= ?2)"
    );
    connection.execute(&back, (stream, started)).map(drop)
}

/// Replaces what is known of the fetching of all streams.
pub(crate) fn note_fetching(
    connection: &mut Connection,
    fetching: &[Fetching],
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = fetching_rows(&transaction)?;
    transaction.execute("delete from _gaps", [])?;
    transaction.execute("delete from _windows", [])?;
    for one in fetching {
        for gap in &one.gaps {
            transaction.execute(
                "insert into _gaps (stream, parent, since_at, until_at, reason) values (?1, ?2, ?3, ?4, ?5)",
                (&one.stream, &gap.parent, &gap.since_at, &gap.until_at, &gap.reason),
            )?;
        }
        for (since_at, until_at) in &one.windows {
            transaction.execute(
                "insert or replace into _windows (stream, since_at, until_at) values (?1, ?2, ?3)",
                (&one.stream, since_at, until_at),
            )?;
        }
    }
    // A database that says so already is not written to.
    if fetching_rows(&transaction)? == before {
        transaction.rollback()
    } else {
        transaction.commit()
    }
}

fn fetching_rows(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "select json_array(stream, parent, since_at, until_at, reason) from _gaps
               union all select json_array(stream, since_at, until_at) from _windows order by 1";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}

/// Notes that the rows of a table may have changed.
pub(crate) fn renew_version(connection: &Connection, table: &str) -> rusqlite::Result<()> {
    let sql = format!("update _versions set version = {NEW_VERSION} where table_name = ?1");
    connection.execute(&sql, [table]).map(drop)
}

pub(crate) fn rejects(
    connection: &Connection,
    stream: &str,
    each: &mut dyn FnMut(RejectRow),
) -> rusqlite::Result<()> {
    let sql = "select path, line, table_name, column_name, code, reason, value, record
               from _rejects join _files on _files.id = file_id
               where _rejects.stream = ?1 order by path, line, code, reason";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([stream])?;
    while let Some(row) = rows.next()? {
        each(RejectRow {
            path: row.get(0)?,
            line: row.get::<_, i64>(1)?.cast_unsigned(),
            table: row.get(2)?,
            column: row.get(3)?,
            code: row.get(4)?,
            reason: row.get(5)?,
            value: row.get(6)?,
            record: row.get(7)?,
        });
    }
    Ok(())
}

pub(crate) fn warnings(
    connection: &Connection,
    stream: &str,
    each: &mut dyn FnMut(&str, u64, &str),
) -> rusqlite::Result<()> {
    let sql = "select path, line, reason from _warnings join _files on _files.id = file_id
               where _warnings.stream = ?1 order by path, line, table_name, column_name, reason";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([stream])?;
    while let Some(row) = rows.next()? {
        each(
            &row.get::<_, String>(0)?,
            row.get::<_, i64>(1)?.cast_unsigned(),
            &row.get::<_, String>(2)?,
        );
    }
    Ok(())
}

pub(crate) fn status(connection: &Connection) -> rusqlite::Result<Vec<TableStatus>> {
    let sql = "with firsts as (select stream, min(rowid) as first from _tables group by stream)
               select table_name, _tables.stream, rows, newest_extracted_at,
                 (select count(*) from _rejects where _rejects.stream = firsts.stream),
                 (select count(*) from _warnings where _warnings.stream = firsts.stream),
                 exists (select 1 from _objects where name = table_name and kind = 'derived') as is_derived
               from _tables left join firsts on firsts.first = _tables.rowid
               order by is_derived, _tables.rowid";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(TableStatus {
            table: row.get(0)?,
            stream: row.get(1)?,
            rows: row.get::<_, i64>(2)?.cast_unsigned(),
            newest: row.get(3)?,
            rejects: row.get::<_, i64>(4)?.cast_unsigned(),
            warnings: row.get::<_, i64>(5)?.cast_unsigned(),
            is_derived: row.get(6)?,
        })
    })?;
    rows.collect()
}
