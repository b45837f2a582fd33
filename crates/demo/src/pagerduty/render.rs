//! One incident and one log entry as JSON. There may be many millions of them, so they are rendered by hand from
//! pieces that are made once; every text in them has been escaped before.

use std::fmt::{self, Write};

use super::{API, contact_name, escaped, number_hash};
use crate::incident::{Actor, Event, Incident, Kind, Origin, Snapshot, Status};
use crate::organisation::{Contact, Organisation, SLUG, code};
use crate::random::scramble;
use crate::time::{HOUR, Time};

const THROUGH_API: &str = "Triggered through the API.";
const THROUGH_WEBSITE: &str = "Triggered through the website.";

/// What people write in notes on incidents, with the marks that trip up careless readers.
const NOTES: [&str; 10] = [
    "Looking into it.",
    "Rolled back the release from this morning, watching the error rate.",
    "Graphs say \"no data\" since the restart; checking the agent.",
    "Same as last week, the pool is exhausted again.\nRaised the limit to 200 for now.",
    "Provider's status page is green, but their latency is not.",
    "False alarm: load test, nobody told us…",
    "Störung beim Zahlungsanbieter bestätigt, wir warten.",
    "Failover done; replica lag is down to 3 s.",
    "C:\\logs was full on the old host, cleaned up.",
    "Customers see it too, support has 14 tickets <https://support.kestrel-lane.example/q/14>",
];

/// What all records of an incident repeat.
pub(super) struct IncidentText {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) reference: String,
    pub(super) key: String,
}

/// Everything that an incident's records are rendered from.
pub(super) struct Render<'a> {
    pub(super) organisation: &'a Organisation,
    pub(super) salt: u64,
    pub(super) people: &'a [String],
    pub(super) incident: &'a Incident,
    pub(super) text: &'a IncidentText,
    pub(super) service: &'a str,
    pub(super) policy: &'a str,
    pub(super) teams: &'a str,
}

