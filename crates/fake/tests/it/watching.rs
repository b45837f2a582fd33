//! What the fake remembers of requests, what it says of itself, and how it starts and stops.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use fake::{Data, Fault, Options, Rule, Server, Vendor, Which};
use serde_json::json;

use crate::client::{follow, get, get_with, serve};

#[test]
fn every_request_is_remembered_with_what_was_answered() {
    let server = serve(Data::empty(), Options::default());
    get(&server, Vendor::PagerDuty, "/teams?limit=5");
    get_with(&server, Vendor::DataDog, "/api/v1/monitor", &[]);
    let seen = server.requests();
    assert_eq!(seen.len(), 2);
    let teams = &seen[0];
    assert_eq!(teams.vendor, Vendor::PagerDuty);
    assert_eq!(
        [&*teams.method, &*teams.path, &*teams.query],
        ["GET", "/teams", "limit=5"]
    );
    assert_eq!((teams.status, teams.is_authorised), (Some(200), true));
    assert!(teams.header_names.contains(&"authorization".to_owned()));
    let host = format!("127.0.0.1:{}", server.port());
    assert_eq!(teams.host.as_deref(), Some(host.as_str()));
    assert_eq!(teams.under_way, 1);
    assert_eq!((seen[1].status, seen[1].is_authorised), (Some(403), false));
    assert!(seen[1].at >= teams.at);
    server.forget_requests();
    assert_eq!(server.requests(), []);
}

#[test]
fn requests_under_way_are_counted_until_their_bodies_are_sent() {
    let server = serve(Data::empty(), Options::default());
    let slow = Fault::Slow(Duration::from_secs(3_600));
    server.misbehave(vec![Rule::of_all(Which::First(1), slow)]);
    let mut first = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    first
        .write_all(b"GET /pagerduty/teams HTTP/1.1\r\nHost: fake\r\n\r\n")
        .unwrap();
    // The head is here, so the request is under way; its body is not.
    first.read_exact(&mut [0; 8]).unwrap();
    get(&server, Vendor::PagerDuty, "/teams");
    get(&server, Vendor::DataDog, "/api/v1/monitor");
    let under_way: Vec<_> = server
        .requests()
        .iter()
        .map(|seen| seen.under_way)
        .collect();
    assert_eq!(under_way, [1, 2, 1]);
    // And nobody waits for it.
    let start = Instant::now();
    drop(server);
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn every_answer_takes_its_latency() {
    let options = Options {
        latency: Duration::from_millis(50),
        ..Options::default()
    };
    let server = serve(Data::empty(), options);
    let start = Instant::now();
    assert_eq!(get(&server, Vendor::PagerDuty, "/teams").status, 200);
    assert!(start.elapsed() >= Duration::from_millis(50));
}

#[test]
fn it_says_how_to_be_asked() {
    let mut data = Data::empty();
    data.stream_mut("github_repos")
        .push(json!({ "id": 1, "full_name": "acme/shop" }).into());
    let server = serve(data, Options::default());
    let environment = server.environment();
    let value = |name: &str| {
        let found = environment.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.clone())
    };
    let base = format!("http://127.0.0.1:{}", server.port());
    for vendor in Vendor::ALL {
        let name = format!("{}_BASE_URL", vendor.name().to_uppercase());
        assert_eq!(value(&name), Some(format!("{base}/{}", vendor.name())));
    }
    assert_eq!(value("GITHUB_ORGANIZATION").as_deref(), Some("acme"));
    assert_eq!(value("SENTRY_ORGANIZATION").as_deref(), Some("acme"));
    let key = value("GITHUB_API_KEY").unwrap();
    let headers = [
        ("Authorization", format!("Bearer {key}")),
        ("User-Agent", "test".to_owned()),
    ];
    let reply = get_with(&server, Vendor::GitHub, "/orgs/acme/repos", &headers);
    assert_eq!(reply.values("", "id"), ["1"]);
}

#[test]
fn what_is_for_nobody_is_not_found() {
    let server = serve(Data::empty(), Options::default());
    for path in ["", "github-enterprise/user", "other"] {
        let reply = follow(&format!("http://127.0.0.1:{}/{path}", server.port()), &[]);
        assert_eq!(reply.status, 404, "{path}");
    }
    assert_eq!(server.requests(), []);
}

#[test]
fn a_port_is_taken_once_and_free_again_after_the_end() {
    let start = |port| {
        let options = Options {
            port,
            ..Options::default()
        };
        Server::start(Data::empty(), options)
    };
    // Several times, for somebody else may take the port in between.
    let is_free_again = (0..5).any(|_| {
        let server = start(0).unwrap();
        let port = server.port();
        assert!(start(port).is_err());
        drop(server);
        start(port).is_ok_and(|again| get(&again, Vendor::PagerDuty, "/teams").status == 200)
    });
    assert!(is_free_again);
}
