//! Derived tables that Spark wrote into the lake: kept as long as what they are made from stays the same, so that the next
//! command need not make them anew.
//!
//! ```text
//! LAKE_PATH/derived/<state>-<process>-<number>/<Table>/   the rows, as Spark writes them
//! LAKE_PATH/derived/<state>                               the name of the folder that holds all of them
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use xxhash_rust::xxh3::xxh3_64;

/// The folder in the lake.
const FOLDER: &str = "derived";

/// What another state left goes after so long: a query that was begun before may still read it.
const OUTDATED: Duration = Duration::from_secs(86_400);

/// The derived tables of a state of the lake.
pub(crate) struct Kept {
    folder: PathBuf,
    /// The file that names their folder.
    pointer: PathBuf,
    name: String,
    /// Whether all of them are there.
    pub is_made: bool,
}

impl Kept {
    /// Looks for the tables of a state; `state` is another text where anything that they are made from is another.
    pub(crate) fn open(lake: &Path, state: &str) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let folder = lake.join(FOLDER);
        fs::create_dir_all(&folder)?;
        let state = format!("{:016x}", xxh3_64(state.as_bytes()));
        let pointer = folder.join(&state);
        let kept = fs::read_to_string(&pointer).ok();
        let kept = kept.filter(|name| name.starts_with(&state) && folder.join(name).is_dir());
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let new = || format!("{state}-{}-{number}", std::process::id());
        Ok(Self {
            is_made: kept.is_some(),
            name: kept.unwrap_or_else(new),
            folder,
            pointer,
        })
    }

    /// Where the tables are, relative to the lake.
    pub(crate) fn name(&self) -> String {
        format!("{FOLDER}/{}", self.name)
    }

    /// Notes that all of them are there, and removes what earlier states left.
    pub(crate) fn keep(&self) -> io::Result<()> {
        if self.is_made {
            return Ok(());
        }
        let new = self.folder.join(format!(".{}", self.name));
        fs::write(&new, &self.name)?;
        fs::rename(&new, &self.pointer)?;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_ours = name == *self.name || entry.path() == self.pointer;
            let modified = entry.metadata()?.modified()?;
            let age = SystemTime::now()
                .duration_since(modified)
                .unwrap_or_default();
            if is_ours || age < OUTDATED {
                continue;
            }
            // Another one may have done so already.
            let _ = match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path()),
                false => fs::remove_file(entry.path()),
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_kept_for_their_state_only() {
        let lake = tempfile::tempdir().unwrap();
        let first = Kept::open(lake.path(), "one").unwrap();
        assert!(!first.is_made);
        fs::create_dir_all(lake.path().join(first.name())).unwrap();
        // A set that is not finished does not count.
        assert!(!Kept::open(lake.path(), "one").unwrap().is_made);
        first.keep().unwrap();
        let again = Kept::open(lake.path(), "one").unwrap();
        assert!(again.is_made);
        assert_eq!(again.name(), first.name());
        assert!(!Kept::open(lake.path(), "two").unwrap().is_made);
    }
}
