//! What the vendors know: the records of each stream, and what finds them fast. How they are asked for is said in the
//! vendors' own files.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::tz::Offset;
use jiff::{Timestamp, civil};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The streams that the vendors know.
const STREAMS: [&str; 16] = [
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
    "datadog_notification_rules",
];

/// A record as the vendor's API gives it. Kept as text, a tenth of what a parsed value takes: there may be a million.
#[derive(Clone, Debug)]
pub struct Record {
    json: Box<RawValue>,
    /// What the address says and the record does not: `{"repository": …, "repository_id": …}` of a hook or a team of a
    /// repository, `{"issue": …}` of an event.
    pub parent: Option<Value>,
}

impl Record {
    /// A record with what its address says.
    pub fn new(value: &Value, parent: Option<Value>) -> Self {
        Self {
            json: raw(value),
            parent,
        }
    }

    /// The object, without `_extract`.
    pub fn value(&self) -> Value {
        parsed(&self.json)
    }

    /// Changes the object.
    pub fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        let mut value = self.value();
        change(&mut value);
        self.json = raw(&value);
    }

    /// The object as it goes on the wire.
    pub(crate) fn json(&self) -> &RawValue {
        &self.json
    }
}

impl From<Value> for Record {
    fn from(value: Value) -> Self {
        Self::new(&value, None)
    }
}

/// A value as text.
pub(crate) fn raw(value: &Value) -> Box<RawValue> {
    // A value is JSON always.
    serde_json::value::to_raw_value(value).unwrap_or_default()
}

