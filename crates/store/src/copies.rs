//! Records that people wrote twice: two without a time of extraction and with one key. The last one is loaded; each other
//! is noted here with what it said, and what of them is a contradiction follows when the stream is finished: from the
//! notes and the rows, so that the order of loading makes no difference.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, ToSql};
use transform::Plan;
use xxhash_rust::xxh3::xxh3_64;

use crate::ddl::quote;

/// The code of a reject for a record that contradicts the one that is loaded.
const SAME_KEY: &str = "record-same-key";

/// A record that another one with the same key went before.
pub(crate) struct Copy<'a> {
    pub(crate) file: i64,
    pub(crate) line: i64,
    pub(crate) stream: &'a str,
    /// The record's key, as a JSON list.
    pub(crate) key: String,
    /// The key in words.
    pub(crate) named: String,
    /// What its rows say.
    pub(crate) content: Content,
}

/// What the rows of a record say, whatever their order: equal for equal rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Content(u64);

impl Content {
    /// Adds a row of the table at a place in the plan.
    pub(crate) fn add<'v>(&mut self, table: usize, row: impl Iterator<Item = ValueRef<'v>>) {
        let mut bytes = table.to_le_bytes().to_vec();
        for value in row {
            let (kind, value): (u8, &[u8]) = match &value {
                ValueRef::Null => (0, &[]),
                ValueRef::Integer(value) => (1, &value.to_le_bytes()),
                ValueRef::Real(value) => (2, &value.to_le_bytes()),
                ValueRef::Text(text) | ValueRef::Blob(text) => (3, text),
            };
            bytes.push(kind);
            bytes.extend(value.len().to_le_bytes());
            bytes.extend(value);
        }
        self.0 = self.0.wrapping_add(xxh3_64(&bytes));
    }

    /// What the rows in the tables say that belong to the record of a key.
    pub(crate) fn of_loaded(
        connection: &Connection,
        plan: &Plan,
        key: &[impl ToSql],
    ) -> rusqlite::Result<Self> {
        let mut content = Self::default();
        for (place, table) in plan.tables.iter().enumerate() {
            let table = &table.table;
            let names: Vec<String> = table
                .columns
                .iter()
                .map(|column| quote(&column.name))
                .collect();
            let of_key: Vec<String> = table
                .key
                .iter()
                .take(key.len())
                .map(|column| format!("{} = ?", names[*column]))
                .collect();
            let sql = format!(
                "select {} from {} where {}",
                names.join(", "),
                quote(&table.name),
                of_key.join(" and ")
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(rusqlite::params_from_iter(key))?;
            while let Some(row) = rows.next()? {
                let values = (0..names.len()).map(|column| row.get_ref(column));
                content.add(
                    place,
                    values.collect::<rusqlite::Result<Vec<_>>>()?.into_iter(),
                );
            }
        }
        Ok(content)
    }
}

/// Notes a copy.
pub(crate) fn note(connection: &Connection, copy: &Copy) -> rusqlite::Result<()> {
    let sql = "insert into _copies (file_id, line, stream, key, named, content) values (?1, ?2, ?3, ?4, ?5, ?6)";
    let content = copy.content.0.cast_signed();
    connection.prepare_cached(sql)?.execute((
        copy.file,
        copy.line,
        copy.stream,
        &copy.key,
        &copy.named,
        content,
    ))?;
    Ok(())
}

/// Makes the rejects of a stream's copies anew. One is none where it says the same as the record that is loaded, where a
/// fetched record stands above both, or where a complete listing has the last word on what there is.
pub(crate) fn reject_contradictions(
    connection: &Connection,
    plan: &Plan,
    listed: bool,
) -> rusqlite::Result<()> {
    let stream = plan.stream.as_str();
    connection.execute(
        "delete from _rejects where stream = ?1 and code = ?2",
        (stream, SAME_KEY),
    )?;
    if listed {
        return Ok(());
    }
    let table = &plan.tables[0].table;
    let of_key: Vec<String> = table
        .key
        .iter()
        .map(|column| format!("{} = ?", quote(&table.columns[*column].name)))
        .collect();
    let is_fetched = format!(
        "select _extracted_at is not null from {} where {}",
        quote(&table.name),
        of_key.join(" and ")
    );
    let mut copies =
        connection.prepare("select rowid, key, content from _copies where stream = ?1")?;
    let found = copies.query_map([stream], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    for (copy, key, content) in found.collect::<rusqlite::Result<Vec<(i64, String, i64)>>>()? {
        let key: Vec<serde_json::Value> = serde_json::from_str(&key).unwrap_or_default();
        let key: Vec<Value> = key.iter().map(sql_value).collect();
        let fetched: Option<bool> = connection
            .prepare_cached(&is_fetched)?
            .query_row(rusqlite::params_from_iter(&key), |row| row.get(0))
            .optional()?;
        let same = Content::of_loaded(connection, plan, &key)? == Content(content.cast_unsigned());
        if fetched != Some(true) && !same {
            connection.execute(
                "insert into _rejects (file_id, line, stream, table_name, code, reason, value, record)
                 select file_id, line, stream, ?2, ?3,
                   'a later record has the same key (' || named || ') and other values; only the last one is loaded',
                   key, '' from _copies where rowid = ?1",
                (copy, &table.name, SAME_KEY),
            )?;
        }
    }
    Ok(())
}

fn sql_value(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::String(text) => text.clone().into(),
        number => number
            .as_i64()
            .map_or_else(|| number.as_f64().into(), Value::from),
    }
}
