//! What goes wrong on request, as a client sees it.

use std::time::Duration;

use fake::{Data, Endless, Fault, Options, Rule, Server, Tokens, Vendor, Which, misbehaviours};
use serde_json::json;

use crate::client::{Reply, follow, get, headers, serve, try_follow};

/// Three records a stream that is listed in every vendor's way.
fn server() -> Server {
    let mut data = Data::empty();
    for number in 1..=3 {
        data.stream_mut("pagerduty_services")
            .push(json!({ "id": format!("P{number}") }).into());
        data.stream_mut("sentry_projects")
            .push(json!({ "id": format!("{number}") }).into());
        data.stream_mut("github_repos").push(
            json!({ "id": number, "full_name": format!("acme/r{number}"), "name": "r" }).into(),
        );
        data.stream_mut("datadog_monitors")
            .push(json!({ "id": number, "name": "disk full" }).into());
    }
    serve(data, Options::default())
}

/// A list of each vendor, in pages of two.
fn list(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::PagerDuty => "/services?limit=2",
        Vendor::Sentry => "/api/0/organizations/acme/projects/?per_page=2",
        Vendor::GitHub => "/orgs/acme/repos?per_page=2",
        Vendor::DataDog => "/api/v1/monitor?page=0&page_size=2",
    }
}

fn ask(server: &Server, vendor: Vendor) -> Reply {
    get(server, vendor, list(vendor))
}

/// What every vendor answers to the first request under this fault.
fn each(fault: &Fault, look: impl Fn(Vendor, Reply)) {
    let server = server();
    server.misbehave(vec![Rule::of_all(Which::Every, fault.clone())]);
    for vendor in Vendor::ALL {
        look(vendor, ask(&server, vendor));
    }
}

fn seconds_from_now(epoch: &str) -> i64 {
    let epoch: i64 = epoch.parse().unwrap();
    epoch - jiff::Timestamp::now().as_second()
}

#[test]
fn too_many_requests_say_when_there_will_be_more_in_the_vendors_units() {
    let reset = Some(Duration::from_millis(29_500));
    each(&Fault::TooMany { reset }, |vendor, reply| {
        assert_eq!(reply.status, 429, "{vendor:?}");
        let names = match vendor {
            Vendor::PagerDuty => ["ratelimit-remaining", "ratelimit-reset"],
            Vendor::Sentry => ["x-sentry-rate-limit-remaining", "x-sentry-rate-limit-reset"],
            _ => ["x-ratelimit-remaining", "x-ratelimit-reset"],
        };
        let [remaining, reset] = names.map(|name| reply.header(name).unwrap());
        assert_eq!(remaining, "0");
        match vendor {
            Vendor::PagerDuty | Vendor::DataDog => assert_eq!(reset, "30"),
            Vendor::Sentry | Vendor::GitHub => {
                let from_now = seconds_from_now(reset);
                assert!((28..=31).contains(&from_now), "{from_now}");
            }
        }
    });
    each(&Fault::TooMany { reset: None }, |vendor, reply| {
        assert_eq!(reply.status, 429);
        let told = |(name, _): &(String, String)| name.contains("limit");
        assert!(!reply.headers.iter().any(told), "{vendor:?}");
    });
}

#[test]
fn a_budget_that_is_used_up_is_a_403_of_github() {
    let reset = Duration::from_secs(5);
    each(&Fault::OutOfBudget { reset }, |vendor, reply| {
        let status = if vendor == Vendor::GitHub { 403 } else { 429 };
        assert_eq!(reply.status, status, "{vendor:?}");
        if vendor == Vendor::GitHub {
            assert_eq!(reply.header("x-ratelimit-remaining"), Some("0"));
        }
    });
}

