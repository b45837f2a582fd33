//! Vendors that misbehave: what they keep from us is a gap that is told, and everything else arrives.

use std::time::Duration;

use fake::{Endless, Fault, Rule, Vendor, Which};

use crate::vendors::{Site, assert_same, expected, raw_text};

/// Everything arrives all the same. Which requests meet the fault depends on how they interleave: so often that many do,
/// and so seldom that all six tries of one never do (0.06⁶, one run of this test in tens of thousands).
#[track_caller]
fn survives(fault: Fault) {
    survives_some(60, fault);
}

/// The same where of a thousand requests so many go wrong.
#[track_caller]
fn survives_some(permille: u16, fault: Fault) {
    let site = Site::demo();
    let on = Which::Randomly { seed: 7, permille };
    site.server.misbehave(vec![Rule::of_all(on, fault)]);
    site.extract(&[]).exits(0).does_not_say("gap");
    assert_same(&site.loaded(), expected());
}

#[test]
fn storms_of_429() {
    survives(Fault::TooMany { reset: None });
    // Headers count in whole seconds, so each of these takes one.
    survives_some(
        10,
        Fault::TooMany {
            reset: Some(Duration::from_millis(10)),
        },
    );
}

#[test]
fn limits_that_look_like_refusals() {
    let site = Site::demo();
    let rules = [
        Fault::SecondaryLimit { retry_after: None },
        Fault::SecondaryLimit {
            retry_after: Some(Duration::ZERO),
        },
        Fault::OutOfBudget {
            reset: Duration::from_millis(10),
        },
    ];
    let rules = rules.into_iter().enumerate().map(|(index, fault)| {
        Rule::of(Vendor::GitHub, "", Which::Nth(5 + 4 * index as u64), fault)
    });
    site.server.misbehave(rules.collect());
    site.run(&["extract", "github"]).exits(0);
    let statuses: Vec<_> = site
        .server
        .requests()
        .iter()
        .filter_map(|seen| seen.status)
        .collect();
    assert!(statuses.contains(&403));
}

#[test]
fn servers_that_stumble() {
    survives(Fault::Status(500));
    survives(Fault::Status(502));
    survives(Fault::RetryAfter {
        status: 503,
        after: Duration::ZERO,
    });
}

#[test]
fn connections_that_break() {
    survives(Fault::Drop);
    survives(Fault::CutInHalf);
}

#[test]
fn answers_that_are_none() {
    survives(Fault::Html);
    survives(Fault::JsonCutShort);
    survives(Fault::InvalidUtf8);
}

#[test]
fn rows_that_come_twice() {
    survives(Fault::Duplicates);
}

#[test]
fn slow_bodies_take_their_time() {
    let site = Site::demo();
    site.server.misbehave(vec![Rule::of(
        Vendor::DataDog,
        "/monitor",
        Which::First(1),
        Fault::Slow(Duration::from_millis(300)),
    )]);
    site.run(&["extract", "datadog"]).exits(0);
}

#[test]
fn a_body_slower_than_the_timeout_is_tried_again() {
    let site = Site::demo();
    let text = site.world.read("definitions/extractors/datadog.yaml");
    site.world.write(
        "definitions/extractors/datadog.yaml",
        text + "timeout: 300 milliseconds\n",
    );
    site.server.misbehave(vec![Rule::of(
        Vendor::DataDog,
        "/monitor",
        Which::First(1),
        Fault::Slow(Duration::from_secs(30)),
    )]);
    site.run(&["extract", "datadog"]).exits(0);
}

#[test]
fn a_source_that_says_more_for_ever_is_not_believed() {
    for endless in [Endless::SamePage, Endless::EmptyPages] {
        let site = Site::demo();
        site.server.misbehave(vec![
            Rule::of(
                Vendor::PagerDuty,
                "/services",
                Which::Every,
                Fault::Endless(endless),
            ),
            Rule::of(
                Vendor::GitHub,
                "/orgs/",
                Which::Every,
                Fault::Endless(endless),
            ),
        ]);
        let run = site.extract(&["pagerduty", "github"]);
        run.exits(1)
            .says(&["`pagerduty_services` has a gap", "nothing new"]);
        let asked = |path: &str| {
            site.server
                .requests()
                .iter()
                .filter(|seen| seen.path == path)
                .count()
        };
        assert!(asked("/services") < 20, "{}", asked("/services"));
        let markers = site.world.files("raw_data/pagerduty_services");
        assert!(!markers.keys().any(|name| name.ends_with(".complete.json")));
        // The others came all the same.
        site.run(&["load"]).exits(0);
        assert_ne!(site.rows("select count(*) from PagerDutyLogEntries"), ["0"]);
    }
}

#[test]
fn a_link_or_redirect_to_another_host_never_gets_the_token() {
    let thief = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    thief.set_nonblocking(true).unwrap();
    let elsewhere = format!("http://{}", thief.local_addr().unwrap());
    let site = Site::new(fake::Data::empty());
    site.server.change(|data| {
        for number in 0..150 {
            let team = serde_json::json!({"id": number, "slug": format!("t{number}"), "name": "T"});
            data.stream_mut("github_teams").push(team.into());
        }
    });
    site.server.misbehave(vec![
        Rule::of(
            Vendor::GitHub,
            "/teams",
            Which::Every,
            Fault::ForeignLink(elsewhere.clone()),
        ),
        Rule::of(
            Vendor::DataDog,
            "",
            Which::Every,
            Fault::Redirect(elsewhere),
        ),
    ]);
    site.run(&["extract", "github", "datadog"])
        .exits(1)
        .says(&["where the token must not go"]);
    assert!(
        thief.accept().is_err(),
        "somebody connected to the other host"
    );
    assert_eq!(raw_text(&site.world, "github_teams").lines().count(), 100);
}

