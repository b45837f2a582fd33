//! Sentry: the slash, cursors, the default query, windows.

use fake::{Data, Options, Record, Server, Vendor};
use serde_json::json;

use crate::client::{Reply, follow, get, get_with, headers, serve};

const ORGANISATION: &str = "/api/0/organizations/example";

fn ask(server: &Server, path: &str) -> Reply {
    get(server, Vendor::Sentry, &format!("{ORGANISATION}{path}"))
}

fn options() -> Options {
    Options {
        now: Some("2026-11-24T00:00:00Z".parse().unwrap()),
        ..Options::default()
    }
}

fn issue(id: &str, status: &str, first: &str, last: &str) -> Record {
    json!({
        "id": id, "status": status, "firstSeen": first, "lastSeen": last,
        "project": { "id": "1", "slug": "shop" },
    })
    .into()
}

fn issues() -> Data {
    let mut data = Data::empty();
    data.stream_mut("sentry_issues").extend([
        issue(
            "1",
            "unresolved",
            "2026-01-01T00:00:00Z",
            "2026-01-02T00:00:00Z",
        ),
        issue(
            "2",
            "resolved",
            "2026-01-01T00:00:00Z",
            "2026-11-20T00:00:00Z",
        ),
        issue(
            "3",
            "unresolved",
            "2026-11-22T00:00:00Z",
            "2026-11-23T00:00:00Z",
        ),
        issue(
            "4",
            "ignored",
            "2026-11-01T00:00:00Z",
            "2026-11-02T00:00:00Z",
        ),
    ]);
    data
}

#[test]
fn a_missing_slash_is_a_redirect_that_keeps_the_query() {
    let server = serve(issues(), options());
    let reply = ask(&server, "/issues?query=&limit=1");
    assert_eq!(reply.status, 301);
    let address = reply.header("location").unwrap();
    assert!(address.ends_with("/issues/?query=&limit=1"), "{address}");
    let reply = follow(address, &headers(Vendor::Sentry));
    assert_eq!(reply.values("", "id"), ["3"]);
}

