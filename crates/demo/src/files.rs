//! Writing: folders, parts of streams with their markers, and single files. Every file is written under a temporary
//! name and then renamed; only its owner can read it. What stands in the files is decided elsewhere.

use std::fmt::{self, Write as _};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use crate::time::Time;
use crate::{Compression, Error, Written};

/// Records in one file of a stream.
pub(crate) const RECORDS_A_PART: u64 = 100_000;
/// Records that one page of an API brings; they share the moment at which they were extracted.
const RECORDS_A_PAGE: u64 = 100;

/// Where files go, and what to call for each file written.
pub(crate) struct Output<'a> {
    project: &'a Path,
    compression: Compression,
    progress: &'a mut dyn FnMut(&Written),
    written: Vec<Written>,
}

impl<'a> Output<'a> {
    /// Writes below the folder `project`, which is made if need be.
    pub(crate) fn new(
        project: &'a Path,
        compression: Compression,
        progress: &'a mut dyn FnMut(&Written),
    ) -> Self {
        Self {
            project,
            compression,
            progress,
            written: Vec::new(),
        }
    }

    /// Every file written, in the order of writing.
    pub(crate) fn into_written(self) -> Vec<Written> {
        self.written
    }

    /// Writes a whole text as one file; `records` is the number reported for it.
    pub(crate) fn text(&mut self, path: &str, text: &str, records: u64) -> Result<(), Error> {
        let mut file = self.open(path, Compression::None)?;
        file.write(text.as_bytes())?;
        self.close(file, records)
    }

    /// Begins a file under a temporary name.
    pub(crate) fn open(&self, path: &str, compression: Compression) -> Result<OpenFile, Error> {
        OpenFile::create(self.project, Path::new(path), compression)
    }

    /// Ends a file, gives it its name and reports it.
    pub(crate) fn close(&mut self, file: OpenFile, records: u64) -> Result<(), Error> {
        let written = file.finish(self.project, records)?;
        (self.progress)(&written);
        self.written.push(written);
        Ok(())
    }
}

/// A file being written under a temporary name.
pub(crate) struct OpenFile {
    path: PathBuf,
    temporary: PathBuf,
    sink: Sink,
}

enum Sink {
    Plain(BufWriter<File>),
    Zstd(zstd::Encoder<'static, BufWriter<File>>),
}

impl OpenFile {
    fn create(project: &Path, path: &Path, compression: Compression) -> Result<Self, Error> {
        let whole = project.join(path);
        let (Some(folder), Some(name)) = (whole.parent(), whole.file_name()) else {
            return Err(Error::io(&whole, io::ErrorKind::InvalidInput.into()));
        };
        fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        let temporary = folder.join(format!(".{}.partial", name.to_string_lossy()));
        let file = private(&temporary).map_err(|error| Error::io(&temporary, error))?;
        let buffered = BufWriter::with_capacity(1 << 18, file);
        let sink = match compression {
            Compression::None => Sink::Plain(buffered),
            // Level 1: benchmarks wait for it, and these texts repeat so much that more gains little.
            Compression::Zstd => Sink::Zstd(
                zstd::Encoder::new(buffered, 1).map_err(|error| Error::io(&temporary, error))?,
            ),
        };
        Ok(Self {
            path: path.to_path_buf(),
            temporary,
            sink,
        })
    }

    /// Adds bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let result = match &mut self.sink {
            Sink::Plain(file) => file.write_all(bytes),
            Sink::Zstd(encoder) => encoder.write_all(bytes),
        };
        result.map_err(|error| Error::io(&self.temporary, error))
    }

    fn finish(self, project: &Path, records: u64) -> Result<Written, Error> {
        let temporary = self.temporary;
        let at_temporary = |error| Error::io(&temporary, error);
        let mut buffered = match self.sink {
            Sink::Plain(file) => file,
            Sink::Zstd(encoder) => encoder.finish().map_err(at_temporary)?,
        };
        buffered.flush().map_err(at_temporary)?;
        let bytes = buffered.get_ref().metadata().map_err(at_temporary)?.len();
        let whole = project.join(&self.path);
        fs::rename(&temporary, &whole).map_err(|error| Error::io(&whole, error))?;
        Ok(Written {
            path: self.path,
            records,
            bytes,
        })
    }
}

