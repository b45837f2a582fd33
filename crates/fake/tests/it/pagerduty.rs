//! PagerDuty: auth, pages, the cap, windows, what must be asked for.

use fake::{Data, Limit, Limits, Options, Server, Vendor};
use jiff::{Timestamp, ToSpan};
use serde_json::json;

use crate::client::{Reply, get, get_with, headers, serve};

/// Services P0, P1, … and nothing else.
fn services(count: usize) -> Data {
    let mut data = Data::empty();
    let services = data.stream_mut("pagerduty_services");
    services.extend((0..count).map(|n| json!({ "id": format!("P{n}") }).into()));
    data
}

/// An incident for each of these times, with a log entry each.
fn incidents(times: &[&str]) -> Data {
    let mut data = Data::empty();
    for (number, time) in times.iter().enumerate() {
        let id = format!("Q{number}");
        let status = if number == 0 { "triggered" } else { "resolved" };
        data.stream_mut("pagerduty_incidents").push(
            json!({ "id": id, "incident_number": number, "created_at": time, "status": status })
                .into(),
        );
        data.stream_mut("pagerduty_log_entries").push(
            json!({
                "id": format!("R{number}"),
                "created_at": time,
                "incident": { "id": id },
                "channel": { "type": "auto", "summary": "by itself" },
            })
            .into(),
        );
    }
    data
}

fn now(text: &str) -> Options {
    Options {
        now: Some(text.parse().unwrap()),
        ..Options::default()
    }
}

fn ask(server: &Server, path: &str) -> Reply {
    get(server, Vendor::PagerDuty, path)
}

#[test]
fn a_page_has_25_records_unless_asked_otherwise_and_100_at_most() {
    let server = serve(services(120), Options::default());
    for (query, count, more) in [
        ("", 25, true),
        ("?limit=60&offset=60", 60, false),
        ("?limit=60&offset=59", 60, true),
        ("?limit=500", 100, true),
        ("?offset=130", 0, false),
    ] {
        let reply = ask(&server, &format!("/services{query}"));
        assert_eq!(reply.values("services", "id").len(), count, "{query}");
        assert_eq!(reply.json()["more"], json!(more), "{query}");
        assert_eq!(reply.json()["total"], json!(null), "{query}");
    }
    let reply = ask(&server, "/services?limit=10&offset=110&total=true");
    let json = reply.json();
    assert_eq!(
        [&json["limit"], &json["offset"], &json["total"]],
        [&json!(10), &json!(110), &json!(120)]
    );
    assert_eq!(reply.values("services", "id")[0], "P110");
}

#[test]
fn nothing_is_beyond_the_ten_thousandth_record() {
    let server = serve(services(10_050), Options::default());
    let last = ask(&server, "/services?limit=100&offset=9900&total=true");
    assert_eq!(last.values("services", "id")[99], "P9999");
    assert_eq!(last.json()["more"], json!(true));
    assert_eq!(last.json()["total"], json!(10_050));
    let beyond = ask(&server, "/services?limit=100&offset=9901");
    assert_eq!(beyond.status, 400);
    assert_eq!(beyond.json()["error"]["code"], json!(2002));
}

#[test]
fn without_the_token_or_the_version_there_is_no_answer() {
    let server = serve(services(1), Options::default());
    let mut wrong = headers(Vendor::PagerDuty);
    wrong[0].1 = "Token token=other".to_owned();
    let reply = get_with(&server, Vendor::PagerDuty, "/services", &wrong);
    assert_eq!(reply.status, 401);
    assert_eq!(reply.json()["error"]["code"], json!(2006));
    assert_eq!(reply.header("ratelimit-limit"), None);

    let token = &headers(Vendor::PagerDuty)[..1];
    let reply = get_with(&server, Vendor::PagerDuty, "/services", token);
    assert_eq!(reply.status, 400);
    assert_eq!(ask(&server, "/nothing").status, 404);
}

