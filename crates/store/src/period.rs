//! Periods: when a row happened, the period that an answer is of, and a database with the rows of a period only.
//!
//! Which columns say when a row happened stands in the schema. A period is a database of its own, in memory: the rows
//! that happened in it, those that belong to them, and what does not happen but is; the derived tables are made from
//! these. So every query sees a period in one way, as if nothing else had been recorded.

use std::sync::Mutex;

use definitions::{Column, ColumnType, Schema, Table};
use rusqlite::{Connection, OptionalExtension};

use transform::EARLIEST;

use crate::ddl::{bookkeeping_tables, quote};
use crate::{Access, Database, Error, Place, Questions, Store, query};

/// A stretch of time, from its beginning until before its end, each `2026-11-23T20:05:00Z`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Period {
    /// Where it begins; nothing for the beginning of the data.
    pub from: Option<String>,
    /// Where it ends; nothing for the newest that is known.
    pub to: Option<String>,
}

/// The stretch of time of which everything that happened is known, as far as that can be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Where it begins: where fetching began, or else at the first row; nothing if there is none.
    pub since: Option<String>,
    /// Until when it was fetched; nothing for what people write.
    pub until: Option<String>,
}

/// A database with the rows of a period.
pub struct Narrowed {
    /// The database.
    pub database: Box<dyn Database>,
    /// Rows that are in no period, since they do not say when they happened: the table, and how many.
    pub undated: Vec<(String, u64)>,
}

/// The period that the rows of these tables are of: from the first of them to the newest that is known, be it a row or a
/// fetch.
pub(crate) fn period_of(connection: &Connection, tables: &[&str]) -> rusqlite::Result<Period> {
    let mut period = Period::default();
    let mut statement =
        connection.prepare_cached("select from_at, to_at from _tables where table_name = ?1")?;
    for table in tables {
        let known = statement.query_row([table], |row| Ok((row.get(0)?, row.get(1)?)));
        let Some((from, to)): Option<(Option<String>, Option<String>)> = known.optional()? else {
            continue;
        };
        period.from = match (period.from.take(), from) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        period.to = period.to.take().max(to);
    }
    Ok(period)
}

/// Since when and until when everything is known of all these tables; those that nothing was ever loaded into do not count.
pub(crate) fn known_of(connection: &Connection, tables: &[&str]) -> rusqlite::Result<Known> {
    let mut known = Known::default();
    let mut statement = connection.prepare_cached(
        "select
           coalesce(min(windows.since_at, one.from_at), windows.since_at, one.from_at),
           coalesce(max(windows.until_at, one.newest_extracted_at), windows.until_at, one.newest_extracted_at)
         from _tables as one
         left join (
           select stream, min(since_at) as since_at, max(until_at) as until_at from _windows group by stream
         ) as windows on windows.stream = one.stream
         where one.table_name = ?1",
    )?;
    for table in tables {
        let one = statement.query_row([table], |row| Ok((row.get(0)?, row.get(1)?)));
        let Some((since, until)): Option<(Option<String>, Option<String>)> = one.optional()? else {
            continue;
        };
        known.since = known.since.take().max(since);
        known.until = match (known.until.take(), until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    Ok(known)
}

/// A database in memory with what of another one is in a period, and its derived tables.
pub(crate) fn narrow(place: &Place, schema: &Schema, period: &Period) -> Result<Narrowed, Error> {
    let failed = |error| Error::sqlite(place, "read", error);
    // Whether it is there, ours and whole.
    drop(query::reader(place)?);
    let narrow = Place::new_memory();
    let mut store = Store::open(&narrow, schema, std::time::Duration::ZERO, &mut |_| {})?;
    store.bulk_mode()?;
    let connection = &mut store.connection;
    attach(connection, place)?;
    if !is_declared_alike(connection).map_err(failed)? {
        return Err(Error::Older {
            place: place.name(),
        });
    }
    let undated = copy(connection, schema, period).map_err(failed)?;
    connection
        .execute_batch("detach database whole")
        .map_err(failed)?;
    store.derive(schema)?.map_err(|fault| Error::Other {
        place: place.name(),
        doing: "make the derived tables of",
        message: fault.to_string(),
    })?;
    let kept = KeptInMemory {
        place: narrow,
        _store: Mutex::new(store),
    };
    Ok(Narrowed {
        database: Box::new(kept),
        undated,
    })
}

/// A database in memory, which is there as long as this is.
struct KeptInMemory {
    place: Place,
    _store: Mutex<Store>,
}

impl Database for KeptInMemory {
    fn reader(&self) -> Result<Box<dyn Questions + '_>, Error> {
        self.place.reader()
    }

    fn narrow(&self, schema: &Schema, period: &Period) -> Result<Narrowed, Error> {
        narrow(&self.place, schema, period)
    }
}

/// Attaches a database as `whole`.
fn attach(connection: &Connection, place: &Place) -> Result<(), Error> {
    let attach = |access| {
        let sql = "attach database ?1 as whole";
        let attached = connection.execute(sql, [place.uri(access)?]);
        // A file is opened only when it is read.
        let read = attached.and_then(|_| {
            connection.query_row("select count(*) from whole._tables", [], |_| Ok(()))
        });
        Ok(read)
    };
    let failed = |error| Error::sqlite(place, "read", error);
    match attach(Access::MayChange)? {
        Err(error) if query::cannot_be_written(&error) => {
            let _ = connection.execute_batch("detach database whole");
            attach(Access::NeverChanges)?.map_err(failed)
        }
        attached => attached.map_err(failed),
    }
}

/// Whether the tables of the attached database are declared as those here.
fn is_declared_alike(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "select count(*) = 0 from main._objects as here
               where kind = 'table'
                 and not exists (select 1 from whole._objects as there where there.name = here.name and there.sql = here.sql)";
    connection.query_row(sql, [], |row| row.get(0))
}

/// When a row of a table happened, by its own columns, as SQL: the first of them that is plausible, or any where no
/// latest moment is given; `null` if it has none. `alias` is what the table is called there.
pub(crate) fn own_moment(table: &Table, alias: &str, latest: Option<&str>) -> String {
    let own = table.period_columns().filter(|column| column.is_moment());
    first(own.map(|column| match latest {
        Some(latest) => plausible(column, alias, latest),
        None => written(column, alias),
    }))
}

/// The last moment that is plausible for what people wrote into the files of a stream, or that was fetched with them: a
/// day after the newest of these, since a day ahead may be today elsewhere.
pub(crate) fn latest(connection: &Connection, plan: &transform::Plan) -> rusqlite::Result<String> {
    latest_of(connection, "where stream = ?1", [plan.stream.as_str()])
}

fn latest_of(
    connection: &Connection,
    condition: &str,
    parameters: impl rusqlite::Params,
) -> rusqlite::Result<String> {
    let sql = format!(
        "select ifnull(
           strftime('%Y-%m-%dT%H:%M:%SZ', max(max(modified / 1000000000), ifnull(max(extracted_to) / 1000000, 0)) + 86400, 'unixepoch'),
           '9999-12-31T23:59:59Z'
         ) from _files {condition}"
    );
    connection.query_row(&sql, parameters, |row| row.get(0))
}

