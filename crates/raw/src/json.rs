//! JSON files: a list, one object, several values one after another, or a whole API response.
//!
//! Values are cut out by counting brackets, never held all at once, and each is handed on as text; whether it is
//! sound JSON is for whoever parses it.

use std::io::{self, BufRead};

use memchr::{memchr_iter, memchr2};

use crate::{MAX_RECORD, MAX_SKIPPED, Sink, endless, excerpt, lone_surrogate, sound};

pub(crate) fn read(
    input: &mut dyn BufRead,
    envelope: Option<&str>,
    sink: &mut Sink,
) -> io::Result<()> {
    let mut scanner = Scanner {
        input,
        line: 1,
        position: 0,
        begins: 0,
        gave_up: false,
    };
    loop {
        let goes_on = match (scanner.peek_past_space()?, envelope) {
            (None, _) => return Ok(()),
            (Some(b'['), _) => {
                scanner.next()?;
                scanner.elements(sink)?
            }
            (Some(b'{'), Some(envelope)) => scanner.object(envelope, sink)?,
            (Some(_), _) => scanner.value(sink)?,
        };
        if !goes_on || !sink.is_open() {
            return Ok(());
        }
    }
}

struct Scanner<'a> {
    input: &'a mut dyn BufRead,
    line: u64,
    /// How many bytes are behind us, and how many were where the value in hand begins.
    position: u64,
    begins: u64,
    /// Whether a value was so long that its end was not looked for any more.
    gave_up: bool,
}

/// Bytes at which something ends or begins, by value.
type Stops = [bool; 256];

/// What a number or a word ends before.
const SCALAR: Stops = stops(b" \t\n\x0c\r,]}[{\"");
/// What matters inside of a list or an object.
const STRUCTURE: Stops = stops(b"{}[]\"");

const fn stops(bytes: &[u8]) -> Stops {
    let mut stops = [false; 256];
    let mut place = 0;
    while place < bytes.len() {
        stops[bytes[place] as usize] = true;
        place += 1;
    }
    stops
}

/// What is open at a place inside of a value.
struct Open {
    /// So many lists and objects.
    depth: usize,
    in_text: bool,
    /// Whether the byte before, in a text, takes the meaning from the next one.
    escapes: bool,
}

impl Open {
    /// Behind the bracket that begins a list or an object.
    const NESTED: Self = Self {
        depth: 1,
        in_text: false,
        escapes: false,
    };
    /// Behind the quote that begins a text.
    const TEXT: Self = Self {
        depth: 0,
        in_text: true,
        escapes: false,
    };

    /// Goes through some bytes; says where all that was open is closed, if that is there.
    fn close(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if self.escapes {
                self.escapes = false;
                at += 1;
                continue;
            }
            let rest = &bytes[at..];
            let stop = if self.in_text {
                memchr2(b'"', b'\\', rest)
            } else {
                rest.iter().position(|byte| STRUCTURE[usize::from(*byte)])
            };
            at += stop? + 1;
            match bytes[at - 1] {
                b'\\' => self.escapes = true,
                b'"' => self.in_text = !self.in_text,
                b'{' | b'[' => self.depth += 1,
                _ => self.depth = self.depth.saturating_sub(1),
            }
            if self.depth == 0 && !self.in_text {
                return Some(at);
            }
        }
        None
    }
}

