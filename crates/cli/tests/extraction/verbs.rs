//! The verbs `extract`, `doctor` and `status` as people use them.

use fake::{Fault, Rule, Vendor, Which};

use crate::vendors::Site;
use crate::world::World;

#[test]
fn doctor_tells_the_kinds_of_trouble_apart() {
    let site = Site::demo();
    // Something that was seen lately: the demo's year ends some day.
    site.server.change(|data| {
        for issue in data.stream_mut("sentry_issues") {
            issue.edit(|issue| issue["lastSeen"] = jiff::Timestamp::now().to_string().into());
        }
    });
    let good = site.run(&["doctor"]);
    good.exits(0);
    for stream in [
        "pagerduty_log_entries",
        "sentry_issue_events",
        "github_repo_hooks",
        "datadog_synthetics",
    ] {
        let line = good
            .stdout
            .lines()
            .find(|line| line.contains(stream))
            .unwrap();
        assert!(line.contains("works"), "{line}");
    }
    assert_eq!(site.server.requests().len(), 16);

    site.server.misbehave(vec![
        Rule::of(
            Vendor::PagerDuty,
            "/teams",
            Which::Every,
            Fault::Status(402),
        ),
        Rule::of(Vendor::GitHub, "/hooks", Which::Every, Fault::Status(403)),
        Rule::of(Vendor::DataDog, "", Which::Every, Fault::Status(401)),
        Rule::of(Vendor::Sentry, "", Which::Every, Fault::Drop),
    ]);
    let bad = site.run(&["doctor"]);
    bad.exits(1);
    for (stream, words) in [
        ("pagerduty_teams", "not in the plan"),
        ("github_repo_hooks", "admin:repo_hook"),
        ("datadog_monitors", "wrong token"),
        ("sentry_projects", "unreachable"),
        ("sentry_issue_events", "not tried"),
        ("github_repos", "works"),
    ] {
        let line = bad
            .stdout
            .lines()
            .find(|line| line.contains(&format!("  {stream} ")))
            .unwrap();
        assert!(line.contains(words), "{line}");
    }
}

#[test]
fn without_tokens_there_is_nothing_to_fetch() {
    let world = World::new();
    world
        .run(&["extract"])
        .exits(2)
        .says(&["no token is set", "=…`; `.env.local` lists them all"]);
    world
        .run(&["extract", "pagerduty"])
        .exits(2)
        .says(&["`pagerduty` needs `PAGERDUTY_SECRET`"]);
    world
        .run(&["extract", "pagerdty"])
        .exits(2)
        .says(&["did you mean `pagerduty`?"]);
    world
        .run(&["extract", "--only", "github_hooks"])
        .exits(2)
        .says(&["is not a stream"]);
    let token = [("PAGERDUTY_SECRET", "secret-1")];
    world
        .run_with(&token, &["extract", "--since", "2026-13-01"])
        .exits(2)
        .says(&["is not a date"]);
    world
        .run_with(&token, &["extract", "--since", "2999-01-01"])
        .exits(2)
        .says(&["in the future"]);
    let in_the_clear = [
        ("PAGERDUTY_SECRET", "secret-1"),
        ("PAGERDUTY_BASE_URL", "http://example.com"),
    ];
    world
        .run_with(&in_the_clear, &["extract", "pagerduty"])
        .exits(2)
        .says(&["anybody on the way could read the token"]);
    let broken = [("PAGERDUTY_SECRET", "secret\u{7}1")];
    let run = world.run_with(&broken, &["extract", "pagerduty"]);
    run.exits(2).does_not_say("secret");
}

#[test]
fn a_stream_that_depends_on_another_says_so() {
    let site = Site::demo();
    site.run(&["extract", "--only", "github_repo_hooks"])
        .exits(1)
        .says(&[
            "asked for by the records of `github_repos`",
            "--only github_repos --only github_repo_hooks",
        ]);
    site.run(&[
        "extract",
        "--only",
        "github_repos",
        "--only",
        "github_repo_hooks",
    ])
    .exits(0);
}

#[test]
fn settings_come_from_env_too() {
    let site = Site::demo();
    let lines: Vec<String> = site
        .server
        .environment()
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    site.world.write(".env", lines.join("\n"));
    site.world
        .run(&["extract", "datadog"])
        .exits(0)
        .does_not_say("is not a setting");
}

#[test]
fn status_shows_what_is_covered() {
    let site = Site::demo();
    site.extract(&["pagerduty"]).exits(0);
    site.run(&["load"]).exits(0);
    let status = site.run(&["status"]).stdout;
    let line = |stream: &str| {
        status
            .lines()
            .find(|line| line.starts_with(&format!("{stream} ")))
            .unwrap()
            .to_owned()
    };
    assert!(line("pagerduty_log_entries").contains("2025-11-01 00:00 to 20"));
    assert!(line("pagerduty_users").contains("all that there is"));
    let machine = site.run(&["status", "--message-format", "json"]).stdout;
    let covered = machine
        .lines()
        .filter(|line| line.contains("\"covered\""))
        .count();
    assert_eq!(covered, 5);
}

#[cfg(unix)]
#[test]
fn raw_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::demo();
    site.run(&["extract", "datadog"]).exits(0);
    for name in site.world.files("raw_data/datadog_monitors").keys() {
        let mode = site
            .world
            .path(&format!("raw_data/datadog_monitors/{name}"))
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
}
