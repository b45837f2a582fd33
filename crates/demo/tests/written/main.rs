//! What is written, read back as a stranger would: whole, well formed, consistent, the same every time, and with all
//! the faults that the loading rules are about.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails, in its helpers too"
)]

mod organisation;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use demo::{Compression, Error, Options, Written};
use jiff::civil::date;
use serde_json::Value;
use tempfile::TempDir;

/// Every stream of JSON with the members that name a record (below `_extract.parent` where they start with `^`), and
/// whether it is listed whole.
const STREAMS: [(&str, &[&str], bool); 16] = [
    ("pagerduty_services", &["id"], true),
    ("pagerduty_incidents", &["id"], false),
    ("pagerduty_log_entries", &["id"], false),
    ("pagerduty_teams", &["id"], true),
    ("pagerduty_users", &["id"], true),
    ("sentry_projects", &["id"], true),
    ("sentry_issues", &["id"], false),
    ("sentry_issue_events", &["id", "^issue"], false),
    ("sentry_teams", &["id"], true),
    ("github_teams", &["id"], true),
    ("github_repos", &["id"], true),
    (
        "github_repo_teams",
        &["id", "^repository", "^repository_id"],
        true,
    ),
    (
        "github_repo_hooks",
        &["id", "^repository", "^repository_id"],
        true,
    ),
    ("datadog_monitors", &["id"], true),
    ("datadog_synthetics", &["public_id"], true),
    ("datadog_notification_rules", &["id"], true),
];

fn small(seed: u64) -> Options {
    Options {
        seed,
        log_entries: 2_000,
        ..Options::default()
    }
}

fn written(options: &Options) -> (TempDir, Vec<Written>) {
    let folder = tempfile::tempdir().unwrap();
    let files = demo::write(folder.path(), options, &mut |_| ()).unwrap();
    (folder, files)
}

fn bytes_of(folder: &Path, files: &[Written]) -> BTreeMap<PathBuf, Vec<u8>> {
    files
        .iter()
        .map(|file| {
            (
                file.path.clone(),
                fs::read(folder.join(&file.path)).unwrap(),
            )
        })
        .collect()
}

