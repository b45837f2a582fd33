//! Documents that were fetched as text: of each the newest copy, for whoever reads documents.

use std::collections::BTreeMap;
use std::path::Path;

use raw::{Layout, RawFile};
use serde_json::Value;

use crate::Project;

/// The text of a document, and what its source calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedText {
    /// Its name at the source, else its id.
    pub name: String,
    /// Where a browser opens it.
    pub link: Option<String>,
    /// The text, or why it cannot be had.
    pub text: Result<String, String>,
}

impl Project {
    /// Whether the records of a stream are texts.
    pub fn has_texts(&self, stream: &str) -> bool {
        self.streams_of_texts().any(|known| known == stream)
    }

    /// The stream whose raw files are in a folder, if its records are texts.
    pub fn stream_of_texts(&self, folder: &Path) -> Option<&str> {
        let folder = folder.canonicalize().ok()?;
        self.streams_of_texts().find(|stream| {
            let own = self.folder.join("raw_data").join(stream);
            own.canonicalize().is_ok_and(|own| own == folder)
        })
    }

    /// The texts of a stream, by their ids: of several copies the newest. What cannot be read is among them, with the
    /// reason; what is gone at the source by now is there as well.
    pub fn texts(&self, stream: &str) -> Vec<FetchedText> {
        let files = self.stream_files(stream);
        let mut newest = BTreeMap::new();
        let mut faults: Vec<FetchedText> = Vec::new();
        let mut fault = |name: &str, reason: String| {
            faults.push(FetchedText {
                name: name.to_owned(),
                link: None,
                text: Err(reason),
            });
        };
        for (name, reason) in &files.unreadable {
            fault(name, reason.clone());
        }
        for file in &files.files {
            read(file, &mut newest, &mut fault);
        }
        let texts = newest.into_values().map(|(_, text)| text);
        faults.into_iter().chain(texts).collect()
    }

    fn streams_of_texts(&self) -> impl Iterator<Item = &str> {
        let extractors = self.definitions.extractors.iter();
        let streams = extractors.flat_map(|extractor| &extractor.streams);
        let of_texts = streams.filter(|stream| stream.request.text.is_some());
        of_texts.map(|stream| stream.stream.text.as_str())
    }
}

type Newest = BTreeMap<String, (Option<i64>, FetchedText)>;

/// Adds the texts of a raw file.
fn read(file: &RawFile, newest: &mut Newest, fault: &mut dyn FnMut(&str, String)) {
    let read = raw::read(&file.path, file.format, &Layout::default(), &mut |chunk| {
        for unread in &chunk.faults {
            fault(
                &format!("{}:{}", file.name, unread.line),
                unread.reason.clone(),
            );
        }
        for record in &chunk.records {
            let place = format!("{}:{}", file.name, record.line);
            let json = &chunk.bytes[record.span.clone()];
            match serde_json::from_slice(json) {
                Ok(value) => match text_of(&value) {
                    Some((id, at, text)) => {
                        if newest.get(&id).is_none_or(|(known, _)| *known <= at) {
                            newest.insert(id, (at, text));
                        }
                    }
                    None => fault(&place, "the record has no text with an id".to_owned()),
                },
                Err(error) => fault(&place, format!("the record is not JSON: {error}")),
            }
        }
        true
    });
    if let Err(error) = read {
        fault(&file.name, format!("cannot be read: {error}"));
    }
}

/// The document of a record: its id, when it was fetched in microseconds since 1970, and the text.
fn text_of(record: &Value) -> Option<(String, Option<i64>, FetchedText)> {
    let extract = &record["_extract"];
    let of_parent = |name: &str| Some(extract["parent"][name].as_str()?.to_owned());
    let id = of_parent("id")?;
    let at: Option<jiff::Timestamp> = extract["at"].as_str().and_then(|at| at.parse().ok());
    let text = FetchedText {
        name: of_parent("name").unwrap_or_else(|| id.clone()),
        link: of_parent("link"),
        text: Ok(record["text"].as_str()?.to_owned()),
    };
    Some((id, at.map(jiff::Timestamp::as_microsecond), text))
}