#[test]
fn a_token_that_is_revoked_in_mid_run_keeps_what_came() {
    let site = Site::demo();
    site.server.misbehave(vec![Rule::of(
        Vendor::PagerDuty,
        "/log_entries",
        Which::From(12),
        Fault::Status(401),
    )]);
    site.extract(&["pagerduty"])
        .exits(1)
        .says(&["token is wrong"]);
    let kept = raw_text(&site.world, "pagerduty_log_entries")
        .lines()
        .count();
    assert!(kept >= 500, "{kept}");
    site.server.misbehave(Vec::new());
    site.server.forget_requests();
    site.extract(&[]).exits(0);
    assert_same(&site.loaded(), expected());
}

#[test]
fn a_wrong_token_alone_could_not_run() {
    let site = Site::demo();
    site.server
        .misbehave(vec![Rule::of_all(Which::Every, Fault::Status(401))]);
    site.run(&["extract", "pagerduty"])
        .exits(2)
        .says(&["reliability doctor"]);
    assert_eq!(site.server.requests().len(), 1);
}

#[test]
fn what_is_not_in_the_plan_is_passed_over() {
    let site = Site::demo();
    site.server.misbehave(vec![
        Rule::of(
            Vendor::PagerDuty,
            "/teams",
            Which::Every,
            Fault::Status(402),
        ),
        Rule::of(
            Vendor::DataDog,
            "/synthetics",
            Which::Every,
            Fault::Status(404),
        ),
    ]);
    let run = site.extract(&["pagerduty", "datadog"]);
    run.exits(0).says(&["`pagerduty_teams` is skipped", "402"]);
    site.server.misbehave(vec![Rule::of(
        Vendor::PagerDuty,
        "/users",
        Which::Every,
        Fault::Status(403),
    )]);
    site.extract(&["pagerduty"])
        .exits(1)
        .says(&["`pagerduty_users`", "permission"]);
}

#[test]
fn secrets_stay_where_they_are() {
    let site = Site::demo();
    site.server.misbehave(vec![
        Rule::of_all(Which::Every, Fault::EchoInRecord),
        Rule::of_all(Which::Nth(9), Fault::EchoInError(500)),
        Rule::of_all(Which::Nth(15), Fault::EchoInError(400)),
    ]);
    let run = site.run(&[
        "extract",
        "--since",
        "2025-11-01",
        "--message-format",
        "json",
    ]);
    site.run(&["load"]);
    let doctor = site.run(&["doctor"]);
    let status = site.run(&["status"]);
    let mut everything = [
        run.stdout,
        run.stderr,
        doctor.stdout,
        doctor.stderr,
        status.stdout,
    ]
    .concat();
    for entry in walk(&site.world.path("raw_data"))
        .into_iter()
        .chain([site.world.path("reliability.db")])
    {
        everything += &String::from_utf8_lossy(&std::fs::read(entry).unwrap());
    }
    assert!(everything.len() > 1_000_000);
    for (name, value) in site.server.environment() {
        if name.ends_with("KEY") || name.ends_with("SECRET") {
            assert!(!everything.contains(&value), "{name} leaked");
        }
    }
}

#[test]
fn telephone_numbers_and_addresses_of_hooks_are_not_kept() {
    let site = Site::demo();
    site.server.change(|data| {
        let methods = serde_json::json!([
            {"id": "C1", "type": "phone_contact_method", "address": "1705550100"},
            {"id": "C2", "type": "sms_contact_method", "address": "+49 170 555-0100"},
            {"id": "C3", "type": "email_contact_method", "address": "a.person@example.com"},
        ]);
        let channel = serde_json::json!({"type": "auto", "notification": {"type": "sms_notification", "address": "+491705550100"}});
        data.stream_mut("pagerduty_users")[0].edit(|user| user["contact_methods"] = methods);
        data.stream_mut("pagerduty_log_entries")[0].edit(|entry| entry["channel"] = channel);
    });
    site.extract(&[]).exits(0);
    let users = raw_text(&site.world, "pagerduty_users");
    assert!(users.contains("\"hash:") && users.contains("a.person@example.com"));
    for text in [&users, &raw_text(&site.world, "pagerduty_log_entries")] {
        assert!(!text.contains("555-0100") && !text.contains("5550100"));
    }
    let hooks = raw_text(&site.world, "github_repo_hooks");
    assert!(hooks.contains("/(redacted)\"") && !hooks.contains("?token="));
    site.run(&["load"]).exits(0);
    assert_ne!(
        site.rows("select count(*) from GithubRepoHooks where has_secret"),
        ["0"]
    );
}

#[test]
fn what_is_no_record_is_kept_and_rejected() {
    let site = Site::demo();
    site.server.misbehave(vec![Rule::of(
        Vendor::PagerDuty,
        "/teams",
        Which::First(1),
        Fault::NotARecord,
    )]);
    site.extract(&["pagerduty"]).exits(0);
    site.run(&["load"]).exits(1).says(&["pagerduty_teams"]);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}
