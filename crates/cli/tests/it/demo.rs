//! The demo's data, and the answers to every question on it.

use std::fs;

use crate::world::World;

/// A project with a little data of an invented organisation.
fn demo() -> World {
    let world = World::new();
    world.run(&["demo", "--scale", "1000"]).exits(0);
    world
}

#[test]
fn the_demo_is_the_same_every_time_and_overwrites_nobodys_data() {
    let world = demo();
    let first = (
        world.files("raw_data/pagerduty_log_entries"),
        world.files("incidents"),
    );
    world.run(&["demo", "--scale", "1000"]).exits(0);
    assert!(
        first
            == (
                world.files("raw_data/pagerduty_log_entries"),
                world.files("incidents")
            )
    );
    let run = world.run(&["demo", "--scale", "1100"]);
    run.exits(2)
        .says(&["holds a demo of other options", "--project another-folder"]);
    world
        .run(&["demo", "--scale", "1000", "--seed", "2"])
        .exits(2);
    assert!(
        first
            == (
                world.files("raw_data/pagerduty_log_entries"),
                world.files("incidents")
            )
    );

    for mine in [
        "raw_data/pagerduty_teams/mine.ndjson",
        "incidents/mine.yaml",
        "root_causes.yaml",
        "product_services.yaml",
        "team_names.yaml",
    ] {
        let world = World::new();
        world.write(mine, "- mine\n");
        let run = world.run(&["demo", "--scale", "1000"]);
        run.exits(2).says(&[mine, "was not written by this demo"]);
        assert_eq!(world.read(mine), "- mine\n");
        assert!(!world.path("raw_data/pagerduty_log_entries").exists());
    }
}

#[test]
fn the_demo_gives_every_table_rows_and_every_question_an_answer() {
    let world = World::new();
    world.run(&["demo", "--scale", "3000"]).exits(0);
    let run = world.run_on_disk(&["run"]);
    run.exits(0);
    assert!(
        run.stdout.contains(" rows in 30 tables, 0 rejects"),
        "{}",
        run.stdout
    );
    // A folder of documents is not among what the demo invents.
    assert_eq!(
        world.rows("select table_name from _tables where rows = 0 order by table_name"),
        ["GoogleDriveDocuments", "GoogleDriveTexts"]
    );
    let answers = world.files("output");
    let shown = world.run(&["show", "queries"]).stdout;
    let queries = shown.lines().filter(|line| line.contains(".sql"));
    // And the page of them all.
    assert_eq!(answers.len(), queries.count() + 1);
    let page = String::from_utf8(answers["report.html"].clone()).unwrap();
    let csvs = answers.iter().filter(|(name, _)| *name != "report.html");
    for (name, answer) in csvs {
        let panel = name.trim_end_matches(".csv");
        assert!(
            page.contains(&format!(" id=\"{panel}\" data-dimensions=")),
            "{panel}"
        );
        let text = String::from_utf8(answer.clone()).unwrap();
        assert!(text.lines().count() > 1, "{name} has no rows");
        assert!(
            run.stdout.contains(&format!("output/{name}")),
            "{name} is not named"
        );
    }
}

#[test]
fn compressed_or_not_the_demo_is_the_same() {
    let (plain, packed) = (demo(), World::new());
    packed.run(&["demo", "--scale", "1000", "--zstd"]).exits(0);
    let mut answers = Vec::new();
    for world in [&plain, &packed] {
        world.run(&["query"]).exits(0);
        let mut files = world.files("output");
        // It tells the bytes of the raw files.
        assert!(files.remove("data_trust.csv").is_some());
        answers.push(files);
    }
    assert!(
        packed
            .files("raw_data/pagerduty_users")
            .keys()
            .any(|name| name.ends_with(".zst"))
    );
    assert!(answers[0] == answers[1]);
}

#[test]
fn answers_are_the_same_to_the_byte_from_run_to_run_and_from_place_to_place() {
    let world = demo();
    world.run(&["run"]).exits(0);
    let first = world.files("output");
    assert!(first.len() > 10 && first.contains_key("report.html"));
    for (place, arguments) in [
        ("MEMORY", &["run"][..]),
        ("MEMORY", &["query", "report"]),
        ("DISK", &["run"]),
        ("DISK", &["query", "report"]),
        ("DISK", &["run"]),
    ] {
        fs::remove_dir_all(world.path("output")).unwrap();
        for verb in arguments {
            world.run_with(&[("DB_MODE", place)], &[verb]).exits(0);
        }
        let again = world.files("output");
        for (name, answer) in &first {
            assert!(
                again.get(name) == Some(answer),
                "{name} of {arguments:?} in {place}"
            );
        }
        assert_eq!(again.len(), first.len());
    }
}

#[test]
fn every_question_has_an_answer_on_each_source_alone() {
    let whole = demo();
    let folders = |source: &str| -> Vec<String> {
        let streams = std::fs::read_dir(whole.path("raw_data")).unwrap().flatten();
        let names = streams.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with(source)).collect()
    };
    let sources = [
        "pagerduty",
        "sentry",
        "github",
        "datadog",
        "developer_survey",
    ];
    for source in sources {
        let world = World::new();
        let found = folders(source);
        assert!(!found.is_empty(), "{source}");
        for folder in found {
            for (name, bytes) in whole.files(&format!("raw_data/{folder}")) {
                world.write(&format!("raw_data/{folder}/{name}"), bytes);
            }
        }
        world.run(&["run"]).exits(0);
    }
    let written = World::new();
    for (name, bytes) in whole.files("incidents") {
        written.write(&format!("incidents/{name}"), bytes);
    }
    written.run(&["run"]).exits(0);
}

#[test]
fn a_page_without_names_has_none() {
    let world = demo();
    let users = world.files("raw_data/pagerduty_users");
    let mut names = Vec::new();
    for (_, bytes) in users.iter().filter(|(file, _)| file.ends_with(".ndjson")) {
        for line in String::from_utf8_lossy(bytes).lines() {
            let user: serde_json::Value = serde_json::from_str(line).unwrap();
            names.push(user["name"].as_str().unwrap().to_owned());
        }
    }
    let page = |arguments: &[&str]| {
        world.run(&[&["report"], arguments].concat()).exits(0);
        let text = world.read("output/report.html");
        names
            .iter()
            .filter(|name| text.contains(name.as_str()))
            .count()
    };
    assert!(names.len() > 10 && page(&[]) > 5);
    assert_eq!(page(&["--anonymous"]), 0);
}
