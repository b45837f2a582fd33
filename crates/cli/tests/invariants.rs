//! The same raw files give the same rows: in whatever order they come, however often they are loaded, and however a
//! run was interrupted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use project::Project;
use proptest::prelude::*;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

/// The files of a project, by path.
type Files = BTreeMap<String, String>;

/// Everything that a database says, but for numbers that only count runs: each table's rows with the path of their
/// file, and the bookkeeping.
fn content(database: &Path) -> BTreeMap<String, Vec<String>> {
    let connection = Connection::open(database).unwrap();
    let named = |kind: &str| -> Vec<String> {
        let sql = format!("select name from _objects where kind = '{kind}'");
        let mut statement = connection.prepare(&sql).unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.collect::<Result<_, _>>().unwrap()
    };
    let with_path = |table: String| {
        let sql =
            format!("select t.*, path from {table} t left join _files on _files.id = t._file");
        (table, sql)
    };
    let mut queries: Vec<(String, String)> = named("table").into_iter().map(with_path).collect();
    let derived = named("derived");
    assert!(!derived.is_empty());
    queries.extend(derived.into_iter().map(|table| {
        let sql = format!("select * from {table}");
        (table, sql)
    }));
    for (name, sql) in [
        (
            "_files",
            "select path, stream, size, hash, records, rejects, extracted_from, extracted_to from _files",
        ),
        (
            "_rejects",
            "select path, r.* from _rejects r left join _files on _files.id = r.file_id",
        ),
        (
            "_warnings",
            "select path, w.* from _warnings w left join _files on _files.id = w.file_id",
        ),
        ("_streams", "select * from _streams"),
        ("_tables", "select * from _tables"),
    ] {
        queries.push((name.to_owned(), sql.to_owned()));
    }
    queries
        .into_iter()
        .map(|(name, sql)| (name, rows(&connection, &sql)))
        .collect()
}

/// The rows of a query as text, sorted. Numbers of files depend on the order of loading; their paths stand beside.
fn rows(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let found = statement.query_map([], |row| {
        let mut line = String::new();
        for (index, column) in columns.iter().enumerate() {
            if column != "_file" && column != "file_id" {
                line += &format!("{column}={:?} ", row.get::<_, Value>(index)?);
            }
        }
        Ok(line)
    });
    let mut rows: Vec<String> = found.unwrap().collect::<Result<_, _>>().unwrap();
    rows.sort();
    rows
}

