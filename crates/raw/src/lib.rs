//! Raw data: which files a stream has, and the records in them, each with its line.
//!
//! Files are read once from front to back, in chunks of about a megabyte, whatever their format and however they
//! are compressed, so that memory does not grow with the input. Whatever cannot be read becomes a [`RecordFault`] with its
//! line, and reading goes on behind it where that is possible. What a record means is not known here: a record is a
//! stretch of JSON text, checked by whoever parses it.

mod delimited;
mod files;
mod json;
mod lines;
mod names;
mod people;
pub mod sound;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

pub use files::{
    CompleteListing, Format, RawFile, StreamFiles, complete_listings, stream_files, time_in_name,
};

pub use names::plain_name;

/// No record may be longer, in bytes: a line without end must not fill the memory.
pub const MAX_RECORD: usize = 3 << 20;

/// How far the end of a record that is too long is looked for, in bytes. What comes behind that is not read, so that a
/// small file that unpacks to a huge one costs little.
const MAX_SKIPPED: u64 = 256 << 20;

/// About how many bytes of records a chunk holds.
const CHUNK: usize = 256 << 10;

/// How many bytes a file is read ahead. Whoever reads more at once gets it straight from the file.
const BUFFER: usize = 16 << 10;

/// A record's place in a chunk and in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where its JSON stands in [`Chunk::bytes`].
    pub span: Range<usize>,
    /// The line of the file on which it starts, from 1.
    pub line: u64,
}

/// Something in a file that could not be read as a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordFault {
    /// The line of the file, from 1; 0 where the file as a whole is meant.
    pub line: u64,
    /// What is wrong, and what was expected.
    pub reason: String,
    /// The beginning of what stands there.
    pub excerpt: String,
}

/// Some records of a file, in order.
#[derive(Debug, Default)]
pub struct Chunk {
    /// The JSON of the records, one behind the other.
    pub bytes: Vec<u8>,
    /// Where each record is.
    pub records: Vec<Record>,
    /// What could not be read.
    pub faults: Vec<RecordFault>,
    /// What was read otherwise than it is written, so that nothing of it is lost.
    pub mended: Vec<RecordFault>,
}

/// What is known of a file once it has been read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// Bytes on disk.
    pub size: u64,
    /// XXH3 (64 bits) of the bytes on disk: it shows whether the file changed, not who wrote it.
    pub hash: u64,
}

/// How the records of a stream lie in its files.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// The member that holds the records where a file holds a whole API response.
    pub envelope: Option<String>,
    /// The members of a record that columns of a CSV file are looked up for; all other columns are members as they are.
    pub members: Vec<CsvMember>,
}

/// A member of a record that a CSV file's header must have, or may call otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvMember {
    /// Its name in the record, and in the header where nothing else is said.
    pub name: String,
    /// Whether a file without it is read at all.
    pub is_needed: bool,
    /// The setting that may say what the header calls it.
    pub setting: Option<String>,
    /// What that setting says.
    pub called: Option<String>,
}

/// Reads a file and hands out its records chunk by chunk. `emit` says whether to go on.
///
/// Only a failure to open or read the file itself is an error; what is wrong inside it comes as faults.
pub fn read(
    path: &Path,
    format: Format,
    layout: &Layout,
    emit: &mut dyn FnMut(Chunk) -> bool,
) -> io::Result<Fingerprint> {
    let mut source = HashingReader {
        file: open_regular(path)?,
        hash: Xxh3::new(),
        size: 0,
    };
    let mut sink = Sink {
        emit,
        chunk: Chunk::default(),
        open: true,
    };
    if let Err(error) = read_decompressed(&mut source, path, format, layout, &mut sink) {
        sink.fault(0, format!("cannot be read further: {error}"), String::new());
    }
    sink.flush();
    if sink.open {
        // Whatever stopped the reading, the hash is that of the whole file.
        io::copy(&mut source, &mut io::sink())?;
    }
    Ok(Fingerprint {
        size: source.size,
        hash: source.hash.digest(),
    })
}

/// The fingerprint of a file, without looking at what it holds.
pub fn fingerprint(path: &Path) -> io::Result<Fingerprint> {
    let mut source = HashingReader {
        file: open_regular(path)?,
        hash: Xxh3::new(),
        size: 0,
    };
    io::copy(&mut source, &mut io::sink())?;
    Ok(Fingerprint {
        size: source.size,
        hash: source.hash.digest(),
    })
}

