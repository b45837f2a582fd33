use std::io::Write;

use proptest::prelude::*;

use super::*;

type Found = (Vec<(u64, String)>, Vec<(u64, String)>);

fn read_bytes(name: &str, bytes: &[u8], envelope: Option<&str>) -> Found {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    read_path(&path, envelope)
}

fn read_path(path: &Path, envelope: Option<&str>) -> Found {
    let (mut records, mut faults) = (Vec::new(), Vec::new());
    let format = Format::of_name(&path.to_string_lossy()).unwrap();
    let layout = Layout {
        envelope: envelope.map(str::to_owned),
        ..Layout::default()
    };
    read(path, format, &layout, &mut |chunk| {
        for record in &chunk.records {
            records.push((
                record.line,
                String::from_utf8_lossy(&chunk.bytes[record.span.clone()]).into_owned(),
            ));
        }
        faults.extend(
            chunk
                .faults
                .into_iter()
                .map(|fault| (fault.line, fault.reason)),
        );
        true
    })
    .unwrap();
    (records, faults)
}

fn records(name: &str, text: &str, envelope: Option<&str>) -> Vec<(u64, String)> {
    let (records, faults) = read_bytes(name, text.as_bytes(), envelope);
    assert_eq!(faults, []);
    records
}

fn owned(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected
        .iter()
        .map(|(line, text)| (*line, (*text).to_owned()))
        .collect()
}

#[test]
fn ndjson_is_cut_at_lines() {
    let found = records(
        "x.ndjson",
        "\u{feff}{\"a\":1}\r\n\n  {\"a\":2}  \n{\"a\":3}",
        None,
    );
    assert_eq!(
        found,
        owned(&[(1, "{\"a\":1}"), (3, "{\"a\":2}"), (4, "{\"a\":3}")])
    );
    assert_eq!(records("x.ndjson", "", None), []);
    assert_eq!(records("x.ndjson", "\n\n", None), []);
}

#[test]
fn a_line_without_end_is_a_fault_and_its_neighbours_are_read() {
    let mut text = b"{\"a\":1}\n".to_vec();
    text.extend(std::iter::repeat_n(b'x', 3 * MAX_RECORD));
    text.extend(b"\n{\"a\":2}\n");
    for name in ["x.ndjson", "x.ndjson.zst"] {
        let bytes = if name.ends_with("zst") {
            zstd::encode_all(&text[..], 1).unwrap()
        } else {
            text.clone()
        };
        let (found, faults) = read_bytes(name, &bytes, None);
        assert_eq!(
            found,
            owned(&[(1, "{\"a\":1}"), (3, "{\"a\":2}")]),
            "{name}"
        );
        assert_eq!(
            faults,
            owned(&[(2, "a record is longer than 3 MiB")]),
            "{name}"
        );
    }
}

#[test]
fn json_lists_objects_and_several_values() {
    assert_eq!(
        records(
            "x.json",
            "[\n{\"a\":[1,\"]\\\"}\"]},\n 5, \"x\", [] ]",
            None
        ),
        owned(&[
            (2, "{\"a\":[1,\"]\\\"}\"]}"),
            (3, "5"),
            (3, "\"x\""),
            (3, "[]")
        ])
    );
    assert_eq!(
        records("x.json", "{\"a\":\n1}\n{\"b\":2}", None),
        owned(&[(1, "{\"a\":\n1}"), (3, "{\"b\":2}")])
    );
    assert_eq!(records("x.json", "[]", None), []);
}

#[test]
fn a_whole_response_is_unwrapped() {
    let text = "{\"limit\":2,\n\"users\":[{\"id\":1},\n{\"id\":2}],\"more\":false}";
    assert_eq!(
        records("x.json", text, Some("users")),
        owned(&[(2, "{\"id\":1}"), (3, "{\"id\":2}")])
    );
    assert_eq!(
        records("x.json", "{\"id\":1,\"users\":5}", Some("users")),
        owned(&[(1, "{\"id\":1,\"users\":5}")])
    );
    assert_eq!(
        records("x.yaml", "users:\n- id: 1\n- id: 2\n", Some("users")),
        owned(&[(2, "{\"id\":1}"), (3, "{\"id\":2}")])
    );
}

#[test]
fn cut_off_json_keeps_what_came_before() {
    let (found, faults) = read_bytes("x.json", b"[{\"a\":1},\n{\"a\":", None);
    assert_eq!(found, owned(&[(1, "{\"a\":1}")]));
    assert_eq!(
        faults,
        owned(&[(
            2,
            "the JSON is cut off: the file ends in the middle of a value"
        )])
    );
    let (found, faults) = read_bytes("x.json", b"[{\"a\":1}", None);
    assert_eq!((found.len(), faults.len()), (1, 1));
    let (found, faults) = read_bytes("x.json", b"[{\"a\":1} {\"a\":2}]", None);
    assert_eq!((found.len(), faults.len()), (1, 1));
}

