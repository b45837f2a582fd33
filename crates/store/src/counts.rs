//! What `_tables` says of the rows of a loaded table: how many they are, when the newest was fetched, and from when to
//! when they happened.
//!
//! Where rows were only added since the last count, only these are looked at: a file costs what it holds, however large
//! the table is. `_counted` says up to which row a table is counted, and which moment was the latest plausible one then; for
//! a table without a line there, all rows are counted.

use definitions::Table;
use rusqlite::{Connection, OptionalExtension};
use transform::{EARLIEST, Plan};

use crate::ddl::{has_own_index, quote};
use crate::period::{latest, own_moment};

/// How many rows there are, and what they span.
#[derive(Default)]
struct Extent {
    rows: i64,
    /// When the newest was fetched, in microseconds since 1970.
    fetched_at: Option<i64>,
    /// When the first and the last of them happened.
    happened: Option<(String, String)>,
}

/// Brings the counts of a stream's tables up to date.
pub(crate) fn update(connection: &Connection, plan: &Plan) -> rusqlite::Result<()> {
    let latest = latest(connection, plan)?;
    let fetched = "select max(extracted_to) from _files where stream = ?1";
    let fetched = connection.query_row(fetched, [plan.stream.as_str()], |row| row.get(0))?;
    for (place, planned) in plan.tables.iter().enumerate() {
        let table = &planned.table;
        let after = counted_to(connection, table, &latest)?;
        let mut extent = extent(connection, table, None, after)?;
        let plausible = EARLIEST..=latest.as_str();
        let is_plausible = extent.happened.as_ref().is_none_or(|(first, last)| {
            plausible.contains(&first.as_str()) && plausible.contains(&last.as_str())
        });
        if !is_plausible {
            extent = self::extent(connection, table, Some(&latest), after)?;
        }
        // Each record has a row in the first table, so the newest record is the newest row: no row has to be read for it.
        extent.fetched_at = match place {
            0 if extent.rows > 0 => fetched,
            0 => None,
            _ => newest(connection, table)?,
        };
        note(connection, plan, table, &extent, after)?;
        // In a stream of several tables, replaced rows cannot be distinguished from added ones.
        let goes_on = is_plausible && plan.tables.len() == 1 && has_own_index(table);
        note_counted(connection, table, goes_on.then_some(&latest))?;
    }
    Ok(())
}

/// Notes that rows of a stream's tables may have been changed or removed: all are counted next time.
pub(crate) fn forget(connection: &Connection, plan: &Plan) -> rusqlite::Result<()> {
    let mut forget = connection.prepare_cached("delete from _counted where table_name = ?1")?;
    for table in &plan.tables {
        forget.execute([&table.table.name])?;
    }
    Ok(())
}

/// The number of the last row of a table; 0 if it has none.
pub(crate) fn last_row(connection: &Connection, table: &Table) -> rusqlite::Result<i64> {
    let sql = format!("select ifnull(max(rowid), 0) from {}", quote(&table.name));
    connection
        .prepare_cached(&sql)?
        .query_row([], |row| row.get(0))
}

/// Up to which row a table is counted. A later limit takes nothing back: a table with a moment beyond it has no line.
fn counted_to(
    connection: &Connection,
    table: &Table,
    latest: &str,
) -> rusqlite::Result<Option<i64>> {
    let sql = "select counted_to from _counted where table_name = ?1 and latest <= ?2";
    let mut counted = connection.prepare_cached(sql)?;
    counted
        .query_row((&table.name, latest), |row| row.get(0))
        .optional()
}

/// Notes that all rows of a table are counted, up to a latest plausible moment; nothing if they must be looked at again.
fn note_counted(
    connection: &Connection,
    table: &Table,
    latest: Option<&String>,
) -> rusqlite::Result<()> {
    let changed = match latest {
        Some(latest) => connection.execute(
            "insert or replace into _counted (table_name, counted_to, latest) values (?1, ?2, ?3)",
            (&table.name, last_row(connection, table)?, latest),
        ),
        None => connection.execute("delete from _counted where table_name = ?1", [&table.name]),
    };
    changed.map(drop)
}

/// The extent of the rows after a row, by all moments or by those that are plausible.
fn extent(
    connection: &Connection,
    table: &Table,
    latest: Option<&str>,
    after: Option<i64>,
) -> rusqlite::Result<Extent> {
    let moment = own_moment(table, "counted", latest);
    let sql = format!(
        "select count(*), min({moment}), max({moment}) from {} as counted {}",
        quote(&table.name),
        after.map_or(String::new(), |row| format!("where rowid > {row}")),
    );
    connection.query_row(&sql, [], |row| {
        let (first, last): (Option<String>, Option<String>) = (row.get(1)?, row.get(2)?);
        Ok(Extent {
            rows: row.get(0)?,
            fetched_at: None,
            happened: first.zip(last),
        })
    })
}

/// When the newest row of a table was fetched.
fn newest(connection: &Connection, table: &Table) -> rusqlite::Result<Option<i64>> {
    let sql = format!("select max(_extracted_at) from {}", quote(&table.name));
    connection.query_row(&sql, [], |row| row.get(0))
}

/// Adds an extent to what is counted up to a row; puts it in place of what is there if nothing is.
fn note(
    connection: &Connection,
    plan: &Plan,
    table: &Table,
    extent: &Extent,
    after: Option<i64>,
) -> rusqlite::Result<()> {
    if after.is_none() {
        let sql = "update _tables set rows = 0, newest_extracted_at = null, from_at = null, to_at = null where table_name = ?1";
        connection.execute(sql, [&table.name])?;
    }
    let sql = "update _tables set
           stream = ?2,
           rows = _tables.rows + ?3,
           newest_extracted_at = nullif(max(ifnull(newest_extracted_at, ''), ifnull(fetched, '')), ''),
           from_at = coalesce(min(from_at, ?5), from_at, ?5),
           to_at = nullif(max(ifnull(to_at, ''), ifnull(fetched, ''), ifnull(?6, '')), '')
         from (select strftime('%Y-%m-%dT%H:%M:%SZ', ?4 / 1000000, 'unixepoch') as fetched)
         where table_name = ?1";
    let happened = extent.happened.as_ref();
    let (first, last) = happened.map(|(first, last)| (first, last)).unzip();
    connection
        .execute(
            sql,
            (
                &table.name,
                plan.stream.as_str(),
                extent.rows,
                extent.fetched_at,
                first,
                last,
            ),
        )
        .map(drop)
}
