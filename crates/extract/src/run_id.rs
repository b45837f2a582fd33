//! Identifies runs: the runs of a stream are ordered, and the names of their raw files say which run wrote them.

use std::collections::BTreeSet;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A run of a stream. A later run has a greater id, also after the clock was put back. It is the second in which the run
/// began, unless an earlier run or somebody's file has that already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(Timestamp);

const FORM: &str = "%Y-%m-%dT%H-%M-%SZ";

impl RunId {
    /// The run that began in the second of this moment.
    pub fn at(moment: Timestamp) -> Self {
        Self(Timestamp::from_second(moment.as_second()).unwrap_or(moment))
    }

    /// An id for a run that begins now: behind that of the newest run, and not among those taken.
    pub fn unused(now: Timestamp, newest: Option<Self>, taken: &BTreeSet<Self>) -> Self {
        let mut id = newest.map_or(Self::at(now), |newest| {
            newest.following().max(Self::at(now))
        });
        while taken.contains(&id) {
            id = id.following();
        }
        id
    }

    /// The run that wrote a raw file: `2026-11-23T20-05-00Z-0001.ndjson`. Nothing for files that people bring under
    /// other names.
    pub fn of_file(name: &str) -> Option<Self> {
        let (id, part) = name.strip_suffix(".ndjson")?.rsplit_once('-')?;
        let is_part = part.len() >= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
        if is_part { Self::parse(id) } else { None }
    }

    /// The id with which a name begins, whatever follows.
    pub fn leading(name: &str) -> Option<Self> {
        Self::parse(name.get(..20)?)
    }

    /// The name of the run's raw file with this number, from 1.
    pub fn file(self, part: usize) -> String {
        format!("{self}-{part:04}.ndjson")
    }

    /// The name of the marker that says that the run listed everything.
    pub fn marker(self) -> String {
        format!("{self}.complete.json")
    }

    /// The moment that the names of its files say.
    pub fn moment(self) -> Timestamp {
        self.0
    }

    fn following(self) -> Self {
        // The last second of the calendar has no successor; no real clock shows it.
        Self(
            self.0
                .saturating_add(SignedDuration::from_secs(1))
                .unwrap_or(self.0),
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let moment = jiff::civil::DateTime::strptime(FORM, text).ok()?;
        let moment = jiff::tz::TimeZone::UTC.to_timestamp(moment).ok()?;
        let id = Self(moment);
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime(FORM))
    }
}

impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom(format!("`{text}` is not a run")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RunId {
        RunId::parse(text).unwrap()
    }

    #[test]
    fn only_files_of_runs_have_one() {
        let run = id("2026-11-23T20-05-00Z");
        assert_eq!(
            RunId::of_file("2026-11-23T20-05-00Z-0001.ndjson"),
            Some(run)
        );
        assert_eq!(RunId::of_file(&run.file(12_345)), Some(run));
        for name in [
            "history.ndjson",
            "2026-11-23.ndjson",
            "2026-11-23T20-05-00Z.ndjson",
            "2026-11-23T20-05-00Z-0001.json",
            "2026-13-23T20-05-00Z-0001.ndjson",
            "2026-11-23T20-05-00Z-mine.ndjson",
            "../2026-11-23T20-05-00Z-0001.ndjson",
            ".2026-11-23T20-05-00Z-0001.ndjson",
            "",
        ] {
            assert_eq!(RunId::of_file(name), None, "{name}");
        }
    }

    #[test]
    fn a_later_run_has_a_greater_id_whatever_the_clock_says() {
        let newest = id("2026-11-23T20-05-00Z");
        let now = |text: &str| text.parse::<Timestamp>().unwrap();
        let unused = |at: &str, taken: &[RunId]| {
            RunId::unused(now(at), Some(newest), &taken.iter().copied().collect()).to_string()
        };
        assert_eq!(
            unused("2026-11-23T21:00:00.9Z", &[]),
            "2026-11-23T21-00-00Z"
        );
        assert_eq!(unused("2020-01-01T00:00:00Z", &[]), "2026-11-23T20-05-01Z");
        let taken = [id("2026-11-23T20-05-01Z"), id("2026-11-23T20-05-02Z")];
        assert_eq!(
            unused("2020-01-01T00:00:00Z", &taken),
            "2026-11-23T20-05-03Z"
        );
    }
}
