//! What changes at the vendors, and that it arrives.

use fake::{Fault, Options, Rule, Vendor, Which};
use serde_json::json;

use crate::vendors::{Site, assert_same, expected, incident, incidents_of_a_day, raw_text};

#[test]
fn everything_arrives_and_a_second_run_adds_only_what_is_new() {
    let site = Site::demo();
    let first = site.extract(&[]);
    first
        .exits(0)
        .says(&["pagerduty_log_entries", "all that there is"]);
    assert_same(&site.loaded(), expected());
    let asked = site.server.requests().len();

    site.server.forget_requests();
    site.run(&["extract"]).exits(0);
    assert_same(&site.loaded(), expected());
    let asked_again = site.server.requests().len();
    assert!(
        asked_again * 2 < asked,
        "{asked_again} requests after {asked}"
    );
    let serial = site
        .server
        .requests()
        .iter()
        .filter(|seen| matches!(seen.vendor, Vendor::PagerDuty | Vendor::GitHub))
        .all(|seen| seen.under_way == 1);
    assert!(serial, "these vendors ask for serial requests");
}

#[test]
fn incidents_of_one_day_arrive_through_the_cap() {
    let site = Site::new(incidents_of_a_day(25_000));
    let run = site.run(&[
        "extract",
        "--only",
        "pagerduty_incidents",
        "--since",
        "2026-03-01",
    ]);
    run.exits(0).does_not_say("gap");
    site.run(&["load", "pagerduty_incidents"]).exits(0);
    assert_eq!(
        site.rows("select count(*), min(id), max(id) from PagerDutyIncidents"),
        ["25000|P000000|P024999"]
    );
    assert!(
        site.server
            .requests()
            .iter()
            .all(|seen| seen.status == Some(200))
    );
}

#[test]
fn a_source_that_looks_at_the_day_alone_leaves_a_gap_and_says_so() {
    let options = Options {
        pagerduty_date_only: true,
        ..Options::default()
    };
    let site = Site::with(incidents_of_a_day(12_000), options);
    let arguments = [
        "extract",
        "--only",
        "pagerduty_incidents",
        "--since",
        "2026-03-01",
    ];
    site.run(&arguments)
        .exits(1)
        .says(&["has a gap", "2026-03-10"]);
    assert!(
        site.server.requests().len() < 800,
        "{}",
        site.server.requests().len()
    );
    site.run(&["load", "pagerduty_incidents"]).exits(0);
    let status = site.run(&["status"]);
    assert!(
        status
            .exits(0)
            .stdout
            .contains("gap in pagerduty_incidents"),
        "{}",
        status.stdout
    );
}

#[test]
fn a_change_of_an_old_incident_is_found() {
    let site = Site::demo();
    site.server.change(|data| {
        data.stream_mut("pagerduty_incidents")
            .push(incident("OLD1", "triggered", "2026-02-20T10:00:00Z").into());
    });
    site.extract(&["pagerduty"]).exits(0);
    site.run(&["load"]).exits(0);
    let status = "select status from PagerDutyIncidents where id = 'OLD1'";
    assert_eq!(site.rows(status), ["triggered"]);

    let now = jiff::Timestamp::now();
    site.server
        .change(|data| assert!(data.resolve_incident("OLD1", now)));
    site.server.forget_requests();
    site.run(&["extract", "pagerduty"]).exits(0);
    site.run(&["load"]).exits(0);
    assert_eq!(site.rows(status), ["resolved"]);
    let asked = site.server.requests();
    assert!(asked.iter().any(|seen| seen.path == "/incidents/OLD1"));
    assert!(asked.len() < 60, "{} requests for one change", asked.len());
}

#[test]
fn a_change_is_found_beside_a_file_that_somebody_brought() {
    let site = Site::demo();
    site.server.change(|data| {
        data.stream_mut("pagerduty_incidents")
            .push(incident("OLD1", "triggered", "2026-02-20T10:00:00Z").into());
    });
    site.extract(&["pagerduty"]).exits(0);
    for name in ["history.ndjson", "2099-01-01T00-00-00Z-0001.ndjson"] {
        site.world.write(
            &format!("raw_data/pagerduty_log_entries/{name}"),
            "{\"id\":\"X\"}\n",
        );
    }
    site.run(&["extract", "pagerduty"]).exits(0);
    let now = jiff::Timestamp::now();
    site.server
        .change(|data| assert!(data.resolve_incident("OLD1", now)));
    site.run(&["extract", "pagerduty"]).exits(0);
    assert!(
        raw_text(&site.world, "pagerduty_incidents")
            .contains("\"status\":\"resolved\",\"title\":\"Incident OLD1\"")
            || site
                .server
                .requests()
                .iter()
                .any(|seen| seen.path == "/incidents/OLD1")
    );
}

