//! What is known of each stream's raw files when the lake is opened. It stands in the views as constants, so that each
//! question sees the same.

use definitions::Table;
use jiff::Timestamp;
use lake::{FileNote, Snapshot};
use transform::Plan;

/// A stream and the tables that it fills, that of its records first.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    pub name: String,
    pub tables: Vec<Table>,
    pub loaded: Loaded,
}

/// What is known of a stream's raw files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Loaded {
    /// How many are loaded.
    pub files: usize,
    /// When the newest of their records was fetched, in microseconds since 1970.
    pub fetched_at: Option<i64>,
    /// The last moment that is plausible for what they say.
    pub latest: Option<String>,
    /// When the newest complete listing that can be trusted started, in microseconds since 1970.
    pub listed_at: Option<i64>,
}

/// The streams of these plans, with what a lake has of them.
pub(crate) fn streams(plans: &[Plan], snapshot: &Snapshot) -> Vec<Stream> {
    let listed_at = snapshot.listed_at();
    let stream = |plan: &Plan| {
        let name = plan.stream.as_str();
        let files = || snapshot.files.iter().filter(|file| file.stream == name);
        let tables = plan.tables.iter().map(|table| table.table.clone());
        Stream {
            name: name.to_owned(),
            tables: tables.collect(),
            loaded: Loaded {
                files: files().count(),
                fetched_at: files().filter_map(|file| file.extracted_to).max(),
                latest: latest(files()),
                listed_at: listed_at.get(name).copied(),
            },
        }
    };
    plans.iter().map(stream).collect()
}

/// The last moment that is plausible for what files say: a day after the newest of them, since a day ahead may be today
/// elsewhere. Nothing where there are none.
pub(crate) fn latest<'f>(files: impl Iterator<Item = &'f FileNote>) -> Option<String> {
    let newest = |file: &FileNote| {
        let fetched = file.extracted_to.map(|at| at.div_euclid(1_000_000));
        fetched.max(Some(file.modified.div_euclid(1_000_000_000)))
    };
    let newest = files.filter_map(newest).max()?;
    let latest = Timestamp::from_second(newest + 86_400).ok()?;
    Some(latest.to_string())
}

/// A text that is another where the loaded files are. What is known of each stream stands in its views.
pub(crate) fn state(snapshot: &Snapshot) -> String {
    let files = snapshot.files.iter();
    let files = files.map(|file| (file.load, file.records, file.rejects));
    format!("{:?}", files.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_after_the_newest_is_plausible() {
        let file = |modified: i64, extracted_to: Option<i64>| FileNote {
            path: String::new(),
            stream: "things".to_owned(),
            load: 1,
            size: 0,
            modified: modified * 1_000_000_000,
            hash: None,
            records: 0,
            rejects: 0,
            extracted_from: None,
            extracted_to: extracted_to.map(|at| at * 1_000_000 + 999_999),
        };
        let of = |files: &[FileNote]| latest(files.iter());
        assert_eq!(of(&[]), None);
        let day = |text: &str| Some(text.to_owned());
        assert_eq!(of(&[file(0, None)]), day("1970-01-02T00:00:00Z"));
        let two = [file(10, Some(20)), file(15, None)];
        assert_eq!(of(&two), day("1970-01-02T00:00:20Z"));
        assert_eq!(of(&[file(30, Some(20))]), day("1970-01-02T00:00:30Z"));
    }
}
