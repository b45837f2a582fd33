//! The same incident in each format says the same; and hostile files end in a message.

use std::io::{Cursor, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::tests::{guide, times};

/// A small incident, as Google Docs would export it.
const HTML: &str = r#"<html><head><title>no</title><style>p{color:red}</style></head><body>
<h1><span>Search is down</span></h1><p><span>Date: 2026-05-03</span><br><span>Severity: SEV2</span></p>
<script>document.write("Severity: SEV9")</script>
<h2>Timeline</h2><p>All times in UTC.</p>
<table><tr><td><p>Time</p></td><td><p>Event</p></td></tr>
<tr><td><p><span>14:05</span></p></td><td><p>First alert<table><tr><td>nested 09:00</td></tr></table></p></td></tr>
<tr><td><p>15:20</p></td><td><p>Service <b>restored</b> &amp; checked</p></td></tr></table>
<h2>Root Causes</h2><ul><li><p>Software</p></li></ul></body></html>"#;

/// The same in the XML of Word.
const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="w"><w:body>
<w:p><w:pPr><w:pStyle w:val="Title"/></w:pPr><w:r><w:t>Search is </w:t></w:r><w:r><w:t>down</w:t></w:r></w:p>
<w:p><w:r><w:t>Date: 2026-05-03</w:t><w:br/><w:t>Severity: SEV2</w:t></w:r></w:p>
<w:p><w:pPr><w:pStyle w:val="Heading2"/></w:pPr><w:r><w:t>Timeline</w:t></w:r></w:p>
<w:p><w:r><w:t xml:space="preserve">All times in UTC.</w:t></w:r></w:p>
<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Time</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Event</w:t></w:r></w:p></w:tc></w:tr>
<w:tr><w:tc><w:p><w:r><w:t>14:05</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>First alert</w:t></w:r></w:p></w:tc></w:tr>
<w:tr><w:tc><w:p><w:r><w:t>15:20</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Service restored &amp; checked</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
<w:p><w:pPr><w:pStyle w:val="Heading2"/></w:pPr><w:r><w:t>Root Causes</w:t></w:r></w:p>
<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/></w:numPr></w:pPr><w:r><w:t>Software</w:t></w:r></w:p>
</w:body></w:document>"#;

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn incident(name: &str, bytes: &[u8]) -> Incident {
    let document = Document::parse(name, bytes).unwrap();
    read(&document, &guide(), &["Software".to_owned()])
}

#[test]
fn each_format_says_the_same() {
    let docx = zipped(&[("word/document.xml", XML.as_bytes())]);
    for incident in [
        incident("x.html", HTML.as_bytes()),
        incident("x.docx", &docx),
    ] {
        let value = |finding: &Finding<String>| match finding {
            Finding::Certain(read) => read.value.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(value(&incident.name), "Search is down");
        assert_eq!(value(&incident.date), "2026-05-03");
        assert_eq!(value(&incident.severity), "SEV2");
        assert_eq!(incident.root_causes[0].value, "Software");
        assert_eq!(incident.unit, "paragraph");
        assert_eq!(
            times(&incident),
            [
                "first_trigger ? 2026-05-03T14:05:00Z",
                "internal_detect 2026-05-03T14:05:00Z",
                "recovery 2026-05-03T15:20:00Z",
            ]
        );
    }
}

#[test]
fn a_zip_of_documents_is_read_by_names_that_lead_nowhere() {
    let zip = zipped(&[
        ("../../etc/passwd.md", b"# Out"),
        ("a/b.html", HTML.as_bytes()),
        ("picture.png", b"x"),
    ]);
    let documents = documents_of_zip(&zip).unwrap();
    let names: Vec<&str> = documents.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["../../etc/passwd.md", "a/b.html"]);
    assert!(documents.iter().all(|(_, bytes)| bytes.is_ok()));
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    // 65 MiB of spaces in some 64 KiB.
    let spaces = vec![b' '; 65 << 20];
    let fault = Document::parse("x.docx", &zipped(&[("word/document.xml", &spaces)]));
    assert_eq!(
        fault,
        Err("its text unpacks to more than 64 MiB".to_owned())
    );
    let many: Vec<String> = (0..17).map(|number| format!("{number}.md")).collect();
    let files: Vec<(&str, &[u8])> = many
        .iter()
        .map(|name| (name.as_str(), spaces.as_slice()))
        .collect();
    let fault = documents_of_zip(&zipped(&files));
    assert_eq!(
        fault,
        Err("the documents of the zip unpack to more than 128 MiB".to_owned())
    );
    let one = documents_of_zip(&zipped(&files[..1])).unwrap();
    let (name, bytes) = &one[0];
    assert_eq!(
        Document::parse(name, bytes.as_ref().unwrap()),
        Err("the document is longer than 8 MiB".to_owned())
    );
}

#[test]
fn broken_files_say_what_is_wrong() {
    let parse = |name, bytes: &[u8]| Document::parse(name, bytes).unwrap_err();
    assert!(parse("x.docx", b"PK\x03\x04 no zip").starts_with("it is no `.docx`, which is a zip"));
    let empty = zipped(&[("other.xml", b"")]);
    assert!(parse("x.docx", &empty).starts_with("it has no `word/document.xml`"));
    let broken = zipped(&[("word/document.xml", b"<w:p><w:t>x</w:p>")]);
    assert!(parse("x.docx", &broken).starts_with("its text is no XML at byte"));
    assert_eq!(
        parse("x.html", b"<p>\xff"),
        "the document is not UTF-8: byte 4 is none of it"
    );
    assert_eq!(
        parse("x.pdf", b"x"),
        "the document is of a kind that is not read"
    );
    assert!(documents_of_zip(b"no").is_err());
}

#[test]
fn depth_takes_no_stack() {
    let deep =
        |open: &str, close: &str, times: usize| open.repeat(times) + "x" + &close.repeat(times);
    let html = deep("<div><table><tr><td>", "</td></tr></table></div>", 20_000);
    incident("x.html", html.as_bytes());
    let xml = deep(
        "<w:tbl><w:tr><w:tc><w:p>",
        "</w:p></w:tc></w:tr></w:tbl>",
        20_000,
    );
    incident("x.docx", &zipped(&[("word/document.xml", xml.as_bytes())]));
    incident("x.md", deep("> - ", "\n", 20_000).as_bytes());
    incident("x.md", deep("[", "]", 100_000).as_bytes());
}

/// A timeline as long as a document may be, every event of which could be the end: what it takes grows with its length only.
#[test]
fn long_timelines_take_no_longer_than_they_are_long() {
    let begins = jiff::civil::date(1990, 1, 1).at(0, 0, 0, 0);
    let event = |number: i64| {
        let at = begins + jiff::SignedDuration::from_mins(7 * number);
        format!("- {} restored\n", at.strftime("%Y-%m-%d %H:%M"))
    };
    let events: String = (0..200_000).map(event).collect();
    let text = format!(
        "# X\n\n## Timeline\n\n{events}\n# Stats\n\n- Time to recovery: 90 minutes\n- Time to detection: 1 minute\n"
    );
    let found = incident("x.md", text.as_bytes());
    let (_, recovery) = &found.times[3];
    let Finding::Unclear(reads) = recovery else {
        panic!("{recovery:?}");
    };
    assert_eq!(reads.len(), 200_000);
}
