//! What a document says of its incident: each field with where it was read. How it is read is in `findings`.

/// Something that was read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read<T> {
    /// What it says.
    pub value: T,
    /// The number of its line or paragraph, from 1; 0 for what is known of the document besides its text.
    pub line: usize,
    /// The words there.
    pub words: String,
}

impl<T> Read<T> {
    /// The same place, for another value.
    pub(crate) fn with<U>(&self, value: U) -> Read<U> {
        Read {
            value,
            line: self.line,
            words: self.words.clone(),
        }
    }
}

/// What is known of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding<T> {
    /// The document does not say.
    Absent,
    /// It says this.
    Certain(Read<T>),
    /// It says something that can be read in several ways: a person must choose.
    Unclear(Vec<Read<T>>),
}

/// What a document says of its incident. Times are as they go into YAML: with an offset where the document names a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// What is counted to say where something stands: `line` or `paragraph`.
    pub unit: &'static str,
    /// What it is called.
    pub name: Finding<String>,
    /// Where the document is.
    pub link: Finding<String>,
    /// The day.
    pub date: Finding<String>,
    /// Entities, as the document names them.
    pub entities: Vec<Read<String>>,
    /// Products or services, as the document names them.
    pub products: Vec<Read<String>>,
    /// Causes, by their agreed names.
    pub root_causes: Vec<Read<String>>,
    /// What stands under root causes, and is no agreed name.
    pub other_causes: Vec<Read<String>>,
    /// Each time, under its name in the YAML.
    pub times: Vec<(&'static str, Finding<String>)>,
    /// Each number, under its name in the YAML.
    pub numbers: Vec<(&'static str, Finding<String>)>,
    /// How bad it was.
    pub severity: Finding<String>,
    /// What would have made it shorter, or kept it from happening.
    pub gaps: Vec<Read<String>>,
    /// What the document says that cannot all be so.
    pub contradictions: Vec<String>,
}

impl Incident {
    /// Says where the document is, where it does not say so itself.
    pub fn link_is(&mut self, link: String) {
        if self.link == Finding::Absent {
            self.link = Finding::Certain(Read {
                value: link,
                line: 0,
                words: String::new(),
            });
        }
    }

    /// What a postmortem should have and this one lacks, or leaves open, by its name in the YAML.
    pub fn lacks(&self) -> Vec<&'static str> {
        let is_missing = |finding: &Finding<String>| !matches!(finding, Finding::Certain(_));
        let single = [
            ("incident_name", &self.name),
            ("incident_date", &self.date),
            ("severity_level", &self.severity),
        ];
        let single = single
            .into_iter()
            .filter(|(_, finding)| is_missing(finding));
        let lists = [
            ("affected_entities", &self.entities),
            ("root_causes", &self.root_causes),
        ];
        let lists = lists.into_iter().filter(|(_, reads)| reads.is_empty());
        // Who noticed it, people of the organisation or customers, is one question.
        let detected = ["time_of_customer_detect", "time_of_internal_detect"];
        let is_detected = |(name, finding): &(&str, Finding<String>)| {
            detected.contains(name) && !is_missing(finding)
        };
        let times = self.times.iter().filter(|(name, finding)| {
            is_missing(finding) && ["time_of_first_trigger", "time_of_recovery"].contains(name)
        });
        let mut lacks: Vec<&str> = single
            .map(|(name, _)| name)
            .chain(lists.map(|(name, _)| name))
            .collect();
        lacks.extend(times.map(|(name, _)| *name));
        if !self.times.iter().any(is_detected) {
            lacks.push("time_of_internal_detect");
        }
        lacks
    }
}
