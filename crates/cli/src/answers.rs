//! Asks the database several questions at once, and writes their answers to files.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use definitions::{Indicator, Query, Word};
use jiff::Timestamp;
use report::{Format, Writer};
use store::{Database, Known, Limits, Period, QueryFault, Questions, Value};

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
    /// What is known of what it counts.
    pub known: Known,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// The query.
    Query(QueryFault),
    /// The database.
    Database(store::Error),
}

/// Where answers go as files, and how they are written there.
#[derive(Debug, Clone, Copy)]
pub struct Files<'f> {
    /// The project's folder.
    pub project: &'f Path,
    /// The folder in it.
    pub folder: &'f str,
    /// How answers are written.
    pub format: Format,
}

/// What the names of answers begin with while they are written.
const UNFINISHED: &str = ".answer";

/// Answers queries, as many at once as there are cores, each into a file `<name>.csv`, and keeps up to `rows` rows of each.
/// A file appears when its answer is whole; the old answer of a query that fails goes, since it would pass for today's.
pub fn answer_all<'a>(
    database: &dyn Database,
    queries: &[&'a Query],
    limits: Limits,
    files: Files<'_>,
    rows: usize,
) -> io::Result<Vec<Answered<'a>>> {
    let folder = files.project.join(files.folder);
    fs::create_dir_all(&folder)?;
    remove_leftovers(&folder)?;
    let answers = answered(database, queries, |reader, query| {
        answer_into_file(reader, query, limits, files, rows)
    });
    // The names must survive a power cut as well as the files.
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    Ok(answers)
}

/// Answers queries, as many at once as there are cores, and keeps up to `rows` rows of each.
pub fn keep_all<'a>(
    database: &dyn Database,
    queries: &[&'a Query],
    limits: Limits,
    rows: usize,
) -> Vec<Answered<'a>> {
    answered(database, queries, |reader, query| {
        let period = period(reader, &query.period)?;
        let (_, mut kept) = answer_to(
            reader,
            &query.sql,
            period,
            limits,
            None::<(Format, io::Sink)>,
            rows,
        )?;
        kept.known = known(reader, &query.period)?;
        Ok(kept)
    })
}

/// What happened, and what is known of it.
type Happened = (Vec<(Timestamp, f64)>, Known);

/// The first rows of a select.
pub fn first_rows(
    database: &dyn Database,
    sql: &str,
    limits: Limits,
    rows: usize,
) -> Result<Kept, Failure> {
    let sql = format!("{sql}\nlimit {rows}");
    let target = None::<(Format, io::Sink)>;
    let mut reader = database.reader().map_err(Failure::Database)?;
    Ok(answer_to(&mut *reader, &sql, None, limits, target, rows)?.1)
}

/// The rows of indicators, in their order: when each happened, and its value.
pub fn happenings(
    database: &dyn Database,
    indicators: &[Indicator],
    limits: Limits,
) -> Vec<Result<Happened, Failure>> {
    at_once(database, indicators, |reader, indicator| {
        happened(reader, indicator, limits)
    })
}

fn happened(
    reader: &mut dyn Questions,
    indicator: &Indicator,
    limits: Limits,
) -> Result<Happened, Failure> {
    let (_, kept) = answer_to(
        reader,
        &indicator.sql,
        None,
        limits,
        None::<(Format, io::Sink)>,
        usize::MAX,
    )?;
    let column = |name: &str| kept.columns.iter().position(|column| column == name);
    let (at, value) = (column("at"), column("value"));
    let mut rows = Vec::new();
    for row in &kept.rows {
        let cell = |place: Option<usize>| place.and_then(|place| row.get(place));
        // A row without a moment, or without a value where one is needed, does not count.
        let moment = match cell(at) {
            Some(Value::Text(text)) => report::moment(text).ok_or_else(|| no_moment(text))?,
            Some(Value::Null) | None => continue,
            Some(other) => return Err(no_moment(&format!("{other:?}"))),
        };
        match cell(value) {
            Some(Value::Real(value)) => rows.push((moment, *value)),
            Some(Value::Integer(value)) => rows.push((moment, *value as f64)),
            Some(_) => {}
            None => rows.push((moment, 0.0)),
        }
    }
    Ok((rows, known(reader, &indicator.period)?))
}

fn no_moment(text: &str) -> Failure {
    let message = format!(
        "`at` is `{}`: expected a time such as `2026-03-01T10:05:00Z`",
        text.chars().take(60).collect::<String>()
    );
    Failure::Query(QueryFault::Sql {
        message,
        offset: None,
    })
}

/// Answers queries, as many at once as there are cores.
fn answered<'a>(
    database: &dyn Database,
    queries: &[&'a Query],
    answer: impl Fn(&mut dyn Questions, &Query) -> Result<Kept, Failure> + Sync,
) -> Vec<Answered<'a>> {
    let outcomes = at_once(database, queries, |reader, query| answer(reader, query));
    let with_query = |(query, outcome)| Answered { query, outcome };
    queries
        .iter()
        .copied()
        .zip(outcomes)
        .map(with_query)
        .collect()
}