/// Makes a file that only its owner can read and write.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// One extraction of one stream: the parts of its records, and the marker if it was listed whole.
pub(crate) struct StreamWriter {
    stream: &'static str,
    started: Time,
    part: Option<OpenFile>,
    names: Vec<String>,
    in_part: u64,
    records: u64,
    line: String,
}

impl StreamWriter {
    /// The extraction of `stream` that began at `started`.
    pub(crate) fn new(stream: &'static str, started: Time) -> Self {
        Self {
            stream,
            started,
            part: None,
            names: Vec::new(),
            in_part: 0,
            records: 0,
            line: String::new(),
        }
    }

    /// Adds a record: `render` writes one JSON object, and the member `_extract` is added to it. `parent` is a JSON
    /// object of what the address said and the record does not.
    pub(crate) fn record(
        &mut self,
        output: &mut Output<'_>,
        parent: Option<&str>,
        render: impl FnOnce(&mut String) -> fmt::Result,
    ) -> Result<(), Error> {
        self.line.clear();
        render(&mut self.line)?;
        self.line.pop();
        let page = self.records / RECORDS_A_PAGE;
        let at = moment(self.started, page);
        write!(self.line, r#","_extract":{{"at":"{at}""#)?;
        if let Some(parent) = parent {
            write!(self.line, r#","parent":{parent}"#)?;
        }
        self.line.push_str("}}\n");
        if self.in_part == RECORDS_A_PART {
            self.close_part(output)?;
        }
        let part = match self.part.take() {
            Some(part) => part,
            None => self.next_part(output)?,
        };
        let part = self.part.insert(part);
        part.write(self.line.as_bytes())?;
        self.in_part += 1;
        self.records += 1;
        Ok(())
    }

    /// Adds a record of which there are few, from a value.
    pub(crate) fn value(
        &mut self,
        output: &mut Output<'_>,
        parent: Option<&serde_json::Value>,
        record: &serde_json::Value,
    ) -> Result<(), Error> {
        let parent = parent.map(ToString::to_string);
        self.record(output, parent.as_deref(), |line| write!(line, "{record}"))
    }

    /// Ends an extraction that asked only for what was new.
    pub(crate) fn finish(mut self, output: &mut Output<'_>) -> Result<(), Error> {
        self.close_part(output)
    }

    /// Ends an extraction that listed the stream whole, and says so in its marker.
    pub(crate) fn finish_whole(mut self, output: &mut Output<'_>) -> Result<(), Error> {
        self.close_part(output)?;
        let marker = serde_json::json!({
            "stream": self.stream,
            "started_at": moment(self.started, 0).to_string(),
            "finished_at": moment(self.started, self.records / RECORDS_A_PAGE + 1).to_string(),
            "files": self.names,
            "records": self.records,
        });
        let path = format!(
            "raw_data/{}/{}.complete.json",
            self.stream,
            stamp(self.started)
        );
        output.text(&path, &format!("{marker}\n"), 0)
    }

    fn next_part(&self, output: &Output<'_>) -> Result<OpenFile, Error> {
        let name = self.part_name(output.compression);
        output.open(
            &format!("raw_data/{}/{name}", self.stream),
            output.compression,
        )
    }

    fn part_name(&self, compression: Compression) -> String {
        let ending = match compression {
            Compression::None => "",
            Compression::Zstd => ".zst",
        };
        format!(
            "{}-{:04}.ndjson{ending}",
            stamp(self.started),
            self.names.len() + 1
        )
    }

    fn close_part(&mut self, output: &mut Output<'_>) -> Result<(), Error> {
        if let Some(part) = self.part.take() {
            self.names.push(self.part_name(output.compression));
            output.close(part, self.in_part)?;
            self.in_part = 0;
        }
        Ok(())
    }
}

/// The form in which names of files hold a time.
fn stamp(time: Time) -> String {
    time.to_string().replace(':', "-")
}

/// When a page was fetched, to the microsecond: about ten pages a second, as the vendors' rate limits allow.
fn moment(started: Time, page: u64) -> Moment {
    let uneven = crate::random::scramble(page) % 40_000;
    Moment {
        started,
        micros: 120_000 + page * 104_000 + uneven,
    }
}

struct Moment {
    started: Time,
    micros: u64,
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = (self.started + (self.micros / 1_000_000) as i64).to_string();
        write!(
            formatter,
            "{}.{:06}Z",
            whole.trim_end_matches('Z'),
            self.micros % 1_000_000
        )
    }
}
