//! DataDog: the ways of paging, and what comes without any.

use fake::{Data, Options, Server, Vendor};
use serde_json::json;

use crate::client::{Reply, get, get_with, headers, serve};

fn ask(server: &Server, path: &str) -> Reply {
    get(server, Vendor::DataDog, &format!("/api/v1{path}"))
}

/// Monitors with the ids 10, 20, …, in no order, and as many tests.
fn monitors(count: u64) -> Data {
    let mut data = Data::empty();
    for number in (1..=count).rev() {
        data.stream_mut("datadog_monitors")
            .push(json!({ "id": number * 10, "matching_downtimes": [] }).into());
        data.stream_mut("datadog_synthetics")
            .push(json!({ "public_id": format!("t-{number}") }).into());
    }
    data
}

#[test]
fn monitors_come_at_once_or_in_pages() {
    let server = serve(monitors(250), Options::default());
    let ids = |query: &str| ask(&server, &format!("/monitor{query}")).values("", "id");
    assert_eq!(ids("").len(), 250);
    assert_eq!(ids("?page_size=10").len(), 250);
    assert_eq!(ids("?page=0").len(), 100);
    assert_eq!(ids("?page=2&page_size=100").len(), 50);
    assert_eq!(ids("?page=3&page_size=100").len(), 0);
    assert_eq!(ids("?page=1&page_size=2"), ["30", "40"]);
    assert_eq!(ask(&server, "/monitor?page=0&page_size=1001").status, 400);
    assert_eq!(ask(&server, "/monitor?group_states=odd").status, 400);
}

#[test]
fn an_offset_by_id_begins_behind_it() {
    let server = serve(monitors(5), Options::default());
    let mut offset = "0".to_owned();
    let mut seen = Vec::new();
    loop {
        let reply = ask(&server, &format!("/monitor?id_offset={offset}&page_size=2"));
        let ids = reply.values("", "id");
        let Some(last) = ids.last() else { break };
        offset = last.clone();
        seen.push(ids);
    }
    assert_eq!(seen, [vec!["10", "20"], vec!["30", "40"], vec!["50"]]);
    // An offset between two ids, as after a deletion.
    let reply = ask(&server, "/monitor?id_offset=25&page_size=1");
    assert_eq!(reply.values("", "id"), ["30"]);
}

#[test]
fn a_large_organisation_cannot_list_its_monitors_at_once() {
    let options = Options {
        datadog_monitors_at_once: 2,
        ..Options::default()
    };
    let server = serve(monitors(3), options);
    assert_eq!(ask(&server, "/monitor").status, 504);
    assert_eq!(ask(&server, "/monitor?page=0").status, 200);
}

#[test]
fn downtimes_must_be_asked_for() {
    let server = serve(monitors(1), Options::default());
    let downtimes = |query: &str| {
        let reply = ask(&server, &format!("/monitor{query}"));
        reply.json()[0].get("matching_downtimes").cloned()
    };
    assert_eq!(downtimes(""), None);
    assert_eq!(downtimes("?with_downtimes=true"), Some(json!([])));
}

#[test]
fn tests_have_a_total_where_they_come_in_pages() {
    let server = serve(monitors(5), Options::default());
    let whole = ask(&server, "/synthetics/tests");
    assert_eq!(whole.values("tests", "public_id").len(), 5);
    assert_eq!(whole.json().get("total"), None);
    let page = ask(&server, "/synthetics/tests?page_size=2&page_number=2");
    assert_eq!(page.values("tests", "public_id").len(), 1);
    assert_eq!(page.json()["total"], json!(5));
    let beyond = ask(&server, "/synthetics/tests?page_size=2&page_number=3");
    assert_eq!(beyond.values("tests", "public_id").len(), 0);
}

#[test]
fn notification_rules_come_in_pages() {
    let mut data = Data::empty();
    for number in 0..101 {
        data.stream_mut("datadog_notification_rules")
            .push(json!({ "id": format!("r-{number:03}") }).into());
    }
    let server = serve(data, Options::default());
    let ids = |query: &str| {
        let path = format!("/api/v2/monitor/notification_rule{query}");
        get(&server, Vendor::DataDog, &path).values("data", "id")
    };
    assert_eq!(ids("").len(), 100);
    assert_eq!(ids("?per_page=1000").len(), 101);
    assert_eq!(ids("?page=1"), ["r-100"]);
    assert_eq!(ids("?page=2&per_page=100").len(), 0);
    let path = "/api/v2/monitor/notification_rule?per_page=1001";
    assert_eq!(get(&server, Vendor::DataDog, path).status, 400);
}

#[test]
fn both_keys_are_needed_and_bad_ones_are_forbidden() {
    let server = serve(monitors(1), Options::default());
    let one = &headers(Vendor::DataDog)[..1];
    let reply = get_with(&server, Vendor::DataDog, "/api/v1/monitor", one);
    assert_eq!(reply.status, 403);
    assert_eq!(reply.json(), json!({ "errors": ["Forbidden"] }));
    assert_eq!(ask(&server, "/validate").json(), json!({ "valid": true }));
    let reset: u64 = ask(&server, "/monitor")
        .header("x-ratelimit-reset")
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&reset), "{reset}");
}
