//! What the vendors know: the records of each stream, and what finds them fast. How they are asked for is said in the
//! vendors' own files.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::Timestamp;
use serde_json::{Value, json};

/// The streams that the vendors know.
const STREAMS: [&str; 15] = [
    "pagerduty_teams",
    "pagerduty_users",
    "pagerduty_services",
    "pagerduty_incidents",
    "pagerduty_log_entries",
    "sentry_projects",
    "sentry_teams",
    "sentry_issues",
    "sentry_issue_events",
    "github_repos",
    "github_teams",
    "github_repo_teams",
    "github_repo_hooks",
    "datadog_monitors",
    "datadog_synthetics",
];

/// A record as the vendor's API gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The object, without `_extract`.
    pub value: Value,
    /// What the address says and the record does not: `{"repository": …, "repository_id": …}` of a hook or a team of a
    /// repository, `{"issue": …}` of an event.
    pub parent: Option<Value>,
}

impl From<Value> for Record {
    fn from(value: Value) -> Self {
        Self {
            value,
            parent: None,
        }
    }
}

/// What the vendors know.
#[derive(Debug, Default)]
pub struct Data {
    streams: BTreeMap<String, Stream>,
    organisation: Option<String>,
    /// Former names of repositories, in lower case, and what they are called now.
    renamed: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
struct Stream {
    records: Vec<Record>,
    /// Made when first asked for, and anew after a change.
    index: OnceLock<Index>,
}

/// Finds records without looking at all of them.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// What the stream is sorted by (milliseconds since 1970; the number of a monitor), with the record's position;
    /// ascending.
    pub sorted: Vec<(i64, usize)>,
    /// The records of one incident, issue or repository, in the same order.
    pub groups: HashMap<String, Vec<usize>>,
    /// Where a record is, by id.
    pub by_id: HashMap<String, usize>,
}

impl Data {
    /// Vendors that know nothing.
    pub fn empty() -> Self {
        Self::default()
    }

    /// What a `raw_data` folder says that the vendors know: of several copies of a record the newest, and of a stream
    /// that was listed whole what the newest complete listing has. Plain `.ndjson` files alone are read, and only the
    /// streams that a vendor has.
    ///
    /// # Errors
    /// If a file cannot be read, or a line of it is no JSON object.
    pub fn from_raw(raw_data: &Path) -> io::Result<Self> {
        let mut data = Self::default();
        for stream in STREAMS {
            let records = read_stream(&raw_data.join(stream), stream)?;
            data.streams.insert(
                stream.to_owned(),
                Stream {
                    records,
                    index: OnceLock::new(),
                },
            );
        }
        Ok(data)
    }

    /// The records of a stream, such as `pagerduty_incidents`, in no order that matters.
    pub fn stream(&self, stream: &str) -> &[Record] {
        self.streams
            .get(stream)
            .map_or(&[], |stream| stream.records.as_slice())
    }

    /// The same, to change them as one likes.
    pub fn stream_mut(&mut self, stream: &str) -> &mut Vec<Record> {
        let stream = self.streams.entry(stream.to_owned()).or_default();
        stream.index = OnceLock::new();
        &mut stream.records
    }

    /// The slug of the organisation at Sentry and GitHub: as set, else the owner of the first repository, else
    /// `example`.
    pub fn organisation(&self) -> String {
        let owner = || {
            let first = self.stream("github_repos").first()?;
            let (owner, _) = first.value.get("full_name")?.as_str()?.split_once('/')?;
            Some(owner.to_owned())
        };
        let set = self.organisation.clone();
        set.or_else(owner).unwrap_or_else(|| "example".to_owned())
    }

    /// Sets the slug of the organisation.
    pub fn set_organisation(&mut self, slug: &str) {
        self.organisation = Some(slug.to_owned());
    }

    /// Removes a record by its id (of a synthetic test the `public_id`, of a repository the full name); false if there
    /// is none.
    pub fn remove(&mut self, stream: &str, id: &str) -> bool {
        let Some(position) = self.position(stream, id) else {
            return false;
        };
        self.stream_mut(stream).remove(position);
        true
    }

    /// Resolves an incident as a person does: its status, its times, and a log entry that tells; false if there is no
    /// such incident.
    pub fn resolve_incident(&mut self, id: &str, at: Timestamp) -> bool {
        let Some(position) = self.position("pagerduty_incidents", id) else {
            return false;
        };
        let at = second(at);
        let Some(incident) = self.stream_mut("pagerduty_incidents").get_mut(position) else {
            return false;
        };
        for (member, value) in [
            ("status", "resolved"),
            ("resolved_at", &at),
            ("updated_at", &at),
            ("last_status_change_at", &at),
        ] {
            if let Some(incident) = incident.value.as_object_mut() {
                incident.insert(member.to_owned(), value.into());
            }
        }
        let reference = |member: &str| incident.value.get(member).cloned().unwrap_or(Value::Null);
        let entry = json!({
            "id": format!("RESOLVE{id}"),
            "type": "resolve_log_entry",
            "summary": "Resolved through the website.",
            "created_at": at,
            "channel": { "type": "website", "summary": "Resolved" },
            "service": reference("service"),
            "incident": { "id": id, "type": "incident_reference", "summary": reference("summary") },
            "teams": reference("teams"),
        });
        self.stream_mut("pagerduty_log_entries").push(entry.into());
        true
    }

