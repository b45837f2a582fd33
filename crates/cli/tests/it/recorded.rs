//! Real responses and real incidents, where a folder of them lies beside the repository: others' data, not part of it.

use crate::world::{World, recorded};

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
fn what_the_vendors_answered() {
    let world = World::new();
    if !world.write_recorded() {
        return;
    }
    let run = world.run_on_disk(&["load"]);
    run.exits(0).does_not_say("error").does_not_say("reject");
    for (table, count) in [
        ("PagerDutyIncidents", 3),
        ("PagerDutyLogEntries", 44),
        ("PagerDutyServices", 146),
        ("SentryIssues", 3),
        ("SentryIssueEvents", 2),
        ("SentryProjects", 1),
        ("SentryTeams", 1),
        ("GithubRepos", 130),
        ("GithubTeams", 17),
        ("GithubRepoHooks", 3),
        ("DataDogMonitors", 31),
        ("DataDogSynthetics", 36),
    ] {
        let rows = world.rows(&format!("select count(*) from {table}"));
        assert_eq!(rows, [count.to_string()], "{table}");
    }
    // Every question can be asked of it.
    world.run_on_disk(&["query"]).exits(0);
}
