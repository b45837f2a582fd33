//! CSV: the first row names the columns, each further row is a record of texts. What spreadsheets write is taken as they
//! write it: separators of other countries, the line `sep=;`, columns and rows that hold nothing.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead};

use diagnostics::nearest;
use memchr::memchr3;

use crate::{
    CsvMember, MAX_RECORD, MAX_SKIPPED, RecordFault, Sink, endless, excerpt, plain_name, too_long,
};

/// What may part the fields of a row: the first of those that the header has the most of.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

pub(crate) fn read(
    input: &mut dyn BufRead,
    members: &[CsvMember],
    sink: &mut Sink,
) -> io::Result<()> {
    let first = input.fill_buf()?;
    let declared = declared(first);
    let separator = match declared {
        Some((separator, length)) => {
            input.consume(length);
            separator
        }
        None => separator(first),
    };
    let mut columns: Option<Vec<Column>> = None;
    let mut rows = Rows::new(separator);
    rows.line += u64::from(declared.is_some());
    let mut cells = Cells::new(separator);
    while let Some(line) = rows.next(input)? {
        if let Some(reason) = rows.fault() {
            sink.fault(line, reason, excerpt(&rows.bytes));
            if rows.skipped > MAX_SKIPPED {
                return Ok(());
            }
        } else {
            cells.take(&rows.bytes);
            match &columns {
                _ if cells.are_empty() => {}
                None => match header(&cells, members) {
                    Ok((found, absent)) => {
                        columns = Some(found);
                        for reason in absent {
                            sink.mended(RecordFault {
                                line,
                                reason,
                                excerpt: excerpt(&rows.bytes),
                            });
                        }
                    }
                    Err(reason) => {
                        sink.fault(line, reason, excerpt(&rows.bytes));
                        return Ok(());
                    }
                },
                Some(columns) => match object(columns, &cells) {
                    Ok(record) => sink.record(&record, line),
                    Err(reason) => sink.fault(line, reason, excerpt(&rows.bytes)),
                },
            }
        }
        if !sink.is_open() {
            return Ok(());
        }
    }
    Ok(())
}

/// The separator that a first line `sep=;` declares, as spreadsheets write and obey it, and how long that line is.
fn declared(first: &[u8]) -> Option<(u8, usize)> {
    let end = first
        .iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))?;
    let length = end + 1 + usize::from(first[end..].starts_with(b"\r\n"));
    let line = first[..end].trim_ascii_end();
    let line = line
        .strip_prefix(b"\"")
        .and_then(|line| line.strip_suffix(b"\""))
        .unwrap_or(line);
    // `sep=` and a tab has lost it by trimming.
    match (
        line.get(..4)?.to_ascii_lowercase().as_slice(),
        line.get(4..)?,
    ) {
        (b"sep=", [separator]) => Some((*separator, length)),
        (b"sep=", []) if first[..end].contains(&b'\t') => Some((b'\t', length)),
        _ => None,
    }
}

