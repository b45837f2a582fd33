//! YAML, as people write it: each item of a list, or each document, is a record.
//!
//! Such files are small; one is read whole, up to [`MAX_FILE`] bytes, so that a fault in one item can be skipped
//! and the next one read.

use std::io::{self, BufRead, Read};

use yaml::{Node, Value};

use crate::{Sink, excerpt};

/// The most bytes of YAML, unpacked, that one file may have.
const MAX_FILE: u64 = 32 << 20;

pub(crate) fn read(
    input: &mut dyn BufRead,
    envelope: Option<&str>,
    sink: &mut Sink,
) -> io::Result<()> {
    let mut bytes = Vec::new();
    let broken = input.take(MAX_FILE + 1).read_to_end(&mut bytes).err();
    if bytes.len() as u64 > MAX_FILE {
        let reason = format!(
            "a YAML file of more than {} MiB; split it, or bring it as `.ndjson`",
            MAX_FILE >> 20
        );
        sink.fault(0, reason, "");
        return Ok(());
    }
    let (text, invalid) = decode(&bytes);
    drop(bytes);
    yaml::for_each_item(&text, &mut |item| match item {
        Ok(node) => {
            let in_list = envelope.and_then(|name| node.get(name));
            match in_list.map(|node| &node.value) {
                Some(Value::List(items)) => items
                    .iter()
                    .for_each(|item| record(item, &text, &invalid, sink)),
                _ => record(&node, &text, &invalid, sink),
            }
        }
        Err(fault) => {
            let line = text
                .lines()
                .nth(fault.line.saturating_sub(1))
                .unwrap_or_default();
            let reason = if fault.item_line == fault.line {
                format!("cannot read the YAML: {}", fault.message)
            } else {
                format!(
                    "cannot read the YAML of this item: line {}: {}",
                    fault.line, fault.message
                )
            };
            sink.fault(fault.item_line as u64, reason, excerpt(line.as_bytes()));
        }
    });
    broken.map_or(Ok(()), Err)
}

fn record(node: &Node, text: &str, invalid: &[usize], sink: &mut Sink) {
    if let Some(at) = invalid.iter().find(|at| node.span.contains(at)) {
        let line = text[..*at].matches('\n').count() + 1;
        sink.fault(
            node.line as u64,
            format!("line {line} is not valid UTF-8"),
            excerpt(text[node.span.clone()].as_bytes()),
        );
        return;
    }
    let mut json = String::new();
    node.write_json(&mut json);
    sink.record(json.as_bytes(), node.line as u64);
}

/// The text, with a replacement character for each stretch that is not UTF-8, and where those are.
fn decode(bytes: &[u8]) -> (String, Vec<usize>) {
    let mut text = String::with_capacity(bytes.len());
    let mut invalid = Vec::new();
    for part in bytes.utf8_chunks() {
        text.push_str(part.valid());
        if !part.invalid().is_empty() {
            invalid.push(text.len());
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    (text, invalid)
}