/// Asks something of a database for each of several things, for as many at once as there are cores; what comes of it is in
/// their order.
fn at_once<T: Sync, R: Send>(
    database: &dyn Database,
    things: &[T],
    ask: impl Fn(&mut dyn Questions, &T) -> Result<R, Failure> + Sync,
) -> Vec<Result<R, Failure>> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<_>> = Mutex::new(things.iter().map(|_| None).collect());
    let workers = thread::available_parallelism()
        .map_or(1, std::num::NonZero::get)
        .min(things.len().max(1));
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut reader: Option<Box<dyn Questions + '_>> = None;
                while let Some((index, thing)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    things.get(index).map(|thing| (index, thing))
                } {
                    let result = match &mut reader {
                        Some(reader) => ask(&mut **reader, thing),
                        None => database
                            .reader()
                            .map_err(Failure::Database)
                            .and_then(|opened| ask(&mut **reader.insert(opened), thing)),
                    };
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

/// Writes the answer to a select, row by row.
pub fn answer_sql(
    database: &dyn Database,
    sql: &str,
    limits: Limits,
    format: Format,
    target: impl io::Write,
) -> Result<(), Failure> {
    let mut reader = database.reader().map_err(Failure::Database)?;
    answer_to(&mut *reader, sql, None, limits, Some((format, target)), 0).map(|_| ())
}

/// Writes the answer to a query, row by row.
pub fn answer(
    database: &dyn Database,
    query: &Query,
    limits: Limits,
    format: Format,
    target: impl io::Write,
) -> Result<(), Failure> {
    let mut reader = database.reader().map_err(Failure::Database)?;
    let period = period(&*reader, &query.period)?;
    let target = Some((format, target));
    answer_to(&mut *reader, &query.sql, period, limits, target, 0).map(|_| ())
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
    reader: &mut dyn Questions,
    query: &Query,
    limits: Limits,
    files: Files<'_>,
    rows: usize,
) -> Result<Kept, Failure> {
    let folder = files.project.join(files.folder);
    let name = format!("{}/{}.csv", files.folder, query.name);
    let path = files.project.join(&name);
    let output = |error: io::Error| Failure::Query(QueryFault::Output(error.to_string()));
    let answered = (|| {
        let file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(&folder)
            .map_err(output)?;
        // Held as long as it is written, so that nobody takes it for a leftover.
        file.as_file().lock().map_err(output)?;
        let target = Some((files.format, io::BufWriter::new(file.as_file())));
        let period = period(reader, &query.period)?;
        let (target, mut kept) = answer_to(reader, &query.sql, period, limits, target, rows)?;
        kept.known = known(reader, &query.period)?;
        match target.map(io::BufWriter::into_inner).transpose() {
            Ok(None) => return Ok(kept),
            Ok(Some(_)) => {}
            Err(error) => return Err(output(error.into_error())),
        }
        share(file.path()).map_err(output)?;
        file.as_file().sync_all().map_err(output)?;
        file.persist(&path).map_err(|error| output(error.error))?;
        Ok(kept)
    })();
    let answered = answered.map_err(|failure| match failure {
        Failure::Query(QueryFault::Output(reason)) => Failure::Query(QueryFault::Output(format!(
            "cannot write `{name}`: {reason}"
        ))),
        other => other,
    });
    if answered.is_err() {
        let _ = fs::remove_file(&path);
    }
    answered
}

/// The period that is known of some tables; nothing without any.
fn period(reader: &dyn Questions, tables: &[Word]) -> Result<Option<Period>, Failure> {
    if tables.is_empty() {
        return Ok(None);
    }
    let tables: Vec<&str> = tables.iter().map(|table| &*table.text).collect();
    let period = reader.period_of(&tables).map_err(Failure::Database)?;
    Ok(Some(period))
}

/// What is known of some tables.
fn known(reader: &dyn Questions, tables: &[Word]) -> Result<Known, Failure> {
    let tables: Vec<&str> = tables.iter().map(|table| &*table.text).collect();
    reader.known_of(&tables).map_err(Failure::Database)
}

/// Writes an answer, with its period behind its own columns, to a target if there is one; keeps up to `most` rows of it.
fn answer_to<W: io::Write>(
    reader: &mut dyn Questions,
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
    // Written with the first row, or at the end: an answer that fails before says nothing.
    let mut output = Output {
        target,
        writer: None,
        columns: Vec::new(),
    };
    // The columns come first, then rows: one sink for both.
    let sink = std::cell::RefCell::new((&mut output, &mut kept));
    let rows = reader.query(
        sql,
        limits,
        &mut |columns| {
            let (output, kept) = &mut *sink.borrow_mut();
            kept.columns = columns.to_vec();
            output.columns = columns.to_vec();
            output
                .columns
                .extend(names.iter().map(|name| (*name).to_owned()));
            Ok(())
        },
        &mut |row: &[Value]| {
            let (output, kept) = &mut *sink.borrow_mut();
            if kept.rows.len() < most {
                kept.rows.push(row.to_vec());
            }
            let writer = output.writer().map_err(|error| error.to_string())?;
            let written = writer.map_or(Ok(()), |writer| writer.row(&[row, &ends].concat()));
            written.map_err(|error| error.to_string())
        },
    );
    kept.n_rows = rows.map_err(Failure::Database)?.map_err(Failure::Query)?;
    let target = output.finish();
    let target = target.map_err(|error| Failure::Query(QueryFault::Output(error.to_string())))?;
    Ok((target, kept))
}

/// Where an answer goes, if anywhere.
struct Output<W: io::Write> {
    target: Option<(Format, W)>,
    writer: Option<Writer<W>>,
    columns: Vec<String>,
}

impl<W: io::Write> Output<W> {
    /// The writer, begun when it is first needed.
    fn writer(&mut self) -> io::Result<Option<&mut Writer<W>>> {
        if let Some((format, target)) = self.target.take() {
            self.writer = Some(Writer::new(format, &self.columns, target)?);
        }
        Ok(self.writer.as_mut())
    }

    fn finish(mut self) -> io::Result<Option<W>> {
        self.writer()?;
        self.writer.map(Writer::finish).transpose()
    }
}

/// Writes a file that appears when it is whole.
pub fn write_whole(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(folder)?;
    file.as_file().lock()?;
    io::Write::write_all(&mut file.as_file(), bytes)?;
    share(file.path())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Temporary files can be read only by their owner; answers are for whoever may read the folder.
fn share(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}
