//! A document taken apart: headings, paragraphs, items of lists and rows of tables, each with its line. What they mean is
//! not known here.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The line on which it begins, from 1.
    pub line: usize,
    /// What it is.
    pub kind: BlockKind,
    /// Its words, on one line; of a row those of its cells, with ` | ` between them.
    pub text: String,
}

/// What a piece of a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockKind {
    /// A heading, 1 for the highest.
    Heading(u8),
    /// A paragraph, or a line of one.
    Paragraph,
    /// An item of a list.
    Item,
    /// The heading row of a table.
    TableHead(Vec<String>),
    /// A row of a table.
    Row(Vec<String>),
}

/// Takes Markdown apart. Plain text is Markdown too, for what is asked of it here.
pub fn of_markdown(text: &str) -> Vec<Block> {
    let (front, rest) = front_matter(text);
    let mut blocks: Vec<Block> = front
        .lines()
        .enumerate()
        .skip(1)
        .filter(|(_, line)| line.contains(':'))
        .map(|(place, line)| Block {
            line: place + 1,
            kind: BlockKind::Paragraph,
            text: line.trim().to_owned(),
        })
        .collect();
    let lines = Lines::of(text);
    let before = text.len() - rest.len();
    let mut reader = Reader {
        blocks: &mut blocks,
        open: None,
        cells: Vec::new(),
        in_head: false,
    };
    for (event, span) in Parser::new_ext(rest, Options::ENABLE_TABLES).into_offset_iter() {
        reader.take(event, lines.at(before + span.start));
    }
    reader.close();
    blocks
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

struct Reader<'b> {
    blocks: &'b mut Vec<Block>,
    /// The block that is being read.
    open: Option<Block>,
    /// The cells of the row that is being read.
    cells: Vec<String>,
    in_head: bool,
}

impl Reader<'_> {
    fn take(&mut self, event: Event<'_>, line: usize) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                self.begin(line, BlockKind::Heading(level as u8));
            }
            Event::Start(Tag::Paragraph) if self.open.is_none() => {
                self.begin(line, BlockKind::Paragraph);
            }
            Event::Start(Tag::Item) => self.begin(line, BlockKind::Item),
            Event::Start(Tag::TableHead | Tag::TableRow) => {
                self.close();
                self.cells.clear();
                self.in_head = matches!(event, Event::Start(Tag::TableHead));
            }
            Event::Start(Tag::TableCell) => self.begin(line, BlockKind::Paragraph),
            Event::End(TagEnd::TableCell) => {
                let cell = self.open.take().map_or(String::new(), |cell| cell.text);
                self.cells.push(one_line(&cell));
            }
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => {
                let cells = std::mem::take(&mut self.cells);
                self.blocks.push(Block {
                    line,
                    text: cells.join(" | "),
                    kind: match self.in_head {
                        true => BlockKind::TableHead(cells),
                        false => BlockKind::Row(cells),
                    },
                });
            }
            Event::Text(words) | Event::Code(words) => self.add(line, &words),
            // Lines of a paragraph are read apart: `**Date**: …` and the like stand on one each.
            Event::SoftBreak | Event::HardBreak => {
                if let Some(open) = self.open.take() {
                    let kind = open.kind.clone();
                    self.open = Some(open);
                    self.close();
                    self.begin(line + 1, kind);
                }
            }
            Event::End(TagEnd::Heading(_) | TagEnd::Paragraph | TagEnd::Item | TagEnd::Table) => {
                self.close();
            }
            _ => {}
        }
    }

    fn begin(&mut self, line: usize, kind: BlockKind) {
        self.close();
        let text = String::new();
        self.open = Some(Block { line, kind, text });
    }

    fn add(&mut self, line: usize, words: &str) {
        let open = self.open.get_or_insert_with(|| Block {
            line,
            kind: BlockKind::Paragraph,
            text: String::new(),
        });
        open.text.push_str(words);
    }

    fn close(&mut self) {
        let Some(mut block) = self.open.take() else {
            return;
        };
        block.text = one_line(&block.text);
        if !block.text.is_empty() {
            self.blocks.push(block);
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
