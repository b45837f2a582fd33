//! DataDog's records: monitors and synthetic tests, in the shape of its API v1. Deliberate faults: monitors that are
//! muted, have had no data for months, page nobody or have no tags; tests that are paused.

use serde_json::{Value, json};

use crate::Error;
use crate::files::{Output, StreamWriter};
use crate::incident::{Incident, Origin};
use crate::organisation::{Condition, MONITOR_KINDS, Organisation, SLUG};
use crate::random::scramble;
use crate::time::{DAY, Period, Time};

/// What this vendor learns as the year goes by.
pub(crate) struct DataDog<'a> {
    organisation: &'a Organisation,
    period: Period,
    /// By extraction and monitor: its last alert.
    alerts: [Vec<Option<Alert>>; 2],
}

/// When a monitor alerted, and when it recovered if it has.
type Alert = (Time, Option<Time>);

impl<'a> DataDog<'a> {
    /// No monitor has alerted yet.
    pub(crate) fn new(organisation: &'a Organisation, period: Period) -> Self {
        let alerts = [(); 2].map(|()| vec![None; organisation.monitors.len()]);
        Self {
            organisation,
            period,
            alerts,
        }
    }

    /// A monitor has opened an incident.
    pub(crate) fn note(&mut self, incident: &Incident) {
        if let Origin::Monitor(monitor) = incident.plan.origin {
            for (alerts, until) in self
                .alerts
                .iter_mut()
                .zip([self.period.first, self.period.second])
            {
                if incident.plan.start <= until {
                    alerts[monitor] =
                        Some((incident.plan.start, incident.snapshot(until).resolved_at));
                }
            }
        }
    }

    /// Writes the three streams, twice.
    pub(crate) fn finish(self, output: &mut Output<'_>) -> Result<(), Error> {
        for (alerts, started) in self
            .alerts
            .iter()
            .zip([self.period.first, self.period.second])
        {
            let mut monitors = StreamWriter::new("datadog_monitors", started + 120);
            for (place, alert) in alerts.iter().enumerate() {
                monitors.value(output, None, &self.monitor(place, *alert, started))?;
            }
            monitors.finish_whole(output)?;
            let mut synthetics = StreamWriter::new("datadog_synthetics", started + 125);
            for place in 0..self.organisation.services.len() {
                if place % 3 != 2 {
                    synthetics.value(output, None, &self.test(place))?;
                }
            }
            synthetics.finish_whole(output)?;
            let mut rules = StreamWriter::new("datadog_notification_rules", started + 130);
            for rule in self.rules() {
                rules.value(output, None, &rule)?;
            }
            rules.finish_whole(output)?;
        }
        Ok(())
    }

    /// One team has its pages from a rule as well, another its chat, each by one of the two kinds of filter.
    fn rules(&self) -> Vec<Value> {
        let [first, .., last] = self.organisation.teams.as_slice() else {
            return Vec::new();
        };
        let created = self.period.start.to_string();
        let rule = |id: &str, name: String, filter: Value, more: (&str, Value)| {
            json!({
                "id": id, "type": "monitor-notification-rule",
                "attributes": {
                    "name": name, "filter": filter, more.0: more.1, "created": created, "modified": created,
                },
            })
        };
        vec![
            rule(
                "00000000-0000-1234-0000-000000000001",
                format!("alerts of {}", first.name),
                json!({ "tags": [format!("team:{}", first.slug), "env:production"] }),
                ("recipients", json!([format!("pagerduty-{}", first.slug)])),
            ),
            rule(
                "00000000-0000-1234-0000-000000000002",
                format!("alerts of {}", last.name),
                json!({ "scope": format!("team:{} AND env:production", last.slug) }),
                (
                    "conditional_recipients",
                    json!({
                        "conditions": [{ "scope": "priority:p1", "recipients": [format!("slack-{}-alerts", last.slug)] }],
                        "fallback_recipients": [format!("slack-{}-alerts", last.slug)],
                    }),
                ),
            ),
        ]
    }