/// The separator that the header has the most of, outside quotes.
fn separator(first: &[u8]) -> u8 {
    let mut counts = [0; SEPARATORS.len()];
    let (mut is_quoted, mut is_start) = (false, true);
    for byte in first {
        let place = SEPARATORS.iter().position(|known| known == byte);
        match (byte, place) {
            // A quote inside of a field opens nothing.
            (b'"', _) if is_quoted || is_start => is_quoted = !is_quoted,
            _ if is_quoted => continue,
            (b'\n' | b'\r', _) if !is_start => break,
            (_, Some(place)) => counts[place] += 1,
            _ => {}
        }
        is_start = place.is_some() || is_start && matches!(byte, b'\n' | b'\r');
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let place = counts.iter().position(|count| *count == most);
    SEPARATORS[place.unwrap_or(0)]
}

/// The fields of a row, taken apart in buffers that are used again.
struct Cells {
    parser: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

impl Cells {
    fn new(separator: u8) -> Self {
        Self {
            parser: csv_core::ReaderBuilder::new().delimiter(separator).build(),
            text: Vec::new(),
            ends: vec![0; 64],
            count: 0,
        }
    }

    /// Takes a row apart, which has no line break at its end.
    fn take(&mut self, row: &[u8]) {
        self.parser.reset();
        // No field is longer than what it is written in.
        self.text.resize(row.len().max(1), 0);
        self.count = 0;
        let (mut read, mut written) = (0, 0);
        loop {
            let (result, n_read, n_written, n_ends) = self.parser.read_record(
                &row[read..],
                &mut self.text[written..],
                &mut self.ends[self.count..],
            );
            read += n_read;
            written += n_written;
            self.count += n_ends;
            match result {
                // The end of the input, which is asked for once more, ends the row.
                csv_core::ReadRecordResult::InputEmpty => {}
                csv_core::ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                csv_core::ReadRecordResult::OutputEndsFull => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                csv_core::ReadRecordResult::Record | csv_core::ReadRecordResult::End => return,
            }
        }
    }

    fn get(&self, index: usize) -> &[u8] {
        let begin = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[begin..self.ends[index]]
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.count).map(|index| self.get(index))
    }

    /// Whether the row has nothing but separators.
    fn are_empty(&self) -> bool {
        self.iter().all(|cell| cell.trim_ascii().is_empty())
    }
}

/// Finds where rows begin and end, by the quotes in them (RFC 4180, section 2). The parser of fields would take the end
/// of the file for that of a quote, and its line numbers count neither empty lines nor line breaks as people do.
struct Rows {
    delimiter: u8,
    /// The row in hand, its line break not with it; cut off where it is too long.
    bytes: Vec<u8>,
    /// How many bytes were cut off.
    skipped: u64,
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
            skipped: 0,
            state: State::FieldStart,
            line: 1,
            returned: false,
        }
    }

    /// Reads the next row into `bytes` and gives the line on which it begins. Empty lines are skipped.
    fn next(&mut self, input: &mut dyn BufRead) -> io::Result<Option<u64>> {
        self.bytes.clear();
        self.skipped = 0;
        self.state = State::FieldStart;
        let mut begins = self.line;
        loop {
            let buffer = input.fill_buf()?;
            if buffer.is_empty() {
                return Ok((!self.bytes.is_empty()).then_some(begins));
            }
            let mut used = 0;
            let mut ended = false;
            while used < buffer.len() {
                let plain = self.plain(&buffer[used..]);
                if plain > 0 {
                    self.keep(&buffer[used..used + plain]);
                    self.returned = false;
                    used += plain;
                    continue;
                }
                let byte = buffer[used];
                used += 1;
                let breaks = self.breaks(byte);
                if breaks && self.state != State::Quoted {
                    if self.bytes.is_empty() {
                        begins = self.line;
                        continue;
                    }
                    ended = true;
                    break;
                }
                self.take(byte);
            }
            input.consume(used);
            if ended || self.skipped > MAX_SKIPPED {
                return Ok(Some(begins));
            }
        }
    }

    /// What is wrong with the row in hand.
    fn fault(&self) -> Option<String> {
        if self.skipped > MAX_SKIPPED {
            return Some(endless());
        }
        if self.skipped > 0 {
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

    /// How many bytes follow that neither end a row nor change what the next ones mean.
    fn plain(&self, bytes: &[u8]) -> usize {
        let end = match self.state {
            State::Plain => memchr3(self.delimiter, b'\n', b'\r', bytes),
            State::Quoted => memchr3(b'"', b'\n', b'\r', bytes),
            State::FieldStart | State::QuoteInQuoted => return 0,
        };
        end.unwrap_or(bytes.len())
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_RECORD.saturating_sub(self.bytes.len());
        let kept = bytes.len().min(room);
        self.bytes.extend_from_slice(&bytes[..kept]);
        self.skipped += (bytes.len() - kept) as u64;
    }

    fn take(&mut self, byte: u8) {
        self.keep(&[byte]);
        self.state = match (self.state, byte) {
            (State::FieldStart, b'"') | (State::QuoteInQuoted, b'"') => State::Quoted,
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::Quoted, _) => State::Quoted,
            (_, byte) if byte == self.delimiter => State::FieldStart,
            _ => State::Plain,
        };
    }
}

/// The members of a record that a column gives, as JSON; none for a column without a name, which spreadsheets leave
/// behind.
type Column = Vec<String>;

