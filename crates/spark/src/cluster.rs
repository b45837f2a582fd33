//! A cluster that is asked: one session, in which each view is made once, before the first question that needs it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use definitions::Schema;
use lake::Snapshot;
use spark_connect::{SparkError, SparkSession};
use store::{
    Database, Error, Known, Limits, Narrowed, Period, QueryFault, Questions, TableStatus, Value,
};
use transform::Plan;

use crate::address::Address;
use crate::asking::{Failed, ask};
use crate::kept::Kept;
use crate::loaded::{self, Stream};
use crate::needed::Views;
use crate::reading::only_reads;
use crate::views;

/// The oldest Spark that has the functions that queries use.
const OLDEST: u32 = 4;

/// What to do where a server ends an answer before its last row.
const CUT: &str = "it ended an answer before the last row, as it does after 2 minutes or 1 GB; start it with `--conf spark.connect.execute.reattachable.senderMaxStreamDuration=0 --conf spark.connect.execute.reattachable.senderMaxStreamSize=0`";

/// What the session is set to, so that Spark means by SQL what this project's SQLite does.
const SETTINGS: [(&str, &str); 3] = [
    ("spark.sql.session.timeZone", "UTC"),
    ("spark.sql.ansi.enabled", "true"),
    ("spark.sql.caseSensitive", "false"),
];

/// A lake on a cluster.
pub struct Cluster {
    address: Address,
    /// The lake's folder, which the cluster sees too.
    folder: PathBuf,
    plans: Vec<Plan>,
    schema: Schema,
    period: Option<Period>,
    /// The session once its views are made; a failure is tried again by the next one who asks.
    opened: OnceLock<Opened>,
    opening: Mutex<()>,
}

/// A session in which views can be made.
struct Opened {
    session: SparkSession,
    /// Held while a question is asked: what ends one that takes too long would end all of its session.
    views: Mutex<Views>,
    /// What the views are of.
    snapshot: Snapshot,
    streams: Vec<Stream>,
    /// The last moment that is plausible for all streams together.
    latest: Option<String>,
}

impl Opened {
    fn lock(&self) -> MutexGuard<'_, Views> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cluster {
    /// A cluster at `spark://host:15002`, which sees the lake in this folder. Nothing is asked yet. The error says what is
    /// wrong with the address, without repeating it.
    pub fn new(
        address: &str,
        folder: &Path,
        schema: &Schema,
        plans: &[Plan],
    ) -> Result<Self, String> {
        Ok(Self {
            address: Address::parse(address)?,
            folder: folder.to_owned(),
            plans: plans.to_vec(),
            schema: schema.clone(),
            period: None,
            opened: OnceLock::new(),
            opening: Mutex::new(()),
        })
    }

    fn opened(&self) -> Result<&Opened, Error> {
        let _one = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let opened = self.open()?;
        Ok(self.opened.get_or_init(|| opened))
    }

    fn session(&self) -> Result<SparkSession, Error> {
        let failed = |doing| move |error: SparkError| self.failed(doing, &error);
        // The client would try again for minutes.
        if let Err(reason) = self.address.is_there() {
            return Err(self.other("reach", reason));
        }
        let builder = SparkSession::builder().remote(&self.address.connection);
        let session = builder.get_or_create().map_err(failed("reach"))?;
        let version = session.version().map_err(failed("reach"))?;
        let major = version
            .split('.')
            .next()
            .and_then(|major| major.parse::<u32>().ok());
        if major.is_none_or(|major| major < OLDEST) {
            return Err(self.other(
                "use",
                format!("it is Spark {version}, expected {OLDEST}.0 or later"),
            ));
        }
        for (name, value) in SETTINGS {
            session.conf().set(name, value).map_err(failed("set up"))?;
        }
        Ok(session)
    }