    fn monitor(&self, place: usize, alert: Option<Alert>, as_of: Time) -> Value {
        let monitor = &self.organisation.monitors[place];
        let service = &self.organisation.services[monitor.service];
        let team = &self.organisation.teams[service.team].slug;
        let kind = &MONITOR_KINDS[monitor.kind];
        let name = &service.name;
        let created = self.period.start + -(250 + place as i64 % 600) * DAY;
        let (state, since) = match (monitor.condition, alert) {
            (Condition::NoData, _) => ("No Data", Some(self.period.start + 200 * DAY)),
            // It has been red for weeks, and nobody is told.
            (Condition::NoTarget, _) => ("Alert", Some(as_of + -23 * DAY)),
            // Never alerted.
            (_, None) => ("OK", None),
            (_, Some((_, Some(recovered)))) => ("OK", Some(recovered)),
            (_, Some((alerted, None))) => ("Alert", Some(alerted)),
        };
        let target = match monitor.condition {
            Condition::NoTarget => String::new(),
            _ => format!(" @pagerduty-{name}"),
        };
        let tags = match monitor.condition {
            Condition::NoTags => vec![],
            _ => vec![
                format!("service:{name}"),
                format!("team:{team}"),
                "env:production".to_owned(),
            ],
        };
        let silenced = if monitor.condition == Condition::Muted {
            json!({"*": null})
        } else {
            json!({})
        };
        let creator = &self.organisation.people[place % self.organisation.people.len()];
        json!({
            "id": monitor_id(place), "org_id": 400_731, "type": kind.kind, "name": self.organisation.monitor_title(place),
            "message": format!("{{{{#is_alert}}}}{name} is in trouble, see https://wiki.{SLUG}.example/runbooks/{name}{{{{/is_alert}}}}{target} @slack-{team}-alerts"),
            "tags": tags, "query": query(monitor.kind, name),
            "options": {
                "thresholds": {"critical": kind.critical, "warning": kind.critical * 0.8}, "silenced": silenced,
                "notify_no_data": place.is_multiple_of(4), "no_data_timeframe": if place.is_multiple_of(4) { Some(20) } else { None },
                "notify_audit": false, "include_tags": true, "require_full_window": false, "new_host_delay": 300,
                "evaluation_delay": 60, "renotify_interval": 0, "timeout_h": 0, "escalation_message": "", "locked": false,
            },
            "multi": monitor.kind == 3, "priority": if place.is_multiple_of(3) { Some(2) } else { None },
            "created": instant(created), "modified": instant(created + 40 * DAY), "created_at": created.0 * 1_000,
            "deleted": null, "restricted_roles": null, "draft_status": "published", "assets": [],
            "matching_downtimes": [], "overall_state": state, "overall_state_modified": since.map(instant),
            "creator": {"name": creator.name, "handle": creator.email, "email": creator.email, "id": 1_200_000 + place},
        })
    }

    fn test(&self, place: usize) -> Value {
        let service = &self.organisation.services[place];
        let team = &self.organisation.teams[service.team].slug;
        let name = &service.name;
        let created = self.period.start + -(100 + place as i64 % 300) * DAY;
        let number = scramble(place as u64);
        let letters: String = (0..9)
            .map(|at| char::from(b'a' + ((number >> (5 * at)) % 26) as u8))
            .collect();
        let status = if place % 6 == 4 { "paused" } else { "live" };
        json!({
            "public_id": format!("{}-{}-{}", &letters[..3], &letters[3..6], &letters[6..]),
            "name": format!("{name} answers"), "status": status, "type": "api", "subtype": "http",
            "tags": [format!("service:{name}"), format!("team:{team}"), "env:production"],
            "message": format!("{name} does not answer @pagerduty-{name}"),
            "created_at": instant(created), "modified_at": instant(created + 12 * DAY),
            "monitor_id": 90_000_000 + place, "locations": ["aws:eu-central-1", "aws:us-east-1"],
            "config": {
                "request": {"method": "GET", "url": format!("https://{name}.{SLUG}.example/health"), "timeout": 30},
                "assertions": [
                    {"type": "statusCode", "operator": "is", "target": 200},
                    {"type": "responseTime", "operator": "lessThan", "target": 2_000},
                ],
                "configVariables": [],
            },
            "options": {
                "tick_every": 60, "min_location_failed": 1, "min_failure_duration": 0,
                "retry": {"count": 1, "interval": 300}, "monitor_options": {"renotify_interval": 0},
            },
        })
    }
}

/// The identifier of the monitor at a place of the organisation's list.
pub(crate) fn monitor_id(place: usize) -> u64 {
    17_000_000 + place as u64 * 37
}

/// What a kind of monitor asks of a service.
pub(crate) fn query(kind: usize, service: &str) -> String {
    MONITOR_KINDS[kind].query.replace('%', service)
}

/// The form in which this vendor writes times.
fn instant(time: Time) -> String {
    format!(
        "{}.{:06}+00:00",
        time.to_string().trim_end_matches('Z'),
        time.0.unsigned_abs() * 7_919 % 1_000_000
    )
}
