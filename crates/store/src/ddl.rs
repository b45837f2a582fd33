//! The tables as SQLite has them: the schema's columns, and three of our own that say where a row came from.

use std::collections::{HashMap, HashSet};

use definitions::{Column, ColumnType, Schema, Table};
use rusqlite::Connection;

/// Raised when the bookkeeping tables change: an older database is made anew from the raw data.
pub(crate) const FORMAT: i64 = 6;

/// A version of a table that no other table has: it shows whether the table changed since something was made from it.
pub(crate) const NEW_VERSION: &str = "hex(randomblob(16))";

const BOOKKEEPING: &str = "
create table _files (
  id integer primary key, path text not null unique, stream text not null, size integer not null, modified integer not null,
  hash integer, records integer not null default 0, rejects integer not null default 0,
  extracted_from integer, extracted_to integer
);
create index _files_by_stream on _files (stream);
create table _rejects (
  file_id integer not null, line integer not null, stream text not null, table_name text, column_name text,
  code text not null, reason text not null, value text, record text not null
);
create index _rejects_by_file on _rejects (file_id, line);
create index _rejects_by_stream on _rejects (stream);
create table _copies (
  file_id integer not null, line integer not null, stream text not null, key text not null, named text not null, content integer not null
);
create index _copies_by_file on _copies (file_id);
create index _copies_by_stream on _copies (stream);
create table _later (
  id integer primary key, stream text not null, file_id integer not null, line integer not null, extracted_at integer, tables text not null
);
create index _later_by_stream on _later (stream);
create table _warnings (
  file_id integer not null, line integer not null, stream text not null, table_name text not null,
  column_name text not null, reason text not null, value text not null
);
create index _warnings_by_file on _warnings (file_id, line);
create index _warnings_by_stream on _warnings (stream);
create table _streams (
  stream text primary key, fingerprint integer not null, unfinished integer not null, listing text, listed_at integer
);
create table _tables (table_name text primary key, stream text, rows integer not null, newest_extracted_at text, from_at text, to_at text);
create table _counted (table_name text primary key, counted_to integer not null, latest text not null);
create table _removed (stream text not null, key text not null, primary key (stream, key));
create table _gaps (stream text not null, parent text, since_at text, until_at text, reason text not null);
create index _gaps_by_stream on _gaps (stream);
create table _windows (stream text not null, since_at text not null, until_at text not null, primary key (stream, since_at));
create table _versions (table_name text primary key, version text not null, made_of text);
create table _runs (id integer primary key, started_at integer not null, finished_at integer not null, files integer not null, records integer not null);
create table _objects (name text primary key, kind text not null, on_table text, sql text not null);
";

