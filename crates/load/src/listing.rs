//! Which complete listing to trust: only one whose files are all here, with as many records as it says.

use std::collections::HashMap;
use std::path::Path;

use diagnostics::{Diagnostic, count, counted};
use raw::CompleteListing;
use store::KnownFile;

/// The newest of a stream's listings, the oldest first, that can be trusted, by what the database knows of its files; and
/// why those that are newer cannot.
pub(crate) fn newest(
    stream: &str,
    listings: Vec<CompleteListing>,
    known: &HashMap<String, KnownFile>,
) -> (Option<CompleteListing>, Vec<Diagnostic>) {
    let mut ignored = Vec::new();
    for listing in listings.into_iter().rev() {
        let folder = Path::new(&listing.name).parent().unwrap_or(Path::new(""));
        let files: Vec<Option<&KnownFile>> = listing
            .files
            .iter()
            .map(|file| known.get(&folder.join(file).to_string_lossy().replace('\\', "/")))
            .collect();
        let rejects: u64 = files.iter().flatten().map(|file| file.rejects).sum();
        let records: u64 = files
            .iter()
            .flatten()
            .map(|file| file.records + file.rejects)
            .sum();
        let fault = if *stream != listing.stream {
            format!(
                "a complete listing of `{}` lies in the folder of `{}`",
                listing.stream, stream
            )
        } else if files.iter().any(Option::is_none) {
            "a complete listing names files that are not here".to_owned()
        } else if records != listing.records {
            format!(
                "a complete listing has {}, its files here have {}",
                counted(listing.records, "record"),
                count(records)
            )
        } else if rejects > 0 {
            // Which records are still there cannot be told when some of them could not be read.
            format!(
                "{} of a complete listing could not be taken",
                counted(rejects, "record")
            )
        } else {
            return (Some(listing), ignored);
        };
        ignored.push(
            Diagnostic::warning("listing-ignored", fault)
                .in_data(&listing.name)
                .note("it removes nothing"),
        );
    }
    (None, ignored)
}

/// That a marker cannot be read.
pub(crate) fn unreadable((name, reason): (String, String)) -> Diagnostic {
    Diagnostic::warning(
        "listing-unreadable",
        format!("a marker of a complete listing cannot be read: {reason}"),
    )
    .in_data(name)
    .note("it removes nothing")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(started_at: i64, records: u64) -> CompleteListing {
        CompleteListing {
            name: format!("raw_data/users/{started_at}.complete.json"),
            stream: "users".to_owned(),
            started_at,
            files: vec![format!("{started_at}.ndjson")],
            records,
        }
    }

    fn known(files: &[(i64, u64, u64)]) -> HashMap<String, KnownFile> {
        let file = |&(started_at, records, rejects): &(i64, u64, u64)| {
            let known = KnownFile {
                size: 1,
                modified: 1,
                hash: Some(1),
                records,
                rejects,
            };
            (format!("raw_data/users/{started_at}.ndjson"), known)
        };
        files.iter().map(file).collect()
    }

    fn newest_of(stream: &str, files: &[(i64, u64, u64)]) -> (Option<i64>, Vec<String>) {
        let (newest, ignored) = newest(stream, vec![listing(1, 2), listing(2, 3)], &known(files));
        let said = ignored.into_iter().map(|fault| fault.message).collect();
        (newest.map(|listing| listing.started_at), said)
    }

    #[test]
    fn the_newest_that_is_whole_counts() {
        assert_eq!(
            newest_of("users", &[(1, 2, 0), (2, 3, 0)]),
            (Some(2), vec![])
        );
        let cases = [
            (
                vec![(1, 2, 0)],
                "a complete listing names files that are not here",
            ),
            (
                vec![(1, 2, 0), (2, 2, 0)],
                "a complete listing has 3 records, its files here have 2",
            ),
            (
                vec![(1, 2, 0), (2, 2, 1)],
                "1 record of a complete listing could not be taken",
            ),
        ];
        for (files, reason) in cases {
            assert_eq!(
                newest_of("users", &files),
                (Some(1), vec![reason.to_owned()])
            );
        }
    }

    #[test]
    fn one_of_another_stream_counts_for_none() {
        let (newest, said) = newest_of("teams", &[(1, 2, 0), (2, 3, 0)]);
        assert_eq!((newest, said.len()), (None, 2));
        assert_eq!(
            said[0],
            "a complete listing of `users` lies in the folder of `teams`"
        );
    }
}
