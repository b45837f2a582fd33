//! What a lake has at one moment, for whoever asks it. Other machines may load meanwhile: what they add is not seen, and
//! a snapshot can say whether they took something away.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::Path;

use crate::files::{file_notes, json_files, read_note};
use crate::notes::{FileNote, Listing};

/// The raw files that are loaded, and the complete listings that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The raw files, by name.
    pub files: Vec<FileNote>,
    /// The listings of all streams.
    pub listings: Vec<Listing>,
}

impl Snapshot {
    /// Reads the lake in a folder.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut listings = Vec::new();
        for path in json_files(&folder.join("listings"))? {
            for line in fs::read_to_string(&path)?.lines() {
                listings.push(read_note(&path, line)?);
            }
        }
        let mut files = file_notes(folder)?;
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self { files, listings })
    }

    /// Whether all of its files still count as they did: nobody loaded one of them anew, or forgot it.
    pub fn is_still_there(&self, folder: &Path) -> io::Result<bool> {
        let now = file_notes(folder)?;
        let now: HashSet<i64> = now.iter().map(|file| file.load).collect();
        Ok(self.files.iter().all(|file| now.contains(&file.load)))
    }

    /// For each stream, when its newest complete listing that can be trusted started, in microseconds since 1970: one
    /// whose files are all here, with as many records as it says, none of which was rejected.
    pub fn listed_at(&self) -> HashMap<&str, i64> {
        let files: HashMap<&str, &FileNote> = self
            .files
            .iter()
            .map(|file| (file.path.as_str(), file))
            .collect();
        let mut newest: HashMap<&str, i64> = HashMap::new();
        for listing in &self.listings {
            let found = listing.files.iter().map(|name| files.get(name.as_str()));
            let Some(found) = found.collect::<Option<Vec<_>>>() else {
                continue;
            };
            let records: u64 = found.iter().map(|file| file.records).sum();
            if records == listing.records && found.iter().all(|file| file.rejects == 0) {
                let newest = newest.entry(&listing.stream).or_insert(listing.started_at);
                *newest = listing.started_at.max(*newest);
            }
        }
        newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, records: u64, rejects: u64) -> FileNote {
        FileNote {
            path: path.to_owned(),
            stream: "things".to_owned(),
            load: 1,
            size: 0,
            modified: 0,
            hash: None,
            records,
            rejects,
            extracted_from: None,
            extracted_to: None,
        }
    }

    fn listing(started_at: i64, records: u64, files: &[&str]) -> Listing {
        Listing {
            stream: "things".to_owned(),
            name: format!("{started_at}.complete.json"),
            started_at,
            records,
            files: files.iter().map(|&file| file.to_owned()).collect(),
        }
    }

    #[test]
    fn a_listing_is_trusted_when_all_of_it_came() {
        let files = vec![file("a", 2, 0), file("b", 1, 0), file("c", 1, 1)];
        let cases: [(&[Listing], Option<i64>); 6] = [
            (&[], None),
            (&[listing(1, 3, &["a", "b"]), listing(2, 0, &[])], Some(2)),
            (
                &[listing(2, 3, &["a", "b"]), listing(1, 2, &["a"])],
                Some(2),
            ),
            (
                &[listing(1, 2, &["a"]), listing(2, 4, &["a", "b"])],
                Some(1),
            ),
            (&[listing(1, 2, &["a", "gone"])], None),
            (&[listing(1, 2, &["c"]), listing(2, 1, &["c"])], None),
        ];
        for (listings, expected) in cases {
            let snapshot = Snapshot {
                files: files.clone(),
                listings: listings.to_vec(),
            };
            assert_eq!(
                snapshot.listed_at().get("things").copied(),
                expected,
                "{listings:?}"
            );
        }
    }
}
