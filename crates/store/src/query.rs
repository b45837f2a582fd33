//! Questions to the database. They may only read, and they end when their time is up.

use std::time::{Duration, Instant};

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Statement};

use definitions::{Column, Schema, Table};

use crate::ddl::FORMAT;
use crate::period::{self, Known, Narrowed, Period};
use crate::{Error, Place, QueryFault, TableStatus, bookkeeping};

/// A value of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text.
    Text(String),
}

/// What a query may use.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// How long it may take.
    pub timeout: Option<Duration>,
}

/// A database that can be asked, whichever engine it is.
pub trait Database: Send + Sync {
    /// Somebody who asks; several can ask at once.
    fn reader(&self) -> Result<Box<dyn Questions + '_>, Error>;

    /// A database with what of this one happened in a period, with its derived tables.
    fn narrow(&self, schema: &Schema, period: &Period) -> Result<Narrowed, Error>;
}

/// Somebody who asks a database, one question after another.
pub trait Questions {
    /// Runs a query and hands out its columns, then its rows one by one; says how many there were.
    fn query(
        &mut self,
        sql: &str,
        limits: Limits,
        columns: &mut dyn FnMut(&[String]) -> Result<(), String>,
        row: &mut dyn FnMut(&[Value]) -> Result<(), String>,
    ) -> Result<Result<u64, QueryFault>, Error>;

    /// The period that the rows of these tables are of: from the first of them to the newest that is known, be it a row or
    /// a fetch.
    fn period_of(&self, tables: &[&str]) -> Result<Period, Error>;

    /// Since when and until when everything is known of all these tables; those that nothing was ever loaded into do not
    /// count.
    fn known_of(&self, tables: &[&str]) -> Result<Known, Error>;

    /// A line for each table.
    fn status(&self) -> Result<Vec<TableStatus>, Error>;
}

impl Database for Place {
    fn reader(&self) -> Result<Box<dyn Questions + '_>, Error> {
        Ok(Box::new(Reader::open(self)?))
    }

    fn narrow(&self, schema: &Schema, period: &Period) -> Result<Narrowed, Error> {
        period::narrow(self, schema, period)
    }
}

/// A connection that may only read. It sees what is committed when it is asked, and answers one question after another;
/// several can answer at once.
pub struct Reader {
    connection: Connection,
    place: Place,
}

impl Reader {
    /// For a database that somebody has made.
    pub fn open(place: &Place) -> Result<Self, Error> {
        Ok(Self {
            connection: reader(place)?,
            place: place.clone(),
        })
    }

    /// The columns that a query would give: it is compiled, but not run.
    pub fn columns(&self, sql: &str) -> Result<Vec<String>, QueryFault> {
        let statement = compile(&self.connection, sql)?;
        let names = statement.column_names();
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    fn error(&self, error: rusqlite::Error) -> Error {
        Error::sqlite(&self.place, "read", error)
    }
}

impl Questions for Reader {
    fn query(
        &mut self,
        sql: &str,
        limits: Limits,
        columns: &mut dyn FnMut(&[String]) -> Result<(), String>,
        row: &mut dyn FnMut(&[Value]) -> Result<(), String>,
    ) -> Result<Result<u64, QueryFault>, Error> {
        let end = limits.timeout.map(|timeout| Instant::now() + timeout);
        let is_over = end.map(|end| move || Instant::now() >= end);
        let set = self.connection.progress_handler(10_000, is_over);
        set.map_err(|error| self.error(error))?;
        let answered = run(&self.connection, sql, columns, row);
        if let Err(QueryFault::Sql { message, .. }) = &answered
            && *message == damaged()
        {
            return Err(Error::Damaged {
                place: self.place.name(),
                message: message.clone(),
            });
        }
        Ok(answered.map_err(|fault| match (fault, limits.timeout) {
            (QueryFault::Sql { message, .. }, Some(timeout)) if message == INTERRUPTED => {
                QueryFault::Timeout(timeout.as_secs())
            }
            (fault, _) => fault,
        }))
    }

    fn period_of(&self, tables: &[&str]) -> Result<Period, Error> {
        period::period_of(&self.connection, tables).map_err(|error| self.error(error))
    }

    fn known_of(&self, tables: &[&str]) -> Result<Known, Error> {
        period::known_of(&self.connection, tables).map_err(|error| self.error(error))
    }