    /// Looks at what is loaded, and at which derived tables are there for that.
    fn open(&self) -> Result<Opened, Error> {
        let session = self.session()?;
        let disk = |error| self.disk("read", &error);
        let snapshot = Snapshot::read(&self.folder).map_err(disk)?;
        let streams = loaded::streams(&self.plans, &snapshot);
        let latest = loaded::latest(snapshot.files.iter());
        let lake = format!("file://{}", self.folder.display());
        let of_tables = views::of_tables(&lake, &streams, latest.as_deref(), self.period.as_ref());
        let tables = views::tables(&streams, self.period.as_ref());
        let mut made = vec![("_tables".to_owned(), views::TABLES.to_owned(), tables)];
        made.extend(store::derived_in_order(&self.schema)?.iter().map(|one| {
            let select = views::of_derived(&one.table, &one.sql);
            (one.table.name.clone(), views::declared(&one.table), select)
        }));
        let state = format!("{} {of_tables:?} {made:?}", loaded::state(&snapshot));
        let disk = |error| self.disk("write", &error);
        let kept = Kept::open(&self.folder, &state).map_err(disk)?;
        let notes = kept.note_files(&snapshot.files).map_err(disk)?;
        let mut views = Views::default();
        views.add(views::of_notes(&lake, &format!("{lake}/{notes}")));
        views.add(of_tables);
        let made = made.iter();
        views.add(
            made.map(|(name, columns, select)| views::of_kept(&lake, &kept, name, columns, select)),
        );
        views.add(views::of_schema(&self.schema));
        Ok(Opened {
            session,
            views: Mutex::new(views),
            snapshot,
            streams,
            latest,
        })
    }

    /// Makes the views, and the derived tables, that a text of SQL needs and that are not there.
    fn make(&self, opened: &Opened, views: &mut Views, sql: &str) -> Result<(), Error> {
        for (place, view) in views.missing(sql) {
            if let Some(fill) = &view.fill {
                self.asked(&opened.session, &fill.sql)?;
                self.still_there(opened)?;
                let kept = fill.kept.keep();
                kept.map_err(|error| self.disk("write", &error))?;
            }
            self.asked(&opened.session, &view.sql)?;
            views.is_made(place);
        }
        Ok(())
    }

    /// Checks that the lake still has what was opened. A raw file that was loaded anew or forgotten meanwhile takes its old
    /// rows with it, and an answer would lack them.
    fn still_there(&self, opened: &Opened) -> Result<(), Error> {
        let is_there = opened.snapshot.is_still_there(&self.folder);
        match is_there.map_err(|error| self.disk("read", &error))? {
            true => Ok(()),
            false => Err(Error::Other {
                place: "the lake".to_owned(),
                doing: "ask",
                message: "raw files were loaded anew meanwhile; ask again".to_owned(),
            }),
        }
    }

    /// The rows of a statement of ours.
    fn rows(&self, opened: &Opened, sql: &str) -> Result<Vec<Vec<Value>>, Error> {
        let mut views = opened.lock();
        self.make(opened, &mut views, sql)?;
        let rows = self.asked(&opened.session, sql)?;
        self.still_there(opened)?;
        Ok(rows)
    }

    /// The rows of a statement of ours whose views are there.
    fn asked(&self, session: &SparkSession, sql: &str) -> Result<Vec<Vec<Value>>, Error> {
        let mut rows = Vec::new();
        let mut take = |row: &[Value]| {
            rows.push(row.to_vec());
            Ok(())
        };
        let asked = ask(session, &self.address, sql, None, None, &mut take);
        asked.map_err(|why| self.not_asked(&why))?;
        Ok(rows)
    }

    /// Why a statement of ours came to nothing.
    fn not_asked(&self, why: &Failed) -> Error {
        match why {
            Failed::Spark(error) => self.failed("ask", error),
            Failed::Output(message) => self.other("ask", message.clone()),
            Failed::Gone(reason) => self.other("reach", reason.clone()),
            Failed::TooLate(_) => self.other("ask", "it took too long".to_owned()),
            Failed::Cut => self.other("ask", CUT.to_owned()),
        }
    }

