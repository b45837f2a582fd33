//! Answers as bytes: CSV for files, JSON for machines, Markdown for people to paste, lines for a terminal.
//!
//! Each writer takes the columns, then row after row, so that an answer of any length needs little memory. What comes out
//! depends only on the values: the same answer gives the same bytes. SQL is not known here.

use std::collections::BTreeSet;
use std::io::{self, Write};

use store::Value;

use crate::aligned::Lines;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a header row and CRLF.
    Csv,
    /// The same for people's spreadsheets: text that one would run as a formula is made harmless.
    CsvForSpreadsheets,
    /// A list of objects, one a row.
    Json,
    /// A table as GitHub-flavoured Markdown has it.
    Markdown,
    /// Lines whose columns stand below each other.
    Lines,
}

/// Writes one answer.
pub struct Writer<W: Write> {
    out: Out<W>,
    columns: Vec<String>,
    rows: u64,
}

enum Out<W: Write> {
    /// The writer, and how it shows a value.
    Csv(Box<csv::Writer<W>>, fn(&Value) -> String),
    Json(W),
    Markdown(W),
    Lines(Lines<W>),
}

impl<W: Write> Writer<W> {
    /// Begins an answer with these columns.
    pub fn new(format: Format, columns: &[String], target: W) -> io::Result<Self> {
        let out = match format {
            Format::Csv | Format::CsvForSpreadsheets => {
                let mut writer = csv::WriterBuilder::new()
                    .terminator(csv::Terminator::CRLF)
                    .from_writer(target);
                writer.write_record(columns)?;
                let show = match format {
                    Format::CsvForSpreadsheets => harmless,
                    _ => text,
                };
                Out::Csv(Box::new(writer), show)
            }
            Format::Json => {
                let mut seen = BTreeSet::new();
                if let Some(twice) = columns.iter().find(|name| !seen.insert(*name)) {
                    return Err(io::Error::other(format!(
                        "two columns are called `{twice}`, of which JSON would keep one: give one another name, `… as other`"
                    )));
                }
                let mut target = target;
                target.write_all(b"[")?;
                Out::Json(target)
            }
            Format::Markdown => {
                let mut target = target;
                let names: Vec<String> = columns.iter().map(|name| markdown(name)).collect();
                writeln!(target, "| {} |", names.join(" | "))?;
                writeln!(target, "|{}", " --- |".repeat(columns.len()))?;
                Out::Markdown(target)
            }
            Format::Lines => Out::Lines(Lines::new(columns, target)),
        };
        Ok(Self {
            out,
            columns: columns.to_vec(),
            rows: 0,
        })
    }

    /// Adds a row.
    pub fn row(&mut self, values: &[Value]) -> io::Result<()> {
        match &mut self.out {
            Out::Csv(writer, show) => writer.write_record(values.iter().map(show))?,
            Out::Json(target) => {
                let separator = if self.rows == 0 { "\n  " } else { ",\n  " };
                let members: Vec<String> = self
                    .columns
                    .iter()
                    .zip(values)
                    .map(|(name, value)| {
                        format!(
                            "{}: {}",
                            serde_json::Value::from(name.as_str()),
                            json(value)
                        )
                    })
                    .collect();
                write!(target, "{separator}{{{}}}", members.join(", "))?;
            }
            Out::Markdown(target) => {
                let cells: Vec<String> =
                    values.iter().map(|value| markdown(&text(value))).collect();
                writeln!(target, "| {} |", cells.join(" | "))?;
            }
            Out::Lines(lines) => lines.row(values.iter().map(text).collect())?,
        }
        self.rows += 1;
        Ok(())
    }

    /// Ends the answer and gives back what it was written to.
    pub fn finish(self) -> io::Result<W> {
        match self.out {
            Out::Csv(writer, _) => writer.into_inner().map_err(csv::IntoInnerError::into_error),
            Out::Json(mut target) => {
                target.write_all(if self.rows == 0 { b"]\n" } else { b"\n]\n" })?;
                Ok(target)
            }
            Out::Markdown(target) => Ok(target),
            Out::Lines(lines) => lines.finish(),
        }
    }
}