#[test]
fn incidents_of_the_last_month_come_by_default_and_at_most_six_months() {
    let server = serve(
        incidents(&[
            "2026-01-10T00:00:00Z",
            "2026-10-23T23:59:59Z",
            "2026-10-24T00:00:00Z",
            "2026-11-23T23:59:59Z",
        ]),
        now("2026-11-24T00:00:00Z"),
    );
    let ids = |query: &str| ask(&server, &format!("/incidents{query}")).values("incidents", "id");
    assert_eq!(ids(""), ["Q2", "Q3"]);
    assert_eq!(ids("?date_range=all"), ["Q0", "Q1", "Q2", "Q3"]);
    assert_eq!(ids("?since=2026-10-23T23:59:59Z&until=2026-10-24"), ["Q1"]);
    assert_eq!(ids("?since=2026-05-24T00:00:00Z"), ["Q1", "Q2", "Q3"]);
    assert_eq!(ids("?until=2026-10-24T00:00:00Z"), ["Q1"]);
    assert_eq!(
        ids("?since=2026-10-24T02:00:00%2B02:00&until=2026-10-24T00:00:01Z"),
        ["Q2"]
    );

    let too_long = ask(&server, "/incidents?since=2026-05-23&until=2026-11-24");
    assert_eq!(too_long.status, 400);
    assert_eq!(too_long.json()["error"]["code"], json!(2005));
    let no_time = ask(&server, "/incidents?since=yesterday");
    assert_eq!(no_time.json()["error"]["code"], json!(2004));
}

#[test]
fn of_since_and_until_the_day_alone_counts_if_asked() {
    let times = [
        "2026-10-23T08:00:00Z",
        "2026-10-23T20:00:00Z",
        "2026-10-24T08:00:00Z",
    ];
    let options = Options {
        pagerduty_date_only: true,
        ..Options::default()
    };
    let server = serve(incidents(&times), options);
    let ids = |query: &str| ask(&server, &format!("/incidents?{query}")).values("incidents", "id");
    let noon_to_noon = "since=2026-10-23T12:00:00Z&until=2026-10-24T12:00:00Z";
    assert_eq!(ids(noon_to_noon), ["Q0", "Q1"]);
    let within_a_day = "since=2026-10-23T00:00:00Z&until=2026-10-23T12:00:00Z";
    assert_eq!(ids(within_a_day), Vec::<String>::new());
}

#[test]
fn incidents_are_filtered_and_sorted_as_asked() {
    let times = ["2026-10-01T00:00:00Z", "2026-10-02T00:00:00Z"];
    let server = serve(incidents(&times), now("2026-10-03T00:00:00Z"));
    let ids = |query: &str| ask(&server, &format!("/incidents?{query}")).values("incidents", "id");
    assert_eq!(ids("statuses%5B%5D=resolved"), ["Q1"]);
    assert_eq!(
        ids("statuses[]=resolved&statuses[]=triggered"),
        ["Q0", "Q1"]
    );
    assert_eq!(ids("sort_by=created_at:desc"), ["Q1", "Q0"]);
    assert_eq!(ids("sort_by=incident_number:desc,urgency"), ["Q1", "Q0"]);
    assert_eq!(ask(&server, "/incidents?sort_by=colour").status, 400);
    assert_eq!(ids("total=true&sort_by=created_at:asc"), ["Q0", "Q1"]);
}

#[test]
fn log_entries_have_no_longest_window_and_come_newest_first() {
    let times = [
        "2020-01-01T00:00:00Z",
        "2026-10-01T00:00:00Z",
        "2026-10-02T00:00:00Z",
    ];
    let server = serve(incidents(&times), Options::default());
    let ids =
        |query: &str| ask(&server, &format!("/log_entries{query}")).values("log_entries", "id");
    assert_eq!(ids(""), ["R2", "R1", "R0"]);
    assert_eq!(
        ids("?since=2020-01-01T00:00:00Z&until=2026-10-02"),
        ["R1", "R0"]
    );
    assert_eq!(ids("?limit=1&offset=1"), ["R1"]);
    let of_incident = ask(&server, "/incidents/Q1/log_entries");
    assert_eq!(of_incident.values("log_entries", "id"), ["R1"]);
    assert_eq!(ask(&server, "/incidents/Q9/log_entries").status, 404);
}

