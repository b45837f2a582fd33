//! Periods: `--since` and `--until` give what the raw data of that time alone would give; `from` and `to` say which it is.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::world::{World, small};

const SINCE: &str = "2026-03-01";
const UNTIL: &str = "2026-09-01";
const END: &str = "2026-09-01T00:00:00Z";

fn is_within(moment: &str) -> bool {
    (SINCE..UNTIL).contains(&moment)
}

/// The answers by file, without the columns `from` and `to`, which end every line.
fn answers(world: &World) -> BTreeMap<String, Vec<String>> {
    let without_period = |line: &str| {
        let mut parts = line.rsplitn(3, ',');
        parts.nth(2).unwrap_or_default().to_owned()
    };
    let mut answers = BTreeMap::new();
    for (name, bytes) in world.files("output") {
        let text = String::from_utf8(bytes).expect("an answer is UTF-8");
        answers.insert(name, text.split("\r\n").map(without_period).collect());
    }
    answers
}

/// Writes the raw data of one world into another, without what did not happen in the period, as if it had been fetched at
/// the end of it.
fn copy_period(from: &World, to: &World) {
    let mut pages = HashSet::new();
    // Incidents come before log entries.
    for stream in from.folders("raw_data") {
        let files = from.files(&format!("raw_data/{stream}"));
        let is_listed = files.keys().any(|file| file.ends_with(".complete.json"));
        // What a complete listing no longer has is gone.
        let counts = |file: &String| !is_listed || file.starts_with("2026-11");
        for (file, bytes) in files.into_iter().filter(|(file, _)| counts(file)) {
            let text = String::from_utf8(bytes).expect("raw data is UTF-8");
            let kept: String = match stream.as_str() {
                _ if file.ends_with(".complete.json") => marker(&text),
                "developer_survey" => survey(&text),
                _ => text
                    .lines()
                    .filter_map(|line| record(&stream, line, &mut pages))
                    .collect(),
            };
            to.write(&format!("raw_data/{stream}/{}", at_end(&file)), kept);
        }
    }
    for (file, bytes) in from.files("incidents") {
        let text = String::from_utf8(bytes).expect("postmortems are UTF-8");
        to.write(&format!("incidents/{file}"), postmortems(&text));
    }
    for list in [
        "product_services.yaml",
        "root_causes.yaml",
        "team_names.yaml",
    ] {
        to.write(list, from.read(list));
    }
}

/// A record that counts, fetched at the end of the period. Log entries count with their incident.
fn record(stream: &str, line: &str, pages: &mut HashSet<String>) -> Option<String> {
    let mut record: Value = serde_json::from_str(line).expect("a record");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let counts = match stream {
        "pagerduty_incidents" => {
            let counts = is_within(&text(&record["created_at"]));
            if counts {
                pages.insert(text(&record["id"]));
            }
            counts
        }
        "pagerduty_log_entries" => pages.contains(&text(&record["incident"]["id"])),
        "sentry_issues" => is_within(&text(&record["firstSeen"])),
        "sentry_issue_events" => is_within(&text(&record["dateCreated"])),
        _ => true,
    };
    record["_extract"]["at"] = END.into();
    counts.then(|| format!("{record}\n"))
}

/// The name of a file, fetched at the end of the period.
fn at_end(file: &str) -> String {
    let time = file.get(..20).unwrap_or_default();
    // The later one is the newer still.
    match time.get(..7) {
        Some("2026-10") => file.replace(time, "2026-09-01T00-00-00Z"),
        Some("2026-11") => file
            .replace(time, "2026-09-01T00-00-00Z")
            .replace("-0001", "-0002"),
        _ => file.to_owned(),
    }
}

/// The marker of a complete listing that was fetched at the end of the period.
fn marker(text: &str) -> String {
    let mut marker: Value = serde_json::from_str(text).expect("a marker");
    let file = at_end(marker["files"][0].as_str().expect("a file"));
    marker["files"][0] = file.into();
    marker["started_at"] = END.into();
    marker["finished_at"] = END.into();
    marker.to_string()
}

