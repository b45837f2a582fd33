//! Real responses and real incidents, where a folder of them lies beside the repository: others' data, not part of it.

use std::fs;
use std::path::PathBuf;

use crate::world::World;

/// The folder of recorded data; nothing, said aloud, where it is not.
fn recorded() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/recorded"
    ));
    let found = fs::canonicalize(path).ok().filter(|path| path.is_dir());
    if found.is_none() {
        eprintln!("skipped: no recorded data beside the repository");
    }
    found
}

#[test]
fn the_incidents_of_a_public_status_page() {
    let Some(recorded) = recorded() else { return };
    let world = World::new();
    let folder = recorded.join("incidents");
    let settings = [
        ("DB_MODE", "DISK"),
        ("INCIDENTS_PATH", folder.to_str().unwrap()),
    ];
    let run = world.run_with(&settings, &["load", "incidents"]);
    run.exits(0).says(&["338 records from 1 file"]);
    let sql = "select count(*), count(distinct id), count(first_triggered_at) from Incidents";
    let run = world.run_with(&settings, &["query", "--sql", sql]);
    let answer = &run.exits(0).stdout;
    assert!(answer.ends_with("\r\n338,338,338\r\n"), "{answer}");
    let sql = "select count(*) from Incidents where minutes_to_recover < 0 or incident_date not like '20__-__-__'";
    assert_eq!(world.rows(sql), ["0"]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_the_vendors_answered() {
    let Some(recorded) = recorded() else { return };
    let world = World::new();
    let streams = [
        (
            "pagerduty/incidents",
            "pagerduty_incidents",
            "PagerDutyIncidents",
            3,
        ),
        (
            "pagerduty/log_entries",
            "pagerduty_log_entries",
            "PagerDutyLogEntries",
            44,
        ),
        (
            "pagerduty/services",
            "pagerduty_services",
            "PagerDutyServices",
            146,
        ),
        ("sentry/issues", "sentry_issues", "SentryIssues", 3),
        (
            "sentry/events",
            "sentry_issue_events",
            "SentryIssueEvents",
            2,
        ),
        ("sentry/projects", "sentry_projects", "SentryProjects", 1),
        ("sentry/teams", "sentry_teams", "SentryTeams", 1),
        ("github/repos", "github_repos", "GithubRepos", 130),
        ("github/teams", "github_teams", "GithubTeams", 17),
        (
            "datadog/monitors",
            "datadog_monitors",
            "DataDogMonitors",
            31,
        ),
        (
            "datadog/synthetics_tests",
            "datadog_synthetics",
            "DataDogSynthetics",
            36,
        ),
    ];
    for (file, stream, _, _) in streams {
        let content = fs::read(recorded.join(format!("{file}.ndjson"))).unwrap();
        world.write(&format!("raw_data/{stream}/recorded.ndjson"), content);
    }
    // What the address of the request said, the extractor adds.
    let hooks: String = fs::read_to_string(recorded.join("github/hooks.ndjson"))
        .unwrap()
        .lines()
        .map(|line| {
            let mut hook: serde_json::Value = serde_json::from_str(line).unwrap();
            hook["_extract"] = serde_json::json!({
                "at": "2026-11-23T20:05:00Z", "parent": { "repository": "jacquev6/PyGithub", "repository_id": 3544490 }
            });
            format!("{hook}\n")
        })
        .collect();
    world.write("raw_data/github_repo_hooks/recorded.ndjson", hooks);

    let run = world.run_on_disk(&["load"]);
    run.exits(0).does_not_say("error").does_not_say("reject");
    for (_, _, table, count) in streams.into_iter().chain([("", "", "GithubRepoHooks", 3)]) {
        let rows = world.rows(&format!("select count(*) from {table}"));
        assert_eq!(rows, [count.to_string()], "{table}");
    }
    // Every question can be asked of it.
    world.run_on_disk(&["query"]).exits(0);
}