#[test]
fn yaml_items_and_documents() {
    assert_eq!(
        records("x.yaml", "- a: 1\n- a: 2\n", None),
        owned(&[(1, "{\"a\":1}"), (2, "{\"a\":2}")])
    );
    assert_eq!(
        records("x.yml", "a: 1\nb: '2'\n", None),
        owned(&[(1, "{\"a\":1,\"b\":\"2\"}")])
    );
    assert_eq!(records("x.yaml", "# nothing\n", None), []);
    let (found, faults) = read_bytes("x.yaml", b"- a: 1\n- a: \xff\n- a: 3\n", None);
    assert_eq!(found, owned(&[(1, "{\"a\":1}"), (3, "{\"a\":3}")]));
    assert_eq!(faults, owned(&[(2, "line 2 is not valid UTF-8")]));
}

#[test]
fn csv_rows_are_named_by_the_header() {
    let text = "id, note\n1,\"a \"\"b\"\",\nc\"\n2,\n";
    assert_eq!(
        records("x.csv", text, None),
        owned(&[
            (2, "{\"id\":\"1\",\"note\":\"a \\\"b\\\",\\nc\"}"),
            (4, "{\"id\":\"2\",\"note\":\"\"}")
        ])
    );
    assert_eq!(
        records("x.csv", "a;b\n1;2\n", None),
        owned(&[(2, "{\"a\":\"1\",\"b\":\"2\"}")])
    );
    let (found, faults) = read_bytes("x.csv", b"a,b\n1\n\xff,2\n3,4\n", None);
    assert_eq!(found, owned(&[(4, "{\"a\":\"3\",\"b\":\"4\"}")]));
    assert_eq!(
        faults,
        owned(&[
            (2, "the row has 1 field, the header has 2"),
            (3, "the row is not valid UTF-8")
        ])
    );
    let (_, faults) = read_bytes("x.csv", b"a,a\n1,2\n", None);
    assert_eq!(faults, owned(&[(1, "the header names `a` twice")]));
}

