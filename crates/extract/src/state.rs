//! What is remembered of a stream between runs: a file `.state.json` beside its raw files, replaced as a whole when a
//! run ends. What is remembered within a run is in `journal`; what it all means for the next run is for `plan` to say.

use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use crate::disk;
use crate::fold::Complete;
use crate::run_id::RunId;
use crate::window::{Window, Windows};

/// The state of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The latest time that the source's clock ever said: a right clock never says less.
    pub seen: Option<Timestamp>,
    /// From when on everything is wanted, if the stream is cut by time.
    pub begun: Option<Timestamp>,
    /// The stretches of time that are fetched.
    pub covered: Windows,
    /// What was asked for and did not come: each stays until it is filled.
    pub gaps: Vec<Gap>,
    /// The last run that ended.
    pub last: Option<LastRun>,
    /// The newest run that left nothing out.
    pub complete: Option<Complete>,
    /// How many records the last complete listing had, if it had so few that it was not believed yet.
    pub held_back: Option<u64>,
    /// When the source said that it does not have the stream for us, if that was its last word.
    pub passed_over: Option<Timestamp>,
    /// When everything within reach was last fetched again.
    pub refreshed_at: Option<Timestamp>,
    /// The newest ended run of the parent's stream whose records were followed.
    #[serde(deserialize_with = "run_or_none")]
    pub parents_until: Option<RunId>,
    /// From when on everything of the parent's stream was wanted then, if it is cut by time.
    pub parents_begun: Option<Timestamp>,
    /// The newest ended run of the telling stream whose records were followed.
    #[serde(deserialize_with = "run_or_none")]
    pub changes_until: Option<RunId>,
}

/// Something that was asked for and did not come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The stretch of time, if the stream is cut by time.
    pub window: Option<Window>,
    /// Whose records are missing; nothing where those of all parents are.
    pub parent: Option<Values>,
    /// Whether it is the request for one changed record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changed: bool,
    /// Why.
    pub reason: String,
    /// The kind of reason.
    #[serde(default)]
    pub cause: Cause,
    /// When it was first met.
    #[serde(default)]
    pub since: Option<Timestamp>,
}

/// Why there is a gap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It was asked for, and no good answer came.
    #[default]
    Failed,
    /// The token may not see it.
    NotAllowed,
    /// The stream that it is asked for by is not complete.
    Parents,
}

/// What the last run came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// The moment that the names of its raw files say.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// The records that it fetched, each counted once.
    pub records: u64,
    /// Up to when it can have brought what there was: when the source was asked, by its own clock if it said so.
    #[serde(default)]
    pub asked_at: Option<Timestamp>,
}

/// What a request takes from a parent's record, by name, in order.
pub type Values = Vec<(String, String)>;

impl State {
    /// The newest run that ended.
    pub fn newest(&self) -> Option<RunId> {
        self.last.as_ref().map(|last| RunId::at(last.started_at))
    }

    /// Whether the newest run left nothing out, and nothing was wanted since that did not come.
    pub fn is_complete(&self) -> bool {
        let complete = self.complete.as_ref().map(Complete::run);
        complete.is_some() && complete == self.newest() && self.passed_over.is_none()
    }
}

const STATE: &str = ".state.json";

/// Reads the state of a stream; none is an empty one.
pub fn read(folder: &Path) -> io::Result<State> {
    match fs::read(folder.join(STATE)) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
            io::Error::other(format!(
                "`{}` cannot be understood ({error}); without it everything is fetched again: remove it",
                folder.join(STATE).display()
            ))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(State::default()),
        Err(error) => Err(error),
    }
}

/// Replaces the state of a stream.
pub fn write(folder: &Path, state: &State) -> io::Result<()> {
    let bytes = serde_json::to_vec_pretty(state)?;
    disk::replace(&folder.join(STATE), &bytes)
}

/// A cursor that names no run is none: then everything is followed again.
fn run_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RunId>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| serde_json::from_value(text.into()).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_of_an_earlier_version_is_understood() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{
            "covered": [{"since": "2026-11-01T00:00:00Z", "until": "2026-11-20T00:00:00Z"}],
            "gaps": [{"window": null, "parent": [["repository", "acme/shop"]], "reason": "500"}],
            "last": {"started_at": "2026-11-20T00:00:00Z", "finished_at": "2026-11-20T00:01:00Z", "records": 7, "complete": true},
            "refreshed_at": null, "parents_until": "2026-11-20T00-00-00Z", "changes_until": "history.ndjson"
        }"#;
        fs::write(folder.path().join(STATE), text).unwrap();
        let state = read(folder.path()).unwrap();
        assert_eq!(state.newest(), state.parents_until);
        // That cursor led nowhere: everything is followed once more.
        assert_eq!(state.changes_until, None);
        assert_eq!(
            (state.gaps[0].cause, state.is_complete()),
            (Cause::Failed, false)
        );
        write(folder.path(), &state).unwrap();
        assert_eq!(read(folder.path()).unwrap(), state);
    }
}
