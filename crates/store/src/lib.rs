//! The database: tables from schemas, rows by the three loading rules, tables derived from those, answers to queries
//! that may only read.
//!
//! The database is derived: the same raw files give the same rows, in whatever order they are loaded, however often,
//! and however a run was interrupted. [`Store`] keeps that promise with one transaction a file. Beside the SQL functions,
//! SQLite is named only in this room.

mod bookkeeping;
mod bulk;
mod checkpoint;
mod copies;
mod counts;
mod ddl;
mod definition_tests;
mod derived;
mod error;
mod file_load;
mod lock;
mod period;
mod query;
mod rows;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use definitions::Schema;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use transform::{Plan, Reject};

pub use bookkeeping::{Fetching, Finished, GapRow, KnownFile, RejectRow, StreamState, TableStatus};
pub use definition_tests::TestBench;
pub use derived::{DerivedFault, Made, derived_faults, derived_in_order, outdated};
pub use error::{Error, QueryFault};
pub use file_load::FileLoad;
pub use period::{Known, Narrowed, Period};
pub use query::{Database, Limits, Questions, Reader, Value, function_names, rows_with_places};

/// What ends a path in a URI, or begins a byte, as SQLite reads it (https://www.sqlite.org/uri.html).
const IN_A_URI: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');

/// SQLite's VFS for files. It is named because a database is otherwise attached by the VFS of the one that it is attached
/// to.
const FILES: &str = if cfg!(windows) { "win32" } else { "unix" };

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In this process's memory, under a name of its own; gone when the last [`Store`] of it is.
    Memory(String),
    /// In a file.
    Disk(PathBuf),
}

/// Whether anybody can change a database while it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    MayChange,
    /// It lies on a medium that may only be read.
    NeverChanges,
}

/// A database open for loading.
pub struct Store {
    /// Once files are loaded, on disk. Ends before the connection does, which then leaves one file.
    checkpointer: Option<checkpoint::Checkpointer>,
    connection: Connection,
    place: Place,
    /// The stream whose tables are being filled.
    bulk: Option<bulk::Bulk>,
    /// Held as long as the store is open, so that two runs do not load at once.
    _lock: Option<lock::Lock>,
}

/// A raw file, as the database remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Its name relative to the project folder.
    pub path: String,
    /// The stream.
    pub stream: String,
    /// Bytes on disk.
    pub size: u64,
    /// When it was changed, in nanoseconds since 1970.
    pub modified: i64,
}

impl Place {
    /// A database in memory that no other one of this process shares.
    pub fn new_memory() -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self::Memory(format!(
            "reliability-{}",
            NEXT.fetch_add(1, Ordering::Relaxed)
        ))
    }

    /// What messages call it.
    pub fn name(&self) -> String {
        match self {
            Self::Memory(_) => "the database in memory".to_owned(),
            Self::Disk(path) => path.display().to_string(),
        }
    }

    fn connect(&self, flags: OpenFlags) -> Result<Connection, Error> {
        let flags = flags | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match self {
            // The VFS `memdb` lets several connections of a process read one database at once.
            Self::Memory(_) => Connection::open_with_flags(self.uri(Access::MayChange)?, flags),
            Self::Disk(path) => {
                Connection::open_with_flags(path, flags & !OpenFlags::SQLITE_OPEN_URI)
            }
        };
        self.with_functions(connection)
    }

    /// A connection to a file on a medium that may only be read: no other can change it meanwhile. A write-ahead log that
    /// holds something would be left out, so there must be none.
    fn connect_to_what_never_changes(&self) -> Result<Connection, Error> {
        let uri = self.uri(Access::NeverChanges)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        self.with_functions(Connection::open_with_flags(uri, flags))
    }

    /// The database as an address that SQLite opens.
    fn uri(&self, access: Access) -> Result<String, Error> {
        let path = match self {
            Self::Memory(name) => return Ok(format!("file:/{name}?vfs=memdb")),
            Self::Disk(path) => path,
        };
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let is_log_used = Path::new(&log).metadata().is_ok_and(|log| log.len() > 0);
        if access == Access::NeverChanges && is_log_used {
            return Err(Error::ReadOnly { place: self.name() });
        }
        let path = std::path::absolute(path).map_err(|error| Error::io(path, error))?;
        let path = path.to_string_lossy();
        let path = utf8_percent_encode(&path, IN_A_URI);
        Ok(match access {
            Access::MayChange => format!("file:{path}?mode=rw&vfs={FILES}"),
            Access::NeverChanges => format!("file:{path}?immutable=1&vfs={FILES}"),
        })
    }

    fn with_functions(
        &self,
        connection: rusqlite::Result<Connection>,
    ) -> Result<Connection, Error> {
        let connection = connection.map_err(|error| Error::sqlite(self, "open", error))?;
        let set_up = functions::register(&connection)
            // A misspelt column in double quotes is a mistake, not a text.
            .and_then(|()| connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false))
            .and_then(|_| connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false));
        set_up.map_err(|error| Error::sqlite(self, "open", error))?;
        Ok(connection)
    }
}

