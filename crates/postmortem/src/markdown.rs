//! Markdown, with tables and front matter, as blocks. Plain text is Markdown too, for what is asked of it here.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::blocks::{Block, BlockKind, Builder};

pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let (front, rest) = front_matter(text);
    let mut builder = Builder::default();
    for (place, line) in front.lines().enumerate().skip(1) {
        if line.contains(':') {
            builder.begin(place + 1, BlockKind::Paragraph);
            builder.text(place + 1, line);
            builder.close();
        }
    }
    let lines = Lines::of(text);
    let before = text.len() - rest.len();
    for (event, span) in Parser::new_ext(rest, Options::ENABLE_TABLES).into_offset_iter() {
        take(&mut builder, event, lines.at(before + span.start));
    }
    builder.finish()
}

fn take(builder: &mut Builder, event: Event<'_>, line: usize) {
    match event {
        Event::Start(Tag::Heading { level, .. }) => {
            builder.begin(line, BlockKind::Heading(level as u8));
        }
        Event::Start(Tag::Paragraph) => builder.begin(line, BlockKind::Paragraph),
        Event::Start(Tag::Item) => builder.begin(line, BlockKind::Item),
        Event::Start(Tag::Table(_)) => builder.begin_table(),
        Event::Start(Tag::TableHead | Tag::TableRow) => builder.begin_row(),
        Event::Start(Tag::TableCell) => builder.begin_cell(),
        Event::End(TagEnd::TableCell) => builder.end_cell(),
        Event::End(TagEnd::TableHead | TagEnd::TableRow) => builder.end_row(line),
        Event::Text(words) | Event::Code(words) => builder.text(line, &words),
        Event::SoftBreak | Event::HardBreak => builder.line_break(line + 1),
        Event::End(TagEnd::Heading(_) | TagEnd::Paragraph | TagEnd::Item) => builder.close(),
        _ => {}
    }
}

/// What stands between two lines `---` at the beginning, and the rest.
fn front_matter(text: &str) -> (&str, &str) {
    let Some(body) = text.strip_prefix("---\n") else {
        return ("", text);
    };
    match body.find("\n---\n") {
        Some(end) => text.split_at("---\n".len() + end + "\n---\n".len()),
        None => ("", text),
    }
}

/// Where the lines of a text begin, in bytes.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(breaks).collect())
    }

    fn at(&self, byte: usize) -> usize {
        self.0.partition_point(|begin| *begin <= byte)
    }
}