fn read_decompressed(
    source: &mut HashingReader,
    path: &Path,
    format: Format,
    layout: &Layout,
    sink: &mut Sink,
) -> io::Result<()> {
    let name = path.to_string_lossy();
    let mut input: Box<dyn BufRead + '_> = if name.ends_with(".gz") {
        let packed = BufReader::with_capacity(BUFFER, source);
        let unpacked = flate2::bufread::MultiGzDecoder::new(packed);
        Box::new(BufReader::with_capacity(BUFFER, unpacked))
    } else if name.ends_with(".zst") {
        Box::new(BufReader::with_capacity(
            BUFFER,
            zstd::Decoder::new(source)?,
        ))
    } else {
        Box::new(BufReader::with_capacity(BUFFER, source))
    };
    skip_byte_order_mark(&mut input)?;
    let envelope = layout.envelope.as_deref();
    match format {
        Format::Ndjson => lines::read(&mut input, sink),
        Format::Json => json::read(&mut input, envelope, sink),
        Format::Yaml => people::read(&mut input, envelope, sink),
        Format::Csv => delimited::read(&mut input, &layout.members, sink),
    }
}

/// Opens a file for reading, but nothing that would make us wait or that has no content of its own.
fn open_regular(path: &Path) -> io::Result<File> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other(
            "not a regular file (a pipe, a socket or a device)",
        ));
    }
    File::open(path)
}

fn skip_byte_order_mark(input: &mut dyn BufRead) -> io::Result<()> {
    if input.fill_buf()?.starts_with(b"\xEF\xBB\xBF") {
        input.consume(3);
    }
    Ok(())
}

/// Counts and hashes what is read.
struct HashingReader {
    file: File,
    hash: Xxh3,
    size: u64,
}

impl Read for HashingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.size += count as u64;
        Ok(count)
    }
}

/// Where the formats put what they find.
struct Sink<'a> {
    emit: &'a mut dyn FnMut(Chunk) -> bool,
    chunk: Chunk,
    open: bool,
}

impl Sink<'_> {
    /// Adds a record that is not in the chunk yet.
    fn record(&mut self, json: &[u8], line: u64) {
        let start = self.chunk.bytes.len();
        self.chunk.bytes.extend_from_slice(json);
        self.chunk.records.push(Record {
            span: start..self.chunk.bytes.len(),
            line,
        });
        if self.chunk.bytes.len() >= CHUNK {
            self.flush();
        }
    }

    fn fault(&mut self, line: u64, reason: impl Into<String>, excerpt: impl Into<String>) {
        self.chunk.faults.push(RecordFault {
            line,
            reason: reason.into(),
            excerpt: excerpt.into(),
        });
        if self.chunk.faults.len() >= 1000 {
            self.flush();
        }
    }

    fn mended(&mut self, fault: RecordFault) {
        self.chunk.mended.push(fault);
    }

    fn flush(&mut self) {
        let chunk = std::mem::take(&mut self.chunk);
        self.whole_chunk(chunk);
    }

    fn whole_chunk(&mut self, chunk: Chunk) {
        if self.open
            && !(chunk.records.is_empty() && chunk.faults.is_empty() && chunk.mended.is_empty())
        {
            self.open = (self.emit)(chunk);
        }
    }

    /// Whether anybody still listens.
    fn is_open(&self) -> bool {
        self.open
    }
}

/// The first characters of some bytes, for a message.
fn excerpt(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned()
}

fn too_long() -> String {
    format!("a record is longer than {} MiB", MAX_RECORD >> 20)
}

fn endless() -> String {
    format!(
        "a record does not end within {} MiB: nothing behind it was read",
        MAX_SKIPPED >> 20
    )
}

fn lone_surrogate(line: u64, json: &[u8]) -> RecordFault {
    RecordFault {
        line,
        reason: "half of a surrogate pair stands alone; it is read as U+FFFD".to_owned(),
        excerpt: excerpt(json),
    }
}

fn not_utf8() -> String {
    "the record is not valid UTF-8".to_owned()
}

#[cfg(test)]
mod tests;
