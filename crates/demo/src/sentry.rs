//! Sentry's records: projects, teams, issues and their events, in the shape of its API 0. Counts of issues are texts
//! there, as in the real one.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use crate::Error;
use crate::files::{Output, StreamWriter};
use crate::issue::{Issue, Standing};
use crate::organisation::{Organisation, SLUG};
use crate::pagerduty::escaped;
use crate::random::scramble;
use crate::time::{DAY, Period, Time};

/// An error as a program raises it: type, message, file, function, platform.
struct Words {
    kind: &'static str,
    value: &'static str,
    file: &'static str,
    function: &'static str,
    platform: &'static str,
}

const ERRORS: [Words; 9] = [
    Words {
        kind: "TimeoutError",
        value: "read timed out after 5000 ms",
        file: "client/http.py",
        function: "send",
        platform: "python",
    },
    Words {
        kind: "KeyError",
        value: "'basket_id'",
        file: "orders/views.py",
        function: "place_order",
        platform: "python",
    },
    Words {
        kind: "IntegrityError",
        value: "duplicate key value violates unique constraint \"orders_pkey\"",
        file: "orders/models.py",
        function: "save",
        platform: "python",
    },
    Words {
        kind: "TypeError",
        value: "Cannot read properties of undefined (reading 'price')",
        file: "src/basket.ts",
        function: "Basket.total",
        platform: "javascript",
    },
    Words {
        kind: "ConnectionRefusedError",
        value: "connect ECONNREFUSED 10.4.0.17:5432",
        file: "src/db.ts",
        function: "Pool.connect",
        platform: "node",
    },
    Words {
        kind: "NullPointerException",
        value: "Cannot invoke \"Offer.id()\" because \"offer\" is null",
        file: "OfferService.java",
        function: "rank",
        platform: "java",
    },
    Words {
        kind: "OutOfMemoryError",
        value: "Java heap space",
        file: "IndexWriter.java",
        function: "flush",
        platform: "java",
    },
    Words {
        kind: "UnicodeDecodeError",
        value: "'utf-8' codec can't decode byte 0xe9 in position 11: «café»",
        file: "imports/csv.py",
        function: "rows",
        platform: "python",
    },
    Words {
        kind: "RateLimitExceeded",
        value: "429 from provider",
        file: "providers/rates.py",
        function: "fetch",
        platform: "python",
    },
];

/// What this vendor learns as the year goes by.
pub(crate) struct Sentry<'a> {
    organisation: &'a Organisation,
    period: Period,
    issues: [StreamWriter; 2],
    events: [StreamWriter; 2],
}

impl<'a> Sentry<'a> {
    /// Nothing is written yet.
    pub(crate) fn new(organisation: &'a Organisation, period: Period) -> Self {
        let streams = |stream, later| {
            [
                StreamWriter::new(stream, period.first + later),
                StreamWriter::new(stream, period.second + later),
            ]
        };
        let (issues, events) = (
            streams("sentry_issues", 40),
            streams("sentry_issue_events", 50),
        );
        Self {
            organisation,
            period,
            issues,
            events,
        }
    }

    /// Writes an issue and its events into the extractions that saw them; the newer one asks for what changed since a
    /// day before the older one.
    pub(crate) fn issue(&mut self, output: &mut Output<'_>, issue: &Issue) -> Result<(), Error> {
        let windows = [
            (Time(i64::MIN), self.period.first),
            (self.period.since(), self.period.second),
        ];
        let parent = json!({"issue": issue_id(issue)}).to_string();
        for (extraction, (since, until)) in windows.into_iter().enumerate() {
            let seen_by_then = issue.occurrences[0] <= until;
            if !seen_by_then || issue.changed(until).is_none_or(|changed| changed < since) {
                continue;
            }
            self.issues[extraction].record(output, None, |line| {
                self::issue(line, self.organisation, issue, until)
            })?;
            for (place, at) in issue.occurrences.iter().enumerate() {
                if *at >= since && *at <= until {
                    let render = |line: &mut String| {
                        event(line, self.organisation, issue, place as u64, *at)
                    };
                    self.events[extraction].record(output, Some(&parent), render)?;
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
            ..
        } = self;
        for stream in self.issues.into_iter().chain(self.events) {
            stream.finish(output)?;
        }
        for started in [period.first, period.second] {
            let mut projects = StreamWriter::new("sentry_projects", started + 60);
            for (place, service) in organisation.services.iter().enumerate() {
                if service.tracks_errors {
                    projects.value(output, None, &project(organisation, place, &period))?;
                }
            }
            projects.finish_whole(output)?;

            let mut teams = StreamWriter::new("sentry_teams", started + 65);
            for (place, _) in organisation.teams.iter().enumerate() {
                teams.value(output, None, &team(organisation, place, &period))?;
            }
            teams.finish_whole(output)?;
        }
        Ok(())
    }
}

fn issue_id(issue: &Issue) -> String {
    (5_800_000_000 + issue.number * 7).to_string()
}

fn project_id(service: usize) -> String {
    (4_509_062_500_000 + service as u64 * 91).to_string()
}

fn platform(organisation: &Organisation, service: usize) -> &'static str {
    // A team writes all its services in one language.
    ["python", "node", "java", "javascript"][organisation.services[service].team % 4]
}

fn words(organisation: &Organisation, issue: &Issue) -> &'static Words {
    let platform = platform(organisation, issue.service);
    let fitting = ERRORS
        .iter()
        .filter(|words| words.platform == platform)
        .count();
    let mut fitting_words = ERRORS.iter().filter(|words| words.platform == platform);
    fitting_words
        .nth(issue.error % fitting.max(1))
        .unwrap_or(&ERRORS[0])
}

