//! Questions to the database, several at once, and their answers in files.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use definitions::Query;
use report::{Format, Writer};
use store::{Limits, Period, Place, QueryFault, Value};

/// An answer that was written, or why there is none.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The question.
    pub query: &'a Query,
    /// How many rows it has, or what went wrong: the query, or the database itself.
    pub rows: Result<u64, Failure>,
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

/// Answers queries, as many at once as there are cores, each into `folder/<name>.csv`. A file appears when its answer
/// is whole; the old answer of a query that fails goes, since it would pass for today's.
pub fn answer_all<'a>(
    place: &Place,
    queries: &[&'a Query],
    limits: Limits,
    folder: &Path,
) -> io::Result<Vec<Answer<'a>>> {
    fs::create_dir_all(folder)?;
    remove_leftovers(folder)?;
    let next = AtomicUsize::new(0);
    let answers: Mutex<Vec<Option<Answer>>> = Mutex::new(queries.iter().map(|_| None).collect());
    let workers = thread::available_parallelism()
        .map_or(1, std::num::NonZero::get)
        .min(queries.len().max(1));
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((index, query)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    queries.get(index).map(|query| (index, *query))
                } {
                    let rows = answer_into_file(place, query, limits, folder);
                    if let Ok(mut answers) = answers.lock() {
                        answers[index] = Some(Answer { query, rows });
                    }
                }
            });
        }
    });
    // Names are as durable as what they name.
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    Ok(answers
        .into_inner()
        .unwrap_or_default()
        .into_iter()
        .flatten()
        .collect())
}

/// Answers a select in memory.
pub fn answer_sql(
    place: &Place,
    sql: &str,
    limits: Limits,
    format: Format,
) -> Result<Vec<u8>, Failure> {
    let (bytes, _) = answer_to(place, sql, None, limits, format, Vec::new())?;
    Ok(bytes)
}

/// Answers a query in memory.
pub fn answer(
    place: &Place,
    query: &Query,
    limits: Limits,
    format: Format,
) -> Result<Vec<u8>, Failure> {
    let period = period(place, query)?;
    let (bytes, _) = answer_to(place, &query.sql, period, limits, format, Vec::new())?;
    Ok(bytes)
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
) -> Result<u64, Failure> {
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
        let target = io::BufWriter::new(file);
        let period = period(place, query)?;
        let (target, rows) = answer_to(place, &query.sql, period, limits, Format::Csv, target)?;
        let file = target
            .into_inner()
            .map_err(|error| output(error.into_error()))?;
        share(file.path()).map_err(output)?;
        file.as_file().sync_all().map_err(output)?;
        file.persist(&path).map_err(|error| output(error.error))?;
        Ok(rows)
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

/// Writes an answer, with its period behind its own columns.
fn answer_to<W: io::Write>(
    place: &Place,
    sql: &str,
    period: Option<Period>,
    limits: Limits,
    format: Format,
    target: W,
) -> Result<(W, u64), Failure> {
    let mut target = Some(target);
    let mut writer: Option<Writer<W>> = None;
    // The columns come first, then rows: one writer, made when the columns are known.
    let writer_cell = std::cell::RefCell::new(&mut writer);
    let names: &[&str] = if period.is_some() {
        &["from", "to"]
    } else {
        &[]
    };
    let ends = period.map_or(Vec::new(), |period| {
        let value = |end: Option<String>| end.map_or(Value::Null, Value::Text);
        vec![value(period.from), value(period.to)]
    });
    let rows = store::query(
        place,
        sql,
        limits,
        &mut |columns| {
            if let Some(target) = target.take() {
                let mut columns = columns.to_vec();
                columns.extend(names.iter().map(|name| (*name).to_owned()));
                **writer_cell.borrow_mut() =
                    Some(Writer::new(format, &columns, target).map_err(|error| error.to_string())?);
            }
            Ok(())
        },
        &mut |row: &[Value]| match &mut **writer_cell.borrow_mut() {
            Some(writer) => writer
                .row(&[row, &ends].concat())
                .map_err(|error| error.to_string()),
            None => Ok(()),
        },
    );
    let rows = rows.map_err(Failure::Database)?.map_err(Failure::Query)?;
    match writer {
        Some(writer) => {
            let target = writer
                .finish()
                .map_err(|error| Failure::Query(QueryFault::Output(error.to_string())))?;
            Ok((target, rows))
        }
        None => Err(Failure::Query(QueryFault::Output(
            "the query has no columns".to_owned(),
        ))),
    }
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
