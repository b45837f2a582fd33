//! A project in a folder of its own, the binary to run on it, and a look at what came of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

/// A project folder that goes when it is dropped.
pub struct World {
    folder: tempfile::TempDir,
}

/// What a run of the binary gave.
#[derive(Debug)]
pub struct Run {
    /// The exit code; nothing if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

/// Everything that a project's environment could say.
const SETTINGS: [&str; 15] = [
    "CSV_FORMULAS",
    "ORGANIZATION",
    "DB_MODE",
    "LAKE_PATH",
    "DATABASE_URL",
    "DB_PATH",
    "DIRECTORY_PATH",
    "INCIDENTS_PATH",
    "TIME_ZONE",
    "NO_COLOR",
    "PAGERDUTY_SECRET",
    "SENTRY_API_KEY",
    "GITHUB_API_KEY",
    "DATADOG_API_KEY",
    "DATADOG_APPLICATION_KEY",
];

impl World {
    /// An empty project.
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// The project folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the project folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Writes a file and the folders that it needs.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        fs::write(&path, content).unwrap_or_else(|error| panic!("cannot write `{name}`: {error}"));
        self
    }

    /// The text of a file.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name))
            .unwrap_or_else(|error| panic!("cannot read `{name}`: {error}"))
    }

    /// Writes what vendors answered, where it lies beside the repository, and says whether it does.
    pub fn write_recorded(&self) -> bool {
        let Some(recorded) = recorded() else {
            return false;
        };
        for (file, stream) in RECORDED {
            let content = fs::read(recorded.join(format!("{file}.ndjson"))).unwrap();
            self.write(&format!("raw_data/{stream}/recorded.ndjson"), content);
        }
        // What the address of the request said, the extractor adds.
        let hooks = fs::read_to_string(recorded.join("github/hooks.ndjson")).unwrap();
        let hooks: String = hooks
            .lines()
            .map(|line| {
                let mut hook: serde_json::Value = serde_json::from_str(line).unwrap();
                hook["_extract"] = serde_json::json!({
                    "at": "2026-11-23T20:05:00Z",
                    "parent": { "repository": "jacquev6/PyGithub", "repository_id": 3544490 }
                });
                format!("{hook}\n")
            })
            .collect();
        self.write("raw_data/github_repo_hooks/recorded.ndjson", hooks);
        true
    }

    /// The names and bytes of all files in a folder, not of those in folders below.
    pub fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        fs::read_dir(self.path(folder))
            .unwrap_or_else(|error| panic!("cannot list `{folder}`: {error}"))
            .map(|entry| entry.expect("an entry"))
            .filter(|entry| entry.path().is_file())
            .map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                (name, fs::read(entry.path()).expect("a readable file"))
            })
            .collect()
    }

    /// The names of the folders in a folder, in order.
    pub fn folders(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path(folder))
            .unwrap_or_else(|error| panic!("cannot list `{folder}`: {error}"))
            .map(|entry| entry.expect("an entry"))
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// The binary, to be run in the project folder; nothing of this process's own settings reaches it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reliability"));
        command.args(arguments).current_dir(self.folder());
        let sources = std::env::vars_os().map(|(name, _)| name);
        let sources = sources.filter(|name| {
            let name = name.to_string_lossy();
            name.ends_with("_BASE_URL") || name.starts_with("SURVEY_")
        });
        for name in SETTINGS.iter().map(OsString::from).chain(sources) {
            command.env_remove(name);
        }
        command
    }

    /// Runs the binary with default settings: a database in memory.
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(&[], arguments)
    }

    /// Runs the binary with a database on disk, `reliability.db`.
    pub fn run_on_disk(&self, arguments: &[&str]) -> Run {
        self.run_with(&[("DB_MODE", "DISK")], arguments)
    }

    /// Runs the binary with settings in its environment.
    pub fn run_with(&self, settings: &[(&str, &str)], arguments: &[&str]) -> Run {
        finish(
            self.command(arguments)
                .envs(settings.iter().copied())
                .stdin(Stdio::null()),
        )
    }

    /// What a query on the database on disk gives: a line a row, cells parted by `|`, NULL as `∅`.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        rows(&self.path("reliability.db"), sql)
    }

    /// Does to the database on disk what any other program could do.
    pub fn change(&self, sql: &str) {
        let other = Connection::open(self.path("reliability.db")).unwrap();
        other.execute_batch(sql).unwrap();
    }

    /// Every row of every table that a mapper fills, the numbers of files replaced by their paths.
    pub fn contents(&self) -> BTreeMap<String, Vec<String>> {
        contents(&self.path("reliability.db"))
    }
}

