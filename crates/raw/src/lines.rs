//! NDJSON: one record a line. The fast path, since the big streams use it: blocks are read whole and cut at
//! their last newline, and the lines are never copied.

use std::io::{self, BufRead, Read};

use memchr::{memchr, memchr_iter, memrchr};

use crate::{
    CHUNK, Chunk, MAX_RECORD, MAX_SKIPPED, Record, RecordFault, Sink, endless, excerpt,
    lone_surrogate, sound, too_long,
};

pub(crate) fn read(input: &mut dyn BufRead, sink: &mut Sink) -> io::Result<()> {
    let mut line = 1;
    let mut block = Vec::new();
    loop {
        let end = fill(input, &mut block);
        let rest = match memrchr(b'\n', &block) {
            Some(at) => block.split_off(at + 1),
            None if end.is_some() => std::mem::take(&mut block),
            None if block.len() > MAX_RECORD => {
                if !skip_line(input)? {
                    sink.fault(line, endless(), excerpt(&block));
                    return Ok(());
                }
                sink.fault(line, too_long(), excerpt(&block));
                block.clear();
                line += 1;
                continue;
            }
            // A line longer than a block: read on.
            None => continue,
        };
        line = emit(std::mem::replace(&mut block, rest), line, sink);
        match end {
            _ if !sink.is_open() => return Ok(()),
            None => {}
            Some(Ok(())) => {
                emit(block, line, sink);
                return Ok(());
            }
            // The lines before the place where the input broke are handed out; the one that it cut is not.
            Some(Err(error)) => return Err(error),
        }
    }
}

/// Reads about a chunk more, straight into the block. Says how the input ended, if it did.
fn fill(input: &mut dyn BufRead, block: &mut Vec<u8>) -> Option<io::Result<()>> {
    block.reserve(CHUNK);
    match input.take(CHUNK as u64).read_to_end(block) {
        Ok(CHUNK) => None,
        Ok(_) => Some(Ok(())),
        Err(error) => Some(Err(error)),
    }
}

/// Hands out the lines of a block and says the number of the line behind it.
fn emit(mut bytes: Vec<u8>, first_line: u64, sink: &mut Sink) -> u64 {
    // An empty stretch holds no line, not even an empty one.
    if bytes.is_empty() {
        return first_line;
    }
    let mut chunk = Chunk {
        records: Vec::with_capacity(bytes.len() / 512),
        ..Chunk::default()
    };
    let mut line = first_line;
    let mut start = 0;
    let lone = sound::mend(&mut bytes);
    let mut lone = lone.into_iter().peekable();
    // Looked at line by line only where something is wrong with the block.
    let sound = std::str::from_utf8(&bytes).is_ok();
    for end in
        memchr_iter(b'\n', &bytes).chain((bytes.last() != Some(&b'\n')).then_some(bytes.len()))
    {
        let content = bytes[start..end].trim_ascii();
        let fault = match sound {
            true if content.len() <= MAX_RECORD => Ok(()),
            _ => sound::fits(content),
        };
        if let Err(reason) = fault {
            chunk.faults.push(RecordFault {
                line,
                reason,
                excerpt: excerpt(content),
            });
        } else if !content.is_empty() {
            let span_start =
                start + (bytes[start..end].len() - bytes[start..end].trim_ascii_start().len());
            if lone.next_if(|at| *at < end).is_some() {
                while lone.next_if(|at| *at < end).is_some() {}
                chunk.mended.push(lone_surrogate(line, content));
            }
            chunk.records.push(Record {
                span: span_start..span_start + content.len(),
                line,
            });
        }
        start = end + 1;
        line += 1;
    }
    chunk.bytes = bytes;
    sink.whole_chunk(chunk);
    line
}

/// Goes behind the end of a line. Says whether it was found.
fn skip_line(input: &mut dyn BufRead) -> io::Result<bool> {
    let mut skipped = 0;
    loop {
        let available = input.fill_buf()?;
        if available.is_empty() {
            return Ok(true);
        }
        if skipped > MAX_SKIPPED {
            return Ok(false);
        }
        match memchr(b'\n', available) {
            Some(at) => {
                input.consume(at + 1);
                return Ok(true);
            }
            None => {
                let count = available.len();
                skipped += count as u64;
                input.consume(count);
            }
        }
    }
}