#[test]
fn there_is_always_a_next_link_and_results_says_whether_to_follow() {
    let mut data = Data::empty();
    let projects = data.stream_mut("sentry_projects");
    projects.extend((0..150).map(|n| json!({ "id": n.to_string() }).into()));
    let server = serve(data, options());
    let first = ask(&server, "/projects/");
    assert_eq!(first.values("", "id").len(), 100);
    let (_, previous) = first.link("previous").unwrap();
    assert!(previous.contains(r#"results="false""#), "{previous}");
    let (address, next) = first.link("next").unwrap();
    assert!(address.ends_with("/projects/?&cursor=0:100:0"), "{address}");
    assert!(
        next.contains(r#"results="true"; cursor="0:100:0""#),
        "{next}"
    );

    let second = follow(&address, &headers(Vendor::Sentry));
    assert_eq!(second.values("", "id").len(), 50);
    assert_eq!(second.values("", "id")[0], "100");
    let (_, previous) = second.link("previous").unwrap();
    assert!(
        previous.contains(r#"results="true"; cursor="0:0:1""#),
        "{previous}"
    );
    let (address, next) = second.link("next").unwrap();
    assert!(next.contains(r#"results="false""#), "{next}");

    let past_the_end = follow(&address, &headers(Vendor::Sentry));
    assert_eq!(past_the_end.status, 200);
    assert_eq!(past_the_end.values("", "id").len(), 0);
}

#[test]
fn a_page_is_100_at_most() {
    let server = serve(issues(), options());
    assert_eq!(ask(&server, "/projects/?per_page=101").status, 400);
    assert_eq!(ask(&server, "/projects/?per_page=100").status, 200);
    assert_eq!(ask(&server, "/projects/?cursor=x").status, 400);
    assert_eq!(ask(&server, "/issues/?limit=500").status, 200);
}

#[test]
fn only_unresolved_issues_come_unless_the_query_is_empty() {
    let server = serve(issues(), options());
    let ids = |query: &str| ask(&server, &format!("/issues/?{query}")).values("", "id");
    assert_eq!(ids(""), ["3"]);
    assert_eq!(ids("query="), ["3", "2", "4"]);
    assert_eq!(ids("query=is:resolved"), ["2"]);
    assert_eq!(ids("query=lastSeen:%3E%3D2026-11-21T00:00:00"), ["3"]);
    assert_eq!(ask(&server, "/issues/?query=colour:red").status, 400);
}

#[test]
fn the_window_is_90_days_unless_asked_otherwise() {
    let server = serve(issues(), options());
    let ids = |query: &str| ask(&server, &format!("/issues/?query=&{query}")).values("", "id");
    assert_eq!(
        ids("start=2026-01-01T00:00:00Z&end=2026-11-24T00:00:00Z"),
        ["3", "2", "4", "1"]
    );
    // Seen before and after, so seen.
    assert_eq!(
        ids("start=2026-02-01T00:00:00&end=2026-02-02T00:00:00"),
        ["2"]
    );
    assert_eq!(ids("statsPeriod=24h"), ["3"]);
    assert_eq!(
        ids("statsPeriod=24h&start=2026-01-01&end=2026-11-24"),
        ["3"]
    );
    assert_eq!(ids("sort=new"), ["3", "4", "2"]);
    let one_alone = ask(&server, "/issues/?start=2026-01-01T00:00:00Z");
    assert_eq!(one_alone.status, 400);
    assert_eq!(
        one_alone.json()["detail"],
        json!("start and end are both required")
    );
}

#[test]
fn hits_are_counted_to_a_thousand() {
    let mut data = Data::empty();
    let seen = "2026-11-23T00:00:00Z";
    data.stream_mut("sentry_issues")
        .extend((0..1_200).map(|n| issue(&n.to_string(), "unresolved", seen, seen)));
    let server = serve(data, options());
    let reply = ask(&server, "/issues/");
    assert_eq!(reply.header("x-hits"), Some("1000"));
    assert_eq!(reply.header("x-max-hits"), Some("1000"));
    assert_eq!(
        ask(&server, "/issues/?query=is:resolved").header("x-hits"),
        Some("0")
    );
}

#[test]
fn events_come_by_issue_newest_first() {
    let mut data = issues();
    for (id, issue, created) in [
        ("a", "3", "2026-11-22T00:00:00Z"),
        ("b", "3", "2026-11-23T00:00:00Z"),
        ("c", "2", "2026-11-20T00:00:00Z"),
        ("d", "3", "2026-01-01T00:00:00Z"),
    ] {
        data.stream_mut("sentry_issue_events").push(Record::new(
            &json!({ "id": id, "dateCreated": created }),
            Some(json!({ "issue": issue })),
        ));
    }
    let server = serve(data, options());
    assert_eq!(
        ask(&server, "/issues/3/events/").values("", "id"),
        ["b", "a"]
    );
    let window = "?start=2026-01-01T00:00:00Z&end=2026-11-23T00:00:00Z";
    let reply = ask(&server, &format!("/issues/3/events/{window}"));
    assert_eq!(reply.values("", "id"), ["a", "d"]);
    assert_eq!(ask(&server, "/issues/99/events/").status, 404);
}

#[test]
fn the_token_opens_one_organisation() {
    let server = serve(issues(), options());
    let list = get(&server, Vendor::Sentry, "/api/0/organizations/");
    assert_eq!(list.values("", "slug"), ["example"]);
    let other = get(&server, Vendor::Sentry, "/api/0/organizations/other/teams/");
    assert_eq!(other.status, 404);
    let wrong = [("Authorization", "Bearer other".to_owned())];
    let path = format!("{ORGANISATION}/teams/");
    let reply = get_with(&server, Vendor::Sentry, &path, &wrong);
    assert_eq!(reply.status, 401);
    assert_eq!(reply.json()["detail"], json!("Invalid token"));
}

#[test]
fn the_reset_is_an_epoch_second_of_the_real_clock() {
    let server = serve(issues(), options());
    let reply = ask(&server, "/teams/");
    let reset: i64 = reply
        .header("x-sentry-rate-limit-reset")
        .unwrap()
        .parse()
        .unwrap();
    let from_now = reset - jiff::Timestamp::now().as_second();
    assert!((0..=62).contains(&from_now), "{from_now}");
}
