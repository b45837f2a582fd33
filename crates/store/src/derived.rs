//! Derived tables: in which order they are made, when they are out of date, and the making itself.
//!
//! The engine says what a select reads. A derived table remembers the versions of the tables it was made from, so that
//! it is made anew when one of them changed, and only then. All of them are made in one transaction: whoever reads
//! meanwhile sees the old ones, and a run that is killed leaves the old ones.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use definitions::{DerivedTable, Schema};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::bookkeeping::renew_version;
use crate::ddl::{create_derived, create_key, quote};
use crate::{Error, Place, QueryFault, Store, bulk, query};

/// Why a derived table cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DerivedFault {
    /// The engine does not take its select, or the rows do not fit its columns.
    #[error("`{table}` cannot be made: {fault}")]
    Refused {
        /// The table.
        table: String,
        /// What the engine said.
        fault: QueryFault,
    },
    /// The select gives other columns than the table has.
    #[error("`{table}` cannot be made: {}", columns_differ(.missing, .unknown))]
    Columns {
        /// The table.
        table: String,
        /// Columns of the table that the select does not give.
        missing: Vec<String>,
        /// Columns of the select that the table does not have.
        unknown: Vec<String>,
    },
    /// Tables are made from one another, so that none can be the first.
    #[error("`{}` {} made from {}", .tables.join("`, `"), if .tables.len() == 1 { "is" } else { "are" }, if .tables.len() == 1 { "itself" } else { "one another" })]
    Circle {
        /// The tables.
        tables: Vec<String>,
    },
}

/// A derived table that was made anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The table.
    pub table: String,
    /// How many rows it has.
    pub rows: u64,
    /// How long it took.
    pub time: Duration,
}

/// A derived table that can be made, and what it is made from.
#[derive(Debug, Clone)]
pub(crate) struct Making {
    derived: DerivedTable,
    /// The tables that its select reads, those of the bookkeeping included.
    reads: BTreeSet<String>,
}

/// The state of a table's rows.
struct Version {
    text: String,
    is_derived: bool,
}

impl DerivedFault {
    /// The table of which it is said.
    pub fn table(&self) -> &str {
        match self {
            Self::Refused { table, .. } | Self::Columns { table, .. } => table,
            Self::Circle { tables } => tables.first().map_or("", String::as_str),
        }
    }
}

impl Store {
    /// Makes the derived tables that are out of date anew, and says which.
    pub fn derive(&mut self, schema: &Schema) -> Result<Result<Vec<Made>, DerivedFault>, Error> {
        let steps = match plan(&mut self.connection, schema) {
            Ok(steps) => steps,
            Err(faults) => return Ok(faults.into_iter().next().map_or(Ok(Vec::new()), Err)),
        };
        let outdated = outdated_steps(&self.connection, &steps);
        if outdated
            .map_err(|error| self.error("read", error))?
            .is_empty()
        {
            return Ok(Ok(Vec::new()));
        }
        self.bulk_mode()?;
        let made = bulk::set_cache(&self.connection, bulk::SMALL_CACHE)
            .and_then(|()| make_outdated(&mut self.connection, &steps));
        made.map_err(|error| self.error("write", error))
    }
}

/// What is wrong with the derived tables, tried on a database that has the schema.
pub fn derived_faults(place: &Place, schema: &Schema) -> Result<Vec<DerivedFault>, Error> {
    let mut connection = query::reader(place)?;
    Ok(plan(&mut connection, schema).err().unwrap_or_default())
}

/// The derived tables, each after those that it reads; nothing where they cannot be made.
pub fn derived_in_order(schema: &Schema) -> Result<Vec<DerivedTable>, Error> {
    let place = Place::new_memory();
    let _store = Store::open(&place, schema, std::time::Duration::ZERO, &mut |_| {})?;
    let mut connection = query::reader(&place)?;
    let steps = plan(&mut connection, schema).unwrap_or_default();
    Ok(steps.into_iter().map(|step| step.derived).collect())
}

/// The derived tables that are out of date, or were never made: an answer from them is older than the other answers.
pub fn outdated(place: &Place, schema: &Schema) -> Result<Vec<String>, Error> {
    let mut connection = query::reader(place)?;
    let Ok(steps) = plan(&mut connection, schema) else {
        return Ok(Vec::new());
    };
    outdated_steps(&connection, &steps).map_err(|error| Error::sqlite(place, "read", error))
}

