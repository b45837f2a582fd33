//! The lake's folder: which raw files it has, and how one is loaded, so that its rows are there all at once.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use definitions::Schema;
use parquet::errors::ParquetError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::FileFacts;
use transform::{Batch, Plan, Reject};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::notes::{FileNote, RejectNote, WarningNote};
use crate::rows::{Origin, RowFile};
use crate::shard::{FileId, Shard};

/// A lake, as one machine loads into it.
pub struct Lake {
    folder: PathBuf,
    shard: Shard,
}

impl Lake {
    /// Opens a lake, and makes the folders of its tables.
    pub fn open(folder: &Path, schema: &Schema, shard: Shard) -> io::Result<Self> {
        for name in ["files", "rejects", "warnings", "listings"] {
            fs::create_dir_all(folder.join(name))?;
        }
        for table in &schema.tables {
            fs::create_dir_all(folder.join("rows").join(&table.name))?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            shard,
        })
    }

    /// Whether this machine loads a raw file.
    pub(crate) fn is_ours(&self, path: &str) -> bool {
        self.shard.has(FileId::of(path))
    }

    /// The raw files of each stream that are loaded, whoever loaded them.
    pub fn known_files(&self) -> io::Result<HashMap<String, Vec<FileNote>>> {
        let mut known: HashMap<String, Vec<FileNote>> = HashMap::new();
        for note in file_notes(&self.folder)? {
            known.entry(note.stream.clone()).or_default().push(note);
        }
        Ok(known)
    }

    /// Forgets a raw file that is gone: its rows are not there from the moment on in which its note is not.
    pub(crate) fn forget(&self, path: &str) -> io::Result<()> {
        remove(&self.note_path(path))
    }

    /// Begins to load a raw file, under definitions with this fingerprint. Nothing of it is seen unless it is committed.
    pub(crate) fn begin<'l>(
        &'l self,
        plan: &'l Plan,
        facts: &FileFacts,
        fingerprint: u64,
    ) -> FileLoad<'l> {
        FileLoad {
            lake: self,
            plan,
            note: FileNote {
                path: facts.path.clone(),
                stream: facts.stream.clone(),
                load: load_of(facts, fingerprint),
                size: facts.size,
                modified: facts.modified,
                hash: None,
                records: 0,
                rejects: 0,
                extracted_from: None,
                extracted_to: None,
            },
            rows: plan.tables.iter().map(|_| None).collect(),
            rejects: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Removes the rows of this shard that no note names: those of earlier loads, and what killed runs left.
    pub(crate) fn sweep(&self, known: &HashMap<String, Vec<FileNote>>) -> io::Result<()> {
        let notes = known.values().flatten();
        let counting: HashSet<String> = notes.map(|note| base(&note.path, note.load)).collect();
        let mut folders = ["files", "rejects", "warnings"]
            .map(|name| self.folder.join(name))
            .to_vec();
        for entry in fs::read_dir(self.folder.join("rows"))? {
            folders.push(entry?.path());
        }
        for folder in folders {
            let is_of_notes = folder.ends_with("files");
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let is_ours = FileId::in_name(&name).is_some_and(|id| self.shard.has(id));
                let stem = name.split('.').next().unwrap_or_default();
                // A note itself is named by its raw file only, and goes when that does.
                let counts = counting.contains(stem) || (is_of_notes && !name.starts_with('.'));
                if is_ours && !counts {
                    remove(&entry.path())?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn write<T: Serialize>(&self, name: &str, lines: &[T]) -> io::Result<()> {
        write_lines(&self.folder.join(name), lines)
    }

    fn note_path(&self, path: &str) -> PathBuf {
        let name = format!("{}.json", FileId::of(path));
        self.folder.join("files").join(name)
    }
}

/// The loading of one raw file.
pub struct FileLoad<'l> {
    lake: &'l Lake,
    plan: &'l Plan,
    note: FileNote,
    rows: Vec<Option<RowFile>>,
    rejects: Vec<RejectNote>,
    warnings: Vec<WarningNote>,
}

impl FileLoad<'_> {
    /// Adds the rows, rejects and warnings of some records.
    pub(crate) fn apply(&mut self, batch: &Batch) -> Result<(), ParquetError> {
        for (record, rows) in batch.records.iter().enumerate() {
            let origin = Origin {
                extracted_at: rows.extracted_at,
                line: rows.line,
                record: self.note.records,
                content: content(self.plan, batch, record),
                load: self.note.load,
            };
            self.note.records += 1;
            let at = rows.extracted_at;
            let note = &mut self.note;
            note.extracted_from = note
                .extracted_from
                .map_or(at, |known| at.map_or(Some(known), |at| Some(known.min(at))));
            note.extracted_to = note.extracted_to.max(at);
            for (place, table) in self.plan.tables.iter().enumerate() {
                let cells = batch.cells(record, place);
                if cells.is_empty() {
                    continue;
                }
                let file = match &mut self.rows[place] {
                    Some(file) => file,
                    empty => {
                        let path = self.lake.half_written(&self.note, &table.table.name);
                        empty.insert(RowFile::create(&path, &table.table)?)
                    }
                };
                for row in cells.chunks(table.table.columns.len()) {
                    file.add(row, batch, origin)?;
                }
            }
        }
        self.rejects
            .extend(batch.rejects.iter().map(|reject| self.note.reject(reject)));
        self.note.rejects += batch.rejects.len() as u64;
        let (note, warnings) = (&self.note, &batch.warnings);
        self.warnings
            .extend(warnings.iter().map(|warning| WarningNote {
                path: note.path.clone(),
                stream: note.stream.clone(),
                load: note.load,
                line: warning.line,
                table_name: warning.table.clone(),
                column_name: warning.column.clone(),
                reason: warning.reason.clone(),
                value: warning.value.clone(),
            }));
        Ok(())
    }

    /// How many records the file gave so far, and how many of what stands in it could not be taken.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.note.records, self.note.rejects)
    }

    /// Makes it stay: the rows first, the note that makes them count last.
    pub(crate) fn commit(mut self, size: u64, hash: Option<u64>) -> Result<(), ParquetError> {
        self.note.size = size;
        self.note.hash = hash.map(u64::cast_signed);
        for (table, rows) in self.plan.tables.iter().zip(self.rows.drain(..)) {
            if let Some(rows) = rows {
                rows.finish()?;
                let name = &table.table.name;
                let whole = self.lake.whole(&self.note, name);
                fs::rename(self.lake.half_written(&self.note, name), &whole)?;
                sync_folder(whole.parent().unwrap_or(&self.lake.folder))?;
            }
        }
        let base = base(&self.note.path, self.note.load);
        if !self.rejects.is_empty() {
            self.lake
                .write(&format!("rejects/{base}.json"), &self.rejects)?;
        }
        if !self.warnings.is_empty() {
            self.lake
                .write(&format!("warnings/{base}.json"), &self.warnings)?;
        }
        let name = format!("files/{}.json", FileId::of(&self.note.path));
        Ok(self.lake.write(&name, &[&self.note])?)
    }

    /// Notes that it could not be read.
    pub(crate) fn reject(mut self, reject: &Reject) -> Result<(), ParquetError> {
        self.rows.clear();
        self.note.records = 0;
        self.warnings.clear();
        self.rejects = vec![self.note.reject(reject)];
        self.note.rejects = 1;
        let size = self.note.size;
        self.commit(size, None)
    }
}

