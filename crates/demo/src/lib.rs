//! Writes the raw data of an invented organisation, in the vendors' own shapes: a year of incidents with all that
//! surrounds them, the same for ever from the same seed. This file holds the interface; `organisation` says who there
//! is, `timeline` what happens, and one file a source how it is written down.
//!
//! Memory does not grow with the scale: the timeline yields incidents in order of time, each is written at once into
//! the files that saw it, and what is remembered is one entry a service, a monitor or a team.
//!
//! # Reality's faults
//! On purpose, the data has what the rules for loading and the reports are about. There are two extractions, the older
//! one a month before the newer, so that records occur twice with changes: incidents open then and resolved since, a
//! member who has left a team, a deleted hook, a repository that is gone. Streams that are listed whole have a marker
//! for each. Some incidents are never acknowledged, reopened, stale or unassigned; some postmortems are missing, late
//! or incomplete, and one root cause is misspelt, which gives exactly one warning. Nothing is rejected. The files
//! `github`, `datadog`, `postmortems` and `survey` name their own faults.

mod datadog;
mod files;
mod github;
mod incident;
mod issue;
mod organisation;
mod pagerduty;
mod postmortems;
mod random;
mod sentry;
mod survey;
mod time;
mod timeline;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde_json::json;

use crate::files::Output;
use crate::organisation::Organisation;
use crate::time::Period;
use crate::timeline::{Happening, Timeline};

/// The last day of the data unless asked otherwise. A constant, not today, so that everybody gets the same files.
pub const DEFAULT_END: Date = jiff::civil::date(2026, 11, 22);
/// The fewest log entries that can be asked for: fewer do not make a year.
pub const FEWEST_LOG_ENTRIES: u64 = 1_000;

/// The file that says what wrote the data, relative to the project folder.
const MARKER: &str = "raw_data/.demo.json";
/// The agreed list of root causes, relative to the project folder.
const ROOT_CAUSES: &str = "root_causes.yaml";
/// Which services belong to which product, relative to the project folder.
const PRODUCT_SERVICES: &str = "product_services.yaml";
/// What else teams are called, relative to the project folder.
const TEAM_NAMES: &str = "team_names.yaml";

/// What to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where all chance comes from: the same seed gives the same bytes, another seed another year.
    pub seed: u64,
    /// About how many PagerDuty log entries there shall be (within some percent). Incidents are about an eleventh of it;
    /// teams, people, services and repositories grow with its square root.
    pub log_entries: u64,
    /// The last day (UTC) of the year of data.
    pub end: Date,
    /// Of the `.ndjson` files; all others are plain text.
    pub compression: Compression,
}

impl Default for Options {
    /// A firm of eight teams, written in well under a second.
    fn default() -> Self {
        Self {
            seed: 1,
            log_entries: 20_000,
            end: DEFAULT_END,
            compression: Compression::None,
        }
    }
}

/// How `.ndjson` files are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// Zstandard, with `.zst` after the name.
    Zstd,
}

impl Compression {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Zstd => "zstd",
        }
    }
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Relative to the project folder.
    pub path: PathBuf,
    /// How many records are in it; 0 for a marker, which holds none.
    pub records: u64,
    /// How long it is on disk.
    pub bytes: u64,
}

/// Why nothing, or not everything, was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder holds data that this program did not write.
    #[error("`{}` is there already and was not written by this demo; choose an empty folder, e.g. `--project another-folder`", .0.display())]
    Occupied(PathBuf),
    /// A demo with other options is there already.
    #[error("`{}` holds a demo of other options; choose an empty folder, e.g. `--project another-folder`", .0.display())]
    OtherDemo(PathBuf),
    /// Too few log entries to make a year.
    #[error("a demo needs at least {FEWEST_LOG_ENTRIES} log entries, not {0}")]
    TooFew(u64),
    /// The year is outside the calendar's range.
    #[error("the last day of the demo must lie between 1980 and 9000")]
    End,
    /// A time or a text could not be written down.
    #[error("a record could not be rendered")]
    Render(#[from] fmt::Error),
    /// A file or a folder could not be read or written.
    #[error("`{}`: {error}", .path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
}

