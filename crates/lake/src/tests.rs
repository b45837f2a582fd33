//! Loading into a lake: what is in its files, by whichever machines they were loaded.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use load::LoadReport;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use tempfile::TempDir;

use crate::{Lake, Shard, Snapshot, load};

/// A project whose one stream gives rows of each type, and children.
fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "definitions/schemas/ours.sql",
        "-- Ours.

-- one row per thing
CREATE TABLE Things (
    -- its id
    id TEXT PRIMARY KEY NOT NULL,
    -- how many
    number INTEGER NULL,
    -- how much
    share REAL NULL,
    -- whether
    is_good BOOLEAN NULL,
    -- when
    at TIMESTAMP NULL,
    -- on which day
    day DATE NULL,
    -- anything
    rest JSON NULL
);

-- one row per thing and tag
CREATE TABLE ThingTags (
    -- the thing
    thing_id TEXT NOT NULL,
    -- the tag
    tag TEXT NOT NULL,
    PRIMARY KEY (thing_id, tag)
);
",
    );
    write(
        "definitions/mappers/things.yaml",
        "stream: things
tables:
  Things:
    columns: {id: .id, number: .number, share: .share, is_good: .good, at: .at, day: .day, rest: .rest}
  ThingTags:
    each: .tags[]?
    columns: {thing_id: $record.id, tag: .}
",
    );
    folder
}

fn record(folder: &Path, file: &str, lines: &[&str]) {
    let path = folder.join("raw_data/things").join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, lines.join("\n")).unwrap();
}

/// Loads the stream `things`, or everything.
fn load_into(project: &Path, lake: &Path, shard: &str, streams: &[&str]) -> Vec<LoadReport> {
    let project = project::open(project).unwrap();
    let shard = Shard::parse(shard).unwrap();
    let lake = Lake::open(lake, &project.definitions.schema, shard).unwrap();
    let named = |stream: &str| streams.is_empty() || streams.contains(&stream);
    let plans: Vec<_> = project
        .plans
        .iter()
        .filter(|plan| named(plan.stream.as_str()))
        .collect();
    load(&project, &plans, &[], &lake, &mut |_| {}).unwrap()
}

/// All files of a lake that readers see, and their bytes.
fn files(lake: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![lake.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(lake).unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// The rows of a table, without the load.
fn rows(lake: &Path, table: &str) -> Vec<String> {
    let mut rows = Vec::new();
    for entry in fs::read_dir(lake.join("rows").join(table)).unwrap() {
        let reader = SerializedFileReader::new(File::open(entry.unwrap().path()).unwrap()).unwrap();
        for row in reader.get_row_iter(None).unwrap() {
            let row = row.unwrap();
            let own = row
                .get_column_iter()
                .filter(|(name, _)| !name.starts_with('_'));
            let words = own.map(|(name, field)| match field {
                Field::TimestampMicros(micros) => format!("{name}={micros}"),
                field => format!("{name}={field}"),
            });
            rows.push(words.collect::<Vec<_>>().join(" "));
        }
    }
    rows.sort();
    rows
}

#[test]
fn rows_have_the_types_of_their_columns() {
    let (project, lake) = (project(), tempfile::tempdir().unwrap());
    record(
        project.path(),
        "a.ndjson",
        &[
            r#"{"id": "a", "number": 7, "share": 1, "good": true, "at": "2026-11-23T20:05:00.5+01:00", "day": "1969-12-31", "rest": {"x": [1]}, "tags": ["t", "ü"]}"#,
            r#"{"id": "b"}"#,
            r#"{"number": 1}"#,
        ],
    );
    let reports = load_into(project.path(), lake.path(), "1/1", &["things"]);
    assert_eq!(
        (reports[0].files, reports[0].records, reports[0].rejects),
        (1, 2, 1)
    );
    let at = "2026-11-23T19:05:00Z".parse::<jiff::Timestamp>().unwrap();
    assert_eq!(
        rows(lake.path(), "Things"),
        [
            format!(
                "id=\"a\" number=7 share=1.0 is_good=true at={} day=1969-12-31 rest=\"{{\"x\":[1]}}\"",
                at.as_microsecond()
            ),
            "id=\"b\" number=null share=null is_good=null at=null day=null rest=null".to_owned(),
        ]
    );
    assert_eq!(
        rows(lake.path(), "ThingTags"),
        ["thing_id=\"a\" tag=\"t\"", "thing_id=\"a\" tag=\"ü\""]
    );
    let rejects: Vec<_> = files(lake.path())
        .into_iter()
        .filter(|(path, _)| path.starts_with("rejects"))
        .collect();
    assert_eq!(rejects.len(), 1);
    assert!(String::from_utf8_lossy(&rejects[0].1).contains("\"line\":3"));
}

#[test]
fn shards_load_what_one_machine_does_and_again_changes_nothing() {
    let project = tempfile::tempdir().unwrap();
    let options = demo::Options {
        log_entries: 2_000,
        ..demo::Options::default()
    };
    demo::write(project.path(), &options, &mut |_| {}).unwrap();
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    load_into(project.path(), whole.path(), "1/1", &[]);
    std::thread::scope(|scope| {
        for shard in ["1/3", "2/3", "3/3"] {
            let (project, parts) = (project.path(), parts.path());
            scope.spawn(move || load_into(project, parts, shard, &[]));
        }
    });
    let loaded = files(whole.path());
    assert!(loaded.len() > 100);
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&files(parts.path())), names(&loaded));
    assert!(files(parts.path()) == loaded);
    let again = load_into(project.path(), whole.path(), "1/1", &[]);
    assert_eq!(again.iter().map(|report| report.files).sum::<u64>(), 0);
    assert!(files(whole.path()) == loaded);
}