    /// Renames a repository (`owner/name`): requests for the former name are redirected from then on.
    pub fn rename_repository(&mut self, former: &str, now: &str) {
        for record in self.stream_mut("github_repos") {
            if record.value["full_name"].as_str() == Some(former) {
                let name = now.split_once('/').map_or(now, |(_, name)| name);
                record.value["full_name"] = now.into();
                record.value["name"] = name.into();
            }
        }
        for stream in ["github_repo_teams", "github_repo_hooks"] {
            for record in self.stream_mut(stream) {
                if let Some(parent) = &mut record.parent
                    && parent["repository"].as_str() == Some(former)
                {
                    parent["repository"] = now.into();
                }
            }
        }
        self.renamed.insert(former.to_lowercase(), now.to_owned());
    }

    /// What a repository that had this name is called now.
    pub(crate) fn renamed(&self, former: &str) -> Option<&str> {
        self.renamed.get(&former.to_lowercase()).map(String::as_str)
    }

    /// A record by its id.
    pub(crate) fn find(&self, stream: &str, id: &str) -> Option<&Record> {
        self.stream(stream).get(self.position(stream, id)?)
    }

    /// What finds the records of a stream.
    pub(crate) fn index(&self, stream: &str) -> &Index {
        static NOTHING: OnceLock<Index> = OnceLock::new();
        match self.streams.get(stream) {
            Some(found) => found.index.get_or_init(|| index(stream, &found.records)),
            None => NOTHING.get_or_init(Index::default),
        }
    }

    fn position(&self, stream: &str, id: &str) -> Option<usize> {
        self.index(stream).by_id.get(&id.to_lowercase()).copied()
    }
}

/// The moment in a member of a record, in milliseconds since 1970.
pub(crate) fn moment(record: &Value, member: &str) -> Option<i64> {
    let time: Timestamp = record.get(member)?.as_str()?.parse().ok()?;
    Some(time.as_millisecond())
}

/// A moment as the vendors write it.
fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn index(stream: &str, records: &[Record]) -> Index {
    let order = |record: &Value| match stream {
        "pagerduty_incidents" | "pagerduty_log_entries" => moment(record, "created_at"),
        "sentry_issues" => moment(record, "lastSeen"),
        "sentry_issue_events" => moment(record, "dateCreated"),
        "datadog_monitors" => record["id"].as_i64(),
        _ => None,
    };
    let mut sorted: Vec<(i64, usize)> = records
        .iter()
        .enumerate()
        .map(|(position, record)| (order(&record.value).unwrap_or_default(), position))
        .collect();
    sorted.sort_unstable();
    let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
    let mut by_id = HashMap::with_capacity(records.len());
    for (_, position) in &sorted {
        let Some(record) = records.get(*position) else {
            continue;
        };
        if let Some(group) = group(stream, record) {
            groups.entry(group).or_default().push(*position);
        }
        by_id.insert(id(stream, &record.value).to_lowercase(), *position);
    }
    Index {
        sorted,
        groups,
        by_id,
    }
}

/// What tells the records of a stream apart, within one parent.
fn id(stream: &str, record: &Value) -> String {
    let member = match stream {
        "github_repos" => "full_name",
        "datadog_synthetics" => "public_id",
        _ => "id",
    };
    text(&record[member])
}

/// What a record belongs to.
fn group(stream: &str, record: &Record) -> Option<String> {
    let parent = |member: &str| Some(text(record.parent.as_ref()?.get(member)?));
    match stream {
        "pagerduty_log_entries" => Some(text(&record.value["incident"]["id"])),
        "sentry_issue_events" => {
            parent("issue").or_else(|| Some(text(record.value.get("groupID")?)))
        }
        "github_repo_teams" | "github_repo_hooks" => Some(parent("repository")?.to_lowercase()),
        // A redirect names the repository by its number.
        "github_repos" => Some(text(&record.value["id"])),
        _ => None,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A record with the moment at which it was extracted.
struct Copy {
    at: Timestamp,
    record: Record,
}

fn read_stream(folder: &Path, stream: &str) -> io::Result<Vec<Record>> {
    let mut copies: Vec<Copy> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut listed_whole = Timestamp::MIN;
    for path in files(folder)? {
        let name = path.to_string_lossy();
        if name.ends_with(".complete.json") {
            let marker: Value = serde_json::from_slice(&fs::read(&path)?)?;
            let started = marker["started_at"].as_str();
            if let Some(started) = started.and_then(|time| time.parse().ok()) {
                listed_whole = listed_whole.max(started);
            }
        } else if name.ends_with(".ndjson") {
            for line in BufReader::new(fs::File::open(&path)?).lines() {
                let copy = read_record(&line?).map_err(|error| {
                    io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
                })?;
                let parent = copy.record.parent.as_ref().map(Value::to_string);
                let key = format!(
                    "{} {}",
                    id(stream, &copy.record.value),
                    parent.unwrap_or_default()
                );
                match places.get(&key).and_then(|place| copies.get_mut(*place)) {
                    Some(known) if known.at > copy.at => {}
                    Some(known) => *known = copy,
                    None => {
                        places.insert(key, copies.len());
                        copies.push(copy);
                    }
                }
            }
        }
    }
    copies.retain(|copy| copy.at >= listed_whole);
    Ok(copies.into_iter().map(|copy| copy.record).collect())
}

fn read_record(line: &str) -> io::Result<Copy> {
    let mut value: Value = serde_json::from_str(line)?;
    let Some(object) = value.as_object_mut() else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a line is no JSON object",
        ));
    };
    let mut extract = object.remove("_extract").unwrap_or_default();
    let at = extract["at"].as_str().and_then(|time| time.parse().ok());
    let parent = extract.get_mut("parent").map(Value::take);
    Ok(Copy {
        at: at.unwrap_or(Timestamp::MIN),
        record: Record { value, parent },
    })
}

/// The files of a folder, by name; none if there is no such folder.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}
