//! Documents that are fetched as text: from a folder at the source to postmortems.

use std::process::Command;

use snapbox::str;

use crate::scripted::{Ours, Reply, answer, ok};
use crate::world::finish;

const POSTMORTEM: &str = "\
# Checkout refuses cards

Date: 2026-05-01

## Timeline

All times in UTC.

- 10:00 A change is rolled out, with a line\u{2028}separator and a \"quote\"
- 10:05 An alert fires
- 11:30 Service restored
";

fn text(body: &str) -> Reply {
    let types = [("Content-Type", "text/markdown; charset=utf-8")];
    answer("200 OK", &types, body)
}

/// A folder with a document on each of two pages; `second` is what the export of the second one answers.
fn folder(second: impl Fn() -> Reply + Send + Sync + 'static) -> Ours {
    Ours::new("", move |path, _| {
        let file = |id: &str, name: &str| {
            format!(
                r#"{{"id": "{id}", "name": "{name}", "webViewLink": "https://docs.google.com/document/d/{id}/edit", "createdTime": "2026-05-04T08:01:02.123Z", "modifiedTime": "2026-05-06T10:00:00.000Z"}}"#
            )
        };
        match path.split_once('?').unwrap_or_default() {
            ("/files", query) if query.contains("pageToken=two%2F2") => {
                ok(format!(r#"{{"files": [{}]}}"#, file("d2", "Search / 2")))
            }
            ("/files", _) => ok(format!(
                r#"{{"nextPageToken": "two/2", "files": [{}]}}"#,
                file("d1", "Checkout refuses cards")
            )),
            ("/files/d1/export", _) => text(POSTMORTEM),
            ("/files/d2/export", _) => second(),
            _ => answer("404 Not Found", &[], "{}"),
        }
    })
}

fn command(ours: &Ours, arguments: &[&str]) -> Command {
    // Built-in, with shorter waits.
    let built_in = include_str!("../../../../definitions/extractors/google_drive.yaml");
    let quick = "\nretry: {tries: 3, first_wait: 1 milliseconds, longest_wait: 20 milliseconds}\n";
    let name = "definitions/extractors/google_drive.yaml";
    ours.world.write(name, format!("{built_in}{quick}"));
    std::fs::remove_file(ours.world.path("definitions/extractors/ours.yaml")).ok();
    let mut command = ours.command(arguments);
    command
        .env("GOOGLE_DRIVE_BASE_URL", ours.address())
        .env("GOOGLE_DRIVE_TOKEN", "made-up-token-5150")
        .env("GOOGLE_DRIVE_FOLDER", "f0lder");
    command
}

#[test]
fn a_folder_of_documents_becomes_postmortems() {
    let ours = folder(|| text("# Search is slow\n\nDate: 2 May 2026\n"));
    finish(&mut command(&ours, &["extract", "google_drive"])).prints(
        0,
        str![[r#"
fetched google_drive_documents   2 records, all that there is
fetched google_drive_texts       2 records, all that there is
fetched 4 records of 2 streams
next: `reliability postmortem raw_data/google_drive_texts`
next: `reliability run`

"#]],
    );
    let asked = ours.asked();
    assert!(
        asked[0].starts_with("/files?q=%27f0lder%27+in+parents+and+"),
        "{asked:?}"
    );
    finish(&mut command(
        &ours,
        &["postmortem", "raw_data/google_drive_texts"],
    ))
    .prints(
        0,
        str![[r#"
incidents/Checkout refuses cards.yaml  1 place to review
incidents/Search - 2.yaml  nothing to review

"#]],
    );
    let written = ours.world.read("incidents/Checkout refuses cards.yaml");
    for line in [
        "# Read from \"google_drive_texts/Checkout refuses cards.md\"",
        "postmortem_link: \"https://docs.google.com/document/d/d1/edit\"  # where it was fetched",
        "time_of_recovery: 2026-05-01T11:30:00Z  # line 11: 11:30 Service restored",
    ] {
        assert!(written.contains(line), "{written}");
    }
    assert!(
        ours.world
            .read("incidents/Search - 2.yaml")
            .contains("incident_date: 2026-05-02")
    );
    // Reading again changes nothing.
    finish(&mut command(
        &ours,
        &["postmortem", "raw_data/google_drive_texts"],
    ))
    .exits(0);
    assert_eq!(
        ours.world.read("incidents/Checkout refuses cards.yaml"),
        written
    );
    finish(&mut command(&ours, &["load"])).exits(0);
    let rows = ours.world.rows("select d.name, length(t.text) > 20 from GoogleDriveDocuments d join GoogleDriveTexts t on t.document_id = d.id order by d.id");
    assert_eq!(rows, ["Checkout refuses cards|1", "Search / 2|1"]);
}

#[test]
fn an_answer_of_another_type_is_a_gap() {
    let page = || {
        answer(
            "200 OK",
            &[("Content-Type", "text/html")],
            "<html>log in</html>",
        )
    };
    let ours = folder(page);
    finish(&mut command(&ours, &["extract", "google_drive"])).prints(1, str![[r#"
fetched google_drive_documents   2 records, all that there is
error[extract-gap]: `google_drive_texts` has a gap: the answer is `text/html`, expected `text/markdown`, 3 times
  --> id d2, name Search / 2, link https://docs.google.com/document/d/d2/edit
fetched google_drive_texts       1 record
fetched 3 records of 2 streams, 1 gap left, which the next run asks for again
next: `reliability postmortem raw_data/google_drive_texts`
next: `reliability run`

"#]]);
    assert_eq!(ours.lines("google_drive_texts").len(), 1);
    assert!(!ours.is_marked("google_drive_texts"));
    let bytes = || {
        let mut body = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/markdown\r\nContent-Length: 3\r\n\r\n".to_vec();
        body.extend_from_slice(b"a\xffb");
        Reply::Bytes(body)
    };
    let ours = folder(bytes);
    finish(&mut command(&ours, &["extract", "google_drive"]))
        .exits(1)
        .says(&["the answer is not valid UTF-8"]);
}

#[test]
fn a_token_that_is_none_is_a_gap() {
    let ours = Ours::new("", |path, _| {
        match path.split_once('?').unwrap_or_default() {
            ("/files", _) => ok(r#"{"nextPageToken": {"a": 1}, "files": []}"#),
            _ => answer("404 Not Found", &[], "{}"),
        }
    });
    finish(&mut command(&ours, &["extract", "google_drive"]))
        .exits(1)
        .says(&["the answer has no token at `.nextPageToken`, but `{\"a\": 1}`"]);
    assert!(!ours.is_marked("google_drive_documents"));
}