#[test]
fn a_child_of_what_failed_says_so_and_asks_by_the_last_complete_listing() {
    let site = Site::demo();
    site.run(&["extract", "github"]).exits(0);
    site.run(&["load"]).exits(0);
    let hooks = "select count(*) from GithubRepoHooks";
    let before = site.rows(hooks);
    site.server.misbehave(vec![Rule::of(
        Vendor::GitHub,
        "/orgs/",
        Which::Every,
        Fault::Status(403),
    )]);
    site.run(&["extract", "github", "--only", "github_repos"])
        .exits(1);
    site.server.misbehave(Vec::new());
    for _ in 0..2 {
        site.server.forget_requests();
        let marked = || {
            let files = site.world.files("raw_data/github_repo_hooks");
            files
                .keys()
                .filter(|name| name.ends_with(".complete.json"))
                .count()
        };
        site.run(&["extract", "--only", "github_repo_hooks"])
            .exits(1)
            .says(&["it depends on `github_repos`, which is not complete"]);
        assert!(site.server.requests().len() > 10);
        assert_eq!(marked(), 1);
        let status = site.run(&["status"]).stdout;
        assert!(status.contains("gap in github_repo_hooks"), "{status}");
    }
    site.run(&["load"]).exits(0);
    assert_eq!(site.rows(hooks), before);
    site.run(&["extract", "github"])
        .exits(0)
        .does_not_say("gap");
}

#[test]
fn a_hook_that_was_deleted_goes_with_the_next_complete_listing_only() {
    let site = Site::demo();
    site.run(&["extract", "github"]).exits(0);
    site.run(&["load"]).exits(0);
    let hooks = "select id from GithubRepoHooks order by id";
    let before = site.rows(hooks);
    let gone = before[0].clone();
    site.server
        .change(|data| assert!(data.remove("github_repo_hooks", &gone)));

    // The listing fails half-way: nothing may go.
    site.server.misbehave(vec![Rule::of(
        Vendor::GitHub,
        "/hooks",
        Which::From(3),
        Fault::Status(500),
    )]);
    site.run(&["extract", "github"])
        .exits(1)
        .says(&["github_repo_hooks", "gap"]);
    site.run(&["load"]).exits(0);
    assert_eq!(site.rows(hooks), before);

    site.server.misbehave(Vec::new());
    site.run(&["extract", "github"]).exits(0);
    site.run(&["load"]).exits(0);
    assert_eq!(site.rows(hooks), before[1..]);
}

#[test]
fn a_record_deleted_while_it_is_listed_takes_no_other_with_it() {
    let site = Site::new(fake::Data::empty());
    site.server.change(|data| {
        for number in 0..250 {
            let service =
                json!({"id": format!("S{number:03}"), "name": format!("service {number:03}")});
            data.stream_mut("pagerduty_services").push(service.into());
        }
    });
    site.server.misbehave(vec![Rule::of(
        Vendor::PagerDuty,
        "/services",
        Which::Nth(1),
        Fault::change(|data| {
            data.remove("pagerduty_services", "S005");
        }),
    )]);
    site.run(&["extract", "--only", "pagerduty_services"])
        .exits(0);
    site.run(&["load", "pagerduty_services"]).exits(0);
    let kept = site.rows("select count(*) from PagerDutyServices where id <> 'S005'");
    assert_eq!(kept, ["249"]);
    assert!(raw_text(&site.world, "pagerduty_services").contains("\"S100\""));
}

#[test]
fn earlier_days_are_fetched_when_somebody_asks_for_them() {
    let site = Site::demo();
    site.run(&[
        "extract",
        "--only",
        "pagerduty_log_entries",
        "--since",
        "2026-08-01",
    ])
    .exits(0);
    site.run(&["load"]).exits(0);
    let late: usize = site.rows("select count(*) from PagerDutyLogEntries")[0]
        .parse()
        .unwrap();
    site.server.forget_requests();
    site.run(&["extract", "--only", "pagerduty_log_entries"])
        .exits(0);
    let asked = site.server.requests();
    assert!(asked.len() < 5, "{asked:?}");
    site.extract(&["--only", "pagerduty_log_entries"]).exits(0);
    site.run(&["load"]).exits(0);
    let all: usize = site.rows("select count(*) from PagerDutyLogEntries")[0]
        .parse()
        .unwrap();
    assert!(late < all);
    let expected = &expected()
        .iter()
        .find(|(table, _)| table == "PagerDutyLogEntries")
        .unwrap()
        .1;
    assert_eq!(all, expected.len());
    let status = site.run(&["status"]).stdout;
    assert!(status.contains("2025-11-01 00:00 to"), "{status}");
}