fn first(moments: impl Iterator<Item = String>) -> String {
    let moments: Vec<String> = moments.collect();
    match moments.as_slice() {
        [] => "null".to_owned(),
        [one] => one.clone(),
        several => format!("coalesce({})", several.join(", ")),
    }
}

fn plausible(column: &Column, alias: &str, latest: &str) -> String {
    let moment = written(column, alias);
    format!("case when {moment} between '{EARLIEST}' and '{latest}' then {moment} end")
}

/// A column as a moment, plausible or not.
fn written(column: &Column, alias: &str) -> String {
    let name = quote(&column.name);
    match column.kind {
        // A day as its first moment, as `to_timestamp` has it.
        ColumnType::Date => format!("{alias}.{name} || 'T00:00:00Z'"),
        _ => format!("{alias}.{name}"),
    }
}

/// When a row of a table happened, be it by the row that it belongs to.
fn moment(schema: &Schema, table: &Table, latest: &str) -> String {
    let of_column = |column: &Column| {
        let parent = column.references.as_ref().filter(|_| !column.is_moment());
        let Some((parent, key)) = parent.and_then(|(name, key)| Some((schema.table(name)?, key)))
        else {
            return plausible(column, "row", latest);
        };
        format!(
            "(select {} from whole.{} as parent where parent.{} = row.{})",
            own_moment(parent, "parent", Some(latest)),
            quote(&parent.name),
            quote(key),
            quote(&column.name)
        )
    };
    first(table.period_columns().map(of_column))
}

fn copy(
    connection: &mut Connection,
    schema: &Schema,
    period: &Period,
) -> rusqlite::Result<Vec<(String, u64)>> {
    let transaction = connection.transaction()?;
    for table in bookkeeping_tables() {
        // What is declared is declared here too; versions say nothing across databases.
        if matches!(table, "_objects" | "_versions") {
            continue;
        }
        let name = quote(table);
        transaction.execute_batch(&format!(
            "delete from {name}; insert into {name} select * from whole.{name};"
        ))?;
    }
    let latest = latest_of(&transaction, "", [])?;
    let from = period.from.as_deref().unwrap_or("");
    let to = period.to.as_deref().unwrap_or("~");
    let mut undated = Vec::new();
    for table in &schema.tables {
        let name = quote(&table.name);
        let moment = moment(schema, table, &latest);
        let happens = !table.period.is_empty();
        let within = if happens {
            format!("where {moment} >= ?1 and {moment} < ?2")
        } else {
            "where ?1 <= ?2".to_owned()
        };
        let sql = format!("insert into {name} select * from whole.{name} as row {within}");
        let rows = transaction.execute(&sql, (from, to))?;
        if happens {
            let sql = format!("select count(*) from whole.{name} as row where {moment} is null");
            let count: i64 = transaction.query_row(&sql, [], |row| row.get(0))?;
            if count > 0 {
                undated.push((table.name.clone(), count.cast_unsigned()));
            }
        }
        transaction.execute(
            "update _tables set rows = ?2 where table_name = ?1",
            (&table.name, rows as i64),
        )?;
    }
    // Nothing is known of what came after the end of the period, nor of what was before its beginning.
    transaction.execute(
        "update _tables set newest_extracted_at = min(newest_extracted_at, ?2), to_at = min(to_at, ?2), from_at = max(from_at, ?1)",
        (from, to),
    )?;
    transaction.commit()?;
    Ok(undated)
}
