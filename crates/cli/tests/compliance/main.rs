//! What every extractor must hold to, whoever wrote it: the built-in ones, those of the examples in `docs/`, and those of
//! the project that the environment variable `RELIABILITY_PROJECT` names.
//!
//! No vendor is known here. A server answers as the extractor's own text says that its source does; the real binary
//! fetches from it, in good times and in bad.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

#[allow(dead_code, reason = "shared with the tests of everything else")]
#[path = "../it/world.rs"]
mod world;

mod source;
mod subjects;

use std::collections::BTreeSet;
use std::process::Stdio;

use source::{Mood, RECORDS};
use subjects::{SECRET, Subject, subjects};

/// Runs a scenario for every extractor found.
fn each(mood: Mood, scenario: impl Fn(&Subject)) {
    let subjects = subjects(mood);
    assert!(
        subjects.len() >= 5,
        "the built-in extractors and the example"
    );
    for subject in &subjects {
        scenario(subject);
    }
}

/// Everything that the source has is in the raw files, and each complete listing counts what its files have.
#[track_caller]
fn assert_all_here(subject: &Subject) {
    for stream in &subject.extractor.streams {
        let name = &stream.stream.text;
        let (expected, found) = (subject.expected(name), subject.fetched(name));
        let missing: Vec<_> = expected.difference(&found).take(3).collect();
        assert!(
            missing.is_empty(),
            "{name}: {missing:?} of {} are missing",
            expected.len()
        );
        let surplus: Vec<_> = found.difference(&expected).take(3).collect();
        assert!(surplus.is_empty(), "{name}: nobody has {surplus:?}");
        assert_eq!(
            subject.marker(name).is_some(),
            stream.whole,
            "{name}: the marker"
        );
        if let Some(marker) = subject.marker(name) {
            let lines = subject.lines(name).len();
            assert!(
                marker["records"].as_u64().unwrap() as usize <= lines,
                "{name}"
            );
        }
    }
}

#[test]
fn in_good_times_everything_arrives_and_nothing_leaks() {
    each(Mood::Good, |subject| {
        let run = subject.extract();
        run.exits(0).does_not_say("gap");
        assert_all_here(subject);
        assert!(!format!("{}{}", run.stdout, run.stderr).contains(SECRET));
        assert!(
            !subject.all_raw_text().contains(SECRET),
            "a token is in the raw files"
        );
        for stream in &subject.extractor.streams {
            if !stream.redact.is_empty() {
                let text = subject.lines(&stream.stream.text).concat();
                assert!(
                    !text.contains("5550100"),
                    "{}: not redacted",
                    stream.stream.text
                );
            }
        }
        let source = &subject.source;
        assert!(source.most_at_once() <= subject.extractor.concurrency);
        for (name, _) in &subject.extractor.headers {
            assert!(
                source.every_request_has(&name.text),
                "`{}` was not always sent",
                name.text
            );
        }
        assert_eq!(
            source.unknown(),
            Vec::<String>::new(),
            "nobody declared these"
        );
    });
}

#[test]
fn a_second_run_is_as_good_as_the_first() {
    each(Mood::Good, |subject| {
        subject.extract().exits(0);
        subject.extract_again().exits(0);
        assert_all_here(subject);
    });
}

#[test]
fn every_page_may_fail_once() {
    each(Mood::FailsOnce, |subject| {
        subject.extract().exits(0).does_not_say("gap");
        assert_all_here(subject);
    });
}

#[test]
fn rows_may_come_twice() {
    each(Mood::Repeats, |subject| {
        subject.extract().exits(0);
        assert_all_here(subject);
    });
}

#[test]
fn sources_may_be_empty() {
    each(Mood::Empty, |subject| {
        subject.extract().exits(0);
        assert_all_here(subject);
    });
}

#[test]
fn more_than_the_cap_arrives() {
    each(Mood::Plenty, |subject| {
        if !subject.has_cap() {
            return;
        }
        subject.extract().exits(0).does_not_say("gap");
        assert_all_here(subject);
    });
}

#[test]
fn a_source_without_end_comes_to_one() {
    each(Mood::Endless, |subject| {
        if subject
            .extractor
            .streams
            .iter()
            .all(|stream| stream.paging.is_none())
        {
            return;
        }
        subject.extract().exits(1).says(&["gap"]);
    });
}

#[test]
fn a_link_to_another_host_is_not_followed() {
    each(Mood::LinksElsewhere, |subject| {
        if !subject.has_links() {
            return;
        }
        subject
            .extract()
            .exits(1)
            .says(&["where the token must not go"]);
        assert!(!subject.source.stranger_was_asked());
    });
}

#[test]
fn a_token_revoked_in_mid_run_keeps_what_came() {
    each(Mood::RevokedAfter(4), |subject| {
        if subject
            .extractor
            .streams
            .iter()
            .all(|stream| stream.paging.is_none())
        {
            return;
        }
        let run = subject.extract();
        assert!(matches!(run.code, Some(1 | 2)), "{run:?}");
        subject.source.cheer_up();
        subject.extract().exits(0);
        assert_all_here(subject);
    });
}

#[test]
fn what_goes_while_it_is_listed_takes_nothing_with_it() {
    each(Mood::LosesOne, |subject| {
        subject.extract().exits(0);
        for stream in &subject.extractor.streams {
            let name = &stream.stream.text;
            let missing: BTreeSet<_> = subject
                .expected(name)
                .difference(&subject.fetched(name))
                .cloned()
                .collect();
            assert!(missing.is_empty(), "{name}: {missing:?}");
        }
    });
}

#[test]
fn killed_runs_go_on() {
    each(Mood::Good, |subject| {
        for requests in [1, 2, 5, 9, 14] {
            let mut child = subject
                .command(&subject.arguments())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let wanted = subject.source.requests() + requests;
            while subject.source.requests() < wanted && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            let _ = child.kill();
            child.wait().unwrap();
        }
        subject.extract().exits(0);
        assert_all_here(subject);
    });
}

#[test]
fn the_number_of_records_is_worth_the_name() {
    // Two pages at least of what comes in pages of a hundred.
    const { assert!(RECORDS > 200) };
}