/// The records of a stream, the older extraction first.
fn records(folder: &Path, stream: &str) -> Vec<Value> {
    let mut names: Vec<_> = fs::read_dir(folder.join("raw_data").join(stream))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "ndjson")
        })
        .collect();
    names.sort();
    let texts = names.iter().map(|path| fs::read_to_string(path).unwrap());
    texts
        .flat_map(|text| {
            text.lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The records of the newer extraction alone.
fn newest(folder: &Path, stream: &str) -> Vec<Value> {
    let all = records(folder, stream);
    all.into_iter()
        .filter(|record| text(record, "/_extract/at") > "2026-11")
        .collect()
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text {pointer} in {value}"))
}

fn ids(records: &[Value]) -> BTreeSet<String> {
    records
        .iter()
        .map(|record| record["id"].to_string())
        .collect()
}

/// The newest copy of each record by `id`.
fn latest(folder: &Path, stream: &str) -> BTreeMap<String, Value> {
    records(folder, stream)
        .into_iter()
        .map(|record| (record["id"].to_string(), record))
        .collect()
}

fn postmortem_texts(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files: Vec<_> = fs::read_dir(folder.join("incidents"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect()
}

#[test]
fn the_same_options_give_the_same_bytes_and_another_seed_does_not() {
    let (first, files) = written(&small(3));
    let (second, again) = written(&small(3));
    assert_eq!(files, again);
    let bytes = bytes_of(first.path(), &files);
    assert!(
        bytes == bytes_of(second.path(), &again),
        "another run, other bytes"
    );
    let (other, other_files) = written(&small(4));
    let other_bytes = bytes_of(other.path(), &other_files);
    let log_entries = Path::new("raw_data/pagerduty_log_entries/2026-10-23T06-00-00Z-0001.ndjson");
    assert!(bytes[log_entries] != other_bytes[log_entries]);
}

#[test]
fn compressed_parts_hold_the_same_text() {
    let (plain, files) = written(&small(1));
    let (packed, _) = written(&Options {
        compression: Compression::Zstd,
        ..small(1)
    });
    for file in files.iter().filter(|file| {
        file.path
            .extension()
            .is_some_and(|extension| extension == "ndjson")
    }) {
        let mut name = file.path.clone().into_os_string();
        name.push(".zst");
        let unpacked = zstd::decode_all(fs::File::open(packed.path().join(name)).unwrap()).unwrap();
        assert!(
            unpacked == fs::read(plain.path().join(&file.path)).unwrap(),
            "{}",
            file.path.display()
        );
    }
}

#[test]
fn every_record_has_its_names_and_its_extraction() {
    let (folder, files) = written(&Options::default());
    for (stream, members, _) in STREAMS {
        let records = records(folder.path(), stream);
        let told: u64 = files
            .iter()
            .filter(|file| file.path.starts_with(format!("raw_data/{stream}")))
            .map(|file| file.records)
            .sum();
        assert_eq!(records.len() as u64, told, "{stream}");
        let mut moments = BTreeSet::new();
        for record in &records {
            moments.insert(text(record, "/_extract/at").to_owned());
            for member in members {
                let value = match member.strip_prefix('^') {
                    Some(member) => &record["_extract"]["parent"][member],
                    None => &record[*member],
                };
                assert!(
                    value.is_string() || value.is_u64(),
                    "{stream}: {member} of {record}"
                );
            }
        }
        assert!(
            moments.first().unwrap().starts_with("2026-10-23T06:0"),
            "{stream}"
        );
        assert!(
            moments.last().unwrap().starts_with("2026-11-23T06:0"),
            "{stream}"
        );
    }
}

#[test]
fn listings_that_are_whole_have_true_markers() {
    let (folder, _) = written(&small(1));
    for (stream, _, is_whole) in STREAMS {
        let path = folder.path().join("raw_data").join(stream);
        let markers: Vec<_> = fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().ends_with(".complete.json"))
            .collect();
        assert_eq!(markers.len(), if is_whole { 2 } else { 0 }, "{stream}");
        for marker in markers {
            let marker: Value = serde_json::from_str(&fs::read_to_string(marker).unwrap()).unwrap();
            assert_eq!(marker["stream"], stream);
            let (from, to) = (text(&marker, "/started_at"), text(&marker, "/finished_at"));
            let mut count = 0;
            for file in marker["files"].as_array().unwrap() {
                for line in fs::read_to_string(path.join(file.as_str().unwrap()))
                    .unwrap()
                    .lines()
                {
                    let record: Value = serde_json::from_str(line).unwrap();
                    let at = text(&record, "/_extract/at");
                    assert!(
                        from <= at && at <= to,
                        "{stream}: {at} is outside {from} to {to}"
                    );
                    count += 1;
                }
            }
            assert_eq!(marker["records"], count, "{stream}");
        }
    }
}

#[test]
fn references_resolve() {
    let (folder, _) = written(&Options::default());
    let all = |stream| ids(&newest(folder.path(), stream));
    let (services, users, teams) = (
        all("pagerduty_services"),
        all("pagerduty_users"),
        all("pagerduty_teams"),
    );
    let incidents = latest(folder.path(), "pagerduty_incidents");
    for entry in records(folder.path(), "pagerduty_log_entries") {
        assert!(incidents.contains_key(&entry["incident"]["id"].to_string()));
        assert!(services.contains(&entry["service"]["id"].to_string()));
        assert!(teams.contains(&entry["teams"][0]["id"].to_string()));
        for user in [
            &entry["user"],
            &entry["assignees"][0],
            &entry["channel"]["notification"]["user"],
            &entry["agent"],
        ] {
            let id = user["id"].to_string();
            let is_known = user.is_null() || users.contains(&id) || services.contains(&id);
            assert!(is_known, "{id} in {entry}");
        }
    }
    let entries = ids(&records(folder.path(), "pagerduty_log_entries"));
    for incident in incidents.values() {
        assert!(services.contains(&incident["service"]["id"].to_string()));
        assert!(entries.contains(&incident["first_trigger_log_entry"]["id"].to_string()));
    }
    let issues = ids(&records(folder.path(), "sentry_issues"));
    let projects = all("sentry_projects");
    for event in records(folder.path(), "sentry_issue_events") {
        assert!(issues.contains(&event["groupID"].to_string()));
        assert_eq!(event["groupID"], event["_extract"]["parent"]["issue"]);
        assert!(projects.contains(&event["projectID"].to_string()));
    }
    let repositories = ids(&records(folder.path(), "github_repos"));
    for stream in ["github_repo_teams", "github_repo_hooks"] {
        for record in records(folder.path(), stream) {
            assert!(
                repositories.contains(&record["_extract"]["parent"]["repository_id"].to_string())
            );
        }
    }
}

#[test]
fn counts_follow_the_asked_scale_over_the_whole_year() {
    for (log_entries, seed) in [
        (2_000, 1),
        (2_000, 2),
        (2_000, 3),
        (20_000, 1),
        (100_000, 1),
    ] {
        let (folder, _) = written(&Options {
            seed,
            log_entries,
            ..Options::default()
        });
        let entries = latest(folder.path(), "pagerduty_log_entries");
        let near = |count: usize, asked: f64, part: f64| (count as f64 / asked - 1.0).abs() < part;
        assert!(
            near(entries.len(), log_entries as f64, 0.1),
            "{} of {log_entries}",
            entries.len()
        );
        let incidents = latest(folder.path(), "pagerduty_incidents");
        assert!(
            near(incidents.len(), log_entries as f64 / 11.0, 0.25),
            "{} incidents",
            incidents.len()
        );
        let months: BTreeSet<_> = incidents
            .values()
            .map(|incident| text(incident, "/created_at")[..7].to_owned())
            .collect();
        assert_eq!(months.len(), 13, "from November to November: {months:?}");
        let times = incidents
            .values()
            .map(|incident| text(incident, "/created_at"));
        assert!(
            times.clone().min().unwrap() >= "2025-11-23" && times.max().unwrap() < "2026-11-23"
        );
    }
}

#[test]
fn records_of_two_extractions_differ_as_reality_does() {
    let (folder, _) = written(&small(1));
    let folder = folder.path();
    let of_october = |stream: &str| -> Vec<Value> {
        records(folder, stream)
            .into_iter()
            .filter(|record| text(record, "/_extract/at") < "2026-11")
            .collect()
    };
    let resolved_since = of_october("pagerduty_incidents").iter().any(|then| {
        let now = newest(folder, "pagerduty_incidents")
            .into_iter()
            .find(|now| now["id"] == then["id"]);
        now.is_some_and(|now| {
            then["resolved_at"].is_null()
                && now["status"] == "resolved"
                && now["assignments"] == Value::Array(vec![])
        })
    });
    assert!(
        resolved_since,
        "an incident is open in the older extraction and resolved in the newer"
    );
    let teams = |users: Vec<Value>| {
        users
            .iter()
            .map(|user| user["teams"].as_array().unwrap().len())
            .sum::<usize>()
    };
    assert_eq!(
        teams(of_october("pagerduty_users")),
        teams(newest(folder, "pagerduty_users")) + 1,
        "one left a team"
    );
    for stream in ["github_repos", "github_repo_hooks"] {
        let (then, now) = (ids(&of_october(stream)), ids(&newest(folder, stream)));
        assert!(
            now.is_subset(&then) && now.len() < then.len(),
            "{stream}: something is gone"
        );
    }
    let then = ids(&of_october("pagerduty_log_entries"));
    let again = newest(folder, "pagerduty_log_entries")
        .iter()
        .filter(|now| then.contains(&now["id"].to_string()))
        .count();
    assert!(again > 0, "log entries of the overlap occur twice");
}

#[test]
fn somebodys_data_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("raw_data/pagerduty_users/mine.ndjson");
    fs::create_dir_all(theirs.parent().unwrap()).unwrap();
    let write = |options: &Options| demo::write(folder.path(), options, &mut |_| ());
    fs::write(folder.path().join("raw_data/.gitkeep"), "").unwrap();
    fs::write(&theirs, "{}").unwrap();
    let error = write(&small(1)).unwrap_err();
    assert!(
        matches!(&error, Error::Occupied(path) if *path == theirs),
        "{error}"
    );
    assert!(error.to_string().contains("--project another-folder"));
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing was written"
    );
    fs::remove_file(&theirs).unwrap();

    fs::write(folder.path().join("root_causes.yaml"), "- Our own\n").unwrap();
    assert!(matches!(write(&small(1)), Err(Error::Occupied(_))));
    fs::remove_file(folder.path().join("root_causes.yaml")).unwrap();

    let files = write(&small(1)).unwrap();
    assert_eq!(
        write(&small(1)).unwrap(),
        files,
        "the same demo may be written again"
    );
    assert!(matches!(write(&small(2)), Err(Error::OtherDemo(_))));
}

#[test]
fn options_out_of_range_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |options: Options| demo::write(folder.path(), &options, &mut |_| ());
    assert!(matches!(
        write(Options {
            log_entries: 999,
            ..small(1)
        }),
        Err(Error::TooFew(999))
    ));
    assert!(matches!(
        write(Options {
            end: date(9999, 12, 31),
            ..small(1)
        }),
        Err(Error::End)
    ));
    assert!(
        write(Options {
            end: date(2024, 2, 29),
            ..small(1)
        })
        .is_ok(),
        "a leap day is a day"
    );
}

#[test]
#[cfg(unix)]
fn only_the_owner_can_read_the_files_and_nothing_temporary_stays() {
    use std::os::unix::fs::PermissionsExt;
    let mut told = Vec::new();
    let folder = tempfile::tempdir().unwrap();
    let files = demo::write(folder.path(), &small(1), &mut |file| {
        told.push(file.clone())
    })
    .unwrap();
    assert_eq!(told, files);
    let mut folders = vec![folder.path().to_path_buf()];
    let mut found = BTreeSet::new();
    while let Some(path) = folders.pop() {
        for entry in fs::read_dir(path).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                assert_eq!(
                    entry.metadata().unwrap().permissions().mode() & 0o777,
                    0o600
                );
                found.insert(
                    entry
                        .path()
                        .strip_prefix(folder.path())
                        .unwrap()
                        .to_path_buf(),
                );
            }
        }
    }
    assert_eq!(found, files.iter().map(|file| file.path.clone()).collect());
}
