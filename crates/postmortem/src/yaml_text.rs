//! Findings as the YAML that people review, and as JSON: each value with where it was read, and what a person must decide.

use serde_json::{Map, Value, json as object};

use crate::incident::{Finding, Incident, Read};
use crate::merge;

/// So many readings of one field are shown.
const READINGS: usize = 8;

/// The YAML of an incident. `source` is what the document is called.
pub fn yaml(incident: &Incident, source: &str) -> String {
    let (mut out, unit) = (String::new(), incident.unit);
    out += &format!(
        "{}{} by `reliability postmortem`. A line that says `review:` waits for a person.\n",
        merge::HEAD,
        quoted(source)
    );
    for contradiction in &incident.contradictions {
        out += &format!("# review: {contradiction}\n");
    }
    field(&mut out, "- incident_name", &incident.name, unit);
    field(&mut out, "  postmortem_link", &incident.link, unit);
    field(&mut out, "  incident_date", &incident.date, unit);
    out += "  affected_entities:";
    entities(&mut out, incident);
    list(&mut out, "root_causes", &incident.root_causes, unit);
    for other in &incident.other_causes {
        out += &format!("    # review: no agreed cause: {}\n", origin(other, unit));
    }
    out += "  stats:\n";
    for (name, finding) in incident.times.iter().chain(&incident.numbers) {
        field(&mut out, &format!("    {name}"), finding, unit);
    }
    field(&mut out, "  severity_level", &incident.severity, unit);
    list(&mut out, "reliability_gaps", &incident.gaps, unit);
    out += &format!("{}\n", merge::read_line(incident));
    out
}

/// The same for machines: a value with its line and words, `review` with all readings, or null.
pub fn json(incident: &Incident) -> Value {
    let read = |read: &Read<String>| object!({ "value": read.value, "line": read.line, "words": read.words });
    let finding = |finding: &Finding<String>| match finding {
        Finding::Absent => Value::Null,
        Finding::Certain(one) => read(one),
        Finding::Unclear(reads) => {
            object!({ "review": reads.iter().map(read).collect::<Vec<_>>() })
        }
    };
    let list = |reads: &[Read<String>]| reads.iter().map(read).collect::<Value>();
    let stats = incident.times.iter().chain(&incident.numbers);
    let stats: Map<String, Value> = stats
        .map(|(name, found)| ((*name).to_owned(), finding(found)))
        .collect();
    object!({
        "unit": incident.unit,
        "incident_name": finding(&incident.name),
        "postmortem_link": finding(&incident.link),
        "incident_date": finding(&incident.date),
        "affected_entities": list(&incident.entities),
        "affected_products": list(&incident.products),
        "root_causes": list(&incident.root_causes),
        "other_causes": list(&incident.other_causes),
        "stats": stats,
        "severity_level": finding(&incident.severity),
        "reliability_gaps": list(&incident.gaps),
        "contradictions": incident.contradictions,
    })
}

/// The line of a field, and below it what else it may be.
pub(crate) fn field(out: &mut String, name: &str, finding: &Finding<String>, unit: &str) {
    let indent = " ".repeat(name.len() - name.trim_start_matches([' ', '-']).len());
    let (reads, mark) = match finding {
        Finding::Absent => (&[][..], ""),
        Finding::Certain(read) => (std::slice::from_ref(read), ""),
        Finding::Unclear(reads) => (reads.as_slice(), "review: "),
    };
    let others = match (shown(finding), reads) {
        (Some(value), [first, others @ ..]) => {
            let value = scalar(value);
            *out += &format!("{name}: {value}  # {mark}{}\n", origin(first, unit));
            others
        }
        (_, []) => {
            *out += &format!("{name}: null\n");
            reads
        }
        (None, _) => {
            *out += &format!("{name}: null  # review: one of these?\n");
            reads
        }
    };
    for read in others.iter().take(READINGS) {
        *out += &format!(
            "{indent}#   {}  {}\n",
            scalar(&read.value),
            origin(read, unit)
        );
    }
    if others.len() > READINGS {
        *out += &format!("{indent}#   and {} more\n", others.len() - READINGS);
    }
}

/// What stands in the YAML. One place that can be read in several ways, or that may be about something else, is there as
/// it is written; of several places none is.
pub(crate) fn shown(finding: &Finding<String>) -> Option<&str> {
    match finding {
        Finding::Absent => None,
        Finding::Certain(read) => Some(&read.value),
        Finding::Unclear(reads) => {
            let first = reads.first()?;
            let is_one_place = reads.iter().all(|read| read.line == first.line);
            is_one_place.then_some(first.value.as_str())
        }
    }
}

/// Entities with their products. A document that names products and no entity leaves the entity open.
fn entities(out: &mut String, incident: &Incident) {
    if incident.entities.is_empty() && incident.products.is_empty() {
        *out += " []\n";
        return;
    }
    *out += "\n";
    let one = incident.entities.len() == 1;
    for entity in &incident.entities {
        *out += &format!(
            "    - entity_name: {}  # {}\n",
            scalar(&entity.value),
            origin(entity, incident.unit)
        );
        if one {
            let names = incident
                .products
                .iter()
                .map(|product| scalar(&product.value));
            *out += &format!(
                "      products: [{}]\n",
                names.collect::<Vec<_>>().join(", ")
            );
        }
    }
    if !one {
        for product in &incident.products {
            *out += &format!(
                "    # review: of which entity? {}  {}\n",
                scalar(&product.value),
                origin(product, incident.unit)
            );
        }
        if incident.entities.is_empty() {
            *out += "    []\n";
        }
    }
}

fn list(out: &mut String, name: &str, reads: &[Read<String>], unit: &str) {
    if reads.is_empty() {
        *out += &format!("  {name}: []\n");
        return;
    }
    *out += &format!("  {name}:\n");
    for read in reads {
        *out += &format!("    - {}  # {unit} {}\n", scalar(&read.value), read.line);
    }
}

/// The line and the words, cut where they are long.
fn origin(read: &Read<String>, unit: &str) -> String {
    if read.line == 0 {
        return "where it was fetched".to_owned();
    }
    let mut words: String = read
        .words
        .chars()
        .filter(|c| !c.is_control())
        .take(100)
        .collect();
    if words.len() < read.words.len() {
        words += "…";
    }
    format!("{unit} {}: {words}", read.line)
}

/// A value as YAML takes it for text, or for the time that it is.
fn scalar(value: &str) -> String {
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let has_day = value
        .get(..10)
        .is_some_and(|day| day.parse::<jiff::civil::Date>().is_ok());
    let is_time = has_day
        && value
            .chars()
            .all(|c| c.is_ascii_digit() || "-:TZ+ ".contains(c))
        && !value.contains(": ")
        && !value.ends_with([':', ' ']);
    match is_number || is_time {
        true => value.to_owned(),
        false => quoted(value),
    }
}

/// Text in JSON's quotes, which YAML takes too.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
