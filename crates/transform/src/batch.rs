//! Rows on their way from the mapper to the store.

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// A whole number, or true (1) and false (0).
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text: where it stands in [`Batch::text`].
    Text {
        /// The first byte.
        start: u32,
        /// How many bytes.
        length: u32,
    },
}

/// The rows of some records of one file, and what could not become rows.
#[derive(Debug, Default)]
pub struct Batch {
    /// All texts, one behind the other.
    pub text: String,
    /// The cells of each table of the plan, row by row, with one cell for every column of the table.
    pub tables: Vec<Vec<Cell>>,
    /// The records, in order.
    pub records: Vec<RecordRows>,
    /// For each record and each table, the number of cells up to the record's end.
    pub ends: Vec<u32>,
    /// Records that gave no rows.
    pub rejects: Vec<Reject>,
    /// Things worth knowing of records that did.
    pub warnings: Vec<Warning>,
}

/// A record that became rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRows {
    /// Its line in the file.
    pub line: u64,
    /// When it was fetched, in microseconds since 1970; nothing for what people wrote.
    pub extracted_at: Option<i64>,
}

/// A record that could not become rows, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Its line in the file.
    pub line: u64,
    /// A stable name for the kind of fault.
    pub code: &'static str,
    /// The table, if one can be named.
    pub table: Option<String>,
    /// The column, if one can be named.
    pub column: Option<String>,
    /// What is wrong, and what was expected.
    pub reason: String,
    /// The beginning of the offending value, if there is one.
    pub value: Option<String>,
    /// The record as it came, or its beginning if it is very long.
    pub record: String,
}

/// A value that was loaded, but looks wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Its record's line in the file.
    pub line: u64,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// What is odd, and what may have been meant.
    pub reason: String,
    /// The value.
    pub value: String,
}

impl Batch {
    /// An empty batch for a plan of so many tables.
    pub fn new(tables: usize) -> Self {
        Self {
            tables: vec![Vec::new(); tables],
            ..Self::default()
        }
    }

    /// The words of a text cell; nothing for other cells.
    pub fn text_of(&self, cell: Cell) -> Option<&str> {
        match cell {
            Cell::Text { start, length } => {
                self.text.get(start as usize..(start + length) as usize)
            }
            _ => None,
        }
    }

    /// The cells that a record gave a table.
    pub fn cells(&self, record: usize, table: usize) -> &[Cell] {
        let count = self.tables.len();
        let start = if record == 0 {
            0
        } else {
            self.ends[(record - 1) * count + table]
        };
        &self.tables[table][start as usize..self.ends[record * count + table] as usize]
    }

    /// Appends text and gives its cell.
    pub fn push_text(&mut self, text: &str) -> Cell {
        self.text_since(self.text.len(), |out| out.push_str(text))
    }

    /// Appends whatever `write` writes, from `start` on, and gives its cell.
    pub(crate) fn text_since(&mut self, start: usize, write: impl FnOnce(&mut String)) -> Cell {
        write(&mut self.text);
        // A batch comes from a chunk of a few megabytes; texts past 4 GiB cannot come about.
        let start_at = u32::try_from(start).unwrap_or(u32::MAX);
        Cell::Text {
            start: start_at,
            length: u32::try_from(self.text.len() - start).unwrap_or(0),
        }
    }

    /// Marks the end of a record that gave rows.
    pub fn close_record(&mut self, rows: RecordRows) {
        self.records.push(rows);
        self.ends.extend(
            self.tables
                .iter()
                .map(|cells| u32::try_from(cells.len()).unwrap_or(u32::MAX)),
        );
    }

    /// Drops the cells since the last whole record.
    pub(crate) fn reopen_record(&mut self, text: usize) {
        self.text.truncate(text);
        let count = self.tables.len();
        let last = self
            .ends
            .len()
            .checked_sub(count)
            .map(|start| self.ends[start..].to_vec());
        for (index, cells) in self.tables.iter_mut().enumerate() {
            cells.truncate(last.as_ref().map_or(0, |ends| ends[index] as usize));
        }
    }
}

/// Cells as bytes that are the same only where all of their values are.
pub fn encode(cells: impl Iterator<Item = Cell>, batch: &Batch) -> Vec<u8> {
    let mut key = Vec::new();
    for cell in cells {
        match cell {
            Cell::Null => key.push(0),
            Cell::Integer(value) => {
                key.push(1);
                key.extend(value.to_le_bytes());
            }
            Cell::Real(value) => {
                key.push(2);
                key.extend(value.to_le_bytes());
            }
            Cell::Text { length, .. } => {
                key.push(3);
                key.extend(length.to_le_bytes());
                key.extend(batch.text_of(cell).unwrap_or_default().as_bytes());
            }
        }
    }
    key
}