fn issue(
    line: &mut String,
    organisation: &Organisation,
    issue: &Issue,
    until: Time,
) -> fmt::Result {
    let service = &organisation.services[issue.service];
    let (id, name) = (issue_id(issue), &service.name);
    let Words {
        kind,
        value,
        file,
        function,
        platform,
    } = words(organisation, issue);
    let value = escaped(value);
    let seen: Vec<_> = issue
        .occurrences
        .iter()
        .filter(|at| **at <= until)
        .collect();
    let (first, last) = (
        issue.occurrences[0],
        seen.last().copied().copied().unwrap_or(until),
    );
    let (status, substatus, details) = match issue.standing(until) {
        Standing::New => ("unresolved", r#""new""#, "{}"),
        Standing::Ongoing => ("unresolved", r#""ongoing""#, "{}"),
        Standing::Regressed => ("unresolved", r#""regressed""#, "{}"),
        Standing::Resolved => ("resolved", "null", r#"{"inNextRelease":true}"#),
        Standing::Ignored => ("ignored", r#""archived_until_escalating""#, "{}"),
    };
    let level = if issue.is_fatal { "fatal" } else { "error" };
    let priority = if issue.is_fatal { "high" } else { "medium" };
    let count = seen.len() as u64 * issue.times_each;
    let users = issue.users_hit * seen.len() as u64 / issue.occurrences.len() as u64;
    write!(
        line,
        r#"{{"id":"{id}","shareId":null,"shortId":"{short}-{number:X}","title":"{kind}: {value}","culprit":"{function}({file})","permalink":"https://{SLUG}.sentry.io/issues/{id}/","logger":null,"level":"{level}","status":"{status}","statusDetails":{details},"substatus":{substatus},"isPublic":false,"platform":"{platform}","project":{{"id":"{project}","name":"{name}","slug":"{name}","platform":"{platform}"}},"type":"error","metadata":{{"value":"{value}","type":"{kind}","filename":"{file}","function":"{function}","in_app_frame_mix":"mixed"}},"numComments":0,"assignedTo":"#,
        short = name.to_uppercase(),
        number = issue.number,
        project = project_id(issue.service),
    )?;
    assignee(line, organisation, issue)?;
    write!(
        line,
        r#","isBookmarked":false,"isSubscribed":false,"subscriptionDetails":null,"hasSeen":true,"annotations":[],"issueType":"error","issueCategory":"error","priority":"{priority}","priorityLockedAt":null,"seerFixabilityScore":null,"seerAutofixLastTriggered":null,"seerExplorerAutofixLastTriggered":null,"isUnhandled":{unhandled},"count":"{count}","userCount":{users},"firstSeen":"{first}","lastSeen":"{last}","stats":{{"24h":[[{hour},{count}]]}},"lifetime":{{"count":"{count}","userCount":{users},"firstSeen":"{first}","lastSeen":"{last}","stats":null}},"filtered":null,"sessionCount":0,"inbox":{{"reason":0,"reason_details":null,"date_added":"{first}"}},"owners":{{"type":"ownershipRule","owner":"team:{team}","date_added":"{first}"}},"integrationIssues":[],"sentryAppIssues":[],"latestEventHasAttachments":false,"matchingEventId":null,"matchingEventEnvironment":null,"derivedData":{{"blocker":"none","progress":"none","status":"open","viewCount":0,"hasOpenFixPr":false,"isAssigned":{assigned},"hasRootCause":false,"lastCompletedAutofixStep":"","lastProgressedAt":null}}}}"#,
        team = team_id(service.team),
        assigned = issue.is_assigned,
        unhandled = issue.is_unhandled,
        hour = last.0 - last.0.rem_euclid(3_600),
    )
}

/// Whom an issue is assigned to: nobody, a team or a person of it.
fn assignee(line: &mut String, organisation: &Organisation, issue: &Issue) -> fmt::Result {
    if !issue.is_assigned {
        return line.write_str("null");
    }
    let place = organisation.services[issue.service].team;
    let team = &organisation.teams[place];
    if issue.number.is_multiple_of(3) {
        let (id, slug) = (team_id(place), &team.slug);
        return write!(line, r#"{{"type":"team","id":"{id}","name":"{slug}"}}"#);
    }
    let place = team.members[issue.number as usize % team.members.len()];
    let person = &organisation.people[place];
    let (id, name, email) = (310_000 + place, escaped(&person.name), &person.email);
    write!(
        line,
        r#"{{"type":"user","id":"{id}","name":"{name}","email":"{email}"}}"#
    )
}

fn event(
    line: &mut String,
    organisation: &Organisation,
    issue: &Issue,
    place: u64,
    at: Time,
) -> fmt::Result {
    let Words {
        kind,
        value,
        file,
        function,
        platform,
    } = words(organisation, issue);
    let value = escaped(value);
    let number = issue.number << 8 | place;
    let id = format!("{:016x}{:016x}", scramble(number), scramble(!number));
    let level = if issue.is_fatal { "fatal" } else { "error" };
    let handled = if issue.is_unhandled { "no" } else { "yes" };
    write!(
        line,
        r#"{{"id":"{id}","event.type":"error","groupID":"{group}","eventID":"{id}","projectID":"{project}","message":"{value}","title":"{kind}: {value}","location":"{file}","culprit":"{function}({file})","user":{{"id":"{user}","email":null,"username":null,"ip_address":null,"name":null,"geo":null,"data":null}},"tags":[{{"key":"environment","value":"production"}},{{"key":"handled","value":"{handled}"}},{{"key":"level","value":"{level}"}},{{"key":"release","value":"{name}@{release}"}},{{"key":"server_name","value":"{name}-{host}"}}],"platform":"{platform}","dateCreated":"{at}","crashFile":null,"metadata":{{"type":"{kind}","value":"{value}","filename":"{file}","function":"{function}"}}}}"#,
        group = issue_id(issue),
        project = project_id(issue.service),
        user = scramble(number) % 90_000,
        name = organisation.services[issue.service].name,
        release = at.0 / DAY,
        host = scramble(number) % 6,
    )
}

fn team_id(team: usize) -> String {
    (4_509_106_700_000 + team as u64 * 64).to_string()
}

fn project(organisation: &Organisation, place: usize, period: &Period) -> Value {
    let service = &organisation.services[place];
    // Some projects were made before there were teams.
    // Some are looked after by two.
    let teams = match place % 11 {
        10 => vec![],
        5 => vec![service.team, (service.team + 1) % organisation.teams.len()],
        _ => vec![service.team],
    };
    let teams: Vec<_> = teams
        .into_iter()
        .map(|team| {
            let slug = &organisation.teams[team].slug;
            json!({"id": team_id(team), "slug": slug, "name": slug})
        })
        .collect();
    let platform = platform(organisation, place);
    let created = period.start + -(300 + place as i64 % 700) * DAY;
    let mut record = json!({
        "id": project_id(place), "slug": service.name, "name": service.name, "platform": platform,
        "dateCreated": created.to_string(), "isBookmarked": false, "isMember": true,
        "features": ["alert-filters", "discard-groups", "releases"],
        "firstEvent": (created + DAY).to_string(), "firstTransactionEvent": true,
        "access": ["event:read", "org:read", "project:read", "team:read"], "hasAccess": true,
        "environments": ["production", "staging"], "latestRelease": null, "latestDeploys": null, "platforms": [platform],
        "team": teams.first(), "teams": teams,
    });
    for (name, value) in [
        ("Feedbacks", false),
        ("Flags", false),
        ("MinifiedStackTrace", false),
        ("Monitors", false),
        ("NewFeedbacks", false),
        ("Profiles", false),
        ("Replays", false),
        ("Sessions", true),
        ("InsightsHttp", true),
        ("InsightsDb", true),
        ("InsightsAssets", false),
        ("InsightsAppStart", false),
        ("InsightsScreenLoad", false),
        ("InsightsVitals", false),
        ("InsightsCaches", false),
        ("InsightsQueues", false),
        ("InsightsAgentMonitoring", false),
        ("InsightsMCP", false),
        ("Logs", false),
        ("TraceMetrics", false),
        ("UserReports", false),
    ] {
        record[format!("has{name}")] = value.into();
    }
    record
}

fn team(organisation: &Organisation, place: usize, period: &Period) -> Value {
    let team = &organisation.teams[place];
    json!({
        "id": team_id(place), "slug": team.slug, "name": team.slug,
        "dateCreated": (period.start + -(900 - place as i64 % 400) * DAY).to_string(),
        "isMember": place.is_multiple_of(4), "teamRole": null, "flags": {"idp:provisioned": false},
        "access": ["event:read", "org:read", "project:read", "team:read"], "hasAccess": true, "isPending": false,
        "memberCount": team.members.len(), "avatar": {"avatarType": "letter_avatar", "avatarUuid": null},
        "externalTeams": [],
    })
}
