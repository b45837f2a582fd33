//! Reading a document again: what people corrected in the YAML is kept, what they left is brought up to date, and what
//! changed in the document is said.
//!
//! The YAML ends in a line that says what was read the last time. A value that is still the one that was read is the
//! document's; any other is a person's. Lines that do not change stay as they are, with the comments in them.

use serde_json::{Map, Value};

use crate::incident::{Finding, Incident, Read};
use crate::yaml_text::{field, shown};

/// What the first line begins with, before the name of the document in JSON's quotes.
pub(crate) const HEAD: &str = "# Read from ";

/// What the last line begins with.
const READ: &str = "# read: ";

/// The YAML of a document that was read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The whole text.
    pub text: String,
    /// What changed in the document, and what became of it.
    pub changes: Vec<String>,
}

/// Why a YAML file is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmerged {
    /// It was not written from a document, or no longer says what was read.
    Foreign,
    /// It was written from this other document.
    Other(String),
}

/// Brings a YAML file in line with its document, which is called `source`.
pub fn merge(there: &str, incident: &Incident, source: &str) -> Result<Merged, Unmerged> {
    let mut lines: Vec<String> = there.lines().map(str::to_owned).collect();
    let place = lines.iter().rposition(|line| line.starts_with(READ));
    let place = place.ok_or(Unmerged::Foreign)?;
    let before: Map<String, Value> =
        serde_json::from_str(&lines[place][READ.len()..]).map_err(|_| Unmerged::Foreign)?;
    // A header that somebody rewrote names no other document.
    let first = lines.first().map_or("", String::as_str);
    if let Some(other) = source_of(first).filter(|other| other != source) {
        return Err(Unmerged::Other(other));
    }
    let now = values(incident);
    lines[place] = read_line(incident);
    let mut changes = Vec::new();
    for (name, finding) in singles(incident) {
        let (was, is) = (&before[name], &now[name]);
        if was == is {
            continue;
        }
        match line_of(&lines, name) {
            Some((at, value)) if value == *was => {
                replace(&mut lines, at, name, finding, incident.unit);
                changes.push(format!("`{name}`: {} became {}", said(was), said(is)));
            }
            Some((_, value)) => changes.push(format!(
                "`{name}`: the document says {} now, and said {}; {} is kept",
                said(is),
                said(was),
                said(&value)
            )),
            None => changes.push(format!(
                "`{name}`: the document says {} now, and the file has no such line",
                said(is)
            )),
        }
    }
    for (name, _) in lists(incident) {
        if before.get(name) != now.get(name) {
            changes.push(format!(
                "`{name}`: the document says {} now, which is for you to write",
                said(&now[name])
            ));
        }
    }
    Ok(Merged {
        text: lines.join("\n") + "\n",
        changes,
    })
}

/// What the document is called that a first line names.
fn source_of(line: &str) -> Option<String> {
    let quoted = line.strip_prefix(HEAD)?;
    let mut values = serde_json::Deserializer::from_str(quoted).into_iter::<String>();
    values.next()?.ok()
}

/// The line that says what was read.
pub(crate) fn read_line(incident: &Incident) -> String {
    format!("{READ}{}", Value::Object(values(incident)))
}

/// What is read, by its name in the YAML; lists as lists, what the document does not say as null.
fn values(incident: &Incident) -> Map<String, Value> {
    let single = singles(incident).map(|(name, finding)| {
        let value = shown(finding).map_or(Value::Null, Value::from);
        (name.to_owned(), value)
    });
    let lists = lists(incident).into_iter().map(|(name, reads)| {
        let values = reads
            .iter()
            .map(|read| read.value.as_str())
            .collect::<Value>();
        (name.to_owned(), values)
    });
    single.chain(lists).collect()
}

fn singles(incident: &Incident) -> impl Iterator<Item = (&'static str, &Finding<String>)> {
    let own = [
        ("incident_name", &incident.name),
        ("postmortem_link", &incident.link),
        ("incident_date", &incident.date),
        ("severity_level", &incident.severity),
    ];
    let stats = incident.times.iter().chain(&incident.numbers);
    own.into_iter()
        .chain(stats.map(|(name, finding)| (*name, finding)))
}

fn lists(incident: &Incident) -> [(&'static str, &[Read<String>]); 4] {
    [
        ("affected_entities", &incident.entities),
        ("affected_products", &incident.products),
        ("root_causes", &incident.root_causes),
        ("reliability_gaps", &incident.gaps),
    ]
}

/// The line of a member, and what it says.
fn line_of(lines: &[String], name: &str) -> Option<(usize, Value)> {
    let of = |line: &str| {
        let rest = line
            .trim_start()
            .strip_prefix("- ")
            .unwrap_or(line.trim_start());
        let node = rest
            .starts_with(&format!("{name}:"))
            .then(|| yaml::parse(rest))?
            .ok()?;
        Some(match &node.get(name)?.value {
            yaml::Value::Null => Value::Null,
            yaml::Value::Bool(value) => Value::from(value.to_string()),
            yaml::Value::Number(text) | yaml::Value::Text(text) => Value::from(text.as_str()),
            yaml::Value::List(_) | yaml::Value::Mapping(_) => Value::from("something else"),
        })
    };
    lines
        .iter()
        .enumerate()
        .find_map(|(at, line)| Some((at, of(line)?)))
}

/// Puts what is read now in place of a line, and of the readings below it.
fn replace(lines: &mut Vec<String>, at: usize, name: &str, finding: &Finding<String>, unit: &str) {
    let begins = lines[at].find(name).unwrap_or_default();
    let head = format!("{}{name}", &lines[at][..begins]);
    let readings = lines[at + 1..]
        .iter()
        .take_while(|line| line.trim_start().starts_with("#   "));
    let end = at + 1 + readings.count();
    let mut text = String::new();
    field(&mut text, &head, finding, unit);
    lines.splice(at..end, text.lines().map(str::to_owned));
}

fn said(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}
