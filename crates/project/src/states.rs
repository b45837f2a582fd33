//! How far each stream was fetched, as its state file says.

use std::path::PathBuf;

use diagnostics::Diagnostic;
use extract::journal;
use extract::state::{self, Gap, State};
use jiff::Timestamp;
use store::{Fetching, GapRow};

use crate::Project;

/// What is remembered of each stream that was fetched, in the order of the extractors. The error: a state file cannot be
/// understood, so that nobody knows what is missing.
pub fn read(project: &Project) -> Result<Vec<(String, State)>, Box<Diagnostic>> {
    let streams = project
        .definitions
        .extractors
        .iter()
        .flat_map(|extractor| &extractor.streams);
    let mut fetched = Vec::new();
    for stream in streams {
        let name = &stream.stream.text;
        let state = state::read(&folder(project, name))
            .map_err(|error| Box::new(Diagnostic::error("extract-state", error.to_string())))?;
        if state.last.is_some() || !state.gaps.is_empty() || is_unfinished(project, name) {
            fetched.push((name.to_string(), state));
        }
    }
    Ok(fetched)
}

/// Whether a run of the stream was ended before its end.
pub fn is_unfinished(project: &Project, stream: &str) -> bool {
    folder(project, stream).join(journal::JOURNAL).exists()
}

/// The same as the database keeps it.
pub fn fetching(states: &[(String, State)]) -> Vec<Fetching> {
    let of = |(stream, state): &(String, State)| Fetching {
        stream: stream.clone(),
        gaps: state.gaps.iter().map(gap_row).collect(),
        windows: state
            .covered
            .as_slice()
            .iter()
            .map(|window| (text(window.since), text(window.until)))
            .collect(),
    };
    states.iter().map(of).collect()
}

fn gap_row(gap: &Gap) -> GapRow {
    let values = |values: &Vec<(String, String)>| {
        let values: Vec<&str> = values.iter().map(|(_, value)| value.as_str()).collect();
        values.join(", ")
    };
    GapRow {
        parent: gap.parent.as_ref().map(values),
        since_at: gap.window.map(|window| text(window.since)),
        until_at: gap.window.map(|window| text(window.until)),
        reason: gap.reason.clone(),
    }
}

fn text(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn folder(project: &Project, stream: &str) -> PathBuf {
    project.folder.join("raw_data").join(stream)
}
