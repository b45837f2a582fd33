//! Questions to the database, several at once, and their answers in files.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use definitions::{Indicator, Query};
use report::{Format, Writer};
use store::{Limits, Period, Place, QueryFault, Value};

/// An answer, or why there is none.
#[derive(Debug)]
pub struct Answered<'a> {
    /// The question.
    pub query: &'a Query,
    /// What came of it, or what went wrong: the query, or the database itself.
    pub outcome: Result<Kept, Failure>,
}

/// What is kept in memory of an answer.
#[derive(Debug, Default)]
pub struct Kept {
    /// Its columns, without those of its period.
    pub columns: Vec<String>,
    /// Its first rows, as many as were asked for.
    pub rows: Vec<Vec<Value>>,
    /// How many rows it has.
    pub n_rows: u64,
    /// The period that it is of.
    pub period: Option<Period>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// The query.
    Query(QueryFault),
    /// The database.
    Database(store::Error),
}

/// What the names of answers begin with while they are written.
const UNFINISHED: &str = ".answer";

/// Answers queries, as many at once as there are cores, each into `folder/<name>.csv`, and keeps up to `rows` rows of each.
/// A file appears when its answer is whole; the old answer of a query that fails goes, since it would pass for today's.
pub fn answer_all<'a>(
    place: &Place,
    queries: &[&'a Query],
    limits: Limits,
    folder: &Path,
    format: Format,
    rows: usize,
) -> io::Result<Vec<Answered<'a>>> {
    fs::create_dir_all(folder)?;
    remove_leftovers(folder)?;
    let answers = answered(queries, |query| {
        answer_into_file(place, query, limits, folder, format, rows)
    });
    // Names are as durable as what they name.
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    Ok(answers)
}

/// Answers queries, as many at once as there are cores, and keeps up to `rows` rows of each.
pub fn keep_all<'a>(
    place: &Place,
    queries: &[&'a Query],
    limits: Limits,
    rows: usize,
) -> Vec<Answered<'a>> {
    answered(queries, |query| {
        let (_, kept) = answer_to(
            place,
            &query.sql,
            period(place, query)?,
            limits,
            None::<(Format, io::Sink)>,
            rows,
        )?;
        Ok(kept)
    })
}

/// The rows of indicators, in their order: when each happened, and its value.
pub fn happenings(
    place: &Place,
    indicators: &[Indicator],
    limits: Limits,
) -> Vec<Result<Vec<(String, f64)>, Failure>> {
    at_once(indicators, |indicator| happened(place, indicator, limits))
}

fn happened(
    place: &Place,
    indicator: &Indicator,
    limits: Limits,
) -> Result<Vec<(String, f64)>, Failure> {
    let (_, kept) = answer_to(
        place,
        &indicator.sql,
        None,
        limits,
        None::<(Format, io::Sink)>,
        usize::MAX,
    )?;
    let column = |name: &str| kept.columns.iter().position(|column| column == name);
    let (at, value) = (column("at"), column("value"));
    let rows = kept.rows.iter().filter_map(|row| {
        let Value::Text(moment) = row.get(at?)? else {
            return None;
        };
        let value = match value.and_then(|place| row.get(place)) {
            Some(Value::Real(value)) => *value,
            Some(Value::Integer(value)) => *value as f64,
            Some(_) => return None,
            None => 0.0,
        };
        Some((moment.clone(), value))
    });
    Ok(rows.collect())
}

/// Answers queries, as many at once as there are cores.
fn answered<'a>(
    queries: &[&'a Query],
    answer: impl Fn(&Query) -> Result<Kept, Failure> + Sync,
) -> Vec<Answered<'a>> {
    let outcomes = at_once(queries, |query| answer(query));
    let with_query = |(query, outcome)| Answered { query, outcome };
    queries
        .iter()
        .copied()
        .zip(outcomes)
        .map(with_query)
        .collect()
}

/// Does some work for each of several things, for as many at once as there are cores; what comes of it is in their order.
fn at_once<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<R>>> = Mutex::new(things.iter().map(|_| None).collect());
    let workers = thread::available_parallelism()
        .map_or(1, std::num::NonZero::get)
        .min(things.len().max(1));
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((index, thing)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    things.get(index).map(|thing| (index, thing))
                } {
                    let result = work(thing);
                    if let Ok(mut results) = results.lock() {
                        results[index] = Some(result);
                    }
                }
            });
        }
    });
    let results = results.into_inner().unwrap_or_default();
    results.into_iter().flatten().collect()
}

/// Answers a select in memory.
pub fn answer_sql(
    place: &Place,
    sql: &str,
    limits: Limits,
    format: Format,
) -> Result<Vec<u8>, Failure> {
    let (bytes, _) = answer_to(place, sql, None, limits, Some((format, Vec::new())), 0)?;
    Ok(bytes.unwrap_or_default())
}