pub(crate) enum PrepareFault {
    /// The database is not ours.
    Foreign,
    /// It is ours, and of a format to come.
    Newer,
    /// A table, view or index that is not ours has the name of one that should be.
    Taken(String),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for PrepareFault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Makes what is missing, remakes what is declared otherwise now, and drops what is no longer declared. A database
/// that is as it should be is not written to.
pub(crate) fn prepare(connection: &mut Connection, schema: &Schema) -> Result<(), PrepareFault> {
    let format: i64 = connection.query_row("pragma user_version", [], |row| row.get(0))?;
    let ours = exists(connection, "_objects")?;
    let empty: bool =
        connection.query_row("select count(*) = 0 from sqlite_schema", [], |row| {
            row.get(0)
        })?;
    if !ours && !empty {
        return Err(PrepareFault::Foreign);
    }
    if ours && format > FORMAT {
        return Err(PrepareFault::Newer);
    }
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut changed = false;
    let whole = ours && format == FORMAT && bookkeeping_is_whole(&transaction)?;
    if !whole {
        drop_ours(&transaction)?;
        transaction.execute_batch(BOOKKEEPING)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
        changed = true;
    }
    changed |= forget_missing(&transaction, schema)?;
    changed |= objects(&transaction, schema)?;
    if changed {
        transaction.commit()?
    } else {
        transaction.rollback()?
    }
    Ok(())
}

/// `CREATE TABLE` for a table of the schema, with the bookkeeping columns.
pub(crate) fn create_table(table: &Table) -> String {
    let mut parts = columns(table);
    parts.extend(
        [
            "_extracted_at integer",
            "_file integer not null",
            "_line integer not null",
        ]
        .map(str::to_owned),
    );
    if !has_own_index(table) {
        parts.push(format!("primary key ({})", key(table)));
    }
    create(table, &parts)
}

/// Whether the key of a table is an index that can be dropped and built, by [`create_key`]. A key of a single whole number
/// needs none: it is the row's own number.
pub(crate) fn has_own_index(table: &Table) -> bool {
    match table.key.as_slice() {
        [column] => table.columns[*column].kind != ColumnType::Integer,
        _ => true,
    }
}

/// Whether the index of a table's key is there.
pub(crate) fn has_key(connection: &Connection, table: &Table) -> rusqlite::Result<bool> {
    let sql = "select exists (select 1 from sqlite_schema where type = 'index' and name = ?1)";
    let mut found = connection.prepare_cached(sql)?;
    found.query_row([key_name(table)], |row| row.get(0))
}

/// What the index of a table's key is called.
pub(crate) fn key_name(table: &Table) -> String {
    format!("_key_{}", table.name)
}

/// `CREATE TABLE` for a derived table, whose rows come from no file. Its key is an index that is made when the rows are
/// there, by [`create_key`]: that is half the time.
pub(crate) fn create_derived(table: &Table) -> String {
    create(table, &columns(table))
}

/// The index of a table's key, which refuses two rows with one key.
pub(crate) fn create_key(table: &Table) -> String {
    format!(
        "create unique index {} on {} ({})",
        quote(&key_name(table)),
        quote(&table.name),
        key(table)
    )
}

/// The columns of a table's key, quoted, as a list.
pub(crate) fn key(table: &Table) -> String {
    let columns = table.key.iter().map(|column| &table.columns[*column].name);
    let columns: Vec<String> = columns.map(|name| quote(name)).collect();
    columns.join(", ")
}

fn create(table: &Table, parts: &[String]) -> String {
    format!(
        "create table {} (\n  {}\n)",
        quote(&table.name),
        parts.join(",\n  ")
    )
}

fn columns(table: &Table) -> Vec<String> {
    let declared = |column: &Column| {
        let not_null = if column.not_null { " not null" } else { "" };
        format!("{} {}{not_null}", quote(&column.name), storage(column.kind))
    };
    table.columns.iter().map(declared).collect()
}

/// A name as SQL text.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn storage(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text
        | ColumnType::Timestamp
        | ColumnType::Date
        | ColumnType::TimeZone
        | ColumnType::Json => "text",
        ColumnType::Integer => "integer",
        ColumnType::Real => "real",
        // Kept as 0 and 1; the name lets answers say true and false.
        ColumnType::Boolean => "boolean",
    }
}

/// Says whether anything had to change.
fn objects(connection: &Connection, schema: &Schema) -> Result<bool, PrepareFault> {
    let wanted = wanted(schema);
    let mut known = known_objects(connection)?;
    let same = known.len() == wanted.len()
        && wanted.iter().all(|object| {
            known
                .get(&object.name)
                .is_some_and(|(_, known)| *known == object.sql)
        });
    if same {
        return Ok(false);
    }
    drop_others(connection, &wanted, &mut known)?;
    let mut taken = names(connection)?;
    let is_there = |object: &&Object| {
        let known = known.get(&object.name);
        known.is_some_and(|(kind, sql)| kind == object.kind && *sql == object.sql)
    };
    let new: Vec<&Object> = wanted.iter().filter(|object| !is_there(object)).collect();
    for Object {
        name, kind, sql, ..
    } in &new
    {
        if !taken.insert(name.to_ascii_lowercase()) {
            return Err(PrepareFault::Taken(name.clone()));
        }
        connection.execute_batch(sql)?;
        let loaded = schema.tables.iter().find(|table| table.name == *name);
        if let Some(table) = loaded.filter(|table| *kind == "table" && has_own_index(table)) {
            connection.execute_batch(&create_key(table))?;
        }
    }
    note(connection, &new)?;
    Ok(true)
}