impl Run {
    /// Asserts the exit code, showing what was said if it is another.
    #[track_caller]
    pub fn exits(&self, code: i32) -> &Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Asserts the exit code, and that stderr is this and nothing else.
    #[track_caller]
    pub fn prints(&self, code: i32, expected: impl snapbox::IntoData) -> &Self {
        self.exits(code);
        snapbox::assert_data_eq!(&self.stderr, expected.into_data());
        self
    }

    /// Asserts that stderr has each of these in it.
    #[track_caller]
    pub fn says(&self, parts: &[&str]) -> &Self {
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "expected `{part}` in:\n{}",
                self.stderr
            );
        }
        self
    }

    /// Asserts that stderr does not have this in it.
    #[track_caller]
    pub fn does_not_say(&self, part: &str) -> &Self {
        assert!(
            !self.stderr.contains(part),
            "did not expect `{part}` in:\n{}",
            self.stderr
        );
        self
    }
}

/// The folder of recorded data beside the repository; nothing, said aloud, where it is not.
#[allow(clippy::print_stderr, reason = "what a test skips, it says")]
pub fn recorded() -> Option<PathBuf> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/recorded");
    let found = fs::canonicalize(path).ok().filter(|path| path.is_dir());
    if found.is_none() {
        eprintln!("skipped: no recorded data beside the repository");
    }
    found
}

/// The vendors' recorded answers, and the stream that each is of.
const RECORDED: [(&str, &str); 11] = [
    ("pagerduty/incidents", "pagerduty_incidents"),
    ("pagerduty/log_entries", "pagerduty_log_entries"),
    ("pagerduty/services", "pagerduty_services"),
    ("sentry/issues", "sentry_issues"),
    ("sentry/events", "sentry_issue_events"),
    ("sentry/projects", "sentry_projects"),
    ("sentry/teams", "sentry_teams"),
    ("github/repos", "github_repos"),
    ("github/teams", "github_teams"),
    ("datadog/monitors", "datadog_monitors"),
    ("datadog/synthetics_tests", "datadog_synthetics"),
];

/// A project with one team and one incident.
pub fn small() -> World {
    let world = World::new();
    world
        .write("raw_data/pagerduty_teams/1.ndjson", "{\"id\":\"A\",\"name\":\"Pay, \\\"and\\\" go|\"}\n")
        .write(
            "incidents/one.yaml",
            "incident_name: One\nincident_date: 2026-11-23\nstats:\n  time_of_first_trigger: 2026-11-23 20:05\n",
        );
    world
}

/// A query of a project's own, as its file has it.
pub fn query_file(sql: &str) -> String {
    format!("-- title: Mine\n-- question: Mine?\n{sql}\n")
}

/// Runs a command to its end. No input may make the program panic, so that is looked at here, once for all tests.
pub fn finish(command: &mut Command) -> Run {
    ended(command.output().expect("the binary starts"))
}

/// The same for a command that ended.
pub fn ended(output: std::process::Output) -> Run {
    let run = Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    };
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    assert!(
        run.code.is_some(),
        "{:?} ended it:\n{}",
        output.status,
        run.stderr
    );
    run
}

/// What a query on a database file gives: a line a row, cells parted by `|`, NULL as `∅`.
pub fn rows(database: &Path, sql: &str) -> Vec<String> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(database, flags).expect("a database");
    let mut statement = connection
        .prepare(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let width = statement.column_count();
    let rows = statement.query_map([], |row| {
        let cells = (0..width).map(|index| Ok(cell(row.get_ref(index)?)));
        Ok(cells.collect::<rusqlite::Result<Vec<_>>>()?.join("|"))
    });
    rows.and_then(Iterator::collect)
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Every row of every table that a mapper fills, the numbers of files replaced by their paths.
pub fn contents(database: &Path) -> BTreeMap<String, Vec<String>> {
    rows(
        database,
        "select name from _objects where kind = 'table' order by 1",
    )
    .into_iter()
    .map(|table| {
        let sql = format!("select name from pragma_table_info('{table}') where name <> '_file'");
        let columns = rows(database, &sql).join("\", t.\"");
        let sql = format!(
            "select path, t.\"{columns}\" from \"{table}\" t join _files on _files.id = t._file"
        );
        let mut lines = rows(database, &sql);
        lines.sort();
        (table, lines)
    })
    .collect()
}

fn cell(value: ValueRef) -> String {
    match value {
        ValueRef::Null => "∅".to_owned(),
        ValueRef::Integer(value) => value.to_string(),
        ValueRef::Real(value) => value.to_string(),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        ValueRef::Blob(bytes) => format!("{bytes:?}"),
    }
}