/// A response begins with the quarter; what goes on in quotes does not.
fn survey(text: &str) -> String {
    let mut keeps = true;
    let keep = |line: &&str| {
        if line.starts_with("202") {
            keeps = is_within(line.split(',').nth(1).expect("a time"));
        }
        keeps
    };
    text.split_inclusive('\n').filter(keep).collect()
}

/// An incident begins with its name. Whether it counts is told by its first time, as text: none began at midnight.
fn postmortems(text: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        if parts.is_empty() || line.starts_with("- ") {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push_str(line);
        }
    }
    let value = |part: &str, key: &str| {
        let (_, rest) = part.split_once(&format!("{key}: "))?;
        let value = rest.lines().next()?.trim_matches('\'');
        (value != "null").then(|| value.to_owned())
    };
    let keep = |part: &String| {
        let keys = ["first_trigger", "customer_detect", "internal_detect"];
        let times = keys.map(|key| value(part, &format!("time_of_{key}")));
        let [trigger, customer, internal] = times;
        let detected = customer.into_iter().chain(internal).min();
        let began = trigger
            .or(detected)
            .or_else(|| value(part, "incident_date"));
        is_within(&began.expect("a time"))
    };
    let kept: Vec<String> = parts.into_iter().filter(keep).collect();
    if kept.is_empty() {
        "[]\n".to_owned()
    } else {
        kept.concat()
    }
}

#[test]
fn a_period_is_as_if_nothing_else_had_been_recorded() {
    let whole = World::new();
    whole.run(&["demo", "--scale", "4000"]).exits(0);
    let part = World::new();
    copy_period(&whole, &part);
    part.run(&["query"]);
    let expected = answers(&part);
    whole.run(&["query", "--since", SINCE, "--until", UNTIL]);
    let found = answers(&whole);
    assert!(expected["pd_time_to_ack.csv"].len() > 20 && expected["incident_list.csv"].len() > 10);
    assert_eq!(
        expected.keys().collect::<Vec<_>>(),
        found.keys().collect::<Vec<_>>()
    );
    for (name, lines) in &expected {
        // What was fetched stays what it was.
        if name != "data_trust.csv" {
            assert_eq!(&found[name], lines, "{name}");
        }
    }
    // On disk the same.
    whole.run_on_disk(&["load"]);
    whole.run_on_disk(&["query", "--since", SINCE, "--until", UNTIL]);
    assert_eq!(answers(&whole), found);
}

#[test]
fn every_answer_says_of_which_period_it_is() {
    let world = small();
    let page = |id: &str, at: &str| {
        format!(
            "{{\"id\":\"{id}\",\"type\":\"incident\",\"status\":\"resolved\",\"created_at\":\"{at}\"}}\n"
        )
    };
    world.write(
        "raw_data/pagerduty_incidents/2026-06-30T12-00-00Z-0001.ndjson",
        page("A", "2026-01-05T10:00:00Z") + &page("B", "2026-06-01T10:00:00Z"),
    );
    let ends = |arguments: &[&str]| {
        let ask = ["query", "pd_time_to_resolve", "--format", "json"];
        let run = world.run(&[&ask[..], arguments].concat());
        let rows: Vec<Value> = serde_json::from_str(&run.exits(0).stdout).unwrap();
        let row = &rows[0];
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        format!("{} {} to {}", row["n_incidents"], text("from"), text("to"))
    };
    assert_eq!(ends(&[]), "2 2026-01-05T10:00:00Z to 2026-06-30T12:00:00Z");
    assert_eq!(
        ends(&["--since", "2026-02-01"]),
        "1 2026-02-01T00:00:00Z to 2026-06-30T12:00:00Z"
    );
    assert_eq!(
        ends(&["--until", "2026-06-01T10:00:00Z"]),
        "1 2026-01-05T10:00:00Z to 2026-06-01T10:00:00Z"
    );
    // A period that is longer than the data says what there is.
    assert_eq!(
        ends(&["--since", "2020-01-01", "--until", "2030-01-01"]),
        "2 2026-01-05T10:00:00Z to 2026-06-30T12:00:00Z"
    );
    // What is, and does not happen, begins at no time.
    let run = world.run(&["query", "contact_method_gaps", "--format", "csv"]);
    run.exits(0);
    let header = run.stdout.lines().next().unwrap_or_default();
    assert!(header.ends_with(",id,from,to"), "{header}");
    assert!(
        run.stdout.lines().skip(1).all(|line| line.contains(",,")),
        "{}",
        run.stdout
    );
}