/// All derived tables, each after those that it reads; or what is wrong with them.
pub(crate) fn plan(
    connection: &mut Connection,
    schema: &Schema,
) -> Result<Vec<Making>, Vec<DerivedFault>> {
    let (mut waiting, mut faults) = (Vec::new(), Vec::new());
    for derived in &schema.derived {
        match step(connection, derived) {
            Ok(step) => waiting.push(step),
            Err(fault) => faults.push(fault),
        }
    }
    let mut steps: Vec<Making> = Vec::new();
    while !waiting.is_empty() {
        let left: BTreeSet<String> = waiting.iter().map(Making::table).collect();
        let (ready, blocked): (Vec<Making>, Vec<Making>) = waiting
            .into_iter()
            .partition(|step| step.reads.is_disjoint(&left));
        if ready.is_empty() {
            faults.push(DerivedFault::Circle {
                tables: left.into_iter().collect(),
            });
            break;
        }
        steps.extend(ready);
        waiting = blocked;
    }
    if faults.is_empty() {
        Ok(steps)
    } else {
        Err(faults)
    }
}

/// The steps of which something in `wanted` is made, directly or through others, in order.
pub(crate) fn needed<'s>(steps: &'s [Making], wanted: &BTreeSet<String>) -> Vec<&'s Making> {
    let mut wanted = wanted.clone();
    let mut needed: Vec<&Making> = Vec::new();
    for step in steps.iter().rev() {
        if wanted.contains(&step.table()) {
            wanted.extend(step.reads.iter().cloned());
            needed.push(step);
        }
    }
    needed.reverse();
    needed
}

/// The tables that a select reads, through views too.
pub(crate) fn tables_read(
    connection: &mut Connection,
    sql: &str,
) -> Result<(BTreeSet<String>, Vec<String>), QueryFault> {
    let read = Arc::new(Mutex::new(BTreeSet::new()));
    let noted = Arc::clone(&read);
    let note = move |context: AuthContext<'_>| {
        if let (AuthAction::Read { table_name, .. }, Ok(mut tables)) =
            (context.action, noted.lock())
        {
            tables.insert(table_name.to_owned());
        }
        Authorization::Allow
    };
    let set = connection.authorizer(Some(note));
    let compiled = set.map_err(query::fault).and_then(|()| {
        let statement = query::compile(connection, sql)?;
        Ok(statement.column_names().map(str::to_owned).collect())
    });
    let none: Option<fn(AuthContext<'_>) -> Authorization> = None;
    connection.authorizer(none).map_err(query::fault)?;
    let tables = read.lock().map(|tables| tables.clone());
    Ok((tables.unwrap_or_default(), compiled?))
}

impl Making {
    pub(crate) fn table(&self) -> String {
        self.derived.table.name.clone()
    }

    /// Gives the table, which is empty, its rows.
    pub(crate) fn fill(&self, connection: &Connection) -> Result<u64, DerivedFault> {
        let columns: Vec<String> = self
            .derived
            .table
            .columns
            .iter()
            .map(|column| quote(&column.name))
            .collect();
        let columns = columns.join(", ");
        let sql = format!(
            "insert into {} ({columns}) select {columns} from (\n{}\n)",
            quote(&self.derived.table.name),
            self.derived.sql
        );
        let filled = connection.execute(&sql, []);
        filled
            .map(|rows| rows as u64)
            .map_err(|error| refused(&self.derived, query::fault(error)))
    }

    /// What its rows follow from: its own text, and the versions of what it reads.
    fn made_of(&self, versions: &HashMap<String, Version>) -> String {
        // What the bookkeeping says may follow from any table that is loaded.
        let of_loaded = self.reads.iter().any(|table| table.starts_with('_'));
        let mut parts: Vec<String> = versions
            .iter()
            .filter(|(table, version)| {
                self.reads.contains(*table) || (of_loaded && !version.is_derived)
            })
            .map(|(table, version)| format!("{table} {}", version.text))
            .collect();
        parts.sort();
        format!("{}\n{}", parts.join("\n"), self.derived.sql)
    }
}