#[test]
fn a_file_that_changes_or_goes_takes_its_rows_along() {
    let (project, lake) = (project(), tempfile::tempdir().unwrap());
    record(
        project.path(),
        "a.ndjson",
        &[r#"{"id": "a", "tags": ["t"]}"#],
    );
    record(
        project.path(),
        "b.ndjson",
        &[r#"{"id": "b", "tags": ["t"]}"#],
    );
    let ids = || {
        let ids = rows(lake.path(), "Things").into_iter();
        ids.map(|row| row[4..5].to_owned()).collect::<Vec<_>>()
    };
    load_into(project.path(), lake.path(), "1/1", &["things"]);
    assert_eq!(ids(), ["a", "b"]);
    let before = Snapshot::read(lake.path()).unwrap();
    let is_still_there = || before.is_still_there(lake.path()).unwrap();
    record(project.path(), "c.ndjson", &[r#"{"id": "b"}"#]);
    load_into(project.path(), lake.path(), "1/1", &["things"]);
    assert!(is_still_there());
    fs::remove_file(project.path().join("raw_data/things/c.ndjson")).unwrap();
    record(project.path(), "a.ndjson", &[r#"{"id": "c"}"#, ""]);
    // A run that was killed: whoever reads does not see it, and the next run of the shard clears it away.
    let left = lake.path().join("rows/Things/.0000000000000000-1.7.tmp");
    fs::write(&left, "half").unwrap();
    let note_left = lake.path().join("files/.0000000000000000.json.x7");
    fs::write(&note_left, "half").unwrap();
    load_into(project.path(), lake.path(), "1/1", &["things"]);
    assert_eq!(ids(), ["b", "c"]);
    assert!(!is_still_there());
    assert_eq!(rows(lake.path(), "ThingTags").len(), 1);
    assert!(!left.exists() && !note_left.exists());
    fs::remove_file(project.path().join("raw_data/things/b.ndjson")).unwrap();
    load_into(project.path(), lake.path(), "1/1", &["things"]);
    assert_eq!(ids(), ["c"]);
    assert_eq!(fs::read_dir(lake.path().join("files")).unwrap().count(), 1);
}

#[test]
fn a_folder_that_is_gone_stops_the_load() {
    let (project, lake) = (project(), tempfile::tempdir().unwrap());
    record(project.path(), "a.ndjson", &[r#"{"id": "a"}"#]);
    load_into(project.path(), lake.path(), "1/1", &["things"]);
    fs::remove_dir_all(project.path().join("raw_data/things")).unwrap();
    let opened = project::open(project.path()).unwrap();
    let schema = &opened.definitions.schema;
    let lake = Lake::open(lake.path(), schema, Shard::ALL).unwrap();
    let plans: Vec<_> = opened.plans.iter().collect();
    let stopped = load(&opened, &plans, &[], &lake, &mut |_| {});
    assert!(
        matches!(stopped, Err(crate::LakeError::Faults(faults)) if faults[0].code == "files-vanished")
    );
    let meant = load(&opened, &plans, &["things"], &lake, &mut |_| {});
    assert!(meant.is_ok());
    assert_eq!(lake.known_files().unwrap().len(), 0);
}
