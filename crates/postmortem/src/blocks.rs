//! A document taken apart: headings, paragraphs, items of lists and rows of tables, each with its place. What they mean is
//! not known here, and neither is how a format writes them.

use crate::moments;

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// Where it is, from 1: its line, or the number of the piece where a format has no lines.
    pub(crate) place: usize,
    pub(crate) kind: BlockKind,
    /// Its words, on one line; of a row those of its cells, with ` | ` between them.
    pub(crate) text: String,
}

/// What a piece of a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BlockKind {
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

/// Puts blocks together from what a format's reader meets. Rows within a cell of another row are words of that cell.
#[derive(Default)]
pub(crate) struct Builder {
    blocks: Vec<Block>,
    /// The block that is being read.
    open: Option<Block>,
    /// How many rows we are in, one within the other.
    rows: usize,
    /// The cells of the outermost row.
    cells: Vec<String>,
    /// The cell that is being read.
    cell: Option<String>,
    /// Whether the table's next row is its first.
    is_first_row: bool,
}

impl Builder {
    /// The place of a block that begins now, where a format has no lines.
    pub(crate) fn next_place(&self) -> usize {
        self.blocks.len() + 1
    }

    /// A heading, a paragraph or an item begins.
    pub(crate) fn begin(&mut self, place: usize, kind: BlockKind) {
        if let Some(cell) = &mut self.cell {
            cell.push(' ');
            return;
        }
        // A paragraph in an item is the item's words.
        let in_item = matches!(&self.open, Some(open) if open.kind == BlockKind::Item && open.text.is_empty());
        if kind == BlockKind::Paragraph && in_item {
            return;
        }
        self.close();
        let text = String::new();
        self.open = Some(Block { place, kind, text });
    }

    /// Words of what is being read; a paragraph of their own where nothing is.
    pub(crate) fn text(&mut self, place: usize, words: &str) {
        if let Some(cell) = &mut self.cell {
            cell.push_str(words);
            return;
        }
        if self.open.is_none() && words.trim().is_empty() {
            return;
        }
        let open = self.open.get_or_insert_with(|| Block {
            place,
            kind: BlockKind::Paragraph,
            text: String::new(),
        });
        open.text.push_str(words);
    }

    /// A line ends within a paragraph: `Date: …` and the like stand on one each, so they are read apart.
    pub(crate) fn line_break(&mut self, next: usize) {
        if let Some(cell) = &mut self.cell {
            cell.push(' ');
        } else if let Some(open) = &self.open {
            let kind = open.kind.clone();
            self.close();
            self.begin(next, kind);
        }
    }

    /// What is being read ends.
    pub(crate) fn close(&mut self) {
        let Some(mut block) = self.open.take() else {
            return;
        };
        block.text = one_line(&block.text);
        if !block.text.is_empty() {
            self.blocks.push(block);
        }
    }

    pub(crate) fn begin_table(&mut self) {
        self.close();
        self.is_first_row |= self.rows == 0;
    }

    pub(crate) fn begin_row(&mut self) {
        self.rows += 1;
        if self.rows == 1 {
            self.cells.clear();
        }
    }

    pub(crate) fn begin_cell(&mut self) {
        match &mut self.cell {
            // The words of a table within a cell stand apart.
            Some(cell) => cell.push(' '),
            None if self.rows == 1 => self.cell = Some(String::new()),
            None => {}
        }
    }

    pub(crate) fn end_cell(&mut self) {
        if self.rows == 1
            && let Some(cell) = self.cell.take()
        {
            self.cells.push(one_line(&cell));
        }
    }

    /// A row ends. The first one of a table is its heading, unless it is an event.
    pub(crate) fn end_row(&mut self, place: usize) {
        self.rows = self.rows.saturating_sub(1);
        if self.rows > 0 {
            return;
        }
        let cells = std::mem::take(&mut self.cells);
        let has_time = cells
            .first()
            .is_some_and(|cell| !moments::times(cell).is_empty());
        let is_head = std::mem::take(&mut self.is_first_row) && !has_time;
        self.blocks.push(Block {
            place,
            text: cells.join(" | "),
            kind: match is_head {
                true => BlockKind::TableHead(cells),
                false => BlockKind::Row(cells),
            },
        });
    }

    pub(crate) fn finish(mut self) -> Vec<Block> {
        self.close();
        self.blocks
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
