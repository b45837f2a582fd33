//! Filling empty tables: rows are appended without key and index, which are built when the stream is finished, sorted, in a
//! fraction of the time that each row's place in them would take.
//!
//! So that a key cannot come twice meanwhile, a filter in memory knows all that came: it never takes a known key for a new
//! one, and rarely a new one for a known one. A record whose key it knows waits in `_later`, and is added by the loading rules
//! when the keys are built. A stream that was left in the middle is as sound as any: the database has the files
//! that are loaded, their rows, and the records that wait. A table without the index of its key is one that is being filled.

use definitions::Table;
use fastbloom::BloomFilter;
use rusqlite::{CachedStatement, Connection};
use transform::{Batch, Cell, Plan, RecordRows};
use xxhash_rust::xxh3::xxh3_64;

use crate::ddl::{create_key, has_key, has_own_index, key, key_name, quote};
use crate::rows::{Origin, Rules, key_bytes};

/// The sizes of the filter, in bits, and how many keys one of that size takes: 256 KiB, 16 MiB and 64 MiB. The last takes
/// more, and finds more new keys known, whose records then wait.
const SIZES: [(usize, u64); 3] = [
    (2 << 20, 150_000),
    (128 << 20, 12_000_000),
    (512 << 20, u64::MAX),
];

/// How many bits a key sets.
const BITS_A_KEY: u32 = 4;

/// The page cache while rows are appended, in KiB.
pub(crate) const SMALL_CACHE: i64 = 4 << 10;

/// The page cache while keys and indexes are built, in KiB. Sorting takes two such portions of memory beside it, and is
/// fastest where they fit into the cache of the processor.
const SORTING: i64 = 4 << 10;

/// The page cache otherwise, in KiB.
pub(crate) const CACHE: i64 = 64 << 10;

/// So many records wait at the most before the keys are built, or an eighth of all, if that is more.
const WAITING: u64 = 10_000;

/// The filling of the tables of a stream.
pub(crate) struct Bulk {
    stream: String,
    seen: Box<BloomFilter>,
    /// So many keys the filter takes.
    room: u64,
    appended: u64,
    waiting: u64,
}

impl Bulk {
    /// Adds records: those of new keys to their tables, the others to those that wait.
    pub(crate) fn append(
        &mut self,
        connection: &Connection,
        rules: &Rules,
        batch: &Batch,
        origin: &Origin,
    ) -> rusqlite::Result<()> {
        if self.appended + batch.records.len() as u64 > self.room {
            self.make_room(connection, rules.own())?;
        }
        let inserts = rules.tables.iter();
        let inserts = inserts.map(|table| connection.prepare_cached(&table.insert));
        let mut inserts = inserts.collect::<rusqlite::Result<Vec<CachedStatement>>>()?;
        let keys = (0..batch.records.len()).map(|index| xxh3_64(&rules.key(batch, index)));
        // All at once: each lies elsewhere in memory, so the processor can wait for several at a time.
        let known: Vec<bool> = keys.map(|key| self.seen.insert_hash(key)).collect();
        for (index, known) in known.into_iter().enumerate() {
            if known {
                put(connection, &self.stream, batch, index, origin.file)?;
                self.waiting += 1;
            } else {
                rules.append(&mut inserts, batch, index, origin.file)?;
                self.appended += 1;
            }
        }
        Ok(())
    }

    fn of(plan: &Plan) -> Self {
        let (seen, room) = filter_for(0);
        Self {
            stream: plan.stream.to_string(),
            seen,
            room,
            appended: 0,
            waiting: 0,
        }
    }

