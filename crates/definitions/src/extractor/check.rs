//! Whether an extractor's parts hang together, and the extractors with each other and with the mappers; and the order
//! in which streams are fetched.

use std::collections::{HashMap, HashSet};

use diagnostics::{Diagnostic, nearest};

use super::{
    Extractor, Parent, Part, Request, StreamExtraction, Template, base_url, is_header_name,
};
use crate::{Mapper, SourceName, StreamName, Word, name};

/// Adds the faults, and puts each stream behind those that it needs.
pub(crate) fn check(
    extractors: &mut [Extractor],
    mappers: &[Mapper],
    faults: &mut Vec<Diagnostic>,
) {
    let mut sources: HashMap<SourceName, String> = HashMap::new();
    let mut streams: HashMap<StreamName, String> = HashMap::new();
    for extractor in extractors {
        let path = extractor.text.path.clone();
        if let Some(first) = sources.insert(extractor.source.text.clone(), path.clone()) {
            faults.push(at(
                extractor,
                &extractor.source,
                "extractor-duplicate",
                format!("the source `{}` has two extractors", extractor.source.text),
                format!("the other is `{first}`"),
            ));
        }
        source_parts(extractor, faults);
        for stream in &extractor.streams {
            if let Some(first) = streams.insert(stream.stream.text.clone(), path.clone()) {
                let message = format!("the stream `{}` is fetched twice", stream.stream.text);
                faults.push(at(
                    extractor,
                    &stream.stream,
                    "extractor-stream-twice",
                    message,
                    format!("the other is in `{first}`"),
                ));
            }
            let name = &*stream.stream.text;
            if !mappers.iter().any(|mapper| *mapper.stream.text == *name) {
                let message = format!("nothing reads the stream `{name}`: no mapper is for it");
                let word = &stream.stream;
                let mut fault = at(extractor, word, "extractor-unread", message, String::new());
                fault.severity = diagnostics::Severity::Warning;
                faults.push(fault.hint(format!("add `definitions/mappers/{name}.yaml`")));
            }
            plain_name(extractor, &stream.stream, faults);
            stream_alone(extractor, stream, faults);
        }
        order(extractor, faults);
    }
}

/// What is said of the source as a whole: its base URL, headers and settings.
fn source_parts(extractor: &Extractor, faults: &mut Vec<Diagnostic>) {
    if let Err(reason) = base_url(&extractor.base_url.text) {
        let word = &extractor.base_url;
        let message = "no token can be sent to this base URL".to_owned();
        faults.push(at(extractor, word, "extractor-base-url", message, reason));
    }
    for (header, template) in &extractor.headers {
        names(extractor, template, &[], faults);
        if !is_header_name(&header.text) {
            let message = format!("`{}` is not the name of a header", header.text);
            let expected = "expected a name such as `Accept`".to_owned();
            faults.push(at(extractor, header, "extractor-header", message, expected));
        }
    }
    for setting in &extractor.settings {
        let name = &setting.name;
        let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let begins_well = name.text.starts_with(|c: char| c.is_ascii_uppercase());
        if !begins_well || !name.text.chars().all(plain) {
            let message = format!("`{}` is not the name of a setting", name.text);
            let expected = "expected capitals, digits and `_`".to_owned();
            faults.push(at(extractor, name, "extractor-setting", message, expected));
        }
    }
}

fn stream_alone(extractor: &Extractor, stream: &StreamExtraction, faults: &mut Vec<Diagnostic>) {
    request(extractor, &stream.request, stream.parent.as_ref(), faults);
    if let Some(changed) = &stream.changed {
        request(extractor, &changed.request, Some(&changed.by), faults);
    }
}

fn request(
    extractor: &Extractor,
    request: &Request,
    parent: Option<&Parent>,
    faults: &mut Vec<Diagnostic>,
) {
    let values: Vec<&str> = parent
        .map(|parent| {
            parent
                .values
                .iter()
                .map(|(name, _)| name.as_str())
                .collect()
        })
        .unwrap_or_default();
    names(extractor, &request.path, &values, faults);
    for (_, template) in &request.query {
        names(extractor, template, &values, faults);
    }
}