/// A text as value.
pub(crate) fn parsed(json: &RawValue) -> Value {
    serde_json::from_str(json.get()).unwrap_or_default()
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
    pub sorted: Sorted,
    /// The same for the records of one incident, issue or repository, by its name in lower case.
    groups: HashMap<String, Sorted>,
    /// Where a record is, by id in lower case.
    by_id: HashMap<String, usize>,
    /// What requests choose records by: pointers, and for each what stands there, by the record's position.
    columns: Vec<(&'static str, Vec<Value>)>,
}

/// Positions in a stream with what they are sorted by.
pub(crate) type Sorted = Vec<(i64, usize)>;

impl Index {
    /// The records of one incident, issue or repository.
    pub fn group(&self, name: &str) -> &[(i64, usize)] {
        let group = self.groups.get(&name.to_lowercase());
        group.map_or(&[], Vec::as_slice)
    }

    /// What stands in a record at one of the pointers that its stream is chosen by; null if there is nothing.
    pub fn at(&self, pointer: &str, position: usize) -> &Value {
        let column = self.columns.iter().find(|(known, _)| *known == pointer);
        let value = column.and_then(|(_, values)| values.get(position));
        value.unwrap_or(&Value::Null)
    }
}

impl Data {
    /// Vendors that know nothing.
    pub fn empty() -> Self {
        Self::default()
    }

    /// What a `raw_data` folder says that the vendors know: of several copies of a record the newest, and of a stream
    /// that was listed whole what the newest complete listing has. Only plain `.ndjson` files are read, and only the
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
            let first = self.stream("github_repos").first()?.value();
            let (owner, _) = first.get("full_name")?.as_str()?.split_once('/')?;
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

    /// Resolves an incident as a person does: its status, its times, and a log entry about it; false if there is no
    /// such incident.
    pub fn resolve_incident(&mut self, id: &str, at: Timestamp) -> bool {
        let Some(position) = self.position("pagerduty_incidents", id) else {
            return false;
        };
        let at = second(at);
        let Some(record) = self.stream_mut("pagerduty_incidents").get_mut(position) else {
            return false;
        };
        let mut incident = record.value();
        for (member, value) in [
            ("status", "resolved"),
            ("resolved_at", &at),
            ("updated_at", &at),
            ("last_status_change_at", &at),
        ] {
            incident[member] = value.into();
        }
        record.json = raw(&incident);
        let reference = |member: &str| incident.get(member).cloned().unwrap_or_default();
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
            let mut repository = record.value();
            if repository["full_name"].as_str() == Some(former) {
                let name = now.split_once('/').map_or(now, |(_, name)| name);
                repository["full_name"] = now.into();
                repository["name"] = name.into();
                record.json = raw(&repository);
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

    /// Makes what finds the records of every stream, so that no request has to wait for it.
    pub(crate) fn prepare(&self) {
        for stream in self.streams.keys() {
            self.index(stream);
        }
    }

    fn position(&self, stream: &str, id: &str) -> Option<usize> {
        self.index(stream).by_id.get(&id.to_lowercase()).copied()
    }
}

/// A moment as the vendors write it.
fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What a stream is looked up by.
struct Keys {
    /// The member that tells its records apart, within one parent.
    id: &'static str,
    /// The member that it is sorted by, a time or a number; empty for the order in which records were found.
    order: &'static str,
    /// What its records belong to: a member of the parent, else a pointer into the record; empty for none.
    group: (&'static str, &'static str),
    /// What its records are chosen by.
    columns: &'static [&'static str],
}

fn keys(stream: &str) -> Keys {
    let plain = Keys {
        id: "id",
        order: "",
        group: ("", ""),
        columns: &[],
    };
    match stream {
        "pagerduty_incidents" => Keys {
            order: "created_at",
            columns: &[
                "/status",
                "/service/id",
                "/urgency",
                "/incident_number",
                "/created_at",
                "/resolved_at",
            ],
            ..plain
        },
        "pagerduty_log_entries" => Keys {
            order: "created_at",
            group: ("", "/incident/id"),
            ..plain
        },
        "sentry_issues" => Keys {
            order: "lastSeen",
            columns: &["/status", "/firstSeen", "/project/id", "/project/slug"],
            ..plain
        },
        "sentry_issue_events" => Keys {
            order: "dateCreated",
            group: ("issue", "/groupID"),
            ..plain
        },
        "github_repos" => Keys {
            id: "full_name",
            // A redirect names the repository by its number.
            group: ("", "/id"),
            ..plain
        },
        "github_repo_teams" | "github_repo_hooks" => Keys {
            group: ("repository", ""),
            ..plain
        },
        "datadog_monitors" => Keys {
            order: "id",
            ..plain
        },
        "datadog_synthetics" => Keys {
            id: "public_id",
            ..plain
        },
        _ => plain,
    }
}

fn index(stream: &str, records: &[Record]) -> Index {
    let keys = keys(stream);
    let (of_parent, of_record) = keys.group;
    let mut index = Index::default();
    let mut groups = Vec::with_capacity(records.len());
    let mut columns = vec![Vec::new(); keys.columns.len()];
    for (position, record) in records.iter().enumerate() {
        let members = Members::of(&record.json);
        let order = match members.at(keys.order) {
            Value::String(time) => moment(&time),
            number => number.as_i64(),
        };
        index.sorted.push((order.unwrap_or_default(), position));
        let parent = record.parent.as_ref();
        groups.push(match parent.and_then(|parent| parent.get(of_parent)) {
            Some(group) => text(group).to_lowercase(),
            None => text(&members.at(of_record)).to_lowercase(),
        });
        let id = text(&members.at(keys.id)).to_lowercase();
        index.by_id.insert(id, position);
        for (column, pointer) in columns.iter_mut().zip(keys.columns) {
            column.push(members.at(pointer));
        }
    }
    index.sorted.sort_unstable();
    index.columns = keys.columns.iter().copied().zip(columns).collect();
    if keys.group != ("", "") {
        for entry in &index.sorted {
            if let Some(group) = groups.get_mut(entry.1) {
                let group = std::mem::take(group);
                index.groups.entry(group).or_default().push(*entry);
            }
        }
    }
    index
}

/// The members of a record, none of them parsed before it is looked at.
struct Members<'a>(HashMap<String, &'a RawValue>);

impl<'a> Members<'a> {
    fn of(json: &'a RawValue) -> Self {
        Self(serde_json::from_str(json.get()).unwrap_or_default())
    }

    /// What stands at a pointer (`/service/id`, or a member's bare name); null if there is nothing.
    fn at(&self, pointer: &str) -> Value {
        let pointer = pointer.trim_start_matches('/');
        let (member, below) = pointer.split_once('/').unwrap_or((pointer, ""));
        let Some(json) = self.0.get(member) else {
            return Value::Null;
        };
        let mut value = parsed(json);
        if below.is_empty() {
            return value;
        }
        value.get_mut(below).map(Value::take).unwrap_or_default()
    }
}

/// A moment in ISO 8601, in milliseconds since 1970; in UTC where it names no zone.
pub(crate) fn moment(text: &str) -> Option<i64> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment.as_millisecond());
    }
    let local: civil::DateTime = text.parse().ok()?;
    Some(Offset::UTC.to_timestamp(local).ok()?.as_millisecond())
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
                let (key, copy) = read_record(&line?, keys(stream).id).map_err(|error| {
                    io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
                })?;
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

/// A record, and what tells it apart from others.
fn read_record(line: &str, id: &str) -> io::Result<(String, Copy)> {
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
    let of_parent = parent.as_ref().map(Value::to_string).unwrap_or_default();
    let key = format!("{} {of_parent}", text(&value[id]));
    let copy = Copy {
        at: at.unwrap_or(Timestamp::MIN),
        record: Record::new(&value, parent),
    };
    Ok((key, copy))
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