#[test]
fn csv_as_spreadsheets_write_it() {
    let one = owned(&[(2, r#"{"a, b":"1","c":"2"}"#)]);
    for text in [
        "\"a, b\";c\n1;2\n",
        "\"a, b\"\tc\n1\t2\n",
        "\"a, b\",c\n1,2\n",
        // An empty column and empty rows, as a sheet leaves them.
        "\"a, b\";c;;\n1;2;;\n;;;\n;\n",
        "\"a, b\",c\n1,2,,\n,\n",
    ] {
        let (found, faults) = read_bytes("x.csv", text.as_bytes(), None);
        assert_eq!((found, faults), (one.clone(), Vec::new()), "{text:?}");
    }
    for text in [
        "sep=;\n\"a, b\";c\n1;2\n",
        "\"sep=;\"\r\n\"a, b\";c\r\n1;2\r\n",
        "\u{feff}sep=\t\n\"a, b\"\tc\n1\t2",
    ] {
        let (found, faults) = read_bytes("x.csv", text.as_bytes(), None);
        assert_eq!(faults, Vec::new(), "{text:?}");
        assert_eq!(found, owned(&[(3, r#"{"a, b":"1","c":"2"}"#)]), "{text:?}");
    }
    // The separator that the header has the most of; a quote inside of a name is none.
    assert_eq!(
        records("x.csv", "5\" (a, b)?;c;d\n1;2;3\n", None),
        owned(&[(2, r#"{"5\" (a, b)?":"1","c":"2","d":"3"}"#)])
    );
    let (found, faults) = read_bytes("x.csv", b"a,,b\n1,,2\n1,x,2\n1,,2,3\n", None);
    assert_eq!(found.len(), 1);
    assert_eq!(
        faults,
        owned(&[
            (3, "column 2 has no name in the header, and a value here"),
            (4, "the row has 4 fields, the header has 3")
        ])
    );
}

#[test]
fn csv_rows_know_their_lines_whatever_breaks_them() {
    for (text, expected) in [
        ("q\r\n1\r\n2\r\n", [2, 3]),
        ("q\r1\r2\r", [2, 3]),
        ("\nq\n\n\n1\n\n2\n", [5, 7]),
        ("q\r\n\r\n1\r\n2", [3, 4]),
        ("q\n\"1\r\n\"\n2", [2, 4]),
    ] {
        let lines: Vec<u64> = records("x.csv", text, None)
            .into_iter()
            .map(|(line, _)| line)
            .collect();
        assert_eq!(lines, expected, "{text:?}");
    }
}

#[test]
fn a_csv_quote_that_is_never_closed_is_told() {
    let (found, faults) = read_bytes("x.csv", b"q,p\n1,a\n2,\"oops\n3,b\n4,c\n", None);
    assert_eq!(found, owned(&[(2, r#"{"q":"1","p":"a"}"#)]));
    assert_eq!((faults.len(), faults[0].0), (1, 3));
    assert!(faults[0].1.contains("never closed"), "{faults:?}");
    // A quote inside a field opens nothing; a long row does not take those behind it along.
    let (found, faults) = read_bytes("x.csv", b"q\n5\" screen\n", None);
    assert_eq!((found.len(), faults.len()), (1, 0));
    let mut text = b"q\n".to_vec();
    text.extend(std::iter::repeat_n(b'x', 2 * MAX_RECORD));
    text.extend(b"\n1\n");
    let (found, faults) = read_bytes("x.csv", &text, None);
    assert_eq!(found, owned(&[(3, r#"{"q":"1"}"#)]));
    assert_eq!(faults.len(), 1);
}

#[test]
fn compressed_files_are_read_and_cut_off_ones_reported() {
    let text = "{\"a\":1}\n{\"a\":2}\n".repeat(50_000);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).unwrap();
    let gz = gz.finish().unwrap();
    let zst = zstd::encode_all(text.as_bytes(), 1).unwrap();
    for (name, bytes) in [("x.ndjson.gz", gz), ("x.ndjson.zst", zst)] {
        let (found, faults) = read_bytes(name, &bytes, None);
        assert_eq!((found.len(), faults.len()), (100_000, 0), "{name}");
        let (found, faults) = read_bytes(name, &bytes[..bytes.len() / 2], None);
        assert!(found.len() < 100_000, "{name}");
        assert_eq!(faults.len(), 1, "{name}: {faults:?}");
        assert!(
            faults[0].1.starts_with("cannot be read further"),
            "{faults:?}"
        );
    }
}

#[test]
fn a_pipe_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.ndjson");
    let made = std::process::Command::new("mkfifo")
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    let error = read(&path, Format::Ndjson, &Layout::default(), &mut |_| true).unwrap_err();
    assert!(error.to_string().contains("not a regular file"), "{error}");
}

#[test]
fn names_carry_times() {
    let micros = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
    assert_eq!(
        time_in_name("raw_data/s/2026-11-23T20-05-07Z-0001.ndjson.zst"),
        Some(micros("2026-11-23T20:05:07Z"))
    );
    assert_eq!(
        time_in_name("2026-11-23.json"),
        Some(micros("2026-11-23T00:00:00Z"))
    );
    for name in [
        "incidents.yaml",
        "2026-13-01.json",
        "2026",
        "ööööööööööööööö",
    ] {
        assert_eq!(time_in_name(name), None, "{name}");
    }
}

#[test]
fn files_are_found_in_order_and_oddities_named() {
    let project = tempfile::tempdir().unwrap();
    let folder = project.path().join("raw_data/s");
    std::fs::create_dir_all(folder.join("2024")).unwrap();
    for name in [
        "b.ndjson",
        "a.json",
        "2024/c.csv",
        ".hidden.json",
        "d.ndjson.tmp",
        "README.md",
        "x.complete.json",
    ] {
        std::fs::write(folder.join(name), "{}").unwrap();
    }
    let found = stream_files(project.path(), &[folder, project.path().join("absent")]);
    let names: Vec<_> = found.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "raw_data/s/2024/c.csv",
            "raw_data/s/a.json",
            "raw_data/s/b.ndjson"
        ]
    );
    assert_eq!(found.unknown, ["raw_data/s/README.md"]);
    let (listings, faults) = complete_listings(project.path(), &found.markers);
    assert_eq!((listings.len(), faults.len()), (0, 1));
}

#[test]
fn a_marker_is_read() {
    let project = tempfile::tempdir().unwrap();
    let path = project.path().join("2026-01-01T00-00-00Z.complete.json");
    std::fs::write(&path, r#"{"stream":"s","started_at":"2026-01-01T00:00:00.5Z","finished_at":"2026-01-01T00:01:00Z","files":["a.ndjson"],"records":3}"#).unwrap();
    let (listings, faults) = complete_listings(project.path(), &[path]);
    assert_eq!(faults, []);
    assert_eq!(
        (listings[0].records, listings[0].files.as_slice()),
        (3, &["a.ndjson".to_owned()][..])
    );
    assert_eq!(listings[0].started_at % 1_000_000, 500_000);
}

proptest! {
    #[test]
    fn any_json_list_comes_apart_into_its_elements(values in prop::collection::vec(any_json(), 0..20)) {
        let text = serde_json::to_string_pretty(&values).unwrap();
        let found = records("x.json", &text, None);
        let parsed: Vec<serde_json::Value> = found.iter().map(|(_, text)| serde_json::from_str(text).unwrap()).collect();
        prop_assert_eq!(parsed, values);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), which in 0..4usize) {
        let name = ["x.ndjson", "x.json", "x.yaml", "x.csv"][which];
        read_bytes(name, &bytes, Some("users"));
    }

    #[test]
    fn no_near_json_makes_the_reader_panic(text in "[\\[\\]{},:\"ab1 \n\\\\]{0,40}") {
        read_bytes("x.json", text.as_bytes(), Some("a"));
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "[a-z\"\\\\\\[\\]{}ö ]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 30, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::hash_map("[a-z\"]{1,4}", inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}
