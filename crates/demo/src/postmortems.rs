//! Postmortems, as people write them: one YAML file a quarter, and a few of one incident. They exist for most major
//! incidents. Deliberate faults: some are missing, some late, some lack stamps or numbers, causes recur, and one cause
//! is misspelt, so that it stands outside the agreed list.

use std::fmt::{self, Write};

use crate::Error;
use crate::files::{OpenFile, Output};
use crate::incident::{Incident, Origin};
use crate::organisation::{NAME, Organisation, SLUG};
use crate::random::Random;
use crate::time::{DAY, HOUR, Period, Time};
use crate::{Compression, pagerduty};

/// What sets incidents off, and how often in percent: table C-1 of appendix C of The Site Reliability Workbook
/// (2018), <https://sre.google/workbook/postmortem-analysis/>.
const TRIGGERS: [(&str, f64); 8] = [
    ("Binary push", 37.0),
    ("Configuration push", 31.0),
    ("User behavior change", 9.0),
    ("Processing pipeline", 6.0),
    ("Service provider change", 5.0),
    ("Performance decay", 5.0),
    ("Capacity management", 5.0),
    ("Hardware", 2.0),
];
/// Categories of root causes, and how often in percent: table C-2, in the same place.
const CAUSES: [(&str, f64); 5] = [
    ("Software", 41.35),
    ("Development process failure", 20.23),
    ("Complex system behaviors", 16.90),
    ("Deployment planning", 6.74),
    ("Network failure", 2.75),
];
/// The one name outside the agreed list, for [`CAUSES`]`[0]`.
const MISSPELT: &str = "Sofware";
/// Which postmortem has it, counted from 0.
const MISSPELT_IN: usize = 3;
/// At most so many postmortems have a file of their own.
const FILES_OF_ONE: usize = 5;

const GAPS: [&str; 8] = [
    "No alert on the error rate of the fallback path",
    "Rollback took 40 minutes, nobody had practised it",
    "The runbook names a host that is gone",
    "Staging has no production-like traffic",
    "Retries without back-off: a small failure became a large one",
    "One person knows this system",
    "Dashboards show averages, so the slow tail was not seen",
    "No limit on queue length; the \"catch-up\" took longer than the outage",
];
const AREAS: [&str; 4] = ["monitoring", "process", "architecture", "knowledge"];

/// The agreed list of causes, as `root_causes.yaml`.
pub(crate) fn agreed_causes() -> String {
    let mut text = String::from(
        "# What an incident's root causes may be called: first what set it off, then what lay behind it.\n\
         # The names are those of The Site Reliability Workbook, appendix C.\n",
    );
    for (name, _) in TRIGGERS.iter().chain(&CAUSES) {
        text.push_str("- ");
        text.push_str(name);
        text.push('\n');
    }
    text
}

/// The postmortems of the year, written as their incidents come by.
pub(crate) struct Postmortems<'a> {
    organisation: &'a Organisation,
    period: Period,
    random: Random,
    major: usize,
    written: usize,
    files_of_one: usize,
    quarter: Option<QuarterFile>,
}

struct QuarterFile {
    name: String,
    file: OpenFile,
    postmortems: u64,
}

impl<'a> Postmortems<'a> {
    /// Nothing is written yet.
    pub(crate) fn new(seed: u64, organisation: &'a Organisation, period: Period) -> Self {
        let random = Random::new(seed, "postmortems");
        Self {
            organisation,
            period,
            random,
            major: 0,
            written: 0,
            files_of_one: 0,
            quarter: None,
        }
    }

