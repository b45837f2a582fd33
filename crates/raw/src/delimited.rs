//! CSV: the first row names the columns, each further row is a record of texts.

use std::io::{self, BufRead};

use crate::{MAX_RECORD, Sink, excerpt, too_long};

pub(crate) fn read(input: &mut dyn BufRead, sink: &mut Sink) -> io::Result<()> {
    // Spreadsheets of some countries separate by semicolons.
    let first_line = input
        .fill_buf()?
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let delimiter = if first_line.contains(&b';') && !first_line.contains(&b',') {
        b';'
    } else {
        b','
    };
    let mut names: Option<Vec<String>> = None;
    let mut rows = Rows::new(delimiter);
    while let Some(line) = rows.next(input)? {
        match (&names, rows.fault()) {
            (_, Some(reason)) => sink.fault(line, reason, excerpt(&rows.bytes)),
            (None, None) => match header(&fields(&rows.bytes, delimiter)?) {
                Ok(found) => names = Some(found),
                Err(reason) => {
                    sink.fault(line, reason, excerpt(&rows.bytes));
                    return Ok(());
                }
            },
            (Some(names), None) => {
                record(
                    names,
                    &fields(&rows.bytes, delimiter)?,
                    line,
                    &rows.bytes,
                    sink,
                );
            }
        }
        if !sink.is_open() {
            return Ok(());
        }
    }
    Ok(())
}

fn record(names: &[String], row: &csv::ByteRecord, line: u64, bytes: &[u8], sink: &mut Sink) {
    let fields: Result<Vec<&str>, _> = row.iter().map(std::str::from_utf8).collect();
    match fields {
        Err(_) => sink.fault(line, "the row is not valid UTF-8", excerpt(bytes)),
        Ok(fields) if fields.len() != names.len() => {
            let reason = format!(
                "the row has {} fields, the header has {}",
                fields.len(),
                names.len()
            );
            sink.fault(line, reason, excerpt(bytes));
        }
        Ok(fields) => sink.record(&object(names, &fields), line),
    }
}

/// The fields of one row.
fn fields(row: &[u8], delimiter: u8) -> io::Result<csv::ByteRecord> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(row);
    let mut fields = csv::ByteRecord::new();
    reader.read_byte_record(&mut fields).map_err(into_io)?;
    Ok(fields)
}

/// Finds where rows begin and end, by the quotes in them (RFC 4180, section 2). The parser of fields would take the end
/// of the file for that of a quote, and its line numbers count neither empty lines nor line breaks as people do.
struct Rows {
    delimiter: u8,
    /// The row in hand, its line break not with it; cut off where it is too long.
    bytes: Vec<u8>,
    too_long: bool,
    state: State,
    /// The line on which the next byte stands.
    line: u64,
    /// Whether the last byte was a carriage return, which a line feed belongs to.
    returned: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quote in a quoted field: its end, or the first of two.
    QuoteInQuoted,
}

impl Rows {
    fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            bytes: Vec::new(),
            too_long: false,
            state: State::FieldStart,
            line: 1,
            returned: false,
        }
    }

    /// Reads the next row into `bytes` and gives the line on which it begins. Empty lines are passed over.
    fn next(&mut self, input: &mut dyn BufRead) -> io::Result<Option<u64>> {
        self.bytes.clear();
        self.too_long = false;
        self.state = State::FieldStart;
        let mut begins = self.line;
        loop {
            let buffer = input.fill_buf()?;
            if buffer.is_empty() {
                return Ok((!self.bytes.is_empty()).then_some(begins));
            }
            let mut used = 0;
            let mut ended = false;
            for byte in buffer {
                used += 1;
                let breaks = self.breaks(*byte);
                if breaks && self.state != State::Quoted {
                    if self.bytes.is_empty() {
                        begins = self.line;
                        continue;
                    }
                    ended = true;
                    break;
                }
                self.take(*byte);
            }
            input.consume(used);
            if ended {
                return Ok(Some(begins));
            }
        }
    }

    /// What is wrong with the row in hand.
    fn fault(&self) -> Option<String> {
        if self.too_long {
            return Some(too_long());
        }
        let open = self.state == State::Quoted;
        open.then(|| "a quote in this row is never closed: nothing behind it was read".to_owned())
    }

    /// Counts lines, and says whether a byte is a line break.
    fn breaks(&mut self, byte: u8) -> bool {
        let follows = byte == b'\n' && self.returned;
        self.returned = byte == b'\r';
        let breaks = matches!(byte, b'\n' | b'\r');
        self.line += u64::from(breaks && !follows);
        breaks
    }

    fn take(&mut self, byte: u8) {
        if self.bytes.len() < MAX_RECORD {
            self.bytes.push(byte);
        } else {
            self.too_long = true;
        }
        self.state = match (self.state, byte) {
            (State::FieldStart, b'"') | (State::QuoteInQuoted, b'"') => State::Quoted,
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::Quoted, _) => State::Quoted,
            (_, byte) if byte == self.delimiter => State::FieldStart,
            _ => State::Plain,
        };
    }
}

fn header(row: &csv::ByteRecord) -> Result<Vec<String>, String> {
    let mut names: Vec<String> = Vec::new();
    for (index, field) in row.iter().enumerate() {
        let name = std::str::from_utf8(field)
            .map_err(|_| "the header is not valid UTF-8".to_owned())?
            .trim();
        if name.is_empty() {
            return Err(format!("column {} has no name in the header", index + 1));
        }
        if names.iter().any(|known| known == name) {
            return Err(format!("the header names `{name}` twice"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

fn object(names: &[String], fields: &[&str]) -> Vec<u8> {
    let mut json = String::from("{");
    for (index, (name, field)) in names.iter().zip(fields).enumerate() {
        if index > 0 {
            json.push(',');
        }
        yaml::write_json_text(name, &mut json);
        json.push(':');
        yaml::write_json_text(field, &mut json);
    }
    json.push('}');
    json.into_bytes()
}

fn into_io(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
