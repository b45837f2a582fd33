//! PagerDuty's records: services, teams, users, incidents and log entries, in the shape of its REST API v2. How one
//! incident and one log entry are rendered is `render`'s; references to people and services are rendered here, once.

use serde_json::{Value, json};

use crate::Error;
use crate::files::{Output, StreamWriter};
use crate::incident::{Incident, Origin, Snapshot, Status};
use crate::organisation::{Contact, Organisation, Person, SLUG, code};
use crate::random::scramble;
use crate::time::{DAY, Period, Time, ZONES};

mod render;

use self::render::{IncidentText, Render};

const API: &str = "https://api.pagerduty.com";

/// What people call the incidents that they open by hand.
pub(crate) const REPORTS: [&str; 6] = [
    "Customers report failed orders",
    "Orders are shown twice",
    "Partner says that our API is slow",
    "Login page is blank for some",
    "Prices are wrong in \"Deals\"",
    "Nightly export did not arrive",
];

/// What this vendor learns as the year goes by.
pub(crate) struct PagerDuty<'a> {
    organisation: &'a Organisation,
    period: Period,
    salt: u64,
    people: Vec<String>,
    services: Vec<String>,
    policies: Vec<String>,
    /// A list of one team, by service.
    teams: Vec<String>,
    /// Titles of monitors, escaped for JSON.
    titles: Vec<String>,
    incidents: [StreamWriter; 2],
    log_entries: [StreamWriter; 2],
    /// By extraction and service.
    seen: [Vec<ServiceSeen>; 2],
}

/// What a service's record says about its incidents.
#[derive(Clone, Default)]
struct ServiceSeen {
    last_incident: Option<Time>,
    triggered: u32,
    acknowledged: u32,
}

impl<'a> PagerDuty<'a> {
    /// Makes the references; nothing is written yet.
    pub(crate) fn new(seed: u64, organisation: &'a Organisation, period: Period) -> Self {
        let salt = scramble(seed) % 1_000_000_007;
        let site = |path: &str, id: &str| format!("https://{SLUG}.pagerduty.com/{path}/{id}");
        let people = organisation.people.iter().enumerate();
        let people = people.map(|(place, person)| {
            let id = person_id(salt, place);
            let html = site("users", &id);
            reference(&id, "user_reference", &person.name, "users", &html)
        });
        let services = organisation.services.iter().enumerate();
        let services = services.map(|(place, service)| {
            let id = service_id(salt, place);
            let html = site("service-directory", &id);
            reference(&id, "service_reference", &service.name, "services", &html)
        });
        let policies = organisation.services.iter().map(|service| {
            let id = code("PE", salt, service.team as u64, 6);
            let name = format!("{} on call", organisation.teams[service.team].name);
            let (kind, path) = ("escalation_policy_reference", "escalation_policies");
            reference(&id, kind, &name, path, &site(path, &id))
        });
        let teams = organisation
            .services
            .iter()
            .map(|service| team_reference(salt, organisation, service.team));
        let titles = (0..organisation.monitors.len())
            .map(|place| escaped(&organisation.monitor_title(place)));
        let streams = |stream| {
            [
                StreamWriter::new(stream, period.first),
                StreamWriter::new(stream, period.second),
            ]
        };
        Self {
            organisation,
            period,
            salt,
            people: people.collect(),
            services: services.collect(),
            policies: policies.collect(),
            teams: teams.map(|team| format!("[{team}]")).collect(),
            titles: titles.collect(),
            incidents: streams("pagerduty_incidents"),
            log_entries: streams("pagerduty_log_entries"),
            seen: [(); 2].map(|()| vec![ServiceSeen::default(); organisation.services.len()]),
        }
    }