#[test]
fn what_does_not_say_when_it_happened_is_named() {
    let world = World::new();
    world.write(
        "incidents/a.yaml",
        "- {incident_name: Typo, incident_date: 0226-01-05, postmortem_link: x}\n- {incident_name: Sound, incident_date: 2026-01-05, postmortem_link: y}\n",
    );
    let run = world.run(&[
        "query",
        "incident_list",
        "--since",
        "2020-01-01",
        "--format",
        "csv",
    ]);
    run.says(&["1 row of `Incidents` has no plausible time, and so is in no period"]);
    assert!(
        run.stdout.contains("Sound") && !run.stdout.contains("Typo"),
        "{}",
        run.stdout
    );
}

#[test]
fn periods_that_cannot_be() {
    let world = small();
    for (arguments, message) in [
        (&["--since", "soon"][..], "`--since soon` is not a date"),
        (
            &["--since", "2026-02-01", "--until", "2026-02-01"],
            "the period would begin at 2026-02-01T00:00:00Z and end at 2026-02-01T00:00:00Z",
        ),
    ] {
        for verb in ["query", "run"] {
            let run = world.run(&[&[verb], arguments].concat());
            run.exits(2).says(&[message, "hint: "]);
            assert!(!world.path("output").exists());
        }
    }
}

#[test]
fn a_database_that_is_older_than_the_definitions_is_not_asked() {
    let world = small();
    world.run_on_disk(&["load"]).exits(0);
    world.change("pragma user_version = 2");
    let run = world.run_on_disk(&["query", "--sql", "select 1"]);
    run.exits(2)
        .says(&["is older than the definitions", "`reliability load`"]);
    world.run_on_disk(&["load"]).exits(0);
    let schema = include_str!("../../../../definitions/schemas/pagerduty.sql");
    world.write(
        "definitions/schemas/pagerduty.sql",
        schema.replace(
            "CREATE TABLE PagerDutyTeams (",
            "CREATE TABLE PagerDutyTeams (\n    -- more\n    more TEXT,",
        ),
    );
    let run = world.run_on_disk(&["query", "--since", "2026-01-01", "noisy_services"]);
    run.exits(2).says(&["is older than the definitions"]);
    // What was loaded is still answered.
    world.run_on_disk(&["query", "noisy_services"]).exits(0);
}