#[test]
fn the_secondary_limit_is_told_by_its_message_alone_or_with_a_wait() {
    let after = |retry_after| Fault::SecondaryLimit { retry_after };
    each(&after(None), |_, reply| {
        assert_eq!(reply.status, 403);
        let message = reply.json()["message"].to_string();
        assert!(message.contains("secondary rate limit"), "{message}");
        assert_eq!(reply.header("retry-after"), None);
        assert_eq!(reply.header("x-ratelimit-remaining"), None);
    });
    each(&after(Some(Duration::from_secs(60))), |_, reply| {
        assert_eq!(reply.header("retry-after"), Some("60"));
    });
    let fault = Fault::RetryAfter {
        status: 503,
        after: Duration::from_secs(7),
    };
    each(&fault, |_, reply| {
        assert_eq!(
            (reply.status, reply.header("retry-after")),
            (503, Some("7"))
        );
    });
}

#[test]
fn errors_are_in_the_vendors_words_and_gateways_in_their_own() {
    for status in [400, 401, 402, 403, 404, 408, 500] {
        each(&Fault::Status(status), |vendor, reply| {
            assert_eq!(reply.status, status);
            let member = match vendor {
                Vendor::PagerDuty => "error",
                Vendor::Sentry => "detail",
                Vendor::GitHub => "message",
                Vendor::DataDog => "errors",
            };
            assert_ne!(reply.json()[member], json!(null), "{vendor:?} {status}");
        });
    }
    for status in [502, 503, 504] {
        each(&Fault::Status(status), |_, reply| {
            assert_eq!(reply.status, status);
            assert!(reply.body.starts_with(b"<html>"));
        });
    }
}

#[test]
fn a_dropped_connection_gives_no_answer() {
    let server = server();
    let on = Which::First(1);
    server.misbehave(vec![Rule::of(Vendor::Sentry, "/projects", on, Fault::Drop)]);
    let address = format!(
        "{}{}",
        server.base_url(Vendor::Sentry),
        list(Vendor::Sentry)
    );
    assert!(try_follow(&address, &headers(Vendor::Sentry)).is_none());
    assert_eq!(ask(&server, Vendor::Sentry).status, 200);
    let statuses: Vec<_> = server.requests().iter().map(|seen| seen.status).collect();
    assert_eq!(statuses, [None, Some(200)]);
}

#[test]
fn half_a_body_comes_where_all_was_promised() {
    let whole = ask(&server(), Vendor::PagerDuty).body.len();
    let server = server();
    server.misbehave(vec![Rule::of_all(Which::Every, Fault::CutInHalf)]);
    let reply = ask(&server, Vendor::PagerDuty);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-length"), Some(&*whole.to_string()));
    assert_eq!(reply.body.len(), whole / 2);
}

#[test]
fn a_slow_body_is_whole_and_takes_its_time() {
    let fault = Fault::Slow(Duration::from_millis(100));
    let server = server();
    server.misbehave(vec![Rule::of_all(Which::Every, fault)]);
    let start = std::time::Instant::now();
    let reply = ask(&server, Vendor::GitHub);
    assert!(start.elapsed() >= Duration::from_millis(100));
    assert_eq!(reply.values("", "id"), ["1", "2"]);
}

#[test]
fn what_comes_with_200_may_be_no_json() {
    each(&Fault::Html, |_, reply| {
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.header("content-type"),
            Some("text/html; charset=utf-8")
        );
    });
    each(&Fault::JsonCutShort, |vendor, reply| {
        assert_eq!(reply.status, 200);
        let length = reply.body.len().to_string();
        assert_eq!(reply.header("content-length"), Some(length.as_str()));
        let parsed = serde_json::from_slice::<serde_json::Value>(&reply.body);
        assert!(parsed.unwrap_err().is_eof(), "{vendor:?}");
    });
    each(&Fault::InvalidUtf8, |vendor, reply| {
        assert_eq!(reply.status, 200);
        assert!(std::str::from_utf8(&reply.body).is_err(), "{vendor:?}");
        let readable = String::from_utf8_lossy(&reply.body);
        assert!(serde_json::from_str::<serde_json::Value>(&readable).is_ok());
    });
}