impl Scanner<'_> {
    /// The elements of a list whose `[` is behind us. Says whether reading can go on.
    fn elements(&mut self, sink: &mut Sink) -> io::Result<bool> {
        let opened = self.line;
        if self.peek_past_space()? == Some(b']') {
            self.next()?;
            return Ok(true);
        }
        loop {
            if self.peek_past_space()?.is_none() {
                sink.fault(opened, "a list is never closed: the file ends early", "");
                return Ok(false);
            }
            if !self.value(sink)? || !sink.is_open() {
                return Ok(false);
            }
            match self.peek_past_space()? {
                Some(b',') => self.next()?,
                Some(b']') => {
                    self.next()?;
                    return Ok(true);
                }
                Some(other) => {
                    let reason = format!(
                        "expected `,` or `]` behind a list's element, found `{}`; the rest of the file is not read",
                        char::from(other)
                    );
                    sink.fault(self.line, reason, "");
                    return Ok(false);
                }
                None => {
                    sink.fault(opened, "a list is never closed: the file ends early", "");
                    return Ok(false);
                }
            }
        }
    }

    /// One value, as a record.
    fn value(&mut self, sink: &mut Sink) -> io::Result<bool> {
        let line = self.line;
        self.begins = self.position;
        let mut text = Vec::new();
        let whole = self.capture(&mut text)?;
        self.finish(whole, text, line, sink)
    }

    /// An object: a record, unless it has the member `envelope` as a list, whose elements are the records then.
    fn object(&mut self, envelope: &str, sink: &mut Sink) -> io::Result<bool> {
        let line = self.line;
        let mut text = Vec::new();
        let mut unwrapped = false;
        self.begins = self.position;
        self.next()?;
        text.push(b'{');
        loop {
            match self.peek_past_space()? {
                Some(b'}') => {
                    self.next()?;
                    text.push(b'}');
                    break;
                }
                Some(b',') => {
                    self.next()?;
                    text.push(b',');
                }
                Some(b'"') => {
                    let key_start = text.len();
                    if !self.capture(&mut text)? {
                        return self.finish(false, text, line, sink);
                    }
                    let key_is_envelope =
                        text[key_start..] == *format!("\"{envelope}\"").as_bytes();
                    if self.peek_past_space()? == Some(b':') {
                        self.next()?;
                        text.push(b':');
                    }
                    if self.peek_past_space()? == Some(b'[') && key_is_envelope {
                        self.next()?;
                        unwrapped = true;
                        text.clear();
                        if !self.elements(sink)? {
                            return Ok(false);
                        }
                        self.begins = self.position;
                    } else if !self.capture(&mut text)? {
                        return self.finish(false, text, line, sink);
                    }
                }
                Some(_) if !unwrapped => {
                    // This is not how an object continues: take it whole, and let the parser say what is wrong.
                    let whole = self.capture_open(&mut text, Open::NESTED)?;
                    return self.finish(whole, text, line, sink);
                }
                _ => return self.finish(false, text, line, sink),
            }
        }
        if unwrapped {
            Ok(true)
        } else {
            self.finish(true, text, line, sink)
        }
    }

    /// Appends one value to `text`. Says whether it came to its end.
    fn capture(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        match self.peek_past_space()? {
            Some(b'{' | b'[') => {
                keep(text, self.take()?.as_slice());
                self.capture_open(text, Open::NESTED)
            }
            Some(b'"') => {
                keep(text, self.take()?.as_slice());
                self.capture_open(text, Open::TEXT)
            }
            Some(_) => {
                if !self.capture_scalar(text)? {
                    return Ok(false);
                }
                // A stray closing bracket must not be met again.
                if text.is_empty() {
                    keep(text, self.take()?.as_slice());
                }
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Appends the rest of what is open.
    fn capture_open(&mut self, text: &mut Vec<u8>, mut open: Open) -> io::Result<bool> {
        while !self.is_endless() {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(false);
            }
            let end = open.close(buffer);
            let count = end.unwrap_or(buffer.len());
            keep(text, &buffer[..count]);
            self.consume(count);
            if end.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn peek_past_space(&mut self) -> io::Result<Option<u8>> {
        loop {
            let buffer = self.input.fill_buf()?;
            let end = buffer.iter().position(|byte| !byte.is_ascii_whitespace());
            let (found, count) = (end.map(|end| buffer[end]), end.unwrap_or(buffer.len()));
            if found.is_some() || buffer.is_empty() {
                self.consume(count);
                return Ok(found);
            }
            self.consume(count);
        }
    }

    /// Appends a number or a word.
    fn capture_scalar(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        while !self.is_endless() {
            let buffer = self.input.fill_buf()?;
            let end = buffer.iter().position(|byte| SCALAR[usize::from(*byte)]);
            let count = end.unwrap_or(buffer.len());
            let is_over = end.is_some() || buffer.is_empty();
            keep(text, &buffer[..count]);
            self.consume(count);
            if is_over {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the value in hand is so long that its end is not looked for.
    fn is_endless(&mut self) -> bool {
        self.gave_up |= self.position - self.begins > MAX_SKIPPED;
        self.gave_up
    }

    /// Goes on by some bytes of the buffer.
    fn consume(&mut self, count: usize) {
        let lines = self
            .input
            .fill_buf()
            .map_or(0, |buffer| memchr_iter(b'\n', &buffer[..count]).count());
        self.line += lines as u64;
        self.position += count as u64;
        self.input.consume(count);
    }

    fn finish(&self, whole: bool, text: Vec<u8>, line: u64, sink: &mut Sink) -> io::Result<bool> {
        if self.gave_up {
            sink.fault(line, endless(), excerpt(&text));
            return Ok(false);
        }
        finish(whole, text, line, sink)
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn take(&mut self) -> io::Result<Option<u8>> {
        let byte = self.peek()?;
        self.next()?;
        Ok(byte)
    }

    fn next(&mut self) -> io::Result<()> {
        if self.peek()?.is_some() {
            self.consume(1);
        }
        Ok(())
    }
}

/// Appends bytes, but only one more than a record may have, so that it is seen to be too long.
fn keep(text: &mut Vec<u8>, bytes: &[u8]) {
    let room = (MAX_RECORD + 1).saturating_sub(text.len());
    text.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

fn finish(whole: bool, text: Vec<u8>, line: u64, sink: &mut Sink) -> io::Result<bool> {
    if !whole && text.len() <= MAX_RECORD {
        sink.fault(
            line,
            "the JSON is cut off: the file ends in the middle of a value",
            excerpt(&text),
        );
    } else if let Err(reason) = sound::fits(&text) {
        sink.fault(line, reason, excerpt(&text));
    } else {
        let mut text = text;
        if !sound::mend(&mut text).is_empty() {
            sink.mended(lone_surrogate(line, &text));
        }
        sink.record(&text, line);
    }
    Ok(whole)
}