/// A value as text, in a cell: nothing for no value; numbers as short as they read back the same, without exponent.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        // Minus zero would make two equal answers differ.
        Value::Real(value) => (value + 0.0).to_string(),
        Value::Text(text) => text.clone(),
    }
}

/// The same; text that a spreadsheet would take for a formula begins with an apostrophe, which it takes for a sign of text
/// (OWASP, CSV Injection). A number is a number in text too.
fn harmless(value: &Value) -> String {
    let shown = text(value);
    let is_formula = matches!(value, Value::Text(_))
        && shown.starts_with(['=', '+', '-', '@', '\t', '\r'])
        && shown.parse::<f64>().is_err();
    if is_formula {
        format!("'{shown}")
    } else {
        shown
    }
}

/// A value as JSON.
pub(crate) fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Boolean(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::Real(value) => (value + 0.0).into(),
        Value::Text(text) => text.as_str().into(),
    }
}

/// Text that stays in its cell, and is shown rather than obeyed.
fn markdown(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(format: Format, rows: &[Vec<Value>]) -> String {
        let columns = ["name".to_owned(), "n".to_owned()];
        let mut writer = Writer::new(format, &columns, Vec::new()).unwrap();
        for row in rows {
            writer.row(row).unwrap();
        }
        String::from_utf8(writer.finish().unwrap()).unwrap()
    }

    fn rows() -> Vec<Vec<Value>> {
        vec![
            vec![
                Value::Text("a \"b\", c\nd|<script>".into()),
                Value::Real(1.5),
            ],
            vec![Value::Null, Value::Integer(-3)],
            vec![Value::Boolean(true), Value::Real(-0.0)],
            vec![Value::Text("ö".into()), Value::Real(12.0)],
        ]
    }

    #[test]
    fn csv_is_rfc_4180() {
        assert_eq!(
            write(Format::Csv, &rows()),
            "name,n\r\n\"a \"\"b\"\", c\nd|<script>\",1.5\r\n,-3\r\ntrue,0\r\nö,12\r\n"
        );
        assert_eq!(write(Format::Csv, &[]), "name,n\r\n");
    }

    #[test]
    fn json_is_a_list_of_objects() {
        let parsed: serde_json::Value =
            serde_json::from_str(&write(Format::Json, &rows())).unwrap();
        assert_eq!(parsed[0]["name"], "a \"b\", c\nd|<script>");
        assert_eq!(parsed[1], serde_json::json!({"name": null, "n": -3}));
        assert_eq!(write(Format::Json, &[]), "[]\n");
        let twice = ["a", "b", "a"].map(str::to_owned);
        let fault = Writer::new(Format::Json, &twice, Vec::new()).err().unwrap();
        assert!(
            fault.to_string().contains("two columns are called `a`"),
            "{fault}"
        );
    }

    #[test]
    fn markdown_keeps_cells_apart() {
        let text = write(Format::Markdown, &rows());
        assert_eq!(text.lines().next(), Some("| name | n |"));
        assert_eq!(
            text.lines().nth(2),
            Some("| a \"b\", c d\\|&lt;script> | 1.5 |")
        );
        assert_eq!(text.lines().count(), 6);
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        let cells = |format| {
            let columns = ["a".to_owned()];
            let mut writer = Writer::new(format, &columns, Vec::new()).unwrap();
            for text in [
                "=1+1", "+cmd", "-x", "@SUM(A1)", "\t=1", "\r=1", "-12.5", "a=b", "'",
            ] {
                writer.row(&[Value::Text(text.into())]).unwrap();
            }
            writer.row(&[Value::Integer(-5)]).unwrap();
            String::from_utf8(writer.finish().unwrap()).unwrap()
        };
        assert_eq!(
            cells(Format::CsvForSpreadsheets),
            "a\r\n'=1+1\r\n'+cmd\r\n'-x\r\n'@SUM(A1)\r\n'\t=1\r\n\"'\r=1\"\r\n-12.5\r\na=b\r\n'\r\n-5\r\n"
        );
        assert!(cells(Format::Csv).contains("\r\n=1+1\r\n"));
    }
}