impl Lake {
    fn whole(&self, note: &FileNote, table: &str) -> PathBuf {
        let name = format!("{}.parquet", base(&note.path, note.load));
        self.folder.join("rows").join(table).join(name)
    }

    /// Where a table's rows are written: readers skip names that begin with a dot.
    fn half_written(&self, note: &FileNote, table: &str) -> PathBuf {
        let process = std::process::id();
        let name = format!(".{}.{process}.tmp", base(&note.path, note.load));
        self.folder.join("rows").join(table).join(name)
    }
}

impl FileNote {
    fn reject(&self, reject: &Reject) -> RejectNote {
        RejectNote {
            path: self.path.clone(),
            stream: self.stream.clone(),
            load: self.load,
            line: reject.line,
            code: reject.code.to_owned(),
            reason: reject.reason.clone(),
            table_name: reject.table.clone(),
            column_name: reject.column.clone(),
            value: reject.value.clone(),
            record: reject.record.clone(),
        }
    }
}

/// Writes a file, a line of JSON for each note, in one step: whoever reads sees the old one or the new one.
pub fn write_lines<T: Serialize>(path: &Path, lines: &[T]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let own = path.file_name().unwrap_or_default().to_string_lossy();
    // What a killed run leaves of it is known by its name.
    let mut file = tempfile::Builder::new()
        .prefix(&format!(".{own}."))
        .tempfile_in(folder)?;
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
    }
    file.write_all(&text)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// The load that a raw file has under some definitions: the same file has the same one, whoever loads it.
pub(crate) fn load_of(facts: &FileFacts, fingerprint: u64) -> i64 {
    let mut hash = Xxh3::new();
    hash.update(facts.path.as_bytes());
    for number in [facts.size, facts.modified.cast_unsigned(), fingerprint] {
        hash.update(&number.to_le_bytes());
    }
    hash.digest().cast_signed()
}

/// What the names of a load's files begin with.
fn base(path: &str, load: i64) -> String {
    format!("{}-{:016x}", FileId::of(path), load.cast_unsigned())
}

/// The hash of all rows of a record, whatever their order.
fn content(plan: &Plan, batch: &Batch, record: usize) -> u64 {
    let mut sum = 0_u64;
    for (place, table) in plan.tables.iter().enumerate() {
        for row in batch.cells(record, place).chunks(table.table.columns.len()) {
            let mut bytes = transform::encode(row.iter().copied(), batch);
            bytes.push(u8::try_from(place).unwrap_or(u8::MAX));
            sum = sum.wrapping_add(xxh3_64(&bytes));
        }
    }
    sum
}

/// The notes of the raw files that are loaded into the lake in a folder.
pub(crate) fn file_notes(folder: &Path) -> io::Result<Vec<FileNote>> {
    let mut notes = Vec::new();
    for path in json_files(&folder.join("files"))? {
        let text = match fs::read_to_string(&path) {
            // Another machine forgot it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            text => text?,
        };
        notes.push(read_note(&path, &text)?);
    }
    Ok(notes)
}

/// A note, as the text that stands in a file.
pub(crate) fn read_note<T: DeserializeOwned>(path: &Path, text: &str) -> io::Result<T> {
    serde_json::from_str(text).map_err(|error| {
        let message = format!("`{}` is not as it was written: {error}", path.display());
        io::Error::new(io::ErrorKind::InvalidData, message)
    })
}

pub(crate) fn json_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with('.') && name.ends_with(".json") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Removes a file; another run of the same shard may have done so already.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// A new name survives a power cut only when its folder is on disk too.
fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}