    /// Makes the filter anew, from the rows, with room for twice as many.
    fn make_room(&mut self, connection: &Connection, own: &Table) -> rusqlite::Result<()> {
        (self.seen, self.room) = filter_for(2 * self.appended);
        let keys = format!("select {} from {}", key(own), quote(&own.name));
        let mut keys = connection.prepare(&keys)?;
        let width = keys.column_count();
        let mut rows = keys.query([])?;
        while let Some(row) = rows.next()? {
            let values = (0..width).map(|column| row.get_ref(column));
            let values = values.collect::<rusqlite::Result<Vec<_>>>()?;
            self.seen
                .insert_hash(xxh3_64(&key_bytes(values.into_iter())));
        }
        Ok(())
    }
}

/// Goes on filling the tables of a stream, or begins to where all are empty; nothing where they are not. `known` is what is
/// left of the file before.
pub(crate) fn begin(
    connection: &Connection,
    plan: &Plan,
    known: Option<Bulk>,
) -> rusqlite::Result<Option<Bulk>> {
    let known = known.filter(|bulk| bulk.stream == plan.stream.as_str());
    if is_filling(connection, plan)? {
        let bulk = match known {
            Some(bulk) => bulk,
            None => resume(connection, plan)?,
        };
        if bulk.waiting <= WAITING.max(bulk.appended / 8) {
            return Ok(Some(bulk));
        }
        finish(connection, plan)?;
        set_cache(connection, CACHE)?;
        return Ok(None);
    }
    if plan.tables.iter().any(|table| !has_own_index(&table.table)) {
        return Ok(None);
    }
    for table in &plan.tables {
        let sql = format!("select exists (select 1 from {})", quote(&table.table.name));
        if connection
            .prepare_cached(&sql)?
            .query_row([], |row| row.get(0))?
        {
            return Ok(None);
        }
    }
    drop_indexes(connection, plan)?;
    set_cache(connection, SMALL_CACHE)?;
    Ok(Some(Bulk::of(plan)))
}

/// Ends the filling of a stream's tables, if they are being filled: builds keys, adds the records that wait by the loading
/// rules, and builds the other indexes.
pub(crate) fn finish(connection: &Connection, plan: &Plan) -> rusqlite::Result<()> {
    if !is_filling(connection, plan)? {
        return Ok(());
    }
    set_cache(connection, SORTING)?;
    for table in &plan.tables {
        if !has_key(connection, &table.table)? {
            connection.execute_batch(&create_key(&table.table))?;
        }
    }
    add_waiting(connection, plan)?;
    for table in &plan.tables {
        let missing = "select sql from _objects where kind = 'index' and on_table = ?1
            and name not in (select name from sqlite_schema where type = 'index')";
        for sql in texts(connection, missing, &table.table.name)? {
            connection.execute_batch(&sql)?;
        }
    }
    Ok(())
}