impl Error {
    pub(crate) fn io(path: &Path, error: io::Error) -> Self {
        Self::Io {
            path: path.to_path_buf(),
            error,
        }
    }
}

/// Writes a year of an invented organisation into the folder `project`: `raw_data/`, `incidents/`,
/// `root_causes.yaml`, `product_services.yaml` and `team_names.yaml`. Says to `progress` each file when it stands under
/// its name, and gives them all, in that order.
///
/// # Errors
/// If there is data already that a demo with the same options did not write (nothing is changed then); if the options
/// are out of range; if a file cannot be written (what was written stays, and the same call may be made again).
pub fn write(
    project: &Path,
    options: &Options,
    progress: &mut dyn FnMut(&Written),
) -> Result<Vec<Written>, Error> {
    if options.log_entries < FEWEST_LOG_ENTRIES {
        return Err(Error::TooFew(options.log_entries));
    }
    let period = Period::ending(options.end)?;
    claim(project, options)?;
    let mut output = Output::new(project, options.compression, progress);
    // First, so that a run that is cut short can be made again.
    output.text(MARKER, &marker(options), 0)?;
    output.text(ROOT_CAUSES, &postmortems::agreed_causes(), 0)?;

    let organisation = Organisation::invent(options.seed, options.log_entries);
    let services = organisation.services.len() as u64;
    output.text(PRODUCT_SERVICES, &organisation.product_services(), services)?;
    let teams = organisation.teams.len() as u64;
    output.text(TEAM_NAMES, &organisation.team_names(), teams)?;
    let mut pagerduty = pagerduty::PagerDuty::new(options.seed, &organisation, period);
    let mut sentry = sentry::Sentry::new(&organisation, period);
    let mut datadog = datadog::DataDog::new(&organisation, period);
    let mut postmortems = postmortems::Postmortems::new(options.seed, &organisation, period);
    let mut survey = survey::Survey::new(options.seed, &organisation, period)?;
    for happening in Timeline::new(options.seed, options.log_entries, &organisation, period)? {
        match happening {
            Happening::Incident(incident) => {
                pagerduty.incident(&mut output, &incident)?;
                datadog.note(&incident);
                postmortems.consider(&mut output, &incident)?;
                survey.note(&incident)?;
            }
            Happening::Issue(issue) => sentry.issue(&mut output, &issue)?,
        }
    }
    pagerduty.finish(&mut output)?;
    sentry.finish(&mut output)?;
    datadog.finish(&mut output)?;
    github::write(&mut output, &organisation, &period)?;
    postmortems.finish(&mut output)?;
    survey.finish(&mut output)?;
    Ok(output.into_written())
}

/// What the marker says of these options.
fn marker(options: &Options) -> String {
    let marker = json!({
        "seed": options.seed,
        "log_entries": options.log_entries,
        "end": options.end.to_string(),
        "compression": options.compression.name(),
    });
    format!("{marker}\n")
}

/// Makes sure that nobody's data is overwritten: either there is none, or this very demo wrote it.
fn claim(project: &Path, options: &Options) -> Result<(), Error> {
    let marker_path = project.join(MARKER);
    match fs::read_to_string(&marker_path) {
        Ok(found) if found == marker(options) => return Ok(()),
        Ok(_) => return Err(Error::OtherDemo(project.join("raw_data"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io(&marker_path, error)),
    }
    for folder in ["raw_data", "incidents"] {
        if let Some(file) = any_file(&project.join(folder))? {
            return Err(Error::Occupied(file));
        }
    }
    for list in [PRODUCT_SERVICES, TEAM_NAMES] {
        let path = project.join(list);
        if path.exists() {
            return Err(Error::Occupied(path));
        }
    }
    let root_causes = project.join(ROOT_CAUSES);
    match fs::read_to_string(&root_causes) {
        Ok(found) if found == postmortems::agreed_causes() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => Err(Error::Occupied(root_causes)),
    }
}

/// Some file in a folder or below it, if there is one; hidden ones (`.gitkeep`) do not count.
fn any_file(folder: &Path) -> Result<Option<PathBuf>, Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(folder, error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| Error::io(folder, error))?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if !path.is_dir() {
            return Ok(Some(path));
        }
        if let Some(file) = any_file(&path)? {
            return Ok(Some(file));
        }
    }
    Ok(None)
}