impl Store {
    /// Opens the database for loading and brings its tables and views in line with the schema. A table whose
    /// declaration changed is made anew, empty; its stream's fingerprint tells the caller to load it again.
    ///
    /// On disk, waits for another run that is loading up to `patience`, saying once to `waiting` who holds it.
    pub fn open(
        place: &Place,
        schema: &Schema,
        patience: std::time::Duration,
        waiting: &mut dyn FnMut(&str),
    ) -> Result<Self, Error> {
        let lock = match place {
            Place::Memory(_) => None,
            Place::Disk(path) => Some(lock::acquire(path, patience, waiting)?),
        };
        if let Place::Disk(path) = place
            && !path.exists()
        {
            make_for_owner(path).map_err(|error| Error::io(path, error))?;
        }
        let connection =
            place.connect(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        let mut store = Self {
            checkpointer: None,
            connection,
            place: place.clone(),
            bulk: None,
            _lock: lock,
        };
        store.prepare(schema)?;
        Ok(store)
    }

    /// Where the database is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What the database knows of a stream.
    pub fn stream(&self, stream: &str) -> Result<StreamState, Error> {
        bookkeeping::stream(&self.connection, stream).map_err(|error| self.error("read", error))
    }

    /// The files of a stream that are loaded, by path.
    pub fn known_files(&self, stream: &str) -> Result<HashMap<String, KnownFile>, Error> {
        bookkeeping::known_files(&self.connection, stream)
            .map_err(|error| self.error("read", error))
    }

    /// Forgets a stream: its rows, rejects and files. It will be loaded anew under the given fingerprint.
    pub fn reset_stream(&mut self, plan: &Plan, fingerprint: u64) -> Result<(), Error> {
        self.bulk_mode()?;
        self.bulk = None;
        let done = file_load::reset_stream(&mut self.connection, plan, fingerprint);
        done.map_err(|error| self.error("write", error))
    }

    /// Notes that a file was touched but not changed, so that it need not be read again to know.
    pub fn touch(&mut self, path: &str, modified: i64) -> Result<(), Error> {
        let done = self.connection.execute(
            "update _files set modified = ?2 where path = ?1",
            (path, modified),
        );
        done.map(drop).map_err(|error| self.error("write", error))
    }

    /// Begins to load a file, in a transaction of its own. Nothing of it stays unless it is committed.
    pub fn begin_file<'a>(
        &'a mut self,
        plan: &'a Plan,
        facts: &FileFacts,
    ) -> Result<FileLoad<'a>, Error> {
        self.bulk_mode()?;
        self.move_committed()?;
        let place = self.place.clone();
        FileLoad::begin(&mut self.connection, plan, facts, place, &mut self.bulk)
    }

    /// Notes a file that could not be read at all. It will be tried again at the next run.
    pub fn unreadable_file(&mut self, facts: &FileFacts, reject: &Reject) -> Result<(), Error> {
        let done = file_load::unreadable_file(&mut self.connection, facts, reject);
        done.map_err(|error| self.error("write", error))
    }

    /// Forgets a file that could not be read and is not there any more.
    pub fn forget_unreadable(&mut self, stream: &str, path: &str) -> Result<(), Error> {
        file_load::forget_unreadable(&mut self.connection, stream, path)
            .map_err(|error| self.error("write", error))
    }

    /// Ends the loading of a stream: rows older than its newest complete listing go (`listing`: when it started, in
    /// microseconds since 1970, and its marker's name), and counts are brought up to date. Does nothing if nothing
    /// changed since it was done last.
    pub fn finish_stream(
        &mut self,
        plan: &Plan,
        listing: Option<(i64, &str)>,
    ) -> Result<Option<Finished>, Error> {
        self.bulk = None;
        let done = bookkeeping::finish_stream(&mut self.connection, plan, listing);
        let done = done.and_then(|finished| {
            bulk::set_cache(&self.connection, bulk::CACHE)?;
            Ok(finished)
        });
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.go_on();
        }
        done.map_err(|error| self.error("write", error))
    }

    /// Hands out the rejects of a stream, by file and line.
    pub fn rejects(&self, stream: &str, each: &mut dyn FnMut(RejectRow)) -> Result<(), Error> {
        bookkeeping::rejects(&self.connection, stream, each)
            .map_err(|error| self.error("read", error))
    }

    /// Hands out the warnings of a stream, by file and line: path, line and reason.
    pub fn warnings(
        &self,
        stream: &str,
        each: &mut dyn FnMut(&str, u64, &str),
    ) -> Result<(), Error> {
        bookkeeping::warnings(&self.connection, stream, each)
            .map_err(|error| self.error("read", error))
    }

    /// Notes a run: when it began and ended (microseconds since 1970), files and records loaded.
    pub fn note_run(
        &mut self,
        started: i64,
        finished: i64,
        files: u64,
        records: u64,
    ) -> Result<(), Error> {
        let sql =
            "insert into _runs (started_at, finished_at, files, records) values (?1, ?2, ?3, ?4)";
        let done = self
            .connection
            .execute(sql, (started, finished, files as i64, records as i64));
        done.map(drop).map_err(|error| self.error("write", error))
    }

    /// Replaces what is known of the fetching of all streams: gaps, and stretches of time.
    pub fn note_fetching(&mut self, fetching: &[Fetching]) -> Result<(), Error> {
        bookkeeping::note_fetching(&mut self.connection, fetching)
            .map_err(|error| self.error("write", error))
    }

    /// Makes sure that what was loaded survives a power cut, and leaves one file where nobody else reads it meanwhile.
    pub fn settle(&mut self) -> Result<(), Error> {
        if matches!(self.place, Place::Memory(_)) || self.journal_mode()? != "wal" {
            return Ok(());
        }
        self.checkpointer = None;
        // Somebody who has been reading for long keeps a part in the log; the next run moves that.
        let moved = self
            .connection
            .query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()));
        moved.map_err(|error| self.error("write", error))?;
        // Queries come next, on connections of their own.
        let _ = self.connection.execute_batch("pragma shrink_memory");
        Ok(())
    }

    /// A line for each table: rows, newest extraction, rejects.
    pub fn status(&self) -> Result<Vec<TableStatus>, Error> {
        bookkeeping::status(&self.connection).map_err(|error| self.error("read", error))
    }

    fn prepare(&mut self, schema: &Schema) -> Result<(), Error> {
        if let Place::Disk(_) = &self.place {
            self.connection
                .busy_timeout(std::time::Duration::from_secs(10))
                .map_err(|error| self.error("open", error))?;
        }
        let pages = self
            .connection
            .query_row("pragma page_count", [], |row| row.get::<_, i64>(0));
        if pages.map_err(|error| self.error("open", error))? == 0 {
            // Large pages, since rows are long and are read one after the other.
            self.connection
                .pragma_update(None, "page_size", 16 << 10)
                .map_err(|error| self.error("open", error))?;
            // From the first moment, so that nobody who reads can be in the way later.
            self.bulk_mode()?;
        }
        // What is sorted for a file goes to files too, beyond what the cache may take.
        let temp_store = match self.place {
            Place::Disk(_) => "file",
            Place::Memory(_) => "memory",
        };
        // A second thread sorts what the first reads, where an index is built.
        let setup = format!(
            "pragma foreign_keys = off; pragma temp_store = {temp_store}; pragma cache_size = -{}; pragma threads = 1;",
            bulk::CACHE
        );
        self.connection
            .execute_batch(&setup)
            .map_err(|error| self.error("open", error))?;
        ddl::prepare(&mut self.connection, schema).map_err(|fault| match fault {
            ddl::PrepareFault::Foreign => Error::Foreign {
                place: self.place.name(),
            },
            ddl::PrepareFault::Newer => Error::Newer {
                place: self.place.name(),
            },
            ddl::PrepareFault::Taken(table) => Error::Taken {
                place: self.place.name(),
                table,
            },
            ddl::PrepareFault::Sqlite(error) => self.error("prepare", error),
        })
    }

    /// Before the first write of a run: a write-ahead log, so that others can read meanwhile, for as long as they like.
    /// It stays the way of this database: to leave it, or to take it up again, nobody may be reading.
    fn bulk_mode(&mut self) -> Result<(), Error> {
        let pragmas = match self.place {
            Place::Disk(_) if self.journal_mode()? == "wal" => "pragma synchronous = normal;",
            Place::Disk(_) => "pragma journal_mode = wal; pragma synchronous = normal;",
            Place::Memory(_) => "pragma journal_mode = memory; pragma synchronous = off;",
        };
        self.connection
            .execute_batch(pragmas)
            .map_err(|error| self.error("write", error))
    }

    /// Has what was committed moved to its place, beside what is written next.
    fn move_committed(&mut self) -> Result<(), Error> {
        match (&self.place, &self.checkpointer) {
            (Place::Memory(_), _) => {}
            (Place::Disk(_), Some(checkpointer)) => checkpointer.go_on(),
            // Without a second connection the writer moves its pages itself, as the engine does anyway.
            (Place::Disk(_), None) => {
                if let Ok(checkpointer) = checkpoint::Checkpointer::start(&self.place) {
                    self.checkpointer = Some(checkpointer);
                    let set = self.connection.pragma_update(None, "wal_autocheckpoint", 0);
                    set.map_err(|error| self.error("write", error))?;
                }
            }
        }
        Ok(())
    }

    fn journal_mode(&self) -> Result<String, Error> {
        let mode = self
            .connection
            .query_row("pragma journal_mode", [], |row| row.get::<_, String>(0));
        mode.map_err(|error| self.error("read", error))
    }

    fn error(&self, doing: &'static str, error: rusqlite::Error) -> Error {
        Error::sqlite(&self.place, doing, error)
    }
}

/// Makes an empty file for a new database, which holds people's names and numbers: only its owner may read it. A
/// file that is there stays as it is, it may be somebody else's.
fn make_for_owner(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
