//! Reading `raw_data`: newest copies, complete listings, parents.

use std::fs;
use std::path::Path;

use fake::Data;
use serde_json::json;

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn ids(data: &Data, stream: &str) -> Vec<String> {
    let id = |record: &fake::Record| record.value()["id"].to_string();
    data.stream(stream).iter().map(id).collect()
}

#[test]
fn the_newest_copy_counts_whatever_the_order_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let newer = r#"{"id":1,"name":"new","_extract":{"at":"2026-02-01T00:00:00.5Z"}}"#;
    let older = r#"{"id":1,"name":"old","_extract":{"at":"2026-02-01T00:00:00Z"}}"#;
    write(
        folder.path(),
        "pagerduty_teams/a.ndjson",
        &format!("{newer}\n"),
    );
    write(
        folder.path(),
        "pagerduty_teams/b.ndjson",
        &format!("{older}\n"),
    );
    let data = Data::from_raw(folder.path()).unwrap();
    let values: Vec<_> = data
        .stream("pagerduty_teams")
        .iter()
        .map(|r| r.value())
        .collect();
    assert_eq!(values, [json!({ "id": 1, "name": "new" })]);
}

#[test]
fn what_a_complete_listing_lacks_is_gone_and_the_rest_stays() {
    let folder = tempfile::tempdir().unwrap();
    let record = |id: u32, month: u32| {
        let at = format!("2026-{month:02}-01T00:00:01Z");
        format!("{{\"id\":{id},\"_extract\":{{\"at\":\"{at}\"}}}}\n")
    };
    for stream in ["github_teams", "sentry_issues"] {
        write(
            folder.path(),
            &format!("{stream}/1.ndjson"),
            &(record(1, 1) + &record(2, 1)),
        );
        write(folder.path(), &format!("{stream}/2.ndjson"), &record(2, 2));
    }
    let marker = r#"{"started_at":"2026-02-01T00:00:00Z"}"#;
    write(folder.path(), "github_teams/2.complete.json", marker);
    let data = Data::from_raw(folder.path()).unwrap();
    assert_eq!(ids(&data, "github_teams"), ["2"]);
    assert_eq!(ids(&data, "sentry_issues"), ["1", "2"]);
}

#[test]
fn parents_are_kept_beside_and_tell_records_apart() {
    let folder = tempfile::tempdir().unwrap();
    let team = |repository: &str| {
        let extract =
            json!({ "at": "2026-02-01T00:00:00Z", "parent": { "repository": repository } });
        format!("{}\n", json!({ "id": 6, "_extract": extract }))
    };
    let text = team("acme/a") + &team("acme/b");
    write(folder.path(), "github_repo_teams/1.ndjson", &text);
    write(
        folder.path(),
        "github_repos/1.ndjson",
        "{\"id\":1,\"full_name\":\"acme/a\"}\n",
    );
    let data = Data::from_raw(folder.path()).unwrap();
    assert_eq!(ids(&data, "github_repo_teams"), ["6", "6"]);
    let first = &data.stream("github_repo_teams")[0];
    assert_eq!(first.parent, Some(json!({ "repository": "acme/a" })));
    assert_eq!(first.value(), json!({ "id": 6 }));
    assert_eq!(data.organisation(), "acme");
}

#[test]
fn a_line_that_is_no_record_is_named() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "github_teams/1.ndjson", "7\n");
    let error = Data::from_raw(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("1.ndjson") && error.contains("no JSON object"),
        "{error}"
    );
}
