//! Sources that are down, that want to be left alone, or that have nothing for us: it ends quickly, is said at once, and
//! says what to do.

use std::process::Child;

use fake::{Fault, Rule, Vendor, Which};

use crate::scripted::{Ours, Reply, answer, ok, until};
use crate::vendors::Site;

/// Thirty windows and a second stream.
const MANY: &str = "  others:\n    path: /others\n    records: .[]\n  things:\n    path: /things\n    records: .[]\n    windows: {since: since, until: until, at: .at, longest: 1 day, start: 30 days}\n";

#[cfg(unix)]
fn interrupt(child: &Child) {
    let sent = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn a_source_that_is_down_is_asked_once_and_the_rest_is_one_gap() {
    let ours = Ours::nobody(MANY);
    let run = ours.run(&["extract", "ours"]);
    run.exits(2).says(&[
        "error[extract-unreachable]: `others`",
        "cannot connect",
        "3 times",
        "ours was not asked for `things`",
        "`reliability extract` asks for the rest",
    ]);
    assert_eq!(run.stderr.matches("error[").count(), 1, "{}", run.stderr);
    let run = ours.run(&["extract", "ours", "--only", "things"]);
    run.exits(2).says(&["1 gap left"]);
    let status = ours.run(&["status"]);
    assert_eq!(
        status.exits(0).stdout.matches("gap in things").count(),
        1,
        "{}",
        status.stdout
    );
    ours.run(&["doctor", "ours"]).exits(1);
}

#[test]
fn a_source_that_goes_down_on_the_way_ends_there() {
    // Connections break before anything is answered; or everything is answered with an error.
    let ours = Ours::new(MANY, |path, _| match path {
        "/others" => ok(r#"[{"id":1}]"#),
        _ => Reply::Bytes(Vec::new()),
    });
    ours.run(&["extract", "ours"])
        .exits(1)
        .says(&["error[extract-unreachable]: `things`", "1 gap left"]);
    // One listing gave up after three tries, and the next one found it no better.
    assert_eq!(ours.asked().len(), 1 + 3 + 1, "{:?}", ours.asked());
    let ours = Ours::new(MANY, |path, _| match path {
        "/others" => ok(r#"[{"id":1}]"#),
        _ => answer("500 Internal Server Error", &[], ""),
    });
    ours.run(&["extract", "ours"])
        .exits(1)
        .says(&["error[extract-trouble]: `things`", "1 gap left"]);
    // Three listings gave up, each after three tries.
    assert_eq!(ours.asked().len(), 1 + 3 * 3, "{:?}", ours.asked());
    // One that is too much for the source does not end it.
    let ours = Ours::new(MANY, |path, _| {
        match path.contains("since=2") && path.contains("01T23") {
            true => Reply::Bytes(Vec::new()),
            false => ok("[]"),
        }
    });
    let run = ours.run(&["extract", "ours"]);
    run.exits(1).does_not_say("extract-unreachable");
}

#[cfg(unix)]
#[test]
fn a_wait_is_named_at_once_and_ctrl_c_ends_it() {
    let ours = Ours::nobody(MANY);
    // Longer than anybody waits for a test.
    ours.extractor(MANY, "{tries: 9, first_wait: 20 minutes}");
    let (mut child, mut stderr) = ours.start(&["extract", "ours"]);
    let said = until(&mut stderr, "tries again at");
    assert!(said.contains("cannot connect"), "{said}");
    interrupt(&child);
    until(&mut stderr, "go on with `reliability extract`");
    assert_eq!(child.wait().unwrap().code(), Some(1));

    // A source that takes the request and says nothing.
    let ours = Ours::new(MANY, |_, _| Reply::Silence);
    for verb in ["extract", "doctor"] {
        let (mut child, mut stderr) = ours.start(&[verb, "ours"]);
        let said = until(&mut stderr, "has not answered yet");
        assert!(said.contains("waiting until"), "{said}");
        interrupt(&child);
        child.wait().unwrap();
    }
}

#[cfg(unix)]
#[test]
fn what_came_before_ctrl_c_is_kept_and_gone_on_with() {
    let ours = Ours::new(MANY, |path, times| match path {
        "/others" => ok(r#"[{"id":1}]"#),
        _ if times == 1 => Reply::Silence,
        _ => ok(r#"[{"id":2}]"#),
    });
    let (mut child, mut stderr) = ours.start(&["extract", "ours"]);
    until(&mut stderr, "has not answered yet");
    interrupt(&child);
    until(&mut stderr, "what came is kept in `raw_data/`");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(ours.lines("others").len(), 1);
}

#[test]
fn a_certificate_that_is_wrong_is_not_asked_for_again() {
    let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.into())
        .unwrap();
    let config = std::sync::Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connections = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&connections);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mut server = rustls::ServerConnection::new(std::sync::Arc::clone(&config)).unwrap();
            while server.is_handshaking() && server.complete_io(&mut stream).is_ok() {}
        }
    });
    let ours = Ours::nobody(MANY);
    let run = crate::world::finish(
        ours.command(&["extract", "ours"])
            .env("OURS_BASE_URL", format!("https://{address}")),
    );
    run.exits(2).says(&["certificate"]);
    assert_eq!(connections.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn a_wrong_organisation_is_an_error_every_time() {
    let site = Site::demo();
    site.server.misbehave(vec![
        Rule::of(Vendor::GitHub, "", Which::Every, Fault::Status(404)),
        Rule::of(Vendor::Sentry, "", Which::Every, Fault::Status(404)),
    ]);
    for _ in 0..2 {
        site.extract(&[]).exits(2).says(&[
            "`github` has nothing that was asked for",
            "`GITHUB_ORGANIZATION` and `GITHUB_BASE_URL`",
            "`sentry` has nothing that was asked for",
        ]);
        site.run(&["doctor"])
            .exits(2)
            .says(&["`GITHUB_ORGANIZATION`"]);
    }
    // One stream of several is only not there.
    site.server.misbehave(vec![Rule::of(
        Vendor::GitHub,
        "/teams",
        Which::Every,
        Fault::Status(404),
    )]);
    site.extract(&[])
        .does_not_say("has nothing that was asked for");
    // A source with one stream that never was there.
    let ours = Ours::new(
        "  things:\n    path: /things\n    records: .[]\n",
        |_, _| answer("404 Not Found", &[], "{}"),
    );
    for _ in 0..2 {
        ours.run(&["extract", "ours"])
            .exits(2)
            .says(&["`OURS_TEAM` and `OURS_BASE_URL`"]);
    }
}

#[test]
fn a_right_that_is_missing_is_one_line() {
    for status in [403, 404] {
        let site = Site::demo();
        site.run(&["extract", "github"]).exits(0);
        site.run(&["load"]).exits(0);
        let all: u64 = site.rows("select count(*) from GithubRepos")[0]
            .parse()
            .unwrap();
        let refuse = Rule::of(
            Vendor::GitHub,
            "/hooks",
            Which::From(3),
            Fault::Status(status),
        );
        site.server.misbehave(vec![refuse]);
        let run = site.run(&["extract", "github"]);
        run.exits(1).says(&[
            &format!(
                "`github_repo_hooks` is not allowed for {} of {all}",
                all - 2
            ),
            "the token needs `admin:repo_hook`",
            "1 gap left",
        ]);
        assert_eq!(
            run.stderr.matches("github_repo_hooks").count(),
            2,
            "{}",
            run.stderr
        );
        site.run(&["load"]).exits(0);
        let status = site.run(&["status"]).stdout;
        assert_eq!(
            status.matches("gap in github_repo_hooks").count(),
            1,
            "{status}"
        );
        site.server.misbehave(Vec::new());
        site.run(&["extract", "github"]).exits(0);
    }
}

#[test]
fn a_listing_that_has_nothing_any_more_is_not_believed_at_once() {
    let site = Site::demo();
    site.run(&["extract", "datadog"]).exits(0);
    site.run(&["load"]).exits(0);
    let count = "select count(*) from DataDogMonitors";
    let before = site.rows(count);
    site.server
        .change(|data| data.stream_mut("datadog_monitors").clear());
    site.run(&["extract", "datadog"]).exits(1).says(&[
        "warning[extract-held-back]",
        &format!(
            "`datadog_monitors` has 0 records where there were {}",
            before[0]
        ),
        "--only datadog_monitors --full",
    ]);
    site.run(&["load"]).exits(0);
    assert_eq!(site.rows(count), before);
    assert!(site.run(&["status"]).stdout.contains("held back"));
    site.run(&["extract", "datadog"]).exits(0);
    site.run(&["load"]).exits(0);
    assert_eq!(site.rows(count), ["0"]);
}

#[test]
fn status_works_before_anything_is_loaded() {
    let site = Site::demo();
    site.run(&["extract", "datadog"]).exits(0);
    let status = site.run(&["status"]);
    status
        .exits(0)
        .says(&["nothing is loaded yet: `reliability load`"]);
    assert!(
        status.stdout.contains("datadog_monitors") && status.stdout.contains("all that there is")
    );
    site.run(&["status", "--message-format", "json"]).exits(0);
    crate::world::World::new()
        .run_on_disk(&["status"])
        .exits(2)
        .says(&["reliability load"]);
}

#[test]
fn records_are_counted_once_each() {
    // Gone through twice, since the first time proves nothing.
    let ours = Ours::new(
        "  things:\n    path: /things\n    records: .[]\n    paging: {by: link}\n    whole: true\n",
        |path, _| match path {
            "/things" => answer(
                "200 OK",
                &[("Link", "</things?page=2>; rel=next")],
                r#"[{"id":1},{"id":2}]"#,
            ),
            _ => ok(r#"[{"id":2},{"id":3}]"#),
        },
    );
    let run = ours.run(&["extract", "ours"]);
    run.exits(0).says(&["fetched 3 records of 1 stream"]);
    assert!(ours.lines("things").len() > 3);
}

#[test]
fn a_wait_is_counted_by_the_clock_that_names_it() {
    let streams = "  things:\n    path: /things\n    records: .[]\nrate_limit: {remaining: x-left, reset: x-reset, reset_is: epoch_seconds}\n";
    // By a clock that is years behind ours the limit ends in two seconds.
    let limited = [
        ("Date", "Thu, 01 Jan 2015 00:00:00 GMT"),
        ("x-left", "0"),
        ("x-reset", "1420070402"),
    ];
    let ours = Ours::new(streams, move |_, times| match times {
        1 => answer("429 Too Many Requests", &limited, ""),
        _ => ok("[]"),
    });
    ours.extractor(
        streams,
        "{tries: 3, first_wait: 1 milliseconds, longest_wait: 1 minute}",
    );
    ours.run(&["extract", "ours"])
        .exits(0)
        .says(&["in 2 s: the source answers 429"]);
}
