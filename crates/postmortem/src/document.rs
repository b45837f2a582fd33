//! Documents: of which kind a file is, and its text as blocks; and the documents in a zip, such as Google Drive exports.

use std::io::{Cursor, Read as _};

use zip::ZipArchive;

use crate::blocks::Block;
use crate::{docx, html, markdown};

/// The longest document that is read, in bytes: a postmortem is a few pages.
pub const LONGEST: usize = 8 << 20;

/// The most documents that a zip may hold.
const MOST: usize = 10_000;

/// The most that the documents of a zip may unpack to, in bytes.
const MOST_BYTES: u64 = 128 << 20;

/// The endings of the documents that are read.
pub const ENDINGS: [&str; 6] = ["md", "markdown", "txt", "html", "htm", "docx"];

/// A document taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub(crate) blocks: Vec<Block>,
    /// What is counted to say where something stands: `line`, or `paragraph` where a format has no lines.
    pub(crate) unit: &'static str,
}

impl Document {
    /// Takes a document apart, by the ending of its name. Why it cannot be is in words.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > LONGEST {
            return Err(format!("the document is longer than {} MiB", LONGEST >> 20));
        }
        let (blocks, unit) = match ending(name).as_str() {
            "docx" => (docx::blocks(bytes)?, "paragraph"),
            "html" | "htm" => (html::blocks(text_of(bytes)?), "paragraph"),
            "md" | "markdown" | "txt" => {
                let text = text_of(bytes)?.replace("\r\n", "\n");
                (markdown::blocks(&text), "line")
            }
            _ => return Err("the document is of a kind that is not read".to_owned()),
        };
        Ok(Self { blocks, unit })
    }
}

/// Whether a file of this name is a document that is read.
pub fn is_document(name: &str) -> bool {
    ENDINGS.contains(&ending(name).as_str())
}

/// A document in a zip: its name there, and its bytes, or why it cannot be had.
pub type Packed = (String, Result<Vec<u8>, String>);

/// The documents in a zip, in order; other files are skipped. A name there is only a name: nothing is unpacked to a path.
pub fn documents_of_zip(bytes: &[u8]) -> Result<Vec<Packed>, String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| format!("the zip cannot be read: {error}"))?;
    if archive.len() > MOST {
        return Err(format!("the zip holds more than {MOST} files"));
    }
    let mut left = MOST_BYTES;
    let mut documents = Vec::new();
    for place in 0..archive.len() {
        let file = archive
            .by_index(place)
            .map_err(|error| format!("the zip cannot be read: {error}"))?;
        let name = file.name().map(|name| name.into_owned());
        let name = name.map_err(|error| format!("the zip cannot be read: {error}"))?;
        if !file.is_file() || !is_document(&name) {
            continue;
        }
        let mut bytes = Vec::new();
        let read = file
            .take((LONGEST as u64 + 1).min(left))
            .read_to_end(&mut bytes);
        left -= bytes.len() as u64;
        if left == 0 {
            let most = MOST_BYTES >> 20;
            return Err(format!(
                "the documents of the zip unpack to more than {most} MiB"
            ));
        }
        let unpacked = read.map_err(|error| format!("it cannot be unpacked: {error}"));
        documents.push((name, unpacked.map(|_| bytes)));
    }
    documents.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(documents)
}

fn ending(name: &str) -> String {
    name.rsplit_once('.')
        .map_or(String::new(), |(_, ending)| ending.to_lowercase())
}

fn text_of(bytes: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        format!(
            "the document is not UTF-8: byte {} is none of it",
            error.valid_up_to() + 1
        )
    })?;
    Ok(text.trim_start_matches('\u{feff}'))
}