fn write(project: &Path, name: &str, text: &str) {
    let path = project.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A project that can be pointed at one folder after another, so that its definitions are compiled once.
fn open() -> Project {
    let empty = tempfile::tempdir().unwrap();
    project::open(empty.path()).unwrap()
}

/// One run in this process.
fn load(opened: &mut Project, folder: &Path) {
    opened.folder = folder.to_owned();
    opened.settings.incidents.0 = folder.join("incidents");
    let place = store::Place::Disk(folder.join("reliability.db"));
    let schema = &opened.definitions.schema;
    let mut store = store::Store::open(&place, schema, Duration::ZERO, &mut |_| {}).unwrap();
    let meant = ["pagerduty_users", "pagerduty_teams", "incidents"];
    let plans = opened.select(&meant.map(str::to_owned)).unwrap();
    // Files that went away went by intent.
    load::load(opened, &plans, &meant, &mut store, &mut |_| {}).unwrap();
}

/// Few keys and few times, so that copies of a record meet in every way.
fn any_files() -> impl Strategy<Value = Files> {
    let users = prop::collection::vec(any_user(), 0..4).prop_map(|lines| lines.join("\n"));
    let listed = (1..4u8, prop::collection::vec(0..3u8, 0..3));
    let incidents = prop::collection::vec(any_incident(), 0..3).prop_map(|items| items.concat());
    let parts = (
        prop::collection::vec(users, 1..4),
        prop::collection::vec(listed, 0..3),
        prop::collection::vec(incidents, 0..3),
    );
    parts.prop_map(|(users, listed, incidents)| {
        let mut files = Files::new();
        for (index, text) in users.into_iter().enumerate() {
            files.insert(format!("raw_data/pagerduty_users/{index}.ndjson"), text);
        }
        for (index, (day, teams)) in listed.into_iter().enumerate() {
            let record = |team: &u8| {
                format!("{{\"id\":\"T{team}\",\"name\":\"listed {index}\",\"_extract\":{{\"at\":\"2026-01-0{day}T00:00:01Z\"}}}}\n")
            };
            let name = format!("2026-01-0{day}T00-00-00Z-{index}");
            let marker = format!(
                r#"{{"stream":"pagerduty_teams","started_at":"2026-01-0{day}T00:00:00Z","finished_at":"2026-01-0{day}T00:00:02Z","files":["{name}.ndjson"],"records":{}}}"#,
                teams.len()
            );
            files.insert(format!("raw_data/pagerduty_teams/{name}.ndjson"), teams.iter().map(record).collect());
            files.insert(format!("raw_data/pagerduty_teams/{name}.complete.json"), marker);
        }
        for (index, text) in incidents.into_iter().enumerate() {
            files.insert(format!("incidents/{index}.yaml"), text);
        }
        files
    })
}

/// A line of a user; now and then one that cannot be taken, or one without a time.
fn any_user() -> impl Strategy<Value = String> {
    let parts = (
        0..3u8,
        prop::option::of(0..4u8),
        prop::collection::vec(0..3u8, 0..3),
        0..6u8,
    );
    parts.prop_map(|(id, time, teams, name)| {
        let teams: Vec<String> = teams
            .iter()
            .map(|team| format!(r#"{{"id":"T{team}"}}"#))
            .collect();
        let at = time.map_or(String::new(), |time| {
            format!(r#","_extract":{{"at":"2026-01-0{}T00:00:00Z"}}"#, time + 1)
        });
        let name = if name == 5 {
            "[1]".to_owned()
        } else {
            format!("\"name {name}\"")
        };
        format!(
            r#"{{"id":"U{id}","name":{name},"teams":[{}]{at}}}"#,
            teams.join(",")
        )
    })
}

fn any_incident() -> impl Strategy<Value = String> {
    (0..2u8, 0..3u8, prop::collection::vec(0..2u8, 0..2)).prop_map(|(name, severity, causes)| {
        let causes: Vec<String> = causes.iter().map(|cause| format!("cause {cause}")).collect();
        let causes = causes.join(", ");
        format!("- incident_name: incident {name}\n  incident_date: '2026-01-01'\n  severity_level: s{severity}\n  root_causes: [{causes}]\n")
    })
}

/// Files in an order of their own, each with whether a run follows, and what disturbs the runs before.
type Arrival = (
    Files,
    Vec<(String, bool)>,
    Vec<(prop::sample::Index, prop::sample::Index, bool)>,
);

fn any_arrival() -> impl Strategy<Value = Arrival> {
    any_files().prop_flat_map(|files| {
        let names: Vec<String> = files.keys().cloned().collect();
        let count = names.len();
        let order = (Just(names).prop_shuffle(), prop::collection::vec(any::<bool>(), count))
            .prop_map(|(names, runs)| names.into_iter().zip(runs).collect());
        // Mostly nothing: a disturbance makes a stream load anew, which hides what the order did.
        let disturbances = prop_oneof![
            3 => Just(Vec::new()),
            1 => prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>()), 1..4),
        ];
        (Just(files), order, disturbances)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Files appear one after another in any order, a few at each run; some are there before in another form, or go
    /// and come back; some runs have nothing to do.
    #[test]
    fn any_order_and_any_split_into_runs((files, order, disturbances) in any_arrival()) {
        let mut project = open();
        let clean = tempfile::tempdir().unwrap();
        for (name, text) in &files {
            write(clean.path(), name, text);
        }
        load(&mut project, clean.path());

        let stepwise = tempfile::tempdir().unwrap();
        let names: Vec<&String> = files.keys().collect();
        for (which, other, goes) in disturbances {
            let name = names[which.index(names.len())];
            write(stepwise.path(), name, &files[names[other.index(names.len())]]);
            load(&mut project, stepwise.path());
            if goes {
                fs::remove_file(stepwise.path().join(name)).unwrap();
            }
        }
        for (name, run) in order {
            write(stepwise.path(), &name, &files[&name]);
            if run {
                load(&mut project, stepwise.path());
            }
        }
        load(&mut project, stepwise.path());
        load(&mut project, stepwise.path());
        let database = |project: &Path| content(&project.join("reliability.db"));
        let (clean, stepwise) = (database(clean.path()), database(stepwise.path()));
        for (table, rows) in &clean {
            prop_assert_eq!(rows, &stepwise[table], "in {}", table);
        }
    }
}

#[test]
fn a_kill_at_any_moment_changes_nothing() {
    let project = tempfile::tempdir().unwrap();
    let options = demo::Options {
        log_entries: 2_000,
        ..demo::Options::default()
    };
    demo::write(project.path(), &options, &mut |_| {}).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_reliability"));
    command
        .args(["load", "--project"])
        .arg(project.path())
        .env("DB_MODE", "DISK")
        .stderr(Stdio::null());
    for setting in ["DB_PATH", "INCIDENTS_PATH", "TIME_ZONE"] {
        command.env_remove(setting);
    }
    let database = project.path().join("reliability.db");

    assert!(command.status().unwrap().success());
    let expected = content(&database);
    let files = loaded_files(&database);

    let mut killed = 0;
    for round in 0..3 {
        for ending in ["", "-wal", "-shm", ".lock"] {
            let _ = fs::remove_file(format!("{}{ending}", database.display()));
        }
        // Moments all over the run, at other places in each round: once so many files are loaded.
        for step in 0..8 {
            let mut child = command.spawn().unwrap();
            let enough = files * (step * 3 + round) / 24;
            while loaded_files(&database) < enough && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            child.kill().unwrap();
            killed += u32::from(child.wait().unwrap().code().is_none());
        }
        assert!(command.status().unwrap().success());
        let found = content(&database);
        for (table, rows) in &expected {
            assert_eq!(rows, &found[table], "in {table}");
        }
        assert!(
            !Path::new(&format!("{}-wal", database.display())).exists(),
            "a plain file is left"
        );
    }
    assert!(killed > 0, "no run was killed");
}

/// How many files are loaded, as others see it meanwhile; none as long as there is no database.
fn loaded_files(database: &Path) -> i64 {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let sql = "select count(*) from _files where hash is not null";
    let count = Connection::open_with_flags(database, flags)
        .and_then(|other| other.query_row(sql, [], |row| row.get(0)));
    count.unwrap_or_default()
}