#[test]
fn records_may_be_none_or_far_too_long() {
    let first = |vendor: Vendor, reply: &Reply| match vendor {
        Vendor::PagerDuty => reply.json()["services"][0].clone(),
        _ => reply.json()[0].clone(),
    };
    each(&Fault::NotARecord, |vendor, reply| {
        assert_eq!(first(vendor, &reply), json!(42));
    });
    let bytes = 5 << 20;
    each(&Fault::LongRecord { bytes }, |vendor, reply| {
        assert!(first(vendor, &reply).is_object());
        assert!(reply.body.len() > bytes);
    });
}

#[test]
fn a_gigantic_body_is_not_announced() {
    let bytes = 3_000_000;
    each(&Fault::Gigantic { bytes }, |_, reply| {
        assert_eq!(reply.header("content-length"), None);
        assert!(reply.body.len() as u64 >= bytes);
    });
}

#[test]
fn the_token_may_come_back() {
    let Tokens {
        pagerduty_secret,
        sentry_api_key,
        github_api_key,
        datadog_api_key,
        datadog_application_key,
    } = Tokens::default();
    for fault in [Fault::EchoInRecord, Fault::EchoInError(500)] {
        each(&fault, |vendor, reply| {
            let secrets = match vendor {
                Vendor::PagerDuty => vec![&pagerduty_secret],
                Vendor::Sentry => vec![&sentry_api_key],
                Vendor::GitHub => vec![&github_api_key],
                Vendor::DataDog => vec![&datadog_api_key, &datadog_application_key],
            };
            let body = String::from_utf8(reply.body).unwrap();
            for secret in secrets {
                assert!(body.contains(secret.as_str()), "{vendor:?}: {body}");
            }
        });
    }
}

#[test]
fn links_and_redirects_may_lead_elsewhere() {
    let elsewhere = "http://elsewhere.example".to_owned();
    let server = server();
    let fault = Fault::ForeignLink(elsewhere.clone());
    server.misbehave(vec![Rule::of_all(Which::Every, fault)]);
    for vendor in [Vendor::Sentry, Vendor::GitHub] {
        let (address, _) = ask(&server, vendor).link("next").unwrap();
        assert!(
            address.starts_with("http://elsewhere.example/"),
            "{address}"
        );
    }
    each(&Fault::Redirect(elsewhere), |vendor, reply| {
        assert_eq!(reply.status, 302);
        let address = format!("http://elsewhere.example{}", list(vendor));
        assert_eq!(reply.header("location"), Some(address.as_str()));
    });
}