/// Three years of pages, two a month, and a postmortem for the last.
fn three_years() -> World {
    let world = World::new();
    let page = |n: usize| {
        let (year, month) = (2024 + n / 24, n / 2 % 12 + 1);
        let day = format!("{year}-{month:02}-{:02}", 5 + n % 2 * 14);
        format!(
            "{{\"id\":\"P{n}\",\"status\":\"resolved\",\"created_at\":\"{day}T10:00:00Z\",\"resolved_at\":\"{day}T10:30:00Z\",\"service\":{{\"id\":\"S{}\",\"summary\":\"Cart\"}}}}\n",
            n % 2
        )
    };
    let pages: String = (0..72).map(page).collect();
    world.write(
        "raw_data/pagerduty_incidents/2026-12-31T12-00-00Z-0001.ndjson",
        pages,
    );
    world.write(
        "incidents/one.yaml",
        "incident_name: One\nincident_date: 2026-11-23\nstats:\n  time_of_first_trigger: 2026-11-23 20:05\n",
    );
    world
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn the_page_is_of_the_last_twelve_months_beside_those_before() {
    let world = three_years();
    world.run(&["run"]).exits(0);
    let lines = |file: &str| world.read(file).lines().count() - 1;
    let page = world.read("output/report.html").replace('\u{a0}', " ");
    assert!(
        page.contains("2025-12-31 to 2026-12-31 · data until 12:00 UTC"),
        "{page}"
    );
    // All of it in `output/`, what is on the page in `output/report/`.
    let sum = |file: &str| -> usize {
        let text = world.read(file);
        let mut lines = text.lines();
        let heading: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let place = heading
            .iter()
            .position(|name| *name == "n_incidents")
            .unwrap();
        let cells = lines.map(|line| line.split(',').nth(place).unwrap_or_default());
        cells.map(|cell| cell.parse::<usize>().unwrap()).sum()
    };
    assert_eq!(
        (
            sum("output/noisy_services.csv"),
            sum("output/report/noisy_services.csv")
        ),
        (72, 24)
    );
    assert!(lines("output/report/incident_list.csv") == 1);
    assert!(page.contains("<code>output/report/noisy_services.csv</code>"));
    assert!(page.contains("In the twelve months before: "), "{page}");
    assert!(page.contains("2025-12-31 to 2026-12-31, against 2024-12-31 to 2025-12-31."));
    // The tile: 24 pages each; nothing is known of incidents before the only one.
    assert!(
        page.contains("no clear change: 24 in the twelve months before"),
        "{page}"
    );
    assert!(
        page.contains("In the twelve months before: not known, since the data begin 2026-11-23.")
    );

    // The newest row behind the pages is that of the last line, and the select for all of them can be asked.
    let place = "<code>raw_data/pagerduty_incidents/2026-12-31T12-00-00Z-0001.ndjson:72</code>";
    assert!(
        page.contains(place) && page.contains("The newest 5 of 24 rows. "),
        "{page}"
    );
    let sql = page
        .split("SQL of the rows of PagerDutyIncidents")
        .nth(1)
        .unwrap_or_default();
    let sql = sql
        .split(['>', '<'])
        .nth(1)
        .unwrap_or_default()
        .replace("&quot;", "\"");
    let since = "2025-12-31T00:00:00Z";
    assert!(page.contains(&format!(
        "<code>reliability query --since {since} --sql</code>"
    )));
    let run = world.run(&["query", "--since", since, "--sql", &sql]);
    assert_eq!(run.exits(0).stdout.lines().count(), 24 + 1, "{sql}");

    // The same with a database on disk, and by `report` alone.
    let files = |world: &World| {
        let mut files = world.files("output");
        files.extend(world.files("output/report"));
        files
    };
    let first = files(&world);
    std::fs::remove_dir_all(world.path("output/report")).unwrap();
    world.run_on_disk(&["load"]).exits(0);
    world.run_on_disk(&["report"]).exits(0);
    assert!(files(&world) == first);

    // A period that is asked for, beside as much before it.
    world
        .run(&["report", "--since", "2026-04-01", "--until", "2026-07-01"])
        .exits(0);
    assert_eq!(sum("output/report/noisy_services.csv"), 6);
    let page = world.read("output/report.html").replace('\u{a0}', " ");
    assert!(page.contains("In the 3 months before: "), "{page}");
    let run = world.run(&["report", "--format", "json", "--since", "2000-01-01"]);
    let text: Value = serde_json::from_str(&run.exits(0).stdout).unwrap();
    assert_eq!(
        (&text["from"], &text["answers"][0]["before"]),
        (&"2000-01-01T00:00:00Z".into(), &Value::Null)
    );
}

#[test]
fn what_is_still_to_come_is_not_less() {
    let world = three_years();
    let run = world.run(&["compare", "2025..2027"]);
    run.exits(2).says(&["nothing is known of `2025..2027` yet"]);
    world.write(
        "incidents/two.yaml",
        "incident_name: Two\nincident_date: 2025-01-02\n",
    );
    let run = world.run(&["compare", "2026-11-15/2026-12-15..2026-12-15/2027-01-15"]);
    run.exits(0).says(&["is not over", "2026-12-31T12:00:00Z"]);
    // 2 pages in 30 days, 1 in 16.5.
    assert!(run.stdout.contains("×0.91"), "{}", run.stdout);
}