/// The columns, and what is missing that the file can be read without.
fn header(cells: &Cells, members: &[CsvMember]) -> Result<(Vec<Column>, Vec<String>), String> {
    let mut names: Vec<String> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (place, cell) in cells.iter().enumerate() {
        let name =
            std::str::from_utf8(cell).map_err(|_| "the header is not valid UTF-8".to_owned())?;
        let name = plain_name(name).into_owned();
        if !name.is_empty() && known.insert(name.clone(), place).is_some() {
            return Err(format!("the header names `{name}` twice"));
        }
        names.push(name);
    }
    let mut columns = vec![Vec::new(); names.len()];
    let (mut taken, mut absent) = (HashSet::new(), Vec::new());
    for member in members {
        let called = member.called.as_deref().map(plain_name);
        let other = called.as_ref().and_then(|name| known.get(&**name));
        let own = known.get(&member.name);
        let place = match (other, own) {
            (Some(other), Some(own)) if other != own => {
                return Err(format!(
                    "the header has `{}` and `{}`, and `{}` says that both are `{}`",
                    names[*other],
                    names[*own],
                    member.setting.as_deref().unwrap_or_default(),
                    member.name
                ));
            }
            (Some(place), _) | (None, Some(place)) => *place,
            (None, None) if member.is_needed => return Err(missing(member, &names)),
            (None, None) => {
                if called.is_some() {
                    absent.push(missing(member, &names));
                }
                continue;
            }
        };
        taken.insert(place);
        columns[place].push(json_text(&member.name));
    }
    for (place, name) in names.iter().enumerate() {
        if !name.is_empty() && !taken.contains(&place) {
            columns[place].push(json_text(name));
        }
    }
    Ok((columns, absent))
}

/// Says that a column is missing, what the header has, and which may have been meant.
fn missing(member: &CsvMember, names: &[String]) -> String {
    /// So many columns are named, and so much of the name of each.
    const SHOWN: (usize, usize) = (8, 40);
    let name = member.called.as_deref().unwrap_or(&member.name);
    let said = match (&member.called, &member.setting) {
        (Some(_), Some(setting)) => format!(", which `{setting}` names"),
        _ => String::new(),
    };
    let named: Vec<&String> = names.iter().filter(|name| !name.is_empty()).collect();
    let mut shown: Vec<String> = named
        .iter()
        .take(SHOWN.0)
        .map(|name| format!("`{}`", name.chars().take(SHOWN.1).collect::<String>()))
        .collect();
    if named.len() > SHOWN.0 {
        shown.push(format!("{} more", named.len() - SHOWN.0));
    }
    // `Response ID` is meant where `response_id` is asked for.
    let words = |name: &str| name.to_lowercase().replace([' ', '-', '_', '.'], "");
    let same = names
        .iter()
        .find(|other| words(other) == words(name))
        .map(String::as_str);
    let near = same.or_else(|| nearest(name, names.iter().map(String::as_str)));
    let near_hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    let setting_hint = match (&member.setting, near) {
        (Some(setting), Some(near)) => format!(" set `{setting}='{near}'`"),
        (Some(setting), None) => format!("; set `{setting}` to what the header calls it"),
        (None, _) => String::new(),
    };
    format!(
        "the header has no column `{name}`{said}; it has {}{near_hint}{setting_hint}",
        shown.join(", ")
    )
}

fn json_text(text: &str) -> String {
    let mut json = String::new();
    yaml::write_json_text(text, &mut json);
    json
}

/// A row as a JSON object. Fields without a column, or in one without a name, may only be empty.
fn object(columns: &[Column], cells: &Cells) -> Result<Vec<u8>, String> {
    let widths = || {
        let fields = if cells.count == 1 { "field" } else { "fields" };
        let expected = columns.len();
        format!(
            "the row has {} {fields}, the header has {expected}",
            cells.count
        )
    };
    if columns
        .iter()
        .skip(cells.count)
        .any(|column| !column.is_empty())
    {
        return Err(widths());
    }
    let mut json = String::from("{");
    for (index, cell) in cells.iter().enumerate() {
        let cell =
            std::str::from_utf8(cell).map_err(|_| "the row is not valid UTF-8".to_owned())?;
        let members = columns.get(index);
        for member in members.into_iter().flatten() {
            if json.len() > 1 {
                json.push(',');
            }
            json.push_str(member);
            json.push(':');
            yaml::write_json_text(cell, &mut json);
        }
        match members {
            Some(members) if !members.is_empty() => {}
            _ if cell.trim().is_empty() => {}
            Some(_) => {
                return Err(format!(
                    "column {} has no name in the header, and a value here",
                    index + 1
                ));
            }
            None => return Err(widths()),
        }
    }
    json.push('}');
    Ok(json.into_bytes())
}
