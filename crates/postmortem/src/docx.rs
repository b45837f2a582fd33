//! Word's `.docx` as blocks: a zip with the text in `word/document.xml` (ECMA-376, part 1, chapter 17).

use std::io::{Cursor, Read as _};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use crate::blocks::{Block, BlockKind, Builder};

/// The longest text that is unpacked, in bytes: XML is many times as long as what it says.
const LONGEST: u64 = 64 << 20;

pub(crate) fn blocks(bytes: &[u8]) -> Result<Vec<Block>, String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| format!("it is no `.docx`, which is a zip: {error}"))?;
    let part = archive
        .by_name("word/document.xml")
        .map_err(|error| format!("it has no `word/document.xml`: {error}"))?;
    let mut xml = Vec::new();
    let read = part.take(LONGEST + 1).read_to_end(&mut xml);
    read.map_err(|error| format!("its text cannot be unpacked: {error}"))?;
    if xml.len() as u64 > LONGEST {
        return Err(format!(
            "its text unpacks to more than {} MiB",
            LONGEST >> 20
        ));
    }
    let mut reader = Reader::from_reader(xml.as_slice());
    let mut builder = Builder::default();
    let mut in_text = false;
    loop {
        let event = reader.read_event().map_err(|error| {
            format!(
                "its text is no XML at byte {}: {error}",
                reader.error_position()
            )
        })?;
        match event {
            Event::Start(element) | Event::Empty(element)
                if element.local_name().as_ref() == "t" =>
            {
                in_text = true;
            }
            Event::Start(element) => start(&mut builder, &element),
            Event::Empty(element) => empty(&mut builder, &element),
            Event::Text(words) if in_text => {
                let place = builder.next_place();
                builder.text(place, &words);
            }
            Event::GeneralRef(name) if in_text => {
                let place = builder.next_place();
                builder.text(place, entity(&name));
            }
            Event::End(element) => match element.local_name().as_ref() {
                "t" => in_text = false,
                "p" => builder.close(),
                "tc" => builder.end_cell(),
                "tr" => builder.end_row(builder.next_place()),
                _ => {}
            },
            Event::Eof => return Ok(builder.finish()),
            _ => {}
        }
    }
}

fn start(builder: &mut Builder, element: &BytesStart<'_>) {
    let place = builder.next_place();
    match element.local_name().as_ref() {
        "p" => builder.begin(place, BlockKind::Paragraph),
        "tbl" => builder.begin_table(),
        "tr" => builder.begin_row(),
        "tc" => builder.begin_cell(),
        // `w:numPr` is the mark of a list.
        "numPr" => builder.begin(place, BlockKind::Item),
        _ => empty(builder, element),
    }
}

fn empty(builder: &mut Builder, element: &BytesStart<'_>) {
    let place = builder.next_place();
    match element.local_name().as_ref() {
        "br" | "cr" => builder.line_break(place + 1),
        "tab" => builder.text(place, " "),
        "pStyle" => {
            if let Some(level) = style(element).and_then(|style| level(&style)) {
                builder.begin(place, BlockKind::Heading(level));
            }
        }
        _ => {}
    }
}

fn style(element: &BytesStart<'_>) -> Option<String> {
    let attribute = element
        .attributes()
        .flatten()
        .find(|one| one.key.local_name().as_ref() == "val")?;
    Some(attribute.value.to_string())
}

/// The level of a style such as `Heading2`; a title stands above all headings.
fn level(style: &str) -> Option<u8> {
    if style == "Title" {
        return Some(1);
    }
    style.strip_prefix("Heading")?.trim().parse().ok()
}

/// What a reference in the text stands for (XML 1.0, section 4.6).
fn entity(name: &str) -> &'static str {
    match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => " ",
    }
}
