//! `postmortem`: documents in, YAML out, which loads as it is.

use std::path::Path;

use snapbox::str;

use crate::world::World;

const DOCUMENT: &str = "\
# Checkout refuses cards

Date: 2026-05-01
Severity: P2

## Affected Entities
- Example Shop

## Root Causes
- Software

## Timeline

All times in UTC.

| Time | Event |
| --- | --- |
| 10:00 | A change is rolled out |
| 10:05 | An alert fires |
| 11:30 | Service restored |

## Stats

- Time to detection: 5 minutes
- Time to recovery: 90 minutes
";

#[test]
fn a_document_becomes_yaml_that_loads() {
    let world = World::new();
    world.write("docs/checkout.md", DOCUMENT);
    world.write("docs/.hidden.md", "# Hidden\n");
    let run = world.run(&["postmortem", "docs"]);
    run.prints(
        0,
        str![[r#"
incidents/checkout.yaml  nothing to review

"#]],
    );
    world.run_on_disk(&["load"]).prints(
        0,
        str![[r#"
loaded incidents                1 record from 1 file
1 record from 1 file is in reliability.db

"#]],
    );
    let sql = "select name, incident_date, severity_level, first_triggered_at, internally_detected_at, recovered_at, minutes_to_recover from Incidents";
    assert_eq!(
        world.rows(sql),
        [
            "Checkout refuses cards|2026-05-01|p2|2026-05-01T10:00:00Z|2026-05-01T10:05:00Z|2026-05-01T11:30:00Z|90"
        ]
    );
}

#[test]
fn what_is_there_is_kept() {
    let world = World::new();
    world.write("checkout.md", DOCUMENT);
    world.write("incidents/checkout.yaml", "- incident_name: mine\n");
    world.run(&["postmortem", "checkout.md"]).prints(
        1,
        str![[r#"
warning[postmortem-there]: `incidents/checkout.yaml` is there already, and is kept: it was not written by this command
hint: `reliability postmortem --format yaml 'checkout.md'` prints what the document says

"#]],
    );
    assert_eq!(
        world.read("incidents/checkout.yaml"),
        "- incident_name: mine\n"
    );
}

#[test]
fn a_document_that_changed_says_what_changed() {
    let world = World::new();
    world.write("checkout.md", DOCUMENT);
    world.run(&["postmortem", "checkout.md"]).exits(0);
    let mine = world
        .read("incidents/checkout.yaml")
        .replace("severity_level: \"P2\"", "severity_level: P1");
    world.write("incidents/checkout.yaml", mine);
    world.write("checkout.md", DOCUMENT.replace("2026-05-01", "2026-05-02"));
    world.run(&["postmortem", "checkout.md"]).prints(
        0,
        str![[r#"
incidents/checkout.yaml  nothing to review
  `incident_date`: `2026-05-01` became `2026-05-02`
  `time_of_first_trigger`: `2026-05-01T10:00:00Z` became `2026-05-02T10:00:00Z`
  `time_of_internal_detect`: `2026-05-01T10:05:00Z` became `2026-05-02T10:05:00Z`
  `time_of_recovery`: `2026-05-01T11:30:00Z` became `2026-05-02T11:30:00Z`

"#]],
    );
    assert!(
        world
            .read("incidents/checkout.yaml")
            .contains("severity_level: P1")
    );
}

#[test]
fn a_check_says_what_is_lacking() {
    let world = World::new();
    world.write("whole.md", DOCUMENT);
    world
        .run(&["postmortem", "--check", "whole.md"])
        .prints(0, str![""]);
    world.write(
        "half.md",
        DOCUMENT
            .replace("Severity: P2", "")
            .replace("90 minutes", "?"),
    );
    world.run(&["postmortem", "--check", "half.md", "whole.md"]).prints(1, str![[r#"
error[postmortem-lacks]: the postmortem does not say for certain: `severity_level`, `time_of_first_trigger`
  --> half.md

"#]]);
    assert!(!world.path("incidents").exists());
}

#[test]
fn machines_get_each_value_with_its_line() {
    let world = World::new();
    world.write("checkout.md", DOCUMENT);
    let run = world.run(&["postmortem", "--format", "json", "checkout.md"]);
    let found: serde_json::Value = serde_json::from_str(&run.exits(0).stdout).unwrap();
    let recovery = &found["incident"]["stats"]["time_of_recovery"];
    assert_eq!(recovery["value"], "2026-05-01T11:30:00Z");
    assert_eq!(recovery["line"], 20);
    assert_eq!(recovery["words"], "11:30 | Service restored");
}

#[test]
fn what_cannot_be_read_is_said_and_the_others_are_read() {
    let world = World::new();
    world.write("a.md", "# A\n");
    world.write("b.md", b"# B \xff\n");
    world.write("c.pdf", "x");
    world.write("d.md", "# D\n".repeat(3 << 20));
    let run = world.run(&[
        "postmortem",
        "--format",
        "yaml",
        "a.md",
        "b.md",
        "c.pdf",
        "d.md",
        "e.md",
    ]);
    run.prints(
        1,
        str![[r#"
error[document-unreadable]: the document is not UTF-8: byte 5 is none of it
  --> b.md
error[document-unreadable]: the document is of a kind that is not read
  --> c.pdf
error[document-unreadable]: the document is longer than 8 MiB
  --> d.md
error[document-unreadable]: cannot read the document: No such file or directory (os error 2)
  --> e.md

"#]],
    );
    assert!(run.stdout.contains("incident_name: \"A\""));
    world.run(&["postmortem", "."]).exits(1);
    let empty = World::new();
    empty.run(&["postmortem", "."]).prints(
        2,
        str![[r#"
error[document-none]: there is no document in what was named
hint: documents are `.md`, `.markdown`, `.txt`, `.html`, `.htm`, `.docx`, and zips of them

"#]],
    );
}

#[test]
fn two_documents_of_one_name_do_not_overwrite_each_other() {
    let world = World::new();
    world.write("docs/a/x.md", "# First\n");
    world.write("docs/b/x.html", "<h1>Second</h1>");
    world.run(&["postmortem", "docs"]).prints(
        1,
        str![[r#"
incidents/x.yaml  nothing to review
error[document-unreadable]: another document is called `x` too, and `x.yaml` is of that one
  --> docs/b/x.html

"#]],
    );
    world.run(&["postmortem", "docs/b/x.html"]).prints(1, str![[r#"
warning[postmortem-there]: `incidents/x.yaml` is there already, and is kept: it was read from `docs/a/x.md`
hint: `reliability postmortem --format yaml 'docs/b/x.html'` prints what the document says

"#]]);
    assert!(world.read("incidents/x.yaml").contains("\"First\""));
}

#[test]
fn loading_says_what_reads_documents() {
    let world = World::new();
    world.write("incidents/checkout.md", DOCUMENT);
    world.write("incidents/one.yaml", "incident_name: One\n");
    world.run(&["load"]).says(&[
        "nothing reads `incidents/checkout.md`: it is a document, and not the YAML of one",
        "`reliability postmortem FILE` reads documents and writes the YAML",
    ]);
}

#[test]
fn labels_are_text_that_people_edit() {
    let world = World::new();
    world.write("x.md", "# X\n\n- Beginn: 2026-05-01 10:00 UTC\n");
    world.write(
        "definitions/postmortems/labels.yaml",
        "labels:\n  time_of_first_trigger: [Beginn]\n",
    );
    let run = world.run(&["postmortem", "--format", "yaml", "x.md"]);
    assert!(
        run.exits(0)
            .stdout
            .contains("time_of_first_trigger: 2026-05-01T10:00:00Z")
    );
    world.write(
        "definitions/postmortems/labels.yaml",
        "labels:\n  time_of_first_triger: [Beginn]\n",
    );
    world.run(&["check"]).exits(1).says(&[
        "`time_of_first_triger` is nothing that a postmortem is asked for",
        "did you mean `time_of_first_trigger`?",
    ]);
}

/// Real documents, where they are: what is certain of them was checked by hand.
#[test]
fn real_documents_are_read_without_inventing() {
    let documents =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recorded/postmortems");
    if !documents.is_dir() {
        eprintln!("SKIPPED: there are no recorded postmortems in ../shared/recorded");
        return;
    }
    let world = World::new();
    let documents = documents.to_string_lossy().into_owned();
    let run = world.run(&["postmortem", "--format", "json", &documents]);
    let mut certain = Vec::new();
    for line in run.exits(0).stdout.lines() {
        let found: serde_json::Value = serde_json::from_str(line).unwrap();
        let document = found["document"].as_str().unwrap();
        let name = &document[documents.len() + 1..];
        let stats = found["incident"]["stats"].as_object().unwrap();
        let date = ("incident_date", &found["incident"]["incident_date"]);
        let fields =
            std::iter::once(date).chain(stats.iter().map(|(name, value)| (name.as_str(), value)));
        for (field, value) in fields {
            if let Some(value) = value["value"].as_str() {
                certain.push(format!(
                    "{} {field} {value}",
                    name.get(..10).unwrap_or(name)
                ));
            }
        }
    }
    assert_eq!(certain, CERTAIN);
    world.run(&["postmortem", &documents]).exits(0);
    world.run_on_disk(&["load"]).exits(1);
    // The blank templates have no name, and are the only rejects.
    assert_eq!(world.rows("select count(*) from Incidents"), ["12"]);
    assert_eq!(
        world.rows("select count(*) from _rejects join _files on _files.id = file_id where path not like '%template%'"),
        ["0"]
    );
}

const CERTAIN: [&str; 24] = [
    "PM2019-009 incident_date 2019-11-29",
    "PM2019-009 time_of_internal_detect 2019-11-30T08:24:00+01:00",
    "PM2019-009 time_of_recovery 2019-12-05T07:00:00+01:00",
    "PM2019-010 incident_date 2019-12-04",
    "PM2019-010 time_of_recovery 2019-12-04T01:30:00+01:00",
    "PM2019-011 incident_date 2019-12-05",
    "PM2019-011 time_of_recovery 2019-12-05T12:40:00+01:00",
    "PM2020-002 incident_date 2020-01-21",
    "PM2020-002 time_of_first_trigger 2020-01-21T15:36:00+01:00",
    "PM2020-002 time_of_internal_detect 2020-01-21T16:30:00+01:00",
    "PM2020-002 time_of_recovery 2020-01-21T18:04:00+01:00",
    "PM2020-004 incident_date 2020-02-03",
    "PM2020-004 time_of_first_trigger 2020-02-03T11:21:00+01:00",
    "PM2020-004 time_of_recovery 2020-02-03T11:52:00+01:00",
    "PM2020-005 incident_date 2020-06-09",
    "PM2020-007 incident_date 2020-10-06",
    "PM2020-008 incident_date 2020-11-04",
    "PM2020-008 time_of_customer_detect 2020-11-04T14:41:00+01:00",
    "PM2020-008 time_of_first_trigger 2020-11-04T13:13:00+01:00",
    "PM2020-008 time_of_recovery 2020-11-04T15:15:00+01:00",
    "PM2020-009 incident_date 2020-11-23",
    "PM2020-009 time_of_first_trigger 2020-11-23T14:11:00+01:00",
    "PM2020-009 time_of_internal_detect 2020-11-23T14:11:00+01:00",
    "PM2020-009 time_of_recovery 2020-11-23T14:41:00+01:00",
];