#[test]
fn details_must_be_asked_for() {
    let mut data = incidents(&["2026-10-01T00:00:00Z"]);
    let method = json!({ "id": "C1", "type": "sms_contact_method", "address": "5550100" });
    data.stream_mut("pagerduty_users")
        .push(json!({ "id": "U1", "contact_methods": [method] }).into());
    let server = serve(data, Options::default());
    let channel = |query: &str| {
        let reply = ask(&server, &format!("/log_entries{query}"));
        reply.json()["log_entries"][0]["channel"].clone()
    };
    assert_eq!(channel(""), json!({ "type": "auto" }));
    assert_eq!(
        channel("?include[]=channels"),
        json!({ "type": "auto", "summary": "by itself" })
    );
    let address = |query: &str| {
        let reply = ask(&server, &format!("/users{query}"));
        reply.json()["users"][0]["contact_methods"][0].clone()
    };
    assert_eq!(address("")["type"], json!("sms_contact_method_reference"));
    assert_eq!(address("")["address"], json!(null));
    assert_eq!(
        address("?include%5B%5D=contact_methods")["address"],
        json!("5550100")
    );
}

#[test]
fn a_resolved_incident_shows_and_tells_in_the_log() {
    let server = serve(
        incidents(&["2026-01-10T00:00:00Z"]),
        now("2026-11-24T00:00:00Z"),
    );
    let at: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    server.change(|data| assert!(data.resolve_incident("Q0", at)));
    let incident = ask(&server, "/incidents/Q0").json();
    assert_eq!(incident["incident"]["status"], json!("resolved"));
    assert_eq!(
        incident["incident"]["resolved_at"],
        json!("2026-11-23T12:00:00Z")
    );
    let entries = ask(&server, "/log_entries?since=2026-11-23").json();
    assert_eq!(entries["log_entries"][0]["incident"]["id"], json!("Q0"));
    assert_eq!(
        entries["log_entries"][0]["type"],
        json!("resolve_log_entry")
    );
}

#[test]
fn one_request_too_many_gets_the_vendors_words_and_headers() {
    let limit = Limit {
        requests: 2,
        // Long enough that no other one begins while this test runs.
        window: std::time::Duration::from_secs(100 * 365 * 86_400),
    };
    let options = Options {
        limits: Limits {
            pagerduty: limit,
            ..Limits::default()
        },
        ..Options::default()
    };
    let server = Server::start(services(1), options).unwrap();
    let remaining = |reply: &Reply| reply.header("ratelimit-remaining").map(ToOwned::to_owned);
    assert_eq!(remaining(&ask(&server, "/services")).as_deref(), Some("1"));
    assert_eq!(remaining(&ask(&server, "/teams")).as_deref(), Some("0"));
    let reply = ask(&server, "/services");
    assert_eq!(reply.status, 429);
    assert_eq!(
        reply.json()["error"],
        json!({ "code": 2020, "message": "Rate Limit Exceeded" })
    );
    let reset: u64 = reply.header("ratelimit-reset").unwrap().parse().unwrap();
    assert!(reset > 86_400, "{reset}");
}

/// 25,000 incidents of one day: each page is found, not searched for.
#[test]
fn a_window_is_cut_out_of_many() {
    let start: Timestamp = "2026-10-01T00:00:00Z".parse().unwrap();
    let mut data = Data::empty();
    for number in 0..25_000 {
        let created = start + (number * 3).seconds();
        data.stream_mut("pagerduty_incidents")
            .push(json!({ "id": format!("Q{number}"), "created_at": created.to_string() }).into());
    }
    let server = serve(data, Options::default());
    let total = |since: &str, until: &str| {
        let query = format!("/incidents?total=true&limit=1&since={since}&until={until}");
        ask(&server, &query).json()["total"].as_u64().unwrap()
    };
    assert_eq!(total("2026-10-01", "2026-10-02"), 25_000);
    let halves =
        total("2026-10-01", "2026-10-01T12:00:00Z") + total("2026-10-01T12:00:00Z", "2026-10-02");
    assert_eq!(halves, 25_000);
}
