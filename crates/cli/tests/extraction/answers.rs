//! Answers that are odd: what is not understood is never taken for the end, and one bad record costs itself.

use crate::scripted::{Ours, Reply, answer, ok};

const LINKED: &str =
    "  things:\n    path: /things\n    records: .[]\n    paging: {by: link}\n    whole: true\n";
const OFFSETS: &str = "  things:\n    path: /things\n    records: .items[]\n    paging: {by: offset, parameter: offset, size: {limit: 2}, total: .total}\n    whole: true\n";
const PLAIN: &str = "  things:\n    path: /things\n    records: .[]\n    whole: true\n";

/// A schema and a mapper for the stream `things`.
fn loadable(ours: &Ours) {
    ours.world
        .write(
            "definitions/schemas/ours.sql",
            "-- Ours.\n\n-- one row per thing\nCREATE TABLE Things (\n    -- its id\n    id TEXT PRIMARY KEY NOT NULL,\n    -- its name\n    name TEXT\n);\n",
        )
        .write(
            "definitions/mappers/things.yaml",
            "stream: things\ntables:\n  Things:\n    columns: {id: .id, name: .name}\n",
        );
}

fn pages(links: [&'static [(&'static str, &'static str)]; 2]) -> impl Fn(&str, usize) -> Reply {
    move |path, _| match path {
        "/things" => answer("200 OK", links[0], r#"[{"id":1}]"#),
        "/things?page=2" => answer("200 OK", links[1], r#"[{"id":2}]"#),
        _ => ok(r#"[{"id":3}]"#),
    }
}

#[test]
fn several_header_lines_are_one_list_of_links() {
    let ours = Ours::new(
        LINKED,
        pages([
            &[
                ("Link", "</style>; rel=\"preload\""),
                ("Link", "</things?page=2>; rel=\"next\""),
            ],
            &[(
                "Link",
                "</x>; title=\"a; rel=\\\"prev\\\", <b>\u{fc}\"; rel=prev, </things?page=3>; rel=\"last next\"",
            )],
        ]),
    );
    ours.run(&["extract", "ours"]).exits(0).does_not_say("gap");
    assert!(ours.is_marked("things"));
    for id in 1..=3 {
        assert!(
            ours.lines("things")
                .iter()
                .any(|line| line.starts_with(&format!("{{\"id\":{id},")))
        );
    }
}

#[test]
fn a_link_that_cannot_be_read_is_a_gap() {
    for broken in [
        "</things?page=2; rel=\"next\"",
        "/things?page=2",
        "</things?page=2>; rel=\"next",
    ] {
        let links: &'static [(&str, &str)] = vec![("Link", broken)].leak();
        let ours = Ours::new(LINKED, pages([links, &[]]));
        ours.run(&["extract", "ours"]).exits(1).says(&[
            "`things` has a gap",
            "the header `Link` cannot be understood",
        ]);
        assert!(!ours.is_marked("things"), "{broken}");
        assert_eq!(ours.lines("things").len(), 1);
        // It is still one the next time, and nothing wipes it.
        ours.run(&["extract", "ours"])
            .exits(1)
            .says(&["1 gap left"]);
        assert!(ours.run(&["status"]).stdout.contains("gap in things"));
    }
}

#[test]
fn a_total_that_later_pages_do_not_name_is_unknown_and_not_smaller() {
    let ours = Ours::new(OFFSETS, |path, _| match path {
        "/things?limit=2&offset=0" => ok(r#"{"items":[{"id":1},{"id":2}],"total":3}"#),
        "/things?limit=2&offset=2" => ok(r#"{"items":[{"id":3}]}"#),
        _ => ok(r#"{"items":[],"total":null}"#),
    });
    ours.run(&["extract", "ours"]).exits(0).does_not_say("gap");
    assert!(ours.is_marked("things"));
    assert_eq!(ours.asked().len(), 3, "{:?}", ours.asked());
    // But what it was does count.
    let ours = Ours::new(OFFSETS, |path, _| match path {
        "/things?limit=2&offset=0" => ok(r#"{"items":[{"id":1},{"id":2}],"total":4}"#),
        "/things?limit=2&offset=2" => ok(r#"{"items":[{"id":3}]}"#),
        _ => ok(r#"{"items":[]}"#),
    });
    ours.run(&["extract", "ours"])
        .exits(1)
        .says(&["the source counts 4 records, 3 came"]);
    assert!(!ours.is_marked("things"));
}

#[test]
fn nothing_at_all_is_an_answer_only_where_the_source_may_give_such() {
    for empty in ["204 No Content", "200 OK"] {
        let ours = Ours::new(PLAIN, move |_, _| answer(empty, &[], ""));
        ours.run(&["extract", "ours"])
            .exits(1)
            .says(&["`things` has a gap", "the answer is empty"]);
        assert!(!ours.is_marked("things"));
        let may_be = format!("{PLAIN}    may_be_empty: true\n");
        let ours = Ours::new(&may_be, move |_, _| answer(empty, &[], " "));
        ours.run(&["extract", "ours"]).exits(0);
        assert!(ours.is_marked("things"));
    }
}

#[test]
fn statuses_that_lead_nowhere_are_not_another_host() {
    for status in ["304 Not Modified", "300 Multiple Choices", "302 Found"] {
        let ours = Ours::new(PLAIN, move |_, _| answer(status, &[], ""));
        ours.run(&["extract", "ours"])
            .exits(1)
            .says(&[&format!("the source answers {status}")])
            .does_not_say("another host");
    }
    let away = [("Location", "http://127.0.0.2:1/things")];
    let ours = Ours::new(PLAIN, move |_, _| answer("302 Found", &away, ""));
    ours.run(&["extract", "ours"])
        .exits(1)
        .says(&["another host"]);
}

#[test]
fn one_bad_record_costs_itself() {
    for bad in [
        &b"{\"id\":2,\"n\":NaN}"[..],
        b"{\"id\":2,\"n\":\"\xFF\"}",
        b"{\"id\":2,\"n\":}",
    ] {
        let body = [b"[{\"id\":1},".as_slice(), bad, b",{\"id\":3}]"].concat();
        let ours = Ours::new(PLAIN, move |_, _| ok(&body));
        loadable(&ours);
        ours.run(&["extract", "ours"])
            .exits(1)
            .says(&["1 record of `things` cannot be read"])
            .does_not_say("gap");
        assert_eq!(ours.lines("things").len(), 3);
        assert!(
            !ours.is_marked("things"),
            "what could not be read may still be there"
        );
        ours.run(&["load", "things"]).exits(1).says(&[
            "record 2 of the answer to `/things` cannot be read",
            "-0001.ndjson:2",
        ]);
        assert_eq!(
            ours.world.rows("select id from Things order by id"),
            ["1", "3"]
        );
        // Another try brings it, if it was only the way here.
        let asked = ours.asked().len();
        assert_eq!(
            asked, 3,
            "tried as often as may be, and then taken as it is"
        );
    }
    let ours = Ours::new(PLAIN, |_, times| match times {
        1 => ok(b"[{\"id\":1,\"n\":\"\xFF\"}]"),
        _ => ok(b"[{\"id\":1,\"n\":\"x\"}]"),
    });
    ours.run(&["extract", "ours"]).exits(0);
    assert!(ours.is_marked("things"));
}

#[test]
fn a_byte_order_mark_and_half_a_surrogate_pair_cost_nothing() {
    let ours = Ours::new(PLAIN, |_, _| {
        ok(
            "\u{feff}[{\"id\":1,\"name\":\"cut \\ud83d\"},{\"id\":2,\"name\":\"whole \\ud83d\\ude00\"}]",
        )
    });
    loadable(&ours);
    ours.run(&["extract", "ours"]).exits(0).says(&[
        "warning[extract-surrogate]",
        "`things` has a lone half of a surrogate pair",
    ]);
    assert!(ours.is_marked("things"));
    ours.run(&["load", "things"]).exits(0);
    let names = "select name from Things order by id";
    assert_eq!(ours.world.rows(names), ["cut \u{fffd}", "whole \u{1f600}"]);

    // The same in files that people bring, in every format of JSON; a listing still counts.
    let ours = Ours::nobody(PLAIN);
    loadable(&ours);
    for (file, text) in [
        (
            "9.ndjson",
            "{\"id\":9,\"name\":\"\\udc00x\",\"_extract\":{\"at\":\"2026-01-01T00:00:00Z\"}}\n",
        ),
        (
            "9.json",
            "[{\"id\":9,\"name\":\"\\udc00x\",\"_extract\":{\"at\":\"2026-01-02T00:00:00Z\"}}]",
        ),
    ] {
        ours.world.write(&format!("raw_data/things/{file}"), text);
        ours.world.write(
            "raw_data/things/9.complete.json",
            format!("{{\"stream\":\"things\",\"started_at\":\"2000-01-01T00:00:00Z\",\"finished_at\":\"2000-01-01T00:00:00Z\",\"files\":[\"{file}\"],\"records\":1}}"),
        );
        ours.run(&["load", "things"])
            .exits(0)
            .says(&[
                "half of a surrogate pair stands alone",
                &format!("{file}:1"),
            ])
            .does_not_say("listing-ignored");
        assert_eq!(
            ours.world.rows("select name from Things where id = '9'"),
            ["\u{fffd}x"]
        );
    }
}

/// A windowed stream whose source says that there is more than it gives, and a run that is killed under way: what it
/// checks on going on is what it would have checked.
#[test]
fn a_run_that_was_killed_checks_as_much_as_one_that_was_not() {
    const WINDOWED: &str = "  things:\n    path: /things\n    records: .items[]\n    paging: {by: offset, parameter: offset, size: {limit: 1}, total: .total}\n    windows: {since: since, until: until, at: .at, longest: 900 days, start: 2026-01-01}\n";
    let ours = Ours::new(WINDOWED, |path, times| {
        let page = |id: u32| ok(format!("{{\"items\":[{{\"id\":{id}}}],\"total\":4}}"));
        match path.rsplit_once("offset=").map(|(_, offset)| offset) {
            Some("0") => page(1),
            // Where it is killed.
            Some("1") if times == 1 => Reply::Silence,
            Some("1") => page(2),
            Some("2") => page(3),
            _ => ok("{\"items\":[],\"total\":4}"),
        }
    });
    ours.kill_when(2, "\"page\"");
    assert!(ours.world.path("raw_data/things/.journal.ndjson").exists());
    let run = ours.run(&["extract", "ours"]);
    run.exits(1)
        .says(&["going on with a run", "the source counts 4 records, 3 came"]);
    // It went on behind the first page.
    assert!(ours.asked()[2].ends_with("offset=1"), "{:?}", ours.asked());
}

/// Halves that have fewer records than the whole: that is seen as well where the run was killed between the two.
#[test]
fn what_is_lost_by_halving_is_seen_after_a_kill() {
    const CAPPED: &str = "  things:\n    path: /things\n    records: .items[]\n    paging: {by: offset, parameter: offset, size: {limit: 2}, total: .total, cap: 4}\n    windows: {since: since, until: until, at: .at, longest: 900 days, start: 2026-01-01}\n";
    let halves = std::sync::Mutex::new(Vec::<String>::new());
    let ours = Ours::new(CAPPED, move |path, times| {
        let mut halves = halves.lock().unwrap();
        let window = path.split("&limit").next().unwrap().to_owned();
        if !halves.contains(&window) {
            halves.push(window.clone());
        }
        match halves.iter().position(|known| *known == window).unwrap() {
            0 => ok(r#"{"items":[{"id":1},{"id":2}],"total":5}"#),
            // Where it is killed.
            2 if times == 1 => Reply::Silence,
            half => ok(format!("{{\"items\":[{{\"id\":{half}}}],\"total\":1}}")),
        }
    });
    ours.kill_when(3, "\"next\":null");
    ours.run(&["extract", "ours"]).exits(1).says(&[
        "going on with a run",
        "the source counts 5 records in it, but 2 in its halves",
    ]);
}