    /// Writes the postmortem of an incident, if it gets one. Incidents must come in the order of their starts.
    pub(crate) fn consider(
        &mut self,
        output: &mut Output<'_>,
        incident: &Incident,
    ) -> Result<(), Error> {
        let recovered = incident.snapshot(self.period.second).resolved_at;
        let (true, Some(recovered)) = (incident.plan.is_major, recovered) else {
            return Ok(());
        };
        self.major += 1;
        // Every fifth is never written, and the newest are still being written.
        if self.major % 5 == 4 || self.period.end() - recovered < 3 * DAY {
            return Ok(());
        }
        let text = self.postmortem(incident, recovered)?;
        let date = incident.plan.start.date()?;
        if self.written % 6 == 2 && self.files_of_one < FILES_OF_ONE {
            self.files_of_one += 1;
            let service = &self.organisation.services[incident.plan.service].name;
            output.text(&format!("incidents/{date}-{service}.yaml"), &text, 1)?;
        } else {
            let name = format!("incidents/{}-q{}.yaml", date.year(), (date.month() + 2) / 3);
            if self
                .quarter
                .as_ref()
                .is_none_or(|quarter| quarter.name != name)
            {
                self.close_quarter(output)?;
                let file = output.open(&name, Compression::None)?;
                self.quarter = Some(QuarterFile {
                    name,
                    file,
                    postmortems: 0,
                });
            }
            if let Some(quarter) = &mut self.quarter {
                quarter.file.write(as_list_item(&text).as_bytes())?;
                quarter.postmortems += 1;
            }
        }
        self.written += 1;
        Ok(())
    }

    /// Ends the last file.
    pub(crate) fn finish(mut self, output: &mut Output<'_>) -> Result<(), Error> {
        self.close_quarter(output)
    }

    fn close_quarter(&mut self, output: &mut Output<'_>) -> Result<(), Error> {
        match self.quarter.take() {
            Some(quarter) => output.close(quarter.file, quarter.postmortems),
            None => Ok(()),
        }
    }

    fn postmortem(&mut self, incident: &Incident, recovered: Time) -> Result<String, fmt::Error> {
        let organisation = self.organisation;
        let service = &organisation.services[incident.plan.service];
        let product = organisation.teams[service.team].product;
        let date = incident.plan.start.date()?;
        let name = match incident.plan.origin {
            Origin::Monitor(monitor) => organisation.monitor_title(monitor),
            Origin::Person(words) => {
                pagerduty::REPORTS[words % pagerduty::REPORTS.len()].to_owned()
            }
        };
        let mut text = String::new();
        writeln!(text, "incident_name: {}", scalar(&name))?;
        let link = format!(
            "https://wiki.{SLUG}.example/postmortems/{date}-{}-{}",
            service.name, incident.number
        );
        writeln!(text, "postmortem_link: {link}")?;
        writeln!(text, "incident_date: {date}")?;
        writeln!(
            text,
            "affected_entities:\n  - entity_name: {NAME}\n    products:\n      - {product}"
        )?;
        if let Some(other) = service
            .drags
            .map(|other| organisation.teams[organisation.services[other].team].product)
            && other != product
        {
            writeln!(text, "      - {other}")?;
        }
        if self.random.chance(0.15) {
            writeln!(
                text,
                "  - entity_name: {NAME} Partners\n    products:\n      - Partner API"
            )?;
        }
        self.causes(&mut text, incident, service.team)?;
        self.stats(&mut text, incident, recovered)?;
        // People do not all write it alike.
        let severity = match (incident.priority, self.written % 9) {
            (Some(1), 4) => "p1",
            (Some(1), _) => "P1",
            (_, 7) => "p2",
            _ => "P2",
        };
        writeln!(text, "severity_level: {severity}")?;
        self.gaps(&mut text)?;
        Ok(text)
    }

    fn causes(&mut self, text: &mut String, incident: &Incident, team: usize) -> fmt::Result {
        text.push_str("root_causes:\n");
        // Each team has its own weak spot, to which it comes back.
        let recurs = self.random.chance(0.45);
        let trigger = match (incident.plan.follows_change, recurs) {
            (true, true) => team % 2,
            (true, false) => self.random.below(2),
            (false, true) => 2 + team % 6,
            (false, false) => weighted(&TRIGGERS, &mut self.random),
        };
        let cause = if recurs {
            team % CAUSES.len()
        } else {
            weighted(&CAUSES, &mut self.random)
        };
        let cause = if self.written == MISSPELT_IN {
            MISSPELT
        } else {
            CAUSES[cause].0
        };
        writeln!(text, "  - {}\n  - {cause}", TRIGGERS[trigger].0)
    }