impl Render<'_> {
    fn agent(&self, actor: Actor) -> &str {
        match actor {
            Actor::Service => self.service,
            Actor::Person(person) => &self.people[person],
        }
    }

    fn entry_id(&self, place: u64) -> String {
        let number = self.incident.first_event + place;
        code(
            &code("R", self.salt ^ 1, number, 13),
            self.salt ^ 2,
            number,
            13,
        )
    }

    /// The incident as it was seen at some moment.
    pub(super) fn incident(&self, line: &mut String, seen: &Snapshot) -> fmt::Result {
        let IncidentText { id, title, key, .. } = self.text;
        let Incident {
            number,
            plan,
            is_high_urgency,
            ..
        } = self.incident;
        write!(
            line,
            r##"{{"id":"{id}","type":"incident","summary":"[#{number}] {title}","self":"{API}/incidents/{id}","html_url":"https://{SLUG}.pagerduty.com/incidents/{id}","incident_number":{number},"title":"{title}","created_at":"{start}","updated_at":"{updated}","status":"{status}","incident_key":"{key}","service":{service},"assigned_via":"escalation_policy","last_status_change_at":"{changed}","resolved_at":"##,
            start = plan.start,
            updated = seen.updated_at,
            status = status_name(seen.status),
            service = self.service,
            changed = seen.changed_at,
        )?;
        match seen.resolved_at {
            Some(at) => write!(line, r#""{at}""#)?,
            None => line.push_str("null"),
        }
        line.push_str(r#","assignments":["#);
        self.people_since(line, "assignee", &seen.assigned)?;
        line.push_str(r#"],"acknowledgements":["#);
        self.people_since(line, "acknowledger", &seen.acknowledged)?;
        let trigger = self.entry_id(0);
        let (open, closed) = if seen.status == Status::Resolved {
            (0, 1)
        } else {
            (1, 0)
        };
        write!(
            line,
            r##"],"first_trigger_log_entry":{{"id":"{trigger}","type":"trigger_log_entry_reference","summary":"{way}","self":"{API}/log_entries/{trigger}","html_url":"https://{SLUG}.pagerduty.com/incidents/{id}/log_entries/{trigger}"}},"alert_counts":{{"all":1,"triggered":{open},"resolved":{closed}}},"is_mergeable":true,"incident_type":{{"name":"incident_default"}},"escalation_policy":{policy},"teams":{teams},"pending_actions":[],"last_status_change_by":{by},"priority":"##,
            way = match self.incident.plan.origin {
                Origin::Monitor(_) => THROUGH_API,
                Origin::Person(_) => THROUGH_WEBSITE,
            },
            policy = self.policy,
            teams = self.teams,
            by = self.agent(seen.changed_by),
        )?;
        match seen.priority {
            Some(priority) => write!(
                line,
                r#"{{"id":"{id}","type":"priority","summary":"P{priority}","self":"{API}/priorities/{id}","html_url":null,"name":"P{priority}","description":"Priority {priority} of 5"}}"#,
                id = code("PP", self.salt, u64::from(priority), 6),
            )?,
            None => line.push_str("null"),
        }
        line.push_str(r#","resolve_reason":null,"incidents_responders":["#);
        self.responders(line, seen)?;
        let urgency = if *is_high_urgency { "high" } else { "low" };
        write!(line, r#"],"responder_requests":[],"urgency":"{urgency}"}}"#)
    }

    /// People, each with the moment since when.
    fn people_since(&self, line: &mut String, role: &str, people: &[(Time, usize)]) -> fmt::Result {
        list(line, people, |line, (at, person)| {
            let person = &self.people[*person];
            write!(line, r#"{{"at":"{at}","{role}":{person}}}"#)
        })
    }

    fn responders(&self, line: &mut String, seen: &Snapshot) -> fmt::Result {
        let number = self.incident.number;
        let helpers: Vec<_> = self.helpers(seen.updated_at).collect();
        list(line, &helpers, |line, (at, person)| {
            write!(
                line,
                r#"{{"state":"joined","user":{},"incident":{},"updated_at":"{at}","message":"Please help with incident {number}","requester":{},"requested_at":"{at}"}}"#,
                self.people[*person],
                self.text.reference,
                self.people[self.helpers_asked_by()],
            )
        })
    }

    /// The people who joined by a moment, and when.
    fn helpers(&self, until: Time) -> impl Iterator<Item = (Time, usize)> {
        let joined = self
            .incident
            .events
            .iter()
            .filter_map(|event| match event.kind {
                Kind::Acknowledge { by } if self.incident.responders.contains(&by) => {
                    Some((event.at, by))
                }
                _ => None,
            });
        joined.filter(move |(at, _)| *at <= until)
    }

    /// Who asked others to help: the one who acknowledged first.
    fn helpers_asked_by(&self) -> usize {
        let mut acknowledged = self
            .incident
            .events
            .iter()
            .filter_map(|event| match event.kind {
                Kind::Acknowledge { by } => Some(by),
                _ => None,
            });
        acknowledged.next().unwrap_or_default()
    }

    /// The log entry of the event at a place of the incident's list.
    pub(super) fn log_entry(&self, line: &mut String, place: u64, event: &Event) -> fmt::Result {
        let id = self.entry_id(place);
        let (kind, agent) = match event.kind {
            Kind::Trigger { by } => ("trigger", Some(by)),
            Kind::Assign { .. } => ("assign", Some(Actor::Service)),
            Kind::Notify { .. } => ("notify", None),
            Kind::Acknowledge { by } => ("acknowledge", Some(Actor::Person(by))),
            Kind::Unacknowledge => ("unacknowledge", Some(Actor::Service)),
            Kind::Escalate { by: None, .. } => ("escalate", Some(Actor::Service)),
            Kind::Escalate { by: Some(by), .. } => ("escalate", Some(Actor::Person(by))),
            Kind::Annotate { by, .. } => ("annotate", Some(Actor::Person(by))),
            Kind::Snooze { by, .. } => ("snooze", Some(Actor::Person(by))),
            Kind::SetPriority { by, .. } => ("field_value_change", Some(Actor::Person(by))),
            Kind::Resolve { by, .. } => ("resolve", Some(by)),
            Kind::RepeatPolicy => ("repeat_escalation_path", Some(Actor::Service)),
            Kind::ExhaustPolicy => ("exhaust_escalation_path", Some(Actor::Service)),
        };
        write!(
            line,
            r#"{{"id":"{id}","type":"{kind}_log_entry","summary":""#
        )?;
        self.summary(line, event)?;
        write!(line, r#"","self":"{API}/log_entries/{id}","html_url":"#)?;
        match agent {
            None => line.push_str("null"),
            Some(_) => write!(
                line,
                r#""https://{SLUG}.pagerduty.com/incidents/{}/log_entries/{id}""#,
                self.text.id
            )?,
        }
        write!(line, r#","created_at":"{}","#, event.at)?;
        if let Some(agent) = agent {
            write!(line, r#""agent":{},"#, self.agent(agent))?;
        }
        line.push_str(r#""channel":{"#);
        self.channel(line, event, &id)?;
        write!(
            line,
            r#"}},"service":{},"incident":{},"teams":{},"contexts":["#,
            self.service, self.text.reference, self.teams
        )?;
        if let (Kind::Trigger { by: Actor::Service }, Origin::Monitor(monitor)) =
            (event.kind, self.incident.plan.origin)
        {
            let monitor = crate::datadog::monitor_id(monitor);
            let (from, to) = ((event.at.0 - HOUR) * 1_000, event.at.0 * 1_000);
            write!(
                line,
                r#"{{"type":"link","href":"https://app.datadoghq.com/monitors/{monitor}?from_ts={from}&to_ts={to}","text":"Monitor status"}},{{"type":"image","src":"https://p.datadoghq.com/snapshot/view/dd-snapshots/org_400731/{monitor}.png","href":"https://app.datadoghq.com/monitors/{monitor}","text":"Graph of the last hour"}}"#
            )?;
        }
        line.push(']');
        self.own_members(line, event)?;
        line.push('}');
        Ok(())
    }

    fn summary(&self, line: &mut String, event: &Event) -> fmt::Result {
        let name = |person: usize| &self.organisation.people[person].name;
        match event.kind {
            Kind::Trigger { by: Actor::Service } => line.write_str(THROUGH_API),
            Kind::Trigger { .. } => line.write_str(THROUGH_WEBSITE),
            Kind::Assign { to } => write!(line, "Assigned to {}.", name(to)),
            Kind::Notify {
                person, contact, ..
            } => {
                write!(
                    line,
                    "Notified {} by {}.",
                    name(person),
                    contact_name(contact)
                )
            }
            Kind::Acknowledge { by } => write!(line, "Acknowledged by {}.", name(by)),
            Kind::Unacknowledge => line.write_str("Unacknowledged due to timeout."),
            Kind::Escalate { to, by: None } => {
                write!(line, "Escalated to {} due to timeout.", name(to))
            }
            Kind::Escalate { to, by: Some(by) } => {
                write!(line, "Escalated to {} by {}.", name(to), name(by))
            }
            Kind::Annotate { by, .. } => write!(line, "Note added by {}.", name(by)),
            Kind::Snooze { by, .. } => write!(line, "Snoozed by {}.", name(by)),
            Kind::SetPriority { by, priority } => {
                write!(line, "Priority set to P{priority} by {}.", name(by))
            }
            Kind::Resolve {
                timed_out: true, ..
            } => line.write_str("Resolved due to timeout."),
            Kind::Resolve {
                by: Actor::Service, ..
            } => line.write_str("Resolved through the integration API."),
            Kind::Resolve {
                by: Actor::Person(by),
                ..
            } => write!(line, "Resolved by {}.", name(by)),
            Kind::RepeatPolicy => line.write_str("Repeated the escalation policy."),
            Kind::ExhaustPolicy => line.write_str("Escalation policy exhausted."),
        }
    }

    /// The members of `channel`.
    fn channel(&self, line: &mut String, event: &Event, id: &str) -> fmt::Result {
        let IncidentText { title, key, .. } = self.text;
        match (event.kind, self.incident.plan.origin) {
            (Kind::Trigger { by: Actor::Service }, Origin::Monitor(monitor)) => {
                let kind = self.organisation.monitors[monitor].kind;
                let service = &self.organisation.services[self.incident.plan.service].name;
                write!(
                    line,
                    r#""type":"api","summary":"[Triggered] {title}","service_key":"{service_key:016x}","description":"[Triggered] {title}","incident_key":"{key}","client":"Datadog","client_url":"https://app.datadoghq.com/monitors/{monitor}","details":{{"monitor_id":{monitor},"query":"{query}","tags":"env:production, service:{service}","event_type":"query_alert_monitor","priority":"normal","body":"{title}. Runbook: https://wiki.{SLUG}.example/runbooks/{service}"}}"#,
                    service_key = scramble(self.incident.plan.service as u64),
                    monitor = crate::datadog::monitor_id(monitor),
                    query = escaped(&crate::datadog::query(kind, service)),
                )
            }
            (Kind::Trigger { .. }, _) => {
                write!(
                    line,
                    r#""type":"web_trigger","summary":"{title}","subject":"{title}","details":"""#
                )
            }
            (Kind::Notify { .. }, _) => self.notification(line, event, id),
            (Kind::Annotate { note, .. }, _) => {
                write!(
                    line,
                    r#""type":"note","summary":"{}""#,
                    escaped(NOTES[note % NOTES.len()])
                )
            }
            (Kind::Snooze { seconds, .. }, _) => {
                write!(line, r#""type":"website","duration":{seconds}"#)
            }
            (Kind::SetPriority { priority, .. }, _) => write!(
                line,
                r#""type":"website","changeset":{{"application_fields":[{{"id":"{id}","name":"priority","value":"P{priority}","namespace":"incidents","old_value":null}}]}}"#
            ),
            (
                Kind::Unacknowledge
                | Kind::Escalate { by: None, .. }
                | Kind::Resolve {
                    timed_out: true, ..
                },
                _,
            ) => line.write_str(r#""type":"timeout""#),
            (
                Kind::Resolve {
                    by: Actor::Service, ..
                },
                _,
            ) => write!(
                line,
                r#""type":"api","summary":"[Recovered] {title}","description":"[Recovered] {title}","incident_key":"{key}","details":{{"event_type":"query_alert_monitor","priority":"normal"}}"#
            ),
            (Kind::Assign { .. } | Kind::RepeatPolicy | Kind::ExhaustPolicy, _) => {
                line.write_str(r#""type":"auto""#)
            }
            _ => line.write_str(r#""type":"website""#),
        }
    }

    fn notification(&self, line: &mut String, event: &Event, id: &str) -> fmt::Result {
        let Kind::Notify {
            person,
            contact,
            arrived,
        } = event.kind
        else {
            return Ok(());
        };
        let name = contact_name(contact);
        write!(
            line,
            r#""type":"auto","notification":{{"id":"{id}","type":"{name}_notification","started_at":"{}","address":"#,
            event.at
        )?;
        match contact {
            Contact::Push => line.push_str("null"),
            Contact::Email => write!(line, r#""{}""#, self.organisation.people[person].email)?,
            Contact::Sms | Contact::Phone => write!(line, r#""{}""#, number_hash(person))?,
        }
        let status = if arrived { "success" } else { "failed" };
        write!(
            line,
            r#","status":"{status}","user":{}}}"#,
            self.people[person]
        )
    }

    /// Members that only this kind of log entry has.
    fn own_members(&self, line: &mut String, event: &Event) -> fmt::Result {
        match event.kind {
            Kind::Trigger { .. } => write!(
                line,
                r#","event_details":{{"description":"{}"}}"#,
                self.text.title
            ),
            Kind::Assign { to } | Kind::Escalate { to, .. } => {
                write!(
                    line,
                    r#","assignees":[{}],"event_details":{{}}"#,
                    self.people[to]
                )
            }
            Kind::Notify { person, .. } => write!(line, r#","user":{}"#, self.people[person]),
            Kind::Acknowledge { .. } => {
                let service = &self.organisation.services[self.incident.plan.service];
                if let Some(timeout) = service.acknowledgement_timeout {
                    write!(line, r#","acknowledgement_timeout":{timeout}"#)?;
                }
                line.write_str(r#","event_details":{}"#)
            }
            Kind::Annotate { note, .. } => {
                write!(
                    line,
                    r#","note":"{}","event_details":{{}}"#,
                    escaped(NOTES[note % NOTES.len()])
                )
            }
            Kind::Snooze { seconds, .. } => {
                write!(
                    line,
                    r#","changed_actions":[{{"type":"unacknowledge","at":"{}"}}]"#,
                    event.at + seconds
                )
            }
            Kind::SetPriority { priority, .. } => {
                write!(
                    line,
                    r#","changeset":["Updated priority to P{priority}"],"event_details":{{}}"#
                )
            }
            _ => line.write_str(r#","event_details":{}"#),
        }
    }
}

/// Renders a list with its commas.
fn list<T>(
    line: &mut String,
    items: &[T],
    render: impl Fn(&mut String, &T) -> fmt::Result,
) -> fmt::Result {
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            line.push(',');
        }
        render(line, item)?;
    }
    Ok(())
}

fn status_name(status: Status) -> &'static str {
    match status {
        Status::Triggered => "triggered",
        Status::Acknowledged => "acknowledged",
        Status::Resolved => "resolved",
    }
}
