//! JSON files: a list, one object, several values one after another, or a whole API response.
//!
//! Values are cut out by counting brackets, never held all at once, and each is handed on as text; whether it is
//! sound JSON is for whoever parses it.

use std::io::{self, BufRead};

use crate::{MAX_RECORD, Sink, excerpt, lone_surrogate, sound};

pub(crate) fn read(
    input: &mut dyn BufRead,
    envelope: Option<&str>,
    sink: &mut Sink,
) -> io::Result<()> {
    let mut scanner = Scanner { input, line: 1 };
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
        let mut text = Vec::new();
        let whole = self.capture(&mut text)?;
        finish(whole, text, line, sink)
    }

    /// An object: a record, unless it has the member `envelope` as a list, whose elements are the records then.
    fn object(&mut self, envelope: &str, sink: &mut Sink) -> io::Result<bool> {
        let line = self.line;
        let mut text = Vec::new();
        let mut unwrapped = false;
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
                        return finish(false, text, line, sink);
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
                    } else if !self.capture(&mut text)? {
                        return finish(false, text, line, sink);
                    }
                }
                Some(_) if !unwrapped => {
                    // Not how an object goes on: take it whole, and let the parser say what is wrong.
                    let whole = self.capture_rest(&mut text, 1)?;
                    return finish(whole, text, line, sink);
                }
                _ => return finish(false, text, line, sink),
            }
        }
        if unwrapped {
            Ok(true)
        } else {
            finish(true, text, line, sink)
        }
    }

    /// Appends one value to `text`. Says whether it came to its end.
    fn capture(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        match self.peek_past_space()? {
            Some(b'{' | b'[') => {
                push(text, self.take()?);
                self.capture_rest(text, 1)
            }
            Some(b'"') => {
                push(text, self.take()?);
                self.capture_string(text)
            }
            Some(_) => {
                while let Some(byte) = self.peek()? {
                    if byte.is_ascii_whitespace()
                        || matches!(byte, b',' | b']' | b'}' | b'[' | b'{' | b'"')
                    {
                        break;
                    }
                    push(text, Some(byte));
                    self.next()?;
                }
                // A stray closing bracket must not be met again.
                if text.is_empty() {
                    push(text, self.take()?);
                }
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn capture_rest(&mut self, text: &mut Vec<u8>, mut depth: usize) -> io::Result<bool> {
        while let Some(byte) = self.take()? {
            push(text, Some(byte));
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(true);
                    }
                }
                b'"' if !self.capture_string(text)? => return Ok(false),
                _ => {}
            }
        }
        Ok(false)
    }

    fn capture_string(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        while let Some(byte) = self.take()? {
            push(text, Some(byte));
            match byte {
                b'"' => return Ok(true),
                b'\\' => push(text, self.take()?),
                _ => {}
            }
        }
        Ok(false)
    }

    fn peek_past_space(&mut self) -> io::Result<Option<u8>> {
        while let Some(byte) = self.peek()? {
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.next()?;
        }
        Ok(None)
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
        match self.peek()? {
            Some(b'\n') => self.line += 1,
            Some(_) => {}
            None => return Ok(()),
        }
        self.input.consume(1);
        Ok(())
    }
}

/// Keeps one byte more than a record may have, so that it is seen to be too long.
fn push(text: &mut Vec<u8>, byte: Option<u8>) {
    if let Some(byte) = byte.filter(|_| text.len() <= MAX_RECORD) {
        text.push(byte);
    }
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