/// Whether the tables of a stream are being filled.
fn is_filling(connection: &Connection, plan: &Plan) -> rusqlite::Result<bool> {
    for table in &plan.tables {
        if has_own_index(&table.table) && !has_key(connection, &table.table)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What an earlier run left, or a file whose rows were taken back.
fn resume(connection: &Connection, plan: &Plan) -> rusqlite::Result<Bulk> {
    drop_indexes(connection, plan)?;
    set_cache(connection, SMALL_CACHE)?;
    let mut bulk = Bulk::of(plan);
    let own = &plan.tables[0].table;
    let rows = format!("select count(*) from {}", quote(&own.name));
    let rows: i64 = connection.query_row(&rows, [], |row| row.get(0))?;
    bulk.appended = rows.cast_unsigned();
    bulk.make_room(connection, own)?;
    let waiting = "select count(*) from _later where stream = ?1";
    let waiting: i64 = connection.query_row(waiting, [plan.stream.as_str()], |row| row.get(0))?;
    bulk.waiting = waiting.cast_unsigned();
    Ok(bulk)
}

/// A filter with room for so many keys, and how many it takes.
fn filter_for(keys: u64) -> (Box<BloomFilter>, u64) {
    let [.., largest] = SIZES;
    let fits = SIZES.into_iter().find(|(_, room)| *room > keys);
    let (bits, room) = fits.unwrap_or(largest);
    (
        Box::new(BloomFilter::with_num_bits(bits).hashes(BITS_A_KEY)),
        room,
    )
}

/// Drops the keys of a stream's tables and the indexes that we made; those of others stay.
fn drop_indexes(connection: &Connection, plan: &Plan) -> rusqlite::Result<()> {
    for table in &plan.tables {
        let ours = "select name from _objects where kind = 'index' and on_table = ?1";
        for name in texts(connection, ours, &table.table.name)? {
            connection.execute_batch(&format!("drop index if exists {}", quote(&name)))?;
        }
        let key = quote(&key_name(&table.table));
        connection.execute_batch(&format!("drop index if exists {key}"))?;
    }
    Ok(())
}

/// Keeps a record until the keys are built.
fn put(
    connection: &Connection,
    stream: &str,
    batch: &Batch,
    index: usize,
    file: i64,
) -> rusqlite::Result<()> {
    let cell = |cell: &Cell| match *cell {
        Cell::Null => serde_json::Value::Null,
        Cell::Integer(value) => value.into(),
        // To the bit: a number in words may be read as its neighbour.
        Cell::Real(value) => vec![value.to_bits()].into(),
        text @ Cell::Text { .. } => batch.text_of(text).unwrap_or_default().into(),
    };
    let tables = (0..batch.tables.len())
        .map(|table| serde_json::Value::from_iter(batch.cells(index, table).iter().map(cell)));
    let record = batch.records[index];
    let sql = "insert into _later (stream, file_id, line, extracted_at, tables) values (?1, ?2, ?3, ?4, ?5)";
    connection.prepare_cached(sql)?.execute((
        stream,
        file,
        record.line as i64,
        record.extracted_at,
        serde_json::Value::from_iter(tables).to_string(),
    ))?;
    Ok(())
}

/// Adds the records that wait, in the order in which they came.
fn add_waiting(connection: &Connection, plan: &Plan) -> rusqlite::Result<()> {
    let rules = Rules::new(plan);
    let stream = plan.stream.as_str();
    let sql = "select file_id, path, line, extracted_at, tables from _later join _files on _files.id = file_id
        where _later.stream = ?1 order by _later.id";
    let mut waiting = connection.prepare(sql)?;
    let mut rows = waiting.query([stream])?;
    while let Some(row) = rows.next()? {
        let origin = Origin {
            file: row.get(0)?,
            path: row.get(1)?,
        };
        let record = RecordRows {
            line: row.get::<_, i64>(2)?.cast_unsigned(),
            extracted_at: row.get(3)?,
        };
        let tables: Vec<Vec<serde_json::Value>> = serde_json::from_str(row.get_ref(4)?.as_str()?)
            .map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, error.into())
        })?;
        rules.apply(connection, &batch_of(tables, record), &origin)?;
    }
    connection.execute("delete from _later where stream = ?1", [stream])?;
    Ok(())
}

/// A batch of one record that waited.
fn batch_of(tables: Vec<Vec<serde_json::Value>>, record: RecordRows) -> Batch {
    let mut batch = Batch::new(tables.len());
    for (place, values) in tables.into_iter().enumerate() {
        for value in values {
            let cell = match value {
                serde_json::Value::Null => Cell::Null,
                serde_json::Value::String(text) => batch.push_text(&text),
                serde_json::Value::Array(bits) => {
                    let bits = bits.first().and_then(serde_json::Value::as_u64);
                    Cell::Real(f64::from_bits(bits.unwrap_or_default()))
                }
                number => Cell::Integer(number.as_i64().unwrap_or_default()),
            };
            batch.tables[place].push(cell);
        }
    }
    batch.close_record(record);
    batch
}

fn texts(connection: &Connection, sql: &str, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([table], |row| row.get(0))?;
    rows.collect()
}

/// Sets the size of the page cache, in KiB.
pub(crate) fn set_cache(connection: &Connection, kibibytes: i64) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", -kibibytes)
}
