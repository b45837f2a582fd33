//! Streams that were loaded before and whose files are gone now: a disk that is not mounted must not look like a vendor
//! that deleted everything. Nothing is loaded until a person says that it is meant.

use diagnostics::Diagnostic;
use raw::StreamFiles;
use store::Store;
use transform::Plan;

use crate::CouldNotRun;
use crate::console::Console;
use crate::load::lost_files;
use project::faults::database_fault;

/// Says which streams lost their files; `found` is what each of `plans` has now. The error: one did, and is not among
/// those of which that is `meant`.
pub fn check(
    plans: &[&Plan],
    found: &[StreamFiles],
    meant: &[&str],
    store: &Store,
    console: &Console,
) -> Result<(), CouldNotRun> {
    let mut lost = Vec::new();
    for (plan, found) in plans.iter().zip(found) {
        let known = store.known_files(&plan.stream).map_err(|error| {
            console.diagnostic(&database_fault(&error));
            CouldNotRun
        })?;
        let gone: Vec<&str> = lost_files(found, &known)
            .into_iter()
            .filter(|(_, file)| file.hash.is_some())
            .map(|(path, _)| path.as_str())
            .collect();
        if let Some(why) = why(found, &gone)
            && !meant.contains(&plan.stream.as_str())
        {
            lost.push((plan.stream.as_str(), why));
        }
    }
    for (stream, why) in &lost {
        console.diagnostic(
            &Diagnostic::error(
                "files-vanished",
                format!("`{stream}` was loaded before, and now {why}: its rows and the answers are kept"),
            )
            .hint(format!(
                "bring the files back (is the disk mounted?); if it is meant, `reliability load --forget {stream}`"
            )),
        );
    }
    match lost.is_empty() {
        true => Ok(()),
        false => Err(CouldNotRun),
    }
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
}
