//! Which files of a stream are new, touched or gone, by what the database knows of them.
//!
//! A disk that is not mounted must not look like a vendor that deleted everything: nothing is loaded until a person says
//! that it is meant.

use std::collections::{HashMap, HashSet};

use diagnostics::{Diagnostic, counted};
use raw::{RawFile, StreamFiles};
use store::{FileFacts, KnownFile};
use transform::Plan;

/// Files whose time of change is another than when they were loaded, but whose bytes are the same; nothing if one
/// has other bytes now.
pub(crate) fn touched(
    files: &[RawFile],
    known: &HashMap<String, KnownFile>,
) -> Option<Vec<(String, i64)>> {
    let mut touched = Vec::new();
    for file in files {
        let Some(known) = known.get(&file.name) else {
            continue;
        };
        if known.hash.is_none() || (known.size == file.size && known.modified == file.modified) {
            continue;
        }
        let same = known.size == file.size
            && raw::fingerprint(&file.path).is_ok_and(|now| Some(now.hash) == known.hash);
        if !same {
            return None;
        }
        touched.push((file.name.clone(), file.modified));
    }
    Some(touched)
}

/// A raw file as the database remembers it.
pub fn facts(stream: &str, file: &RawFile) -> FileFacts {
    FileFacts {
        path: file.name.clone(),
        stream: stream.to_owned(),
        size: file.size,
        modified: file.modified,
    }
}

/// The files that the database knows and that are not there any more.
pub fn lost<'k>(
    found: &StreamFiles,
    known: &'k HashMap<String, KnownFile>,
) -> Vec<(&'k String, &'k KnownFile)> {
    let files: HashSet<&String> = found.files.iter().map(|file| &file.name).collect();
    let unreadable: HashSet<&String> = found.unreadable.iter().map(|(path, _)| path).collect();
    known
        .iter()
        // One that was loaded and cannot be read any more is lost too.
        .filter(|(path, known)| {
            !files.contains(path) && (known.hash.is_some() || !unreadable.contains(path))
        })
        .collect()
}

/// That files are gone.
pub(crate) fn gone(plan: &Plan, gone: u64) -> Diagnostic {
    let stream = &plan.stream;
    let message = format!(
        "{} of `{stream}` {} gone, with the rows that no other file has",
        counted(gone, "file"),
        if gone == 1 { "is" } else { "are" }
    );
    Diagnostic::warning("files-gone", message).hint(format!(
        "if they should be there, bring them back to `raw_data/{stream}/` and load again"
    ))
}

/// What is wrong where a stream lost its files; `found` is what it has now, `known` what was loaded. A stream in `meant`
/// lost them on purpose.
pub fn vanished(
    plan: &Plan,
    found: &StreamFiles,
    meant: &[&str],
    known: &HashMap<String, KnownFile>,
) -> Option<Diagnostic> {
    let stream = plan.stream.as_str();
    let gone: Vec<&str> = lost(found, known)
        .into_iter()
        .filter(|(_, file)| file.hash.is_some())
        .map(|(path, _)| path.as_str())
        .collect();
    let why = why(found, &gone).filter(|_| !meant.contains(&stream))?;
    let message =
        format!("`{stream}` was loaded before, and now {why}: its rows and the answers are kept");
    Some(Diagnostic::error("files-vanished", message).hint(format!(
        "bring the files back (is the disk mounted?); if it is meant, `reliability load --forget {stream}`"
    )))
}

/// Why files that were loaded cannot have been removed by somebody who mends one: all are gone, or the folder that they
/// lie in cannot be looked at.
fn why(found: &StreamFiles, gone: &[&str]) -> Option<String> {
    let first = gone.first()?;
    let lies_in = |file: &str, folder: &str| {
        file.strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    let hidden = found
        .unreadable
        .iter()
        .find(|(folder, _)| gone.iter().any(|file| lies_in(file, folder)));
    if let Some((path, reason)) = hidden {
        return Some(format!("`{path}` cannot be read ({reason})"));
    }
    found
        .files
        .is_empty()
        .then(|| format!("all its files are gone, such as `{first}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_cannot_be_looked_at_are_not_files_that_were_removed() {
        let mut found = StreamFiles::default();
        assert_eq!(why(&found, &[]), None);
        assert!(why(&found, &["raw_data/x/1.ndjson"]).is_some());
        found.files.push(raw::RawFile {
            path: "raw_data/x/2.ndjson".into(),
            name: "raw_data/x/2.ndjson".into(),
            format: raw::Format::Ndjson,
            size: 0,
            modified: 0,
        });
        assert_eq!(why(&found, &["raw_data/x/1.ndjson"]), None);
        found
            .unreadable
            .push(("raw_data/x/old".into(), "input/output error".into()));
        assert_eq!(why(&found, &["raw_data/x/older.ndjson"]), None);
        assert!(why(&found, &["raw_data/x/old/1.ndjson"]).is_some());
    }

    fn file(name: &str, size: u64, modified: i64) -> RawFile {
        RawFile {
            path: name.into(),
            name: name.into(),
            format: raw::Format::Ndjson,
            size,
            modified,
        }
    }

    fn known(size: u64, modified: i64, hash: Option<u64>) -> KnownFile {
        KnownFile {
            size,
            modified,
            hash,
            records: 1,
            rejects: 0,
        }
    }

    #[test]
    fn a_file_with_other_bytes_is_changed_and_one_with_the_same_is_only_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.ndjson");
        std::fs::write(&path, "{}\n").unwrap();
        let name = path.to_string_lossy().into_owned();
        let hash = raw::fingerprint(&path).unwrap().hash;
        let touched_with = |size, modified, hash| {
            let known = HashMap::from([(name.clone(), known(size, modified, hash))]);
            touched(&[file(&name, 3, 7)], &known)
        };
        assert_eq!(touched_with(3, 7, Some(hash)), Some(vec![]));
        assert_eq!(
            touched_with(3, 6, Some(hash)),
            Some(vec![(name.clone(), 7)])
        );
        assert_eq!(touched_with(3, 6, Some(hash + 1)), None);
        assert_eq!(touched_with(4, 7, Some(hash)), None);
        // One that could not be read is read again, whatever it was.
        assert_eq!(touched_with(4, 6, None), Some(vec![]));
    }

    #[test]
    fn a_file_that_was_loaded_and_cannot_be_read_is_lost() {
        let found = StreamFiles {
            files: vec![file("a", 1, 1)],
            unreadable: vec![
                ("b".to_owned(), String::new()),
                ("c".to_owned(), String::new()),
            ],
            ..StreamFiles::default()
        };
        let known = HashMap::from([
            ("a".to_owned(), known(1, 1, Some(1))),
            ("b".to_owned(), known(1, 1, Some(1))),
            ("c".to_owned(), known(1, 1, None)),
            ("d".to_owned(), known(1, 1, None)),
        ]);
        let mut names: Vec<&str> = lost(&found, &known)
            .into_iter()
            .map(|(name, _)| name.as_str())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["b", "d"]);
    }
}
