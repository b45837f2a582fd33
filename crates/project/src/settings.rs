//! Settings: from the shell, else from the project's `.env`, else their defaults.
//!
//! `.env.local` in the repository's root lists all of them. Values are never printed: some are secrets.

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diagnostics::{Diagnostic, Source, nearest, nearest_within};
use jiff::tz::TimeZone;
use transform::{Clock, DateOrder};

/// The settings of a project.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `DB_MODE=DISK` and `DB_PATH`: the database's file; nothing for a database in memory.
    pub database: Option<PathBuf>,
    /// `LAKE_PATH`: the folder of Parquet files that is loaded in place of a database; nothing where there is none.
    pub lake: Option<PathBuf>,
    /// `DATABASE_URL`: the cluster that is asked, `spark://host:15002`; nothing where it is not set, or belongs to
    /// another program.
    pub cluster: Option<String>,
    /// `DIRECTORY_PATH`: the stream, or the source, that is loaded where none is named; nothing for all.
    pub directory: Option<String>,
    /// `INCIDENTS_PATH`: where postmortems lie, and whether somebody said so.
    pub incidents: (PathBuf, bool),
    /// `TIME_ZONE` and `DATE_ORDER`: the zone of times that name none, and the order of days such as `05/01/2024`.
    pub clock: Clock,
    /// `ORGANIZATION`: whose reliability it is, for the heading of the page.
    pub organisation: Option<String>,
    /// `CSV_FORMULAS=KEEP`: text in `output/*.csv` stays as it is, even if a spreadsheet would run it.
    pub keeps_formulas: bool,
    /// What `.env` says.
    file: HashMap<String, String>,
}

impl Settings {
    /// What the shell says of any setting, else `.env`; an empty value is none.
    pub fn value(&self, name: &str) -> Option<String> {
        value(&self.file, name)
    }

    /// Names in `.env` and in the shell that are no settings, as far as they look like one, and settings that do nothing.
    /// `others` are settings besides those of the template: a project's own definitions may need more.
    pub fn oddities(&self, others: &[String]) -> Vec<Diagnostic> {
        let known = known_names(others);
        let shell: Vec<String> = env::vars_os()
            .filter_map(|(name, _)| name.into_string().ok())
            .collect();
        let mut odd = unknown_names(self.file.keys(), "`.env`", &known, |length| {
            length.max(3) / 3
        });
        // The shell has many names of other programs: only one that nearly matches is worth a warning.
        odd.extend(unknown_names(shell.iter(), "the shell", &known, |length| {
            if length < 10 { 1 } else { 2 }
        }));
        let path = self.value("DB_PATH").filter(|path| path != DB_PATH);
        if let (Some(path), None) = (path, &self.database) {
            let message = format!("`DB_PATH={path}` does nothing while `DB_MODE` is `MEMORY`");
            odd.push(
                Diagnostic::warning("setting-unused", message)
                    .hint("to keep the database in that file, set `DB_MODE=DISK`"),
            );
        }
        odd
    }
}

/// The text of `.env.local`: every setting with its default.
pub const TEMPLATE: &str = include_str!("../../../.env.local");

/// The default of `DB_PATH`.
const DB_PATH: &str = "reliability.db";

/// The values that `DB_MODE` can take.
const MODES: [&str; 2] = ["MEMORY", "DISK"];

/// The values that `CSV_FORMULAS` can take, the default first.
const FORMULAS: [&str; 2] = ["DISARM", "KEEP"];