#[test]
fn a_list_may_have_no_end() {
    let server = server();
    for (kind, count) in [(Endless::SamePage, 2), (Endless::EmptyPages, 0)] {
        server.misbehave(vec![Rule::of_all(Which::Every, Fault::Endless(kind))]);
        for offset in [0, 2, 400] {
            let path = format!("/services?limit=2&offset={offset}");
            let reply = get(&server, Vendor::PagerDuty, &path);
            assert_eq!(reply.json()["more"], json!(true));
            assert_eq!(reply.values("services", "id").len(), count, "{kind:?}");
        }
        for vendor in [Vendor::Sentry, Vendor::GitHub] {
            let first = ask(&server, vendor);
            let (address, rest) = first.link("next").unwrap();
            assert!(!rest.contains(r#"results="false""#));
            let second = follow(&address, &headers(vendor));
            assert_eq!(second.values("", "id").len(), count);
            let (next, _) = second.link("next").unwrap();
            assert_eq!(next == address, kind == Endless::SamePage, "{next}");
        }
    }
    server.misbehave(vec![Rule::of_all(
        Which::Every,
        Fault::Endless(Endless::SamePage),
    )]);
    let beyond = "/api/v1/monitor?id_offset=3&page_size=2";
    assert_eq!(
        get(&server, Vendor::DataDog, beyond).values("", "id"),
        ["1", "2"]
    );
}

#[test]
fn rows_may_come_twice_and_none_is_missing() {
    let server = server();
    server.misbehave(vec![Rule::of_all(Which::Every, Fault::Duplicates)]);
    let ids = |path: &str, vendor, member: &str| get(&server, vendor, path).values(member, "id");
    assert_eq!(
        ids("/services?limit=2", Vendor::PagerDuty, "services"),
        ["P1", "P2"]
    );
    let second = "/services?limit=2&offset=2";
    assert_eq!(ids(second, Vendor::PagerDuty, "services"), ["P2", "P3"]);
    let second = "/orgs/acme/repos?per_page=2&page=2";
    assert_eq!(ids(second, Vendor::GitHub, ""), ["2", "3"]);
    let second = "/api/v1/monitor?id_offset=2";
    assert_eq!(ids(second, Vendor::DataDog, ""), ["2", "3"]);
    let behind_the_end = "/api/v1/monitor?id_offset=3";
    assert_eq!(ids(behind_the_end, Vendor::DataDog, "").len(), 0);
}

#[test]
fn data_may_change_between_two_pages() {
    let server = server();
    let fault = Fault::change(|data| assert!(data.remove("pagerduty_services", "P1")));
    let on = Which::Nth(1);
    server.misbehave(vec![Rule::of(Vendor::PagerDuty, "offset=0", on, fault)]);
    let ids = |offset: usize| {
        let path = format!("/services?limit=2&offset={offset}");
        get(&server, Vendor::PagerDuty, &path).values("services", "id")
    };
    assert_eq!(ids(0), ["P1", "P2"]);
    // What stood third is second now: the page has lost it.
    assert_eq!(ids(2), Vec::<String>::new());
}

#[test]
fn several_things_go_wrong_at_once_and_only_where_asked() {
    let server = server();
    server.misbehave(vec![
        Rule::of(Vendor::GitHub, "", Which::From(2), Fault::Status(401)),
        Rule::of(Vendor::GitHub, "", Which::Every, Fault::CutInHalf),
    ]);
    let first = ask(&server, Vendor::GitHub);
    let second = ask(&server, Vendor::GitHub);
    assert_eq!((first.status, second.status), (200, 401));
    for reply in [first, second] {
        let promised: usize = reply.header("content-length").unwrap().parse().unwrap();
        assert_eq!(reply.body.len(), promised / 2);
    }
    assert_eq!(ask(&server, Vendor::Sentry).values("", "id").len(), 2);
    server.misbehave(Vec::new());
    assert_eq!(ask(&server, Vendor::GitHub).values("", "id").len(), 2);
}

/// Each does something to somebody within a hundred requests.
#[test]
fn every_ready_made_rule_goes_wrong() {
    // These show in what they do to a client only, or are too large for a test.
    let exempt = [
        "duplicates",
        "shrinking",
        "slow",
        "gigantic",
        "echo",
        "endless",
    ];
    for one in misbehaviours() {
        if exempt.contains(&one.name) {
            continue;
        }
        let server = server();
        let right = Vendor::ALL.map(|vendor| ask(&server, vendor).body);
        server.misbehave(one.rules());
        let goes_wrong = (0..100).any(|number| {
            let vendor = Vendor::ALL[number % 4];
            let paths = match vendor {
                Vendor::PagerDuty => vec![list(vendor), "/teams"],
                Vendor::GitHub => vec![list(vendor), "/repos/acme/r1/hooks"],
                _ => vec![list(vendor)],
            };
            paths.iter().any(|path| {
                let address = format!("{}{path}", server.base_url(vendor));
                match try_follow(&address, &headers(vendor)) {
                    None => true,
                    Some(reply) => {
                        let links = reply.header("link").unwrap_or_default();
                        reply.status != 200
                            || links.contains("http://127.0.0.1:9/")
                            || *path == list(vendor) && reply.body != right[number % 4]
                    }
                }
            })
        });
        assert!(goes_wrong, "{}", one.name);
    }
}