    fn disk(&self, doing: &'static str, error: &io::Error) -> Error {
        Error::Other {
            place: "the lake".to_owned(),
            doing,
            message: self.clear(&error.to_string()),
        }
    }

    fn failed(&self, doing: &'static str, error: &SparkError) -> Error {
        self.other(doing, said(error))
    }

    fn other(&self, doing: &'static str, message: String) -> Error {
        Error::Other {
            place: self.address.shown.clone(),
            doing,
            message: self.clear(&message),
        }
    }

    /// A text without what is secret, and without where the lake is.
    fn clear(&self, text: &str) -> String {
        let folder = self.folder.display().to_string();
        self.address.clear(text).replace(&folder, "LAKE_PATH")
    }
}

impl Database for Cluster {
    fn reader(&self) -> Result<Box<dyn Questions + '_>, Error> {
        Ok(Box::new(Asking {
            cluster: self,
            opened: self.opened()?,
        }))
    }

    fn narrow(&self, _: &Schema, period: &Period) -> Result<Narrowed, Error> {
        let narrow = Self {
            address: self.address.clone(),
            folder: self.folder.clone(),
            plans: self.plans.clone(),
            schema: self.schema.clone(),
            period: Some(period.clone()),
            opened: OnceLock::new(),
            opening: Mutex::new(()),
        };
        let opened = narrow.opened()?;
        let undated = views::undated(&opened.streams, opened.latest.as_deref());
        let counts = narrow.rows(opened, &undated)?;
        let counts = counts.into_iter();
        let counts = counts.map(|row| (as_text(row.first()), as_count(row.get(1))));
        let undated = counts.filter_map(|(table, count)| Some((table?, count)));
        Ok(Narrowed {
            undated: undated.filter(|(_, count)| *count > 0).collect(),
            database: Box::new(narrow),
        })
    }
}

/// Somebody who asks a cluster.
struct Asking<'c> {
    cluster: &'c Cluster,
    opened: &'c Opened,
}

impl Asking<'_> {
    fn rows(&self, sql: &str) -> Result<Vec<Vec<Value>>, Error> {
        self.cluster.rows(self.opened, sql)
    }

    /// Each table with the stream that fills it, in the order of the schema; the derived ones last.
    fn tables(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let schema = &self.cluster.schema;
        let loaded = schema.tables.iter().filter_map(|table| {
            let fills = |stream: &&Stream| stream.tables.iter().any(|one| one.name == table.name);
            let stream = self.opened.streams.iter().find(fills)?;
            Some((table.name.as_str(), Some(stream.name.as_str())))
        });
        let derived = schema.derived.iter();
        loaded.chain(derived.map(|one| (one.table.name.as_str(), None)))
    }

    fn known_tables(&self, tables: &[&str]) -> Result<Vec<Vec<Value>>, Error> {
        if tables.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = tables.iter().map(|name| views::text(name)).collect();
        self.rows(&format!(
            "select one.from_at, one.to_at,
               least(windows.since_at, one.from_at), greatest(windows.until_at, one.newest_extracted_at)
             from _tables as one
             left join (
               select stream, min(since_at) as since_at, max(until_at) as until_at from _windows group by stream
             ) as windows on windows.stream = one.stream
             where one.table_name in ({})",
            names.join(", ")
        ))
    }
}

