//! Which files a stream has, what their names say, and which listings ran to their end.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// How the records lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Ndjson,
    /// A list, one object, or a whole API response.
    Json,
    /// What people write.
    Yaml,
    /// One row a record, named by the first row.
    Csv,
}

/// A file of a stream.
#[derive(Debug, Clone)]
pub struct RawFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its name for people and for the database: relative to the project folder where it lies in there, with `/`.
    pub name: String,
    /// How the records lie in it.
    pub format: Format,
    /// Bytes on disk.
    pub size: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub modified: i64,
}

/// What a stream's folders hold.
#[derive(Debug, Default)]
pub struct StreamFiles {
    /// The files to read, by name.
    pub files: Vec<RawFile>,
    /// Files with an ending that says nothing.
    pub unknown: Vec<String>,
    /// Files and folders that cannot be looked at, and why.
    pub unreadable: Vec<(String, String)>,
    /// Markers of complete listings.
    pub markers: Vec<PathBuf>,
}

/// A listing of a whole stream that ran to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompleteListing {
    /// The marker's name.
    pub name: String,
    /// The stream that was listed.
    pub stream: String,
    /// When the listing started, in microseconds since 1970: what was fetched before and not again is gone.
    pub started_at: i64,
    /// The files that it wrote, by their names in the marker's folder.
    pub files: Vec<String>,
    /// How many records it fetched.
    pub records: u64,
}

impl Format {
    /// What a file's name says: `.ndjson`, `.jsonl`, `.json`, `.yaml`, `.yml` or `.csv`, then perhaps `.gz` or `.zst`.
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        let name = name
            .strip_suffix(".gz")
            .or_else(|| name.strip_suffix(".zst"))
            .unwrap_or(&name);
        Some(match name.rsplit_once('.')?.1 {
            "ndjson" | "jsonl" => Self::Ndjson,
            "json" => Self::Json,
            "yaml" | "yml" => Self::Yaml,
            "csv" => Self::Csv,
            _ => return None,
        })
    }
}

/// Lists the files below the given folders, in order of name; a path that is a file gives that file. Hidden files,
/// half-written ones (`.tmp`, `.partial`) and links to folders are skipped; a folder that is not there has no files.
pub fn stream_files(project: &Path, folders: &[PathBuf]) -> StreamFiles {
    let mut found = StreamFiles::default();
    for folder in folders {
        walk(project, folder, &mut found);
    }
    found.files.sort_by(|a, b| a.name.cmp(&b.name));
    found.files.dedup_by(|a, b| a.name == b.name);
    found.markers.sort();
    found
}

/// The time that a file's name begins with, in microseconds since 1970: `2026-11-23T20-05-00Z-0001.ndjson`, or a
/// date without a time, which counts as its midnight in UTC.
pub fn time_in_name(name: &str) -> Option<i64> {
    let name = name.rsplit('/').next().unwrap_or(name);
    let date: jiff::civil::Date = name.get(..10)?.parse().ok()?;
    let clock = name
        .get(10..20)
        .filter(|rest| rest.starts_with('T') && rest.ends_with('Z'))
        .and_then(|rest| {
            rest[1..9]
                .replace('-', ":")
                .parse::<jiff::civil::Time>()
                .ok()
        });
    let moment = jiff::tz::TimeZone::UTC
        .to_timestamp(date.to_datetime(clock.unwrap_or_default()))
        .ok()?;
    Some(moment.as_microsecond())
}

/// Reads the markers of complete listings, oldest first. One that cannot be understood is reported by name, and
/// removes nothing.
pub fn complete_listings(
    project: &Path,
    markers: &[PathBuf],
) -> (Vec<CompleteListing>, Vec<(String, String)>) {
    let mut listings = Vec::new();
    let mut faults = Vec::new();
    for path in markers {
        let name = name_for_people(project, path);
        match read_marker(path, &name) {
            Ok(listing) => listings.push(listing),
            Err(reason) => faults.push((name, reason)),
        }
    }
    listings.sort_by(|a, b| (a.started_at, &a.name).cmp(&(b.started_at, &b.name)));
    (listings, faults)
}

/// What a marker of a complete listing says; other members are for people.
#[derive(serde::Deserialize)]
struct Marker {
    stream: String,
    started_at: jiff::Timestamp,
    files: Vec<String>,
    records: u64,
}

fn read_marker(path: &Path, name: &str) -> Result<CompleteListing, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let marker: Marker =
        sonic_rs::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
            // The library draws the place over several lines; its first line says what is wrong.
            let said = error.to_string();
            said.lines().next().unwrap_or_default().to_owned()
        })?;
    Ok(CompleteListing {
        name: name.to_owned(),
        stream: marker.stream,
        started_at: marker.started_at.as_microsecond(),
        files: marker.files,
        records: marker.records,
    })
}

fn walk(project: &Path, folder: &Path, found: &mut StreamFiles) {
    if folder.is_file() {
        let file_name = folder.file_name().unwrap_or_default().to_string_lossy();
        return file(project, folder.to_owned(), &file_name, found);
    }
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => {
            found
                .unreadable
                .push((name_for_people(project, folder), error.to_string()));
            return;
        }
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                found
                    .unreadable
                    .push((name_for_people(project, folder), error.to_string()));
                continue;
            }
        };
        let path = entry.path();
        let file_name = entry.file_name().to_string_lossy().into_owned();
        if file_name.starts_with('.')
            || file_name.ends_with(".tmp")
            || file_name.ends_with(".partial")
        {
            continue;
        }
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder {
            walk(project, &path, found);
        } else if path.is_dir() {
            found.unreadable.push((
                name_for_people(project, &path),
                "a link to a folder is not followed".into(),
            ));
        } else if file_name.ends_with(".complete.json") {
            found.markers.push(path);
        } else {
            file(project, path, &file_name, found);
        }
    }
}

fn file(project: &Path, path: PathBuf, file_name: &str, found: &mut StreamFiles) {
    let name = name_for_people(project, &path);
    let Some(format) = Format::of_name(file_name) else {
        found.unknown.push(name);
        return;
    };
    match path.metadata() {
        Ok(metadata) => {
            let modified = metadata
                .modified()
                .ok()
                .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let modified = modified
                .and_then(|time| i64::try_from(time.as_nanos()).ok())
                .unwrap_or_default();
            found.files.push(RawFile {
                path,
                name,
                format,
                size: metadata.len(),
                modified,
            });
        }
        Err(error) => found.unreadable.push((name, error.to_string())),
    }
}

fn name_for_people(project: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(project).unwrap_or(path);
    relative.to_string_lossy().replace('\\', "/")
}