    fn stats(&mut self, text: &mut String, incident: &Incident, recovered: Time) -> fmt::Result {
        let start = incident.plan.start;
        let began = incident
            .errors_seen
            .unwrap_or(start + -self.random.between(0, 420));
        let noticed = incident.first_acknowledged().unwrap_or(start);
        let by_customer = self
            .random
            .chance(0.45)
            .then(|| start + self.random.between(-200, 1_500));
        let reconciled = self
            .random
            .chance(0.6)
            .then(|| recovered + self.random.between(HOUR, 30 * HOUR));
        let days = if self.written % 5 == 1 {
            self.random.between(28, 70)
        } else {
            self.random.between(1, 12)
        };
        let understood = Some(recovered + days * DAY).filter(|at| *at < self.period.end());
        text.push_str("stats:\n");
        let internal = if by_customer.is_some() {
            Some(noticed)
        } else {
            Some(start)
        };
        for (name, time, missing) in [
            ("first_trigger", Some(began), 0.05),
            ("customer_detect", by_customer.map(|at| at.max(began)), 0.0),
            ("internal_detect", internal, 0.08),
            ("recovery", Some(recovered), 0.06),
            ("reconcile", reconciled, 0.0),
            ("rca", understood, 0.1),
        ] {
            match time.filter(|_| !self.random.chance(missing)) {
                Some(time) if self.written % 8 == 6 => writeln!(text, "  time_of_{name}: {time}")?,
                Some(time) => writeln!(text, "  time_of_{name}: '{}'", time.to_the_minute()?)?,
                None => writeln!(text, "  time_of_{name}: null")?,
            }
        }
        let minutes = ((recovered - began) / 60).max(1) as f64;
        for (name, median) in [
            ("impacted_customers", 4.0 * minutes),
            ("failed_requests", 90.0 * minutes),
        ] {
            if self.random.chance(0.25) {
                writeln!(text, "  number_of_{name}: NaN")?;
            } else {
                writeln!(
                    text,
                    "  number_of_{name}: {}",
                    self.random.lognormal(median, 1.2) as u64
                )?;
            }
        }
        Ok(())
    }

    /// Absent, a text, a list or a mapping: each is allowed, and each occurs.
    fn gaps(&mut self, text: &mut String) -> fmt::Result {
        let first = self.random.below(GAPS.len());
        let gap = |further: usize| scalar(GAPS[(first + further) % GAPS.len()]);
        match self.written % 7 {
            1 | 5 => writeln!(text, "reliability_gaps: {}", gap(0)),
            2 | 6 => writeln!(text, "reliability_gaps:\n  - {}\n  - {}", gap(0), gap(3)),
            3 => {
                let area = AREAS[first % AREAS.len()];
                writeln!(
                    text,
                    "reliability_gaps:\n  {area}: {}\n  other: {}",
                    gap(0),
                    gap(5)
                )
            }
            _ => Ok(()),
        }
    }
}

fn weighted(choices: &[(&str, f64)], random: &mut Random) -> usize {
    let sums: Vec<f64> = choices
        .iter()
        .scan(0.0, |sum, (_, weight)| {
            *sum += weight;
            Some(*sum)
        })
        .collect();
    random.weighted(&sums)
}

/// A mapping as an item of a list.
fn as_list_item(mapping: &str) -> String {
    let mut item = String::with_capacity(mapping.len() + 64);
    for (number, line) in mapping.lines().enumerate() {
        item.push_str(if number == 0 { "- " } else { "  " });
        item.push_str(line);
        item.push('\n');
    }
    item
}

/// A text as YAML: bare where that is safe, else in double quotes, whose rules are JSON's and more.
fn scalar(text: &str) -> String {
    let is_safe = text.starts_with(char::is_alphabetic)
        && text
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | ',' | '-' | '.'));
    if is_safe {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_quoted_where_yaml_asks_for_it() {
        assert_eq!(
            scalar("One person knows this system"),
            "One person knows this system"
        );
        assert_eq!(scalar("api: slow"), "\"api: slow\"");
        assert_eq!(scalar("the \"catch-up\""), "\"the \\\"catch-up\\\"\"");
    }

    #[test]
    fn a_mapping_becomes_a_list_item() {
        assert_eq!(as_list_item("a: 1\nb:\n  - 2\n"), "- a: 1\n  b:\n    - 2\n");
    }
}