/// Reads the settings of a project. All that is wrong with them comes back.
pub fn read(project: &Path) -> Result<Settings, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let file = dot_env(project, &mut faults);
    let get = |name: &str| value(&file, name);

    let path = PathBuf::from(get("DB_PATH").unwrap_or_else(|| DB_PATH.to_owned()));
    // `./` before every name would only be noise.
    let path = if project == Path::new(".") {
        path
    } else {
        project.join(path)
    };
    let mode = one_of("DB_MODE", get("DB_MODE"), MODES, &mut faults);
    let database = (mode == Some("DISK")).then_some(path);
    let time_zone = time_zone(get("TIME_ZONE"), &mut faults);
    let orders = DateOrder::ALL.map(DateOrder::name);
    let date_order = one_of("DATE_ORDER", get("DATE_ORDER"), orders, &mut faults);
    let date_order = date_order.and_then(DateOrder::of_name);
    let formulas = one_of("CSV_FORMULAS", get("CSV_FORMULAS"), FORMULAS, &mut faults);
    let keeps_formulas = formulas == Some(FORMULAS[1]);
    let folder = get("INCIDENTS_PATH");
    let incidents = (
        project.join(folder.as_deref().unwrap_or("incidents")),
        folder.is_some_and(|name| name != "incidents"),
    );
    if faults.is_empty() {
        Ok(Settings {
            database,
            lake: get("LAKE_PATH").map(|path| project.join(path)),
            // Other programs have a setting of this name.
            cluster: get("DATABASE_URL").filter(|url| url.starts_with("spark:")),
            directory: get("DIRECTORY_PATH").map(|name| name.trim_end_matches('/').to_owned()),
            incidents,
            clock: Clock {
                zone: time_zone,
                date_order,
            },
            organisation: get("ORGANIZATION"),
            keeps_formulas,
            file,
        })
    } else {
        Err(faults)
    }
}

/// The value of a setting that has one of two, in any case of its letters; nothing if it is not set, or another.
fn one_of(
    name: &str,
    value: Option<String>,
    values: [&'static str; 2],
    faults: &mut Vec<Diagnostic>,
) -> Option<&'static str> {
    let value = value?;
    let is_meant = |known: &&'static str| value.eq_ignore_ascii_case(known);
    let found = values.into_iter().find(is_meant);
    if found.is_none() {
        let [first, second] = values;
        let message = format!("`{name}` is `{value}`; expected `{first}` or `{second}`");
        let near = nearest(&value, values).unwrap_or(first);
        faults.push(
            Diagnostic::error("setting-unknown-value", message)
                .hint(format!("set `{name}={near}` in the shell or in `.env`")),
        );
    }
    found
}

fn time_zone(name: Option<String>, faults: &mut Vec<Diagnostic>) -> TimeZone {
    let Some(name) = name else {
        return TimeZone::UTC;
    };
    TimeZone::get(&name).unwrap_or_else(|_| {
        let message = format!("`TIME_ZONE` is `{name}`, which is not a zone");
        faults.push(
            Diagnostic::error("setting-unknown-value", message)
                .hint("expected an IANA name, such as `TIME_ZONE=Europe/Berlin`"),
        );
        TimeZone::UTC
    })
}

fn value(file: &HashMap<String, String>, name: &str) -> Option<String> {
    // An empty value is the same as none: templates have many.
    let filled = |value: String| Some(value.trim().to_owned()).filter(|value| !value.is_empty());
    env::var(name)
        .ok()
        .and_then(filled)
        .or_else(|| file.get(name).cloned().and_then(filled))
}

fn known_names(others: &[String]) -> Vec<&str> {
    TEMPLATE
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once('='))
        .map(|(name, _)| name)
        .filter(|name| !name.contains(' '))
        .chain(others.iter().map(String::as_str))
        .collect()
}

/// Other programs keep their settings in the same places: only what looks like one of ours is worth a warning.
fn unknown_names<'n>(
    names: impl Iterator<Item = &'n String>,
    place: &str,
    known: &[&str],
    most: impl Fn(usize) -> usize,
) -> Vec<Diagnostic> {
    let mut unknown: Vec<&String> = names
        .filter(|name| !known.contains(&name.as_str()))
        .collect();
    unknown.sort_unstable();
    let fault = |name: &String| {
        let near = nearest_within(name, known.iter().copied(), &most)?;
        let fault = Diagnostic::warning(
            "setting-unknown",
            format!("`{name}` in {place} is not a setting"),
        );
        Some(fault.hint(format!("did you mean `{near}`?")))
    };
    unknown.into_iter().filter_map(fault).collect()
}

