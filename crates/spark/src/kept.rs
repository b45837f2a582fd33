//! Derived tables that Spark wrote into the lake: each is made when a question first needs it, and kept as long as what it
//! is made from stays the same.
//!
//! ```text
//! LAKE_PATH/derived/<state>/<Table>-<process>-<number>/   the rows, as Spark writes them
//! LAKE_PATH/derived/<state>/<Table>                       the name of the folder that holds all of them
//! LAKE_PATH/derived/<state>/files.json                    the raw files of that state
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use lake::FileNote;
use xxhash_rust::xxh3::xxh3_64;

/// The folder in the lake.
const FOLDER: &str = "derived";

/// The raw files of a state.
const FILES: &str = "files.json";

/// What another state left goes after so long: a query that was begun before may still read it.
const OUTDATED: Duration = Duration::from_secs(86_400);

/// The derived tables of a state of the lake.
#[derive(Debug)]
pub(crate) struct Kept {
    folder: PathBuf,
    /// The folder's name in the lake.
    name: String,
}

/// A table whose rows may be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptTable {
    /// The file that names the folder of its rows.
    pointer: PathBuf,
    folder: String,
    /// Where its rows are, relative to the lake.
    pub path: String,
    /// Whether all of them are there.
    pub is_made: bool,
}

impl Kept {
    /// Opens the folder of a state; `state` is another text where anything that a table is made from is another. What
    /// earlier states left is removed.
    pub(crate) fn open(lake: &Path, state: &str) -> io::Result<Self> {
        let all = lake.join(FOLDER);
        let state = format!("{:016x}", xxh3_64(state.as_bytes()));
        let folder = all.join(&state);
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(&all)? {
            let entry = entry?;
            let modified = entry.metadata()?.modified()?;
            let age = SystemTime::now().duration_since(modified);
            if entry.path() != folder && age.unwrap_or_default() >= OUTDATED {
                // Another one may have done so already.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(Self {
            folder,
            name: format!("{FOLDER}/{state}"),
        })
    }

    /// Notes which raw files the state has; gives where, relative to the lake.
    pub(crate) fn note_files(&self, files: &[FileNote]) -> io::Result<String> {
        lake::write_lines(&self.folder.join(FILES), files)?;
        Ok(format!("{}/{FILES}", self.name))
    }

    /// Looks for the rows of a table; where there are none, they are to be written into a new folder.
    pub(crate) fn table(&self, table: &str) -> KeptTable {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let pointer = self.folder.join(table);
        let kept = fs::read_to_string(&pointer).ok();
        let kept = kept.filter(|name| name.starts_with(table) && self.folder.join(name).is_dir());
        let is_made = kept.is_some();
        let folder = kept.unwrap_or_else(|| {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            format!("{table}-{}-{number}", std::process::id())
        });
        KeptTable {
            pointer,
            path: format!("{}/{folder}", self.name),
            folder,
            is_made,
        }
    }
}

impl KeptTable {
    /// Notes that all of its rows are there.
    pub(crate) fn keep(&self) -> io::Result<()> {
        let new = self.pointer.with_file_name(format!(".{}", self.folder));
        fs::write(&new, &self.folder)?;
        fs::rename(&new, &self.pointer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_kept_for_its_state_only() {
        let lake = tempfile::tempdir().unwrap();
        let one = Kept::open(lake.path(), "one").unwrap();
        let table = one.table("Names");
        assert!(!table.is_made);
        fs::create_dir_all(lake.path().join(&table.path)).unwrap();
        // Rows that are still being written do not count.
        let other = one.table("Names");
        assert!(!other.is_made);
        assert_ne!(other.path, table.path);
        table.keep().unwrap();
        let again = Kept::open(lake.path(), "one").unwrap();
        let kept = again.table("Names");
        assert_eq!((kept.is_made, &kept.path), (true, &table.path));
        assert!(!again.table("Name").is_made);
        assert!(
            !Kept::open(lake.path(), "two")
                .unwrap()
                .table("Names")
                .is_made
        );
    }

    #[test]
    fn what_an_earlier_state_left_goes_after_a_day() {
        let lake = tempfile::tempdir().unwrap();
        for state in ["old", "new"] {
            Kept::open(lake.path(), state).unwrap();
        }
        let states = || fs::read_dir(lake.path().join(FOLDER)).unwrap().count();
        assert_eq!(states(), 2);
        let before = SystemTime::now() - OUTDATED;
        for entry in fs::read_dir(lake.path().join(FOLDER)).unwrap() {
            let folder = fs::File::open(entry.unwrap().path()).unwrap();
            folder.set_modified(before).unwrap();
        }
        Kept::open(lake.path(), "new").unwrap();
        assert_eq!(states(), 1);
    }
}