/// Answers a query in memory.
pub fn answer(
    place: &Place,
    query: &Query,
    limits: Limits,
    format: Format,
) -> Result<Vec<u8>, Failure> {
    let period = period(place, query)?;
    let target = Some((format, Vec::new()));
    let (bytes, _) = answer_to(place, &query.sql, period, limits, target, 0)?;
    Ok(bytes.unwrap_or_default())
}

/// Removes what runs that were killed left half-written. What another run is writing now is locked.
fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with(UNFINISHED) || !entry.file_type()?.is_file() {
            continue;
        }
        let is_free = fs::File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if is_free {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

fn answer_into_file(
    place: &Place,
    query: &Query,
    limits: Limits,
    folder: &Path,
    format: Format,
    rows: usize,
) -> Result<Kept, Failure> {
    let name = format!("{}.csv", query.name);
    let path = folder.join(&name);
    let output = |error: io::Error| Failure::Query(QueryFault::Output(error.to_string()));
    let answered = (|| {
        let file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(folder)
            .map_err(output)?;
        // Held as long as it is written, so that nobody takes it for a leftover.
        file.as_file().lock().map_err(output)?;
        let target = Some((format, io::BufWriter::new(file)));
        let period = period(place, query)?;
        let (target, kept) = answer_to(place, &query.sql, period, limits, target, rows)?;
        let Some(target) = target else {
            return Ok(kept);
        };
        let file = target
            .into_inner()
            .map_err(|error| output(error.into_error()))?;
        share(file.path()).map_err(output)?;
        file.as_file().sync_all().map_err(output)?;
        file.persist(&path).map_err(|error| output(error.error))?;
        Ok(kept)
    })();
    let answered = answered.map_err(|failure| match failure {
        Failure::Query(QueryFault::Output(reason)) => Failure::Query(QueryFault::Output(format!(
            "cannot write `output/{name}`: {reason}"
        ))),
        other => other,
    });
    if answered.is_err() {
        let _ = fs::remove_file(&path);
    }
    answered
}

/// The period that an answer is of; nothing for a query that does not say what it counts.
fn period(place: &Place, query: &Query) -> Result<Option<Period>, Failure> {
    if query.period.is_empty() {
        return Ok(None);
    }
    let tables: Vec<&str> = query.period.iter().map(|table| &*table.text).collect();
    let period = store::period_of(place, &tables).map_err(Failure::Database)?;
    Ok(Some(period))
}

/// Writes an answer, with its period behind its own columns, to a target if there is one; keeps up to `most` rows of it.
fn answer_to<W: io::Write>(
    place: &Place,
    sql: &str,
    period: Option<Period>,
    limits: Limits,
    target: Option<(Format, W)>,
    most: usize,
) -> Result<(Option<W>, Kept), Failure> {
    let names: &[&str] = if period.is_some() {
        &["from", "to"]
    } else {
        &[]
    };
    let value = |end: &Option<String>| end.clone().map_or(Value::Null, Value::Text);
    let ends: Vec<Value> = period
        .iter()
        .flat_map(|period| [value(&period.from), value(&period.to)])
        .collect();
    let mut kept = Kept {
        period,
        ..Kept::default()
    };
    let mut target = target;
    // The columns come first, then rows: one sink, made when the columns are known.
    let sink = std::cell::RefCell::new((None::<Writer<W>>, &mut kept));
    let rows = store::query(
        place,
        sql,
        limits,
        &mut |columns| {
            let (writer, kept) = &mut *sink.borrow_mut();
            kept.columns = columns.to_vec();
            if let Some((format, target)) = target.take() {
                let mut columns = columns.to_vec();
                columns.extend(names.iter().map(|name| (*name).to_owned()));
                let made = Writer::new(format, &columns, target);
                *writer = Some(made.map_err(|error| error.to_string())?);
            }
            Ok(())
        },
        &mut |row: &[Value]| {
            let (writer, kept) = &mut *sink.borrow_mut();
            if kept.rows.len() < most {
                kept.rows.push(row.to_vec());
            }
            match writer {
                Some(writer) => writer
                    .row(&[row, &ends].concat())
                    .map_err(|error| error.to_string()),
                None => Ok(()),
            }
        },
    );
    let (writer, kept_here) = sink.into_inner();
    kept_here.n_rows = rows.map_err(Failure::Database)?.map_err(Failure::Query)?;
    let target = writer.map(Writer::finish).transpose();
    let target = target.map_err(|error| Failure::Query(QueryFault::Output(error.to_string())))?;
    Ok((target, kept))
}

/// Writes a file that appears when it is whole.
pub fn write_whole(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(folder)?;
    file.as_file().lock()?;
    io::Write::write_all(&mut file, bytes)?;
    share(file.path())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Temporary files are their owner's alone; answers are for whoever the folder is for.
fn share(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}