fn dot_env(project: &Path, faults: &mut Vec<Diagnostic>) -> HashMap<String, String> {
    let path = project.join(".env");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return HashMap::new(),
        Err(error) => {
            faults.push(
                Diagnostic::error("setting-unreadable", format!("cannot read `.env`: {error}"))
                    .in_data(path.display().to_string()),
            );
            return HashMap::new();
        }
    };
    let mut values = HashMap::new();
    // Line by line, so that a fault has its line; its words stay unsaid, they may be a secret.
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        for item in dotenvy::from_read_iter(literal(line).as_bytes()) {
            match item {
                Ok((name, value)) => {
                    values.insert(name, value);
                }
                Err(_) => {
                    let source = Arc::new(Source {
                        path: ".env".to_owned(),
                        text: "(not shown)\n".repeat(index + 1),
                    });
                    let start = source.offset(index + 1, 1);
                    faults.push(
                        Diagnostic::error("setting-syntax", "cannot read a line of `.env`").at(
                            &source,
                            start..start + 11,
                            "expected `NAME=value`, or `NAME='value'` if it has spaces, quotes or `\\`",
                        ),
                    );
                }
            }
        }
    }
    values
}

/// A line in which each `$` is one: the reader would put other settings in its place, and cut passwords short.
fn literal(line: &str) -> String {
    let (mut literal, mut quote, mut is_escaped) = (String::with_capacity(line.len()), None, false);
    for letter in line.chars() {
        if letter == '$' && !is_escaped && quote != Some('\'') {
            literal.push('\\');
        }
        match (letter, quote) {
            ('\'' | '"', None) if !is_escaped => quote = Some(letter),
            (letter, Some(open)) if letter == open && !is_escaped => quote = None,
            _ => {}
        }
        is_escaped = letter == '\\' && !is_escaped && quote != Some('\'');
        literal.push(letter);
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_reads_as_settings() {
        let project = tempfile::tempdir().unwrap();
        std::fs::write(project.path().join(".env"), TEMPLATE).unwrap();
        let settings = read(project.path()).unwrap();
        assert_eq!(settings.database, None);
        assert_eq!(settings.incidents.0, project.path().join("incidents"));
    }

    #[test]
    fn a_byte_order_mark_is_passed_over_and_a_misspelt_name_is_told() {
        let project = tempfile::tempdir().unwrap();
        std::fs::write(
            project.path().join(".env"),
            "\u{feff}DB_MODE=DISK\r\nTIMEZONE=UTC\nOTHERS=1\n",
        )
        .unwrap();
        let settings = read(project.path()).unwrap();
        assert!(settings.database.is_some());
        let oddities = settings.oddities(&[]);
        let hints: Vec<_> = oddities
            .iter()
            .filter_map(|odd| odd.hint.as_deref())
            .collect();
        assert_eq!(hints, ["did you mean `TIME_ZONE`?"]);
    }

    #[test]
    fn a_dollar_is_a_dollar() {
        let project = tempfile::tempdir().unwrap();
        let lines = "A=pa$$w0rd$HOME\nB=\"x$A y\"\nC='x$A'\nD=x\\$A\nE=${A}\n";
        std::fs::write(project.path().join(".env"), lines).unwrap();
        let settings = read(project.path()).unwrap();
        let values = ["A", "B", "C", "D", "E"].map(|name| settings.file[name].clone());
        assert_eq!(values, ["pa$$w0rd$HOME", "x$A y", "x$A", "x$A", "${A}"]);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_value() {
        let project = tempfile::tempdir().unwrap();
        std::fs::write(
            project.path().join(".env"),
            "DB_MODE=DISK\nSECRET 'abc123\n",
        )
        .unwrap();
        let faults = read(project.path()).unwrap_err();
        let text = faults[0].render(false);
        assert!(
            text.contains(".env:2:1") && !text.contains("abc123"),
            "{text}"
        );
    }
}
