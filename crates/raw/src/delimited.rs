//! CSV: the first row names the columns, each further row is a record of texts.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use crate::{MAX_RECORD, Sink, too_long};

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
    let budget = Rc::new(Cell::new(MAX_RECORD));
    let input = Budgeted {
        input,
        left: Rc::clone(&budget),
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(input);

    let mut row = csv::ByteRecord::new();
    if !reader.read_byte_record(&mut row).map_err(into_io)? {
        return Ok(());
    }
    let names = match header(&row) {
        Ok(names) => names,
        Err(reason) => {
            sink.fault(1, reason, row_excerpt(&row));
            return Ok(());
        }
    };
    loop {
        budget.set(MAX_RECORD);
        if !reader.read_byte_record(&mut row).map_err(into_io)? {
            return Ok(());
        }
        let line = row.position().map_or(0, csv::Position::line);
        let fields: Result<Vec<&str>, _> = row.iter().map(std::str::from_utf8).collect();
        match fields {
            Err(_) => sink.fault(line, "the row is not valid UTF-8", row_excerpt(&row)),
            Ok(fields) if fields.len() != names.len() => {
                let reason = format!(
                    "the row has {} fields, the header has {}",
                    fields.len(),
                    names.len()
                );
                sink.fault(line, reason, row_excerpt(&row));
            }
            Ok(fields) => sink.record(&object(&names, &fields), line),
        }
        if !sink.is_open() {
            return Ok(());
        }
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

fn row_excerpt(row: &csv::ByteRecord) -> String {
    crate::excerpt(&row.iter().collect::<Vec<_>>().join(&b','))
}

fn into_io(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Stops a row that never ends, such as one with an unclosed quote, from filling the memory.
struct Budgeted<'a> {
    input: &'a mut dyn BufRead,
    left: Rc<Cell<usize>>,
}

impl Read for Budgeted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            return Err(io::Error::other(too_long()));
        }
        let count = self.input.read(buffer)?;
        self.left.set(self.left.get().saturating_sub(count));
        Ok(count)
    }
}