/// What the schema wants to be there.
fn wanted(schema: &Schema) -> Vec<Object> {
    let mut wanted: Vec<Object> = Vec::new();
    let mut want = |name: &str, kind, table: Option<&str>, sql: String| {
        wanted.push(Object {
            name: name.to_owned(),
            kind,
            table: table.map(str::to_owned),
            sql,
        });
    };
    for table in &schema.tables {
        want(&table.name, "table", None, create_table(table));
    }
    for derived in &schema.derived {
        let sql = create_derived(&derived.table);
        want(&derived.table.name, "derived", None, sql);
    }
    let indexes = schema
        .derived
        .iter()
        .flat_map(|derived| &derived.indexes)
        .chain(&schema.indexes);
    for index in indexes {
        want(&index.name, "index", Some(&index.table), index.sql.clone());
    }
    for view in &schema.views {
        want(&view.name, "view", None, view.sql.clone());
    }
    wanted
}

/// Drops views and indexes, and the tables that are declared otherwise now or no longer; `known` keeps the others.
fn drop_others(
    connection: &Connection,
    wanted: &[Object],
    known: &mut HashMap<String, (String, String)>,
) -> rusqlite::Result<()> {
    // Views and indexes are cheap: all are made anew, on tables that are kept where they are unchanged.
    for (name, (kind, sql)) in known.iter() {
        match kind.as_str() {
            "view" => connection.execute_batch(&format!("drop view if exists {}", quote(name)))?,
            "index" if was_made_by(connection, name, sql)? => {
                connection.execute_batch(&format!("drop index {}", quote(name)))?;
            }
            _ => {}
        }
    }
    connection.execute("delete from _objects where kind in ('view', 'index')", [])?;
    known.retain(|_, (kind, _)| is_table(kind));
    for (name, (known_kind, sql)) in known.iter() {
        let kept = wanted
            .iter()
            .any(|wanted| wanted.name == *name && wanted.kind == known_kind && wanted.sql == *sql);
        if !kept {
            connection.execute_batch(&format!("drop table if exists {}", quote(name)))?;
            forget(connection, name)?;
        }
    }
    Ok(())
}

/// Notes what was made.
fn note(connection: &Connection, new: &[&Object]) -> rusqlite::Result<()> {
    // All together, since each statement above makes the engine compile anew what it is asked next.
    let objects = "insert into _objects (name, kind, on_table, sql) values (?1, ?2, ?3, ?4)";
    let mut objects = connection.prepare(objects)?;
    let tables = "insert into _tables (table_name, rows) values (?1, 0)";
    let mut tables = connection.prepare(tables)?;
    let versions =
        format!("insert into _versions (table_name, version) values (?1, {NEW_VERSION})");
    let mut versions = connection.prepare(&versions)?;
    for object in new {
        objects.execute((&object.name, object.kind, &object.table, &object.sql))?;
        if is_table(object.kind) {
            tables.execute([&object.name])?;
            versions.execute([&object.name])?;
        }
    }
    Ok(())
}

/// Something that the schema wants to be there.
struct Object {
    name: String,
    kind: &'static str,
    /// The table that an index is on.
    table: Option<String>,
    sql: String,
}

/// Whether a kind of object has rows of its own.
fn is_table(kind: &str) -> bool {
    matches!(kind, "table" | "derived")
}

