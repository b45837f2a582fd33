//! What reads input that nobody here wrote, each as a function of bytes: it may refuse them, and must not panic, hang, or
//! say something of them that is not so. `fuzz_targets/` hands these functions to libFuzzer; `corpus/` holds an input for
//! each kind that was once found to matter, and the tests run all of them.
//!
//! ```sh
//! cargo install cargo-fuzz
//! cargo +nightly fuzz run fuzz_yaml fuzz/corpus/yaml
//! ```

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::{fs, iter};

use definitions::Definitions;
use raw::{Chunk, Format};
use transform::{Clock, Plan, Setting};

static BUILT_IN: LazyLock<Definitions> =
    LazyLock::new(|| definitions::read(Path::new("no project is here")).0);

static USERS: LazyLock<Plan> = LazyLock::new(|| plan_of("pagerduty_users"));

static SURVEY: LazyLock<Plan> = LazyLock::new(|| plan_of("developer_survey"));

/// Documents in YAML: what is taken from them is JSON.
pub fn yaml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    yaml::for_each_item(text, &mut |item| {
        if let Ok(node) = item {
            let mut json = String::new();
            node.write_json(&mut json);
            assert!(raw::sound::is_json(&json), "{json}");
        }
    });
    let _ = yaml::parse(text);
}

/// A page of an API's answer, by the rules of the stream that the first byte names.
pub fn json_page(data: &[u8]) {
    let Some((first, body)) = data.split_first() else {
        return;
    };
    let streams = BUILT_IN
        .extractors
        .iter()
        .flat_map(|source| &source.streams);
    let streams: Vec<_> = streams.collect();
    let stream = streams[usize::from(*first) % streams.len()];
    let next = extract::link::Next::None;
    let page = extract::page::read(body, &next, &stream.request, stream.paging.as_ref());
    let Ok(page) = page else { return };
    assert_eq!(page.spans(body).len(), page.records.len());
    for (span, record) in iter::zip(page.spans(body), &page.records) {
        assert_eq!(&body[span], record.json.as_bytes());
    }
    let at = extract::paging::Position::First;
    let _ = extract::paging::next(stream.paging.as_ref(), &at, &page.facts);
}

/// A raw file of JSON: of lines where the first byte is even, of any layout where it is odd.
pub fn lines(data: &[u8]) {
    let Some((first, text)) = data.split_first() else {
        return;
    };
    let (name, format) = match first % 2 {
        0 => ("1.ndjson", Format::Ndjson),
        _ => ("1.json", Format::Json),
    };
    read(&USERS, name, format, text);
}

/// A raw file of CSV.
pub fn csv(data: &[u8]) {
    read(&SURVEY, "1.csv", Format::Csv, data);
}

/// The header `Link`, several of them with a line feed between.
pub fn link(data: &[u8]) {
    let _ = extract::link::next(data.split(|byte| *byte == b'\n'));
}

/// The journal that a run of `extract` left behind.
pub fn journal(data: &[u8]) {
    in_folder(extract::journal::JOURNAL, data, &mut |folder| {
        let Ok(Some(run)) = extract::journal::unfinished(folder) else {
            return;
        };
        assert!(run.length <= data.len() as u64);
        let _ = run.records();
    });
}

/// A mapper of a project: what is wrong with it is said, and its tests end.
pub fn mapper(data: &[u8]) {
    in_folder("definitions/mappers/mine.yaml", data, &mut |project| {
        let (definitions, faults) = definitions::read(project);
        for fault in &faults {
            assert!(!fault.render(false).is_empty());
        }
        let own = |mapper: &&definitions::Mapper| mapper.source.path.ends_with("mine.yaml");
        let mapper = definitions.mappers.iter().find(own);
        let Some(mapper) = mapper.filter(|_| faults.is_empty()) else {
            return;
        };
        if let Ok(plan) = transform::plan(mapper, &definitions.schema, &setting()) {
            let _ = transform::run_tests(mapper, &plan);
        }
    });
}

/// The document of a postmortem, of the format that the first byte names: what is said of it is YAML, and is taken for
/// what it is when the document is read again.
pub fn document(data: &[u8]) {
    let Some((first, bytes)) = data.split_first() else {
        return;
    };
    let name = ["x.md", "x.html", "x.docx", "x.zip"][usize::from(*first) % 4];
    if name == "x.zip" {
        let _ = postmortem::documents_of_zip(bytes);
        return;
    }
    let Ok(document) = postmortem::Document::parse(name, bytes) else {
        return;
    };
    let incident = postmortem::read(&document, &BUILT_IN.guide, &["Software".to_owned()]);
    let yaml = postmortem::yaml(&incident, name);
    assert!(yaml::parse(&yaml).is_ok(), "{yaml}");
    let again = postmortem::merge(&yaml, &incident, name);
    assert!(
        again.is_ok_and(|again| again.text == yaml && again.changes.is_empty()),
        "{yaml}"
    );
}

/// Reads a raw file, and makes rows of it.
fn read(plan: &Plan, name: &str, format: Format, text: &[u8]) {
    in_folder(name, text, &mut |folder| {
        let mut worker = plan.worker();
        let mut each = |chunk: Chunk| {
            for record in &chunk.records {
                assert!(record.line > 0 && chunk.bytes.get(record.span.clone()).is_some());
            }
            let batch = worker.transform(&chunk, None);
            assert!(batch.rejects.len() >= chunk.faults.len());
            true
        };
        let read = raw::read(&folder.join(name), format, &plan.layout, &mut each);
        assert!(read.is_ok_and(|file| file.size == text.len() as u64));
    });
}

fn plan_of(stream: &str) -> Plan {
    let mapper = BUILT_IN.mapper(stream);
    let mapper = mapper.unwrap_or_else(|| panic!("no mapper of `{stream}`"));
    let plan = transform::plan(mapper, &BUILT_IN.schema, &setting());
    plan.unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn setting() -> Arc<Setting> {
    Arc::new(Setting {
        clock: Clock::UTC,
        agreed: Default::default(),
        headings: Default::default(),
        latest: None,
    })
}

/// Calls `with` with a folder that holds one file.
fn in_folder(name: &str, text: &[u8], with: &mut dyn FnMut(&Path)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().expect("it is in the folder")).expect("a folder");
    fs::write(path, text).expect("a file");
    with(folder.path());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every input that was kept runs through its target.
    fn run(name: &str, target: fn(&[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(name);
        let inputs: Vec<_> = fs::read_dir(corpus).unwrap().flatten().collect();
        assert!(inputs.len() >= 5, "{} inputs", inputs.len());
        for input in inputs {
            target(&fs::read(input.path()).unwrap());
        }
    }

    #[test]
    fn kept_inputs_of_yaml() {
        run("yaml", yaml);
    }

    #[test]
    fn kept_inputs_of_pages() {
        run("json_page", json_page);
    }

    #[test]
    fn kept_inputs_of_lines() {
        run("lines", lines);
    }

    #[test]
    fn kept_inputs_of_csv() {
        run("csv", csv);
    }

    #[test]
    fn kept_inputs_of_links() {
        run("link", link);
    }

    #[test]
    fn kept_inputs_of_journals() {
        run("journal", journal);
    }

    #[test]
    fn kept_inputs_of_documents() {
        run("document", document);
    }

    #[test]
    fn kept_inputs_of_mappers() {
        run("mapper", mapper);
    }
}
