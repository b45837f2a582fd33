//! A project and the vendors that it fetches from.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use fake::{Data, Limits, Options, Server};
use serde_json::{Value, json};

use crate::world::{Run, World, finish};

/// The demo's year: no default of an extractor reaches back to it for ever.
pub const SINCE: &str = "2025-11-01";

/// Tables, and the columns that tell one row from another.
pub const TABLES: [(&str, &str); 16] = [
    ("PagerDutyServices", "id, name"),
    ("PagerDutyTeams", "id, name"),
    (
        "PagerDutyUsers",
        "id, email, team_count, contact_method_count",
    ),
    ("PagerDutyUserTeams", "user_id, team_id"),
    (
        "PagerDutyIncidents",
        "id, status, title, created_at, resolved_at, assignment_count",
    ),
    (
        "PagerDutyLogEntries",
        "id, kind, incident_id, created_at, notified_user_id",
    ),
    ("SentryProjects", "id, slug"),
    ("SentryTeams", "id, slug"),
    ("SentryIssues", "id, status, last_seen_at, event_count"),
    ("SentryIssueEvents", "id, issue_id, created_at"),
    ("GithubRepos", "id, full_name"),
    ("GithubTeams", "id, slug"),
    (
        "GithubRepoTeams",
        "repository, team_id, repository_id, permission",
    ),
    (
        "GithubRepoHooks",
        "id, repository, repository_id, url_host, has_secret, is_active",
    ),
    ("DataDogMonitors", "id, overall_state"),
    ("DataDogSynthetics", "id, status"),
];

/// Vendors and a project.
pub struct Site {
    pub world: World,
    pub server: Server,
}

impl Site {
    /// An empty project beside vendors that know the demo's organisation.
    pub fn demo() -> Self {
        Self::new(Data::from_raw(&demo().path("raw_data")).unwrap())
    }

    pub fn new(data: Data) -> Self {
        Self::with(data, Options::default())
    }

    pub fn with(data: Data, options: Options) -> Self {
        let options = Options {
            limits: Limits::generous(),
            ..options
        };
        let site = Self {
            world: World::new(),
            server: Server::start(data, options).unwrap(),
        };
        site.impatient();
        site
    }

    /// The built-in extractors, with short waits.
    fn impatient(&self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../definitions/extractors");
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            let retry =
                "\nretry: {tries: 6, first_wait: 5 milliseconds, longest_wait: 2 seconds}\n";
            self.world
                .write(&format!("definitions/extractors/{name}"), text + retry);
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.command(arguments);
        command
            .envs(self.server.environment())
            .env("DB_MODE", "DISK");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        finish(&mut self.command(arguments))
    }

    /// `extract --since` the demo's first day, with what else is given.
    pub fn extract(&self, more: &[&str]) -> Run {
        self.run(&[&["extract", "--since", SINCE], more].concat())
    }

    pub fn rows(&self, sql: &str) -> Vec<String> {
        self.world.rows(sql)
    }

    /// Loads, and gives what the tables say of the vendors.
    pub fn loaded(&self) -> Vec<(String, Vec<String>)> {
        self.run(&["load"]).exits(0);
        tables(&self.world)
    }
}

/// What the tables say, without where and when it was fetched.
pub fn tables(world: &World) -> Vec<(String, Vec<String>)> {
    TABLES
        .iter()
        .map(|(table, columns)| {
            let sql = format!("select {columns} from {table} order by {columns}");
            ((*table).to_owned(), world.rows(&sql))
        })
        .collect()
}

/// What the tables say when the demo's raw data is loaded as it was written.
pub fn expected() -> &'static [(String, Vec<String>)] {
    static EXPECTED: OnceLock<Vec<(String, Vec<String>)>> = OnceLock::new();
    EXPECTED.get_or_init(|| {
        let demo = demo();
        demo.run_on_disk(&["load"]).exits(0);
        tables(demo)
    })
}

/// Asserts that two databases say the same, and names the first table in which they do not.
#[track_caller]
pub fn assert_same(found: &[(String, Vec<String>)], expected: &[(String, Vec<String>)]) {
    for ((table, found), (_, expected)) in found.iter().zip(expected) {
        let (found, expected): (BTreeSet<_>, BTreeSet<_>) =
            (found.iter().collect(), expected.iter().collect());
        let missing: Vec<_> = expected.difference(&found).take(3).collect();
        let surplus: Vec<_> = found.difference(&expected).take(3).collect();
        assert!(
            missing.is_empty() && surplus.is_empty(),
            "{table}: missing {missing:?}, too much {surplus:?}; {} rows, expected {}",
            found.len(),
            expected.len()
        );
    }
}

/// A small demo, written once.
fn demo() -> &'static World {
    static DEMO: OnceLock<World> = OnceLock::new();
    DEMO.get_or_init(|| {
        let world = World::new();
        world.run(&["demo", "--scale", "3000"]).exits(0);
        world
    })
}

/// So many incidents of one day, evenly over it.
pub fn incidents_of_a_day(count: usize) -> Data {
    let mut data = Data::empty();
    let start: jiff::Timestamp = "2026-03-10T00:00:00Z".parse().unwrap();
    let records = data.stream_mut("pagerduty_incidents");
    for number in 0..count {
        let second = (number * 86_400 / count) as i64;
        let at = start
            .checked_add(jiff::SignedDuration::from_secs(second))
            .unwrap();
        records.push(incident(&format!("P{number:06}"), "resolved", &at.to_string()).into());
    }
    data
}

/// An incident as the vendor gives it, as far as anybody looks.
pub fn incident(id: &str, status: &str, created_at: &str) -> Value {
    json!({
        "id": id, "type": "incident", "incident_number": 1, "title": format!("Incident {id}"), "status": status,
        "urgency": "high", "created_at": created_at, "service": {"id": "S1", "summary": "Checkout"},
    })
}

/// All raw files of a stream, one after the other.
pub fn raw_text(world: &World, stream: &str) -> String {
    world
        .files(&format!("raw_data/{stream}"))
        .into_iter()
        .filter(|(name, _)| name.ends_with(".ndjson") && !name.starts_with('.'))
        .map(|(_, bytes)| String::from_utf8(bytes).unwrap())
        .collect()
}