fn forget(connection: &Connection, table: &str) -> rusqlite::Result<()> {
    connection.execute("delete from _objects where name = ?1", [table])?;
    for bookkeeping in ["_tables", "_counted", "_versions"] {
        let sql = format!("delete from {bookkeeping} where table_name = ?1");
        connection.execute(&sql, [table])?;
    }
    Ok(())
}

fn known_objects(connection: &Connection) -> rusqlite::Result<HashMap<String, (String, String)>> {
    let mut statement = connection.prepare("select name, kind, sql from _objects")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
    rows.collect()
}

/// The tables of the bookkeeping, all of which begin with an underscore.
pub(crate) fn bookkeeping_tables() -> impl Iterator<Item = &'static str> {
    BOOKKEEPING
        .lines()
        .filter_map(|line| line.strip_prefix("create table "))
        .filter_map(|line| line.split(' ').next())
}

fn bookkeeping_is_whole(connection: &Connection) -> rusqlite::Result<bool> {
    for table in bookkeeping_tables() {
        if !exists(connection, table)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a table, a view or an index is there as this text made it.
fn was_made_by(connection: &Connection, name: &str, sql: &str) -> rusqlite::Result<bool> {
    let found = "select count(*) from sqlite_schema where name = ?1 collate nocase and lower(sql) = lower(?2)";
    connection.query_row(found, (name, sql), |row| row.get(0))
}

/// The names of all tables, views and indexes, in small letters: the engine takes no two that differ only in those.
fn names(connection: &Connection) -> rusqlite::Result<HashSet<String>> {
    let sql = "select lower(name) from sqlite_schema where type in ('table', 'view', 'index')";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}

fn exists(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let sql = "select count(*) from sqlite_schema where type in ('table', 'view', 'index') and name = ?1 collate nocase";
    connection.query_row(sql, [name], |row| row.get(0))
}

/// Forgets what of ours somebody dropped, or put their own in place of: it is made anew, and the streams of tables are
/// loaded anew. Says whether there was anything.
fn forget_missing(connection: &Connection, schema: &Schema) -> rusqlite::Result<bool> {
    let mut missing = false;
    let mut filling = Vec::new();
    for table in schema.tables.iter().filter(|table| has_own_index(table)) {
        if !has_key(connection, table)? {
            // Its stream is to be finished, if nothing else is to be done.
            let stream = "select stream from _tables where table_name = ?1";
            let sql = format!(
                "update _streams set unfinished = 1 where stream = ({stream}) and unfinished = 0"
            );
            missing |= connection.execute(&sql, [&table.name])? > 0;
            filling.push(table.name.as_str());
        }
    }
    let is_filling = |index: &str| {
        let index = schema.indexes.iter().find(|one| one.name == index);
        index.is_some_and(|index| filling.contains(&index.table.as_str()))
    };
    for (name, (kind, sql)) in known_objects(connection)? {
        if was_made_by(connection, &name, &sql)? {
            continue;
        }
        if kind == "index" && is_filling(&name) {
            continue;
        }
        missing = true;
        if kind == "index" {
            forget(connection, &name)?;
            continue;
        }
        let stream = "select stream from _tables where table_name = ?1";
        let sql = format!("delete from _streams where stream = ({stream})");
        connection.execute(&sql, [&name])?;
        forget(connection, &name)?;
    }
    Ok(missing)
}

/// Drops what this program made, and nothing else: the raw data gives it again.
fn drop_ours(connection: &Connection) -> rusqlite::Result<()> {
    let objects = if exists(connection, "_objects")? {
        known_objects(connection)?
    } else {
        HashMap::new()
    };
    for (kind, dropped) in [("view", "view"), ("table", "table"), ("derived", "table")] {
        for (name, _) in objects.iter().filter(|(_, (known, _))| known == kind) {
            connection.execute_batch(&format!("drop {dropped} if exists {}", quote(name)))?;
        }
    }
    for table in bookkeeping_tables() {
        connection.execute_batch(&format!("drop table if exists {}", quote(table)))?;
    }
    Ok(())
}