/// Every place to fill must have something to fill it.
fn names(
    extractor: &Extractor,
    template: &Template,
    values: &[&str],
    faults: &mut Vec<Diagnostic>,
) {
    for part in &template.parts {
        let (name, known, what) = match part {
            Part::Text(_) => continue,
            Part::Setting(name) => {
                let known: Vec<&str> = extractor
                    .settings
                    .iter()
                    .map(|setting| setting.name.text.as_str())
                    .collect();
                (name, known, "is not among the `settings`")
            }
            Part::Value(name) | Part::ValueWithSlashes(name) => {
                (name, values.to_vec(), "is not a value of the parent")
            }
        };
        if known.contains(&name.as_str()) {
            continue;
        }
        let expected = if known.is_empty() {
            "there are none".to_owned()
        } else {
            format!("expected one of {}", known.join(", "))
        };
        let mut fault = at(
            extractor,
            &template.word,
            "extractor-unknown-name",
            format!("`{name}` {what}"),
            expected,
        );
        if let Some(near) = nearest(name, known) {
            fault = fault.hint(format!("did you mean `{near}`?"));
        }
        faults.push(fault);
    }
}

/// Sources and streams name settings, folders and files.
fn plain_name(extractor: &Extractor, word: &Word<StreamName>, faults: &mut Vec<Diagnostic>) {
    if !name::is_plain(&word.text) {
        let message = format!(
            "`{}` is not the name of a stream that is fetched",
            word.text
        );
        let expected = name::PLAIN.to_owned();
        faults.push(at(extractor, word, "extractor-name", message, expected));
    }
}

/// Puts each stream behind those that it needs; reports what is not there and what goes in a circle.
fn order(extractor: &mut Extractor, faults: &mut Vec<Diagnostic>) {
    let known: Vec<StreamName> = extractor
        .streams
        .iter()
        .map(|stream| stream.stream.text.clone())
        .collect();
    for stream in &extractor.streams {
        for needed in needs(stream) {
            if !known.contains(&needed.text) {
                let message = format!("`{}` is not a stream of this extractor", needed.text);
                let mut fault = at(
                    extractor,
                    needed,
                    "extractor-unknown-stream",
                    message,
                    format!("expected one of {}", joined(&known)),
                );
                if let Some(near) = nearest(&needed.text, known.iter().map(StreamName::as_str)) {
                    fault = fault.hint(format!("did you mean `{near}`?"));
                }
                faults.push(fault);
            }
        }
    }
    let mut waiting = std::mem::take(&mut extractor.streams);
    let mut placed: HashSet<StreamName> = HashSet::new();
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|stream| {
            needs(stream)
                .all(|needed| placed.contains(&needed.text) || !known.contains(&needed.text))
        });
        let next = ready.unwrap_or_else(|| {
            let stream = &waiting[0].stream;
            let message = format!("`{}` needs a stream that needs it", stream.text);
            faults.push(at(
                extractor,
                stream,
                "extractor-circle",
                message,
                String::new(),
            ));
            0
        });
        let stream = waiting.remove(next);
        placed.insert(stream.stream.text.clone());
        extractor.streams.push(stream);
    }
}

fn joined(names: &[StreamName]) -> String {
    let names: Vec<&str> = names.iter().map(StreamName::as_str).collect();
    names.join(", ")
}

fn needs(stream: &StreamExtraction) -> impl Iterator<Item = &Word<StreamName>> {
    let parent = stream.parent.as_ref().map(|parent| &parent.stream);
    let changed = stream.changed.as_ref().map(|changed| &changed.by.stream);
    parent.into_iter().chain(changed)
}

fn at<T>(
    extractor: &Extractor,
    word: &Word<T>,
    code: &'static str,
    message: String,
    expected: String,
) -> Diagnostic {
    Diagnostic::error(code, message).at(&extractor.text, word.span.clone(), expected)
}