fn step(connection: &mut Connection, derived: &DerivedTable) -> Result<Making, DerivedFault> {
    let (reads, given) =
        tables_read(connection, &derived.sql).map_err(|fault| refused(derived, fault))?;
    let declared: Vec<String> = derived
        .table
        .columns
        .iter()
        .map(|column| column.name.clone())
        .collect();
    let without = |all: &[String], others: &[String]| -> Vec<String> {
        let missing = all.iter().filter(|name| !others.contains(name));
        missing.cloned().collect()
    };
    let (missing, unknown) = (without(&declared, &given), without(&given, &declared));
    if missing.is_empty() && unknown.is_empty() {
        return Ok(Making {
            derived: derived.clone(),
            reads,
        });
    }
    Err(DerivedFault::Columns {
        table: derived.table.name.clone(),
        missing,
        unknown,
    })
}

fn refused(derived: &DerivedTable, fault: QueryFault) -> DerivedFault {
    DerivedFault::Refused {
        table: derived.table.name.clone(),
        fault,
    }
}

fn versions(connection: &Connection) -> rusqlite::Result<HashMap<String, Version>> {
    let sql = "select table_name, version, kind = 'derived' from _versions join _objects on name = table_name";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let version = Version {
            text: row.get(1)?,
            is_derived: row.get(2)?,
        };
        Ok((row.get(0)?, version))
    })?;
    rows.collect()
}

fn outdated_steps(connection: &Connection, steps: &[Making]) -> rusqlite::Result<Vec<String>> {
    let versions = versions(connection)?;
    let mut outdated: Vec<String> = Vec::new();
    for step in steps {
        let depends = step.reads.iter().any(|table| outdated.contains(table));
        if depends || !is_current(connection, step, &versions)? {
            outdated.push(step.table());
        }
    }
    Ok(outdated)
}

fn is_current(
    connection: &Connection,
    step: &Making,
    versions: &HashMap<String, Version>,
) -> rusqlite::Result<bool> {
    let sql = "select made_of from _versions where table_name = ?1";
    let known = connection.query_row(sql, [step.table()], |row| row.get::<_, Option<String>>(0));
    Ok(known.optional()?.flatten() == Some(step.made_of(versions)))
}

fn make_outdated(
    connection: &mut Connection,
    steps: &[Making],
) -> rusqlite::Result<Result<Vec<Made>, DerivedFault>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut made = Vec::new();
    for step in steps {
        let known = versions(&transaction)?;
        if is_current(&transaction, step, &known)? {
            continue;
        }
        let started = Instant::now();
        // A table without indexes takes rows fastest.
        let table = &step.derived.table;
        transaction.execute_batch(&format!("drop table if exists {}", quote(&table.name)))?;
        transaction.execute_batch(&create_derived(table))?;
        let rows = match step.fill(&transaction) {
            Ok(rows) => rows,
            Err(fault) => return Ok(Err(fault)),
        };
        if let Err(error) = transaction.execute_batch(&create_key(table)) {
            return Ok(Err(refused(&step.derived, query::fault(error))));
        }
        for index in &step.derived.indexes {
            transaction.execute_batch(&index.sql)?;
        }
        transaction.execute(
            "update _tables set rows = ?2 where table_name = ?1",
            (&table.name, rows as i64),
        )?;
        transaction.execute(
            "update _versions set made_of = ?2 where table_name = ?1",
            (&table.name, step.made_of(&known)),
        )?;
        renew_version(&transaction, &table.name)?;
        made.push(Made {
            table: table.name.clone(),
            rows,
            time: started.elapsed(),
        });
    }
    transaction.commit()?;
    Ok(Ok(made))
}

fn columns_differ(missing: &[String], unknown: &[String]) -> String {
    let list = |names: &[String]| format!("`{}`", names.join("`, `"));
    match (missing, unknown) {
        ([], unknown) => format!("it has no column {}, which the select gives", list(unknown)),
        (missing, []) => format!("the select does not give {}", list(missing)),
        (missing, unknown) => format!(
            "the select does not give {}, and gives {}, which is not among its columns",
            list(missing),
            list(unknown)
        ),
    }
}