    fn status(&self) -> Result<Vec<TableStatus>, Error> {
        bookkeeping::status(&self.connection).map_err(|error| self.error(error))
    }
}

/// The names of all SQL functions that a query can use.
pub fn function_names() -> Vec<String> {
    let names = || -> rusqlite::Result<Vec<String>> {
        let connection = Connection::open_in_memory()?;
        functions::register(&connection)?;
        let sql = "select distinct name from pragma_function_list order by name";
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.collect()
    };
    // Only needed for a hint: without them there is no hint.
    names().unwrap_or_default()
}

/// A select of the rows of a table, the newest first, with the raw file and line of each. Names stand in backticks, which
/// every engine takes.
pub fn rows_with_places(table: &Table) -> String {
    let quote = |name: &str| format!("`{}`", name.replace('`', "``"));
    let moment = table.period_columns().find(|column| column.is_moment());
    let key = || table.key.iter().map(|place| &table.columns[*place]);
    let named = |column: &Column| format!("one.{}", quote(&column.name));
    let mut shown: Vec<String> = key().map(named).collect();
    let by_moment = moment.map(|moment| format!("{} desc", named(moment)));
    let order: Vec<String> = by_moment.into_iter().chain(key().map(named)).collect();
    let moment = moment.map(named).filter(|moment| !shown.contains(moment));
    shown.extend(moment);
    format!(
        "select file.path, one._line as line, {}\nfrom {} as one\ninner join _files as file on file.id = one._file\norder by {}",
        shown.join(", "),
        quote(&table.name),
        order.join(", ")
    )
}

/// The most bytes of one value, in any step of a query.
const MAX_VALUE: i32 = 64 << 20;

/// What `sqlite3_interrupt` makes a statement say.
const INTERRUPTED: &str = "interrupted";

/// What the engine says of a file whose bytes are not as it wrote them.
fn damaged() -> String {
    rusqlite::ffi::code_to_str(rusqlite::ffi::SQLITE_CORRUPT).to_owned()
}

pub(crate) fn reader(place: &Place) -> Result<Connection, Error> {
    if let Place::Disk(path) = place
        && !path.exists()
    {
        return Err(Error::Missing {
            place: place.name(),
        });
    }
    // A connection that might write takes the write-ahead log away with it, even though it writes nothing else.
    let mut connection = place.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let format = match set_up(&mut connection) {
        Err(error) if cannot_be_written(&error) => {
            connection = place.connect_to_what_never_changes()?;
            set_up(&mut connection)
        }
        set_up => set_up,
    };
    let name = place.name();
    match format {
        Ok(Some(format)) if format < FORMAT => Err(Error::Older { place: name }),
        Ok(Some(_)) => Ok(connection),
        Ok(None) => Err(Error::Foreign { place: name }),
        Err(error) => Err(Error::sqlite(place, "read", error)),
    }
}

/// Whether a database cannot be read because the files that go with reading cannot be made beside it.
pub(crate) fn cannot_be_written(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, ReadOnly};
    matches!(error.sqlite_error_code(), Some(CannotOpen | ReadOnly))
}

/// Gives the format of the database, if it is one of ours.
fn set_up(connection: &mut Connection) -> rusqlite::Result<Option<i64>> {
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.execute_batch(
        "pragma query_only = on; pragma cache_size = -16384; pragma temp_store = file; pragma threads = 1;",
    )?;
    let sql = "select count(*) from sqlite_schema where name = '_objects'";
    let ours: bool = connection.query_row(sql, [], |row| row.get(0))?;
    let format = connection.query_row("pragma user_version", [], |row| row.get(0))?;
    // A single call such as `printf('%.*c', …)` cannot be interrupted: its result is bounded instead.
    connection.set_limit(rusqlite::limits::Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE)?;
    connection.authorizer(Some(may_only_read))?;
    Ok(ours.then_some(format))
}

fn may_only_read(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select
        | AuthAction::Read { .. }
        | AuthAction::Function { .. }
        | AuthAction::Recursive => Authorization::Allow,
        _ => Authorization::Deny,
    }
}

pub(crate) fn compile<'c>(
    connection: &'c Connection,
    sql: &str,
) -> Result<Statement<'c>, QueryFault> {
    let mut statements = Vec::new();
    let mut batch = rusqlite::Batch::new(connection, sql);
    loop {
        match batch.next() {
            Ok(Some(statement)) => statements.push(statement),
            Ok(None) => break,
            Err(error) => return Err(fault(error)),
        }
    }
    let count = statements.len();
    match (statements.pop(), count) {
        (Some(statement), 1) if !statement.readonly() => Err(QueryFault::Writes),
        (Some(statement), 1) => Ok(statement),
        _ => Err(QueryFault::Statements(count)),
    }
}

pub(crate) fn run(
    connection: &Connection,
    sql: &str,
    columns: &mut dyn FnMut(&[String]) -> Result<(), String>,
    each: &mut dyn FnMut(&[Value]) -> Result<(), String>,
) -> Result<u64, QueryFault> {
    let mut statement = compile(connection, sql)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let booleans: Vec<bool> = statement
        .columns()
        .map(|column| {
            column
                .decl_type()
                .is_some_and(|name| name.eq_ignore_ascii_case("boolean"))
        })
        .collect();
    columns(&names).map_err(QueryFault::Output)?;
    let mut rows = statement.query([]).map_err(fault)?;
    let mut count = 0;
    let mut values = Vec::with_capacity(names.len());
    while let Some(row) = rows.next().map_err(fault)? {
        values.clear();
        for (index, boolean) in booleans.iter().enumerate() {
            values.push(match row.get_ref(index).map_err(fault)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(value) if *boolean => Value::Boolean(value != 0),
                ValueRef::Integer(value) => Value::Integer(value),
                ValueRef::Real(value) => Value::Real(value),
                ValueRef::Text(bytes) => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
                ValueRef::Blob(bytes) => {
                    Value::Text(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
                }
            });
        }
        each(&values).map_err(QueryFault::Output)?;
        count += 1;
    }
    Ok(count)
}

pub(crate) fn fault(error: rusqlite::Error) -> QueryFault {
    use rusqlite::ErrorCode;
    match &error {
        rusqlite::Error::SqlInputError { error: code, .. }
            if code.code == ErrorCode::AuthorizationForStatementDenied =>
        {
            QueryFault::Writes
        }
        rusqlite::Error::SqlInputError { msg, offset, .. } => QueryFault::Sql {
            message: msg.clone(),
            offset: usize::try_from(*offset).ok(),
        },
        rusqlite::Error::SqliteFailure(code, message) => match code.code {
            ErrorCode::AuthorizationForStatementDenied => QueryFault::Writes,
            ErrorCode::OperationInterrupted => QueryFault::Sql {
                message: INTERRUPTED.to_owned(),
                offset: None,
            },
            _ => QueryFault::Sql {
                message: message.clone().unwrap_or_else(|| error.to_string()),
                offset: None,
            },
        },
        _ => QueryFault::Sql {
            message: error.to_string(),
            offset: None,
        },
    }
}