    /// Writes an incident and its log entries into the extractions that saw them.
    ///
    /// The older extraction sees what had happened by then. The newer one asks for what is new since a day before the
    /// older one, and for every incident that a log entry since then names.
    pub(crate) fn incident(
        &mut self,
        output: &mut Output<'_>,
        incident: &Incident,
    ) -> Result<(), Error> {
        let Period { first, second, .. } = self.period;
        let windows = [(Time(i64::MIN), first), (self.period.since(), second)];
        let text = self.text(incident);
        for (extraction, (since, until)) in windows.into_iter().enumerate() {
            if incident.plan.start > until {
                continue;
            }
            let snapshot = incident.snapshot(until);
            self.note(extraction, incident, &snapshot);
            if snapshot.updated_at < since {
                continue;
            }
            let streams = (
                &mut self.incidents[extraction],
                &mut self.log_entries[extraction],
            );
            let render = Render {
                organisation: self.organisation,
                salt: self.salt,
                people: &self.people,
                incident,
                text: &text,
                service: &self.services[incident.plan.service],
                policy: &self.policies[incident.plan.service],
                teams: &self.teams[incident.plan.service],
            };
            streams
                .0
                .record(output, None, |line| render.incident(line, &snapshot))?;
            for (place, event) in incident.events.iter().enumerate() {
                if event.at >= since && event.at <= until {
                    streams.1.record(output, None, |line| {
                        render.log_entry(line, place as u64, event)
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Writes what is listed whole, and ends the streams.
    pub(crate) fn finish(self, output: &mut Output<'_>) -> Result<(), Error> {
        let Self {
            organisation,
            period,
            salt,
            ..
        } = self;
        for stream in self.incidents.into_iter().chain(self.log_entries) {
            stream.finish(output)?;
        }
        for (extraction, started) in [period.first, period.second].into_iter().enumerate() {
            let mut services = StreamWriter::new("pagerduty_services", started + 20);
            for (place, seen) in self.seen[extraction].iter().enumerate() {
                let record = service(salt, organisation, place, seen, &period);
                services.value(output, None, &record)?;
            }
            services.finish_whole(output)?;

            let mut teams = StreamWriter::new("pagerduty_teams", started + 25);
            for (place, team) in organisation.teams.iter().enumerate() {
                let id = team_id(salt, place);
                let record = json!({
                    "id": id, "type": "team", "summary": team.name, "self": format!("{API}/teams/{id}"),
                    "html_url": format!("https://{SLUG}.pagerduty.com/teams/{id}"), "name": team.name,
                    "description": format!("Looks after {}", team.product), "default_role": "manager", "parent": null,
                });
                teams.value(output, None, &record)?;
            }
            teams.finish_whole(output)?;

            let mut users = StreamWriter::new("pagerduty_users", started + 30);
            for (place, person) in organisation.people.iter().enumerate() {
                // A team lost a member between the two extractions.
                let team = person
                    .team
                    .filter(|_| extraction == 0 || place != organisation.leaver);
                users.value(output, None, &user(salt, organisation, place, person, team))?;
            }
            users.finish_whole(output)?;
        }
        Ok(())
    }

    fn text(&self, incident: &Incident) -> IncidentText {
        let id = code("Q", self.salt, incident.number, 13);
        let title = match incident.plan.origin {
            Origin::Monitor(monitor) => self.titles[monitor].clone(),
            Origin::Person(words) => escaped(REPORTS[words % REPORTS.len()]),
        };
        let reference = format!(
            r##"{{"id":"{id}","type":"incident_reference","summary":"[#{number}] {title}","self":"{API}/incidents/{id}","html_url":"https://{SLUG}.pagerduty.com/incidents/{id}"}}"##,
            number = incident.number,
        );
        let key = match incident.plan.origin {
            Origin::Monitor(monitor) => {
                format!("monitor_id={}", crate::datadog::monitor_id(monitor))
            }
            Origin::Person(_) => format!(
                "{:016x}{:016x}",
                scramble(incident.number),
                scramble(self.salt)
            ),
        };
        IncidentText {
            id,
            title,
            reference,
            key,
        }
    }

    /// Remembers what the service's own record will say.
    fn note(&mut self, extraction: usize, incident: &Incident, snapshot: &Snapshot) {
        let seen = &mut self.seen[extraction][incident.plan.service];
        seen.last_incident = seen.last_incident.max(Some(incident.plan.start));
        match snapshot.status {
            Status::Triggered => seen.triggered += 1,
            Status::Acknowledged => seen.acknowledged += 1,
            Status::Resolved => {}
        }
    }
}

/// A text as it stands between the quotes of a JSON string.
pub(crate) fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn reference(id: &str, kind: &str, summary: &str, path: &str, html_url: &str) -> String {
    format!(
        r#"{{"id":"{id}","type":"{kind}","summary":"{}","self":"{API}/{path}/{id}","html_url":"{html_url}"}}"#,
        escaped(summary)
    )
}

fn team_reference(salt: u64, organisation: &Organisation, team: usize) -> String {
    let id = team_id(salt, team);
    let html = format!("https://{SLUG}.pagerduty.com/teams/{id}");
    reference(
        &id,
        "team_reference",
        &organisation.teams[team].name,
        "teams",
        &html,
    )
}

fn team_id(salt: u64, team: usize) -> String {
    code("PT", salt, team as u64, 6)
}

fn service_id(salt: u64, service: usize) -> String {
    code("PS", salt, service as u64, 6)
}

fn person_id(salt: u64, person: usize) -> String {
    code("PU", salt, person as u64, 6)
}

/// What stands in place of a telephone number.
fn number_hash(person: usize) -> String {
    let number = person as u64;
    format!("hash:{:016x}{:016x}", scramble(number), scramble(!number))
}

fn contact_name(contact: Contact) -> &'static str {
    match contact {
        Contact::Push => "push",
        Contact::Email => "email",
        Contact::Sms => "sms",
        Contact::Phone => "phone",
    }
}

fn service(
    salt: u64,
    organisation: &Organisation,
    place: usize,
    seen: &ServiceSeen,
    period: &Period,
) -> Value {
    let service = &organisation.services[place];
    let (id, team) = (service_id(salt, place), &organisation.teams[service.team]);
    let policy = code("PE", salt, service.team as u64, 6);
    let integration = code("PI", salt, place as u64, 6);
    let status = match seen {
        ServiceSeen { triggered: 1.., .. } => "critical",
        ServiceSeen {
            acknowledged: 1.., ..
        } => "warning",
        _ => "active",
    };
    let (team_id, self_url) = (team_id(salt, service.team), format!("{API}/services/{id}"));
    let html_url = format!("https://{SLUG}.pagerduty.com/service-directory/{id}");
    let mut record = json!({
        "id": id, "type": "service", "summary": service.name, "self": self_url, "html_url": html_url,
        "name": service.name,
        "description": format!("{} of {}", service.name, team.product),
        "created_at": (period.start + -(400 + place as i64 % 900) * DAY).to_string(),
        "updated_at": (period.start + -(place as i64 % 90) * DAY).to_string(),
        "status": status,
        "alert_creation": "create_alerts_and_incidents",
        "incident_urgency_rule": {"type": "constant", "urgency": "high"},
        "scheduled_actions": [], "support_hours": null, "addons": [],
        "teams": [{
            "id": team_id, "type": "team_reference", "summary": team.name, "self": format!("{API}/teams/{team_id}"),
            "html_url": format!("https://{SLUG}.pagerduty.com/teams/{team_id}"),
        }],
        "escalation_policy": {
            "id": policy, "type": "escalation_policy_reference", "summary": format!("{} on call", team.name),
            "self": format!("{API}/escalation_policies/{policy}"),
            "html_url": format!("https://{SLUG}.pagerduty.com/escalation_policies/{policy}"),
        },
        "integrations": [{
            "id": integration, "type": "events_api_v2_inbound_integration_reference", "summary": "Datadog",
            "self": format!("{self_url}/integrations/{integration}"),
            "html_url": format!("{html_url}/integrations/{integration}"),
        }],
    });
    record["auto_resolve_timeout"] = service.auto_resolve_timeout.into();
    record["acknowledgement_timeout"] = service.acknowledgement_timeout.into();
    record["last_incident_timestamp"] = seen.last_incident.map(|time| time.to_string()).into();
    record
}

fn user(
    salt: u64,
    organisation: &Organisation,
    place: usize,
    person: &Person,
    team: Option<usize>,
) -> Value {
    let id = person_id(salt, place);
    let (self_url, html_url) = (
        format!("{API}/users/{id}"),
        format!("https://{SLUG}.pagerduty.com/users/{id}"),
    );
    let contacts = person.contacts.iter().enumerate().map(|(number, contact)| {
        let contact_id = code("PC", salt, (place * 8 + number) as u64, 6);
        let self_url = format!("{self_url}/contact_methods/{contact_id}");
        let mut record = json!({"id": contact_id, "self": self_url, "html_url": null, "label": "Work"});
        let members = match contact {
            Contact::Push => json!({
                "type": "push_notification_contact_method", "summary": "Phone", "label": "Phone",
                "address": format!("{:016x}", scramble(place as u64 ^ 0xD0)),
                "device_type": if place.is_multiple_of(3) { "android" } else { "ios" },
                "blacklisted": false, "sounds": [],
            }),
            Contact::Email => json!({
                "type": "email_contact_method", "summary": "Work", "address": person.email,
                "send_short_email": false, "send_html_email": true,
            }),
            Contact::Sms | Contact::Phone => json!({
                "type": format!("{}_contact_method", contact_name(*contact)), "summary": "Mobile", "label": "Mobile",
                "address": number_hash(place), "country_code": 49, "enabled": true, "blacklisted": false,
            }),
        };
        if let (Some(record), Value::Object(members)) = (record.as_object_mut(), members) {
            record.extend(members);
        }
        record
    });
    let teams = team.map(|team| {
        let id = team_id(salt, team);
        json!({
            "id": id, "type": "team_reference", "summary": organisation.teams[team].name,
            "self": format!("{API}/teams/{id}"), "html_url": format!("https://{SLUG}.pagerduty.com/teams/{id}"),
        })
    });
    json!({
        "id": id, "type": "user", "summary": person.name, "self": self_url, "html_url": html_url,
        "name": person.name, "email": person.email, "time_zone": ZONES[person.zone].0,
        "color": (["purple", "green", "red", "teal"][place % 4]),
        "avatar_url": "https://secure.gravatar.com/avatar/00000000000000000000000000000000.png?d=mm&r=PG",
        "billed": true, "role": if place == 0 { "owner" } else { "user" }, "description": null,
        "invitation_sent": false, "created_via_sso": true,
        "job_title": if place % 6 == 5 { "Engineering Manager" } else { "Software Engineer" },
        "teams": teams.into_iter().collect::<Vec<_>>(),
        "contact_methods": contacts.collect::<Vec<_>>(),
        "notification_rules": [],
    })
}