impl Questions for Asking<'_> {
    fn query(
        &mut self,
        sql: &str,
        limits: Limits,
        columns: &mut dyn FnMut(&[String]) -> Result<(), String>,
        row: &mut dyn FnMut(&[Value]) -> Result<(), String>,
    ) -> Result<Result<u64, QueryFault>, Error> {
        if !only_reads(sql) {
            return Ok(Err(QueryFault::Writes));
        }
        let (session, address) = (&self.opened.session, &self.cluster.address);
        let sql = views::spelt(sql);
        let mut views = self.opened.lock();
        self.cluster.make(self.opened, &mut views, &sql)?;
        let asked = ask(session, address, &sql, limits.timeout, Some(columns), row);
        self.cluster.still_there(self.opened)?;
        match asked {
            Ok(rows) => Ok(Ok(rows)),
            Err(Failed::TooLate(timeout)) => Ok(Err(QueryFault::Timeout(timeout.as_secs()))),
            Err(Failed::Output(reason)) => Ok(Err(QueryFault::Output(reason))),
            Err(Failed::Spark(error)) if is_about_the_query(&error) => Ok(Err(QueryFault::Sql {
                message: self.cluster.clear(&said(&error)),
                offset: None,
            })),
            Err(why) => Err(self.cluster.not_asked(&why)),
        }
    }

    fn period_of(&self, tables: &[&str]) -> Result<Period, Error> {
        let known = self.known_tables(tables)?;
        let texts = |place: usize| known.iter().filter_map(move |row| as_text(row.get(place)));
        Ok(Period {
            from: texts(0).min(),
            to: texts(1).max(),
        })
    }

    fn known_of(&self, tables: &[&str]) -> Result<Known, Error> {
        let known = self.known_tables(tables)?;
        let texts = |place: usize| known.iter().filter_map(move |row| as_text(row.get(place)));
        Ok(Known {
            since: texts(2).max(),
            until: texts(3).min(),
        })
    }

    fn status(&self) -> Result<Vec<TableStatus>, Error> {
        let known =
            self.rows("select table_name, stream, rows, newest_extracted_at from _tables")?;
        let count = |table: &str| -> Result<Vec<(String, u64)>, Error> {
            let rows = self.rows(&format!(
                "select stream, count(*) from {table} group by stream"
            ))?;
            let pairs = rows.iter().map(|row| {
                (
                    as_text(row.first()).unwrap_or_default(),
                    as_count(row.get(1)),
                )
            });
            Ok(pairs.collect())
        };
        let (rejects, warnings) = (count("_rejects")?, count("_warnings")?);
        let of = |counts: &[(String, u64)], stream: &str| {
            counts
                .iter()
                .find(|(name, _)| name == stream)
                .map_or(0, |(_, count)| *count)
        };
        let mut lines: Vec<TableStatus> = Vec::new();
        for (table, stream) in self.tables() {
            let row = known
                .iter()
                .find(|row| as_text(row.first()).as_deref() == Some(table));
            let is_first = !lines.iter().any(|line| line.stream.as_deref() == stream);
            let counted = |counts: &[(String, u64)]| match stream {
                Some(stream) if is_first => of(counts, stream),
                _ => 0,
            };
            let rows = match (row, stream) {
                (Some(row), _) => as_count(row.get(2)),
                (None, Some(_)) => 0,
                (None, None) => {
                    let rows =
                        self.rows(&format!("select count(*) from {}", views::quote(table)))?;
                    rows.first().map_or(0, |row| as_count(row.first()))
                }
            };
            lines.push(TableStatus {
                table: table.to_owned(),
                stream: row.and_then(|row| as_text(row.get(1))),
                is_derived: stream.is_none(),
                rows,
                newest: row.and_then(|row| as_text(row.get(3))),
                rejects: counted(&rejects),
                warnings: counted(&warnings),
            });
        }
        Ok(lines)
    }
}

/// Whether Spark refuses a query, or failed in it; everything else is about the cluster.
fn is_about_the_query(error: &SparkError) -> bool {
    error
        .get_sql_state()
        .is_some_and(|state| !state.starts_with("XX") && !state.starts_with("HY"))
}

/// What Spark said, in one line.
fn said(error: &SparkError) -> String {
    let message = error.message();
    let line = message.lines().next().unwrap_or_default();
    line.trim().chars().take(500).collect()
}

fn as_text(value: Option<&Value>) -> Option<String> {
    match value {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

fn as_count(value: Option<&Value>) -> u64 {
    match value {
        Some(Value::Integer(number)) => u64::try_from(*number).unwrap_or(0),
        _ => 0,
    }
}
