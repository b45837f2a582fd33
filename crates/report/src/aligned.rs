//! Rows as lines whose columns stand below each other, for people at a terminal.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

/// So many rows are looked at for how wide the columns are: an answer of any length needs no more memory.
const MEASURED: usize = 1_000;

/// Rows as lines; numbers stand to the right.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let mut widths = Vec::new();
    rows.iter().for_each(|row| widen(&mut widths, row));
    rows.iter().map(|row| line(row, &widths)).collect()
}

/// Writes rows as lines, as they come.
pub(crate) struct Lines<W> {
    target: W,
    widths: Vec<usize>,
    /// Rows that wait until the widths are known.
    waiting: Vec<Vec<String>>,
    is_measured: bool,
}

impl<W: Write> Lines<W> {
    pub(crate) fn new(heading: &[String], target: W) -> Self {
        let mut lines = Self {
            target,
            widths: Vec::new(),
            waiting: Vec::new(),
            is_measured: false,
        };
        lines.wait(heading.to_vec());
        lines
    }

    pub(crate) fn row(&mut self, row: Vec<String>) -> io::Result<()> {
        if self.is_measured {
            return self.target.write_all(line(&row, &self.widths).as_bytes());
        }
        self.wait(row);
        if self.waiting.len() > MEASURED {
            self.write_waiting()?;
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.write_waiting()?;
        Ok(self.target)
    }

    fn wait(&mut self, row: Vec<String>) {
        let row = row.iter().map(|cell| shown(cell)).collect::<Vec<_>>();
        widen(&mut self.widths, &row);
        self.waiting.push(row);
    }

    fn write_waiting(&mut self) -> io::Result<()> {
        self.is_measured = true;
        for row in std::mem::take(&mut self.waiting) {
            self.target.write_all(line(&row, &self.widths).as_bytes())?;
        }
        Ok(())
    }
}

fn widen(widths: &mut Vec<usize>, row: &[String]) {
    widths.resize(widths.len().max(row.len()), 0);
    for (width, cell) in widths.iter_mut().zip(row) {
        *width = cell.width().max(*width);
    }
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (place, (cell, width)) in row.iter().zip(widths).enumerate() {
        let padding = " ".repeat(width.saturating_sub(cell.width()));
        if place > 0 {
            line.push_str("  ");
        }
        let (first, second) = match is_number(cell) {
            true => (padding.as_str(), cell.as_str()),
            false => (cell.as_str(), padding.as_str()),
        };
        line += first;
        line += second;
    }
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

fn is_number(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits
            .chars()
            .all(|c| c.is_ascii_digit() || [',', '.'].contains(&c))
}

/// A cell on one line, with nothing in it that a terminal would obey.
fn shown(cell: &str) -> String {
    let mut shown = String::with_capacity(cell.len());
    for letter in cell.chars() {
        match letter.is_control() {
            true => shown.extend(letter.escape_default()),
            false => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn columns_line_up() {
        let rows = [
            cells(&["a", "1", "x"]),
            cells(&["long", "1,000", ""]),
            cells(&["", "-2.5", "日本"]),
            cells(&["日本", "no", "y"]),
        ];
        assert_eq!(
            aligned(&rows),
            "a         1  x\nlong  1,000\n       -2.5  日本\n日本  no     y\n"
        );
    }

    #[test]
    fn rows_are_measured_as_far_as_memory_goes() {
        let mut lines = Lines::new(&cells(&["n", "text"]), Vec::new());
        for _ in 0..MEASURED {
            lines.row(cells(&["1", "a\n\u{1b}[31mb"])).unwrap();
        }
        lines.row(cells(&["1234567", "wider"])).unwrap();
        let text = String::from_utf8(lines.finish().unwrap()).unwrap();
        assert_eq!(text.lines().next(), Some("n  text"));
        assert_eq!(text.lines().nth(1), Some("1  a\\n\\u{1b}[31mb"));
        assert_eq!(text.lines().last(), Some("1234567  wider"));
        assert_eq!(text.lines().count(), MEASURED + 2);
    }
}
