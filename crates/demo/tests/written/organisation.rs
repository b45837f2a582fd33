//! The organisation that is invented: its incidents, people, postmortems and answers are as awkward as real ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use demo::Options;
use serde_json::Value;

use crate::{ids, latest, newest, postmortem_texts, records, small, text, written};

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn incidents_have_lives_of_every_kind() {
    let (folder, _) = written(&Options::default());
    let incidents = latest(folder.path(), "pagerduty_incidents");
    let mut kinds: BTreeMap<String, BTreeMap<String, u32>> = BTreeMap::new();
    for entry in latest(folder.path(), "pagerduty_log_entries").values() {
        let of_incident = kinds
            .entry(entry["incident"]["id"].to_string())
            .or_default();
        *of_incident
            .entry(text(entry, "/type").to_owned())
            .or_default() += 1;
    }
    let has = |what: &dyn Fn(&BTreeMap<String, u32>) -> bool| {
        kinds.values().filter(|kinds| what(kinds)).count()
    };
    let count = |kinds: &BTreeMap<String, u32>, kind: &str| {
        kinds
            .get(&format!("{kind}_log_entry"))
            .copied()
            .unwrap_or(0)
    };
    assert!(
        has(&|kinds| count(kinds, "resolve") > 0 && count(kinds, "acknowledge") == 0) > 20,
        "never acknowledged"
    );
    assert!(has(&|kinds| count(kinds, "resolve") == 2) > 3, "reopened");
    for kind in [
        "escalate",
        "unacknowledge",
        "snooze",
        "annotate",
        "field_value_change",
        "exhaust_escalation_path",
        "repeat_escalation_path",
    ] {
        assert!(has(&|kinds| count(kinds, kind) > 0) > 0, "{kind}");
    }
    let is_open = |incident: &&Value| incident["status"] != "resolved";
    let open: Vec<_> = incidents.values().filter(is_open).collect();
    assert!(
        open.iter()
            .any(|incident| incident["assignments"] == Value::Array(vec![])),
        "unassigned"
    );
    assert!(
        open.iter()
            .any(|incident| text(incident, "/created_at") < "2026-10-15"),
        "stale"
    );
    assert!(
        open.iter()
            .any(|incident| incident["status"] == "acknowledged")
    );
    assert!(
        incidents
            .values()
            .any(|incident| incident["incidents_responders"][0]["state"] == "joined")
    );
    let priorities: BTreeSet<_> = incidents
        .values()
        .map(|incident| incident["priority"]["summary"].to_string())
        .collect();
    assert_eq!(priorities.len(), 6, "P1 to P5 and none: {priorities:?}");
}

#[test]
fn one_person_of_one_team_carries_most_and_a_noisy_service_flaps() {
    let (folder, _) = written(&Options::default());
    let mut notified: BTreeMap<String, u32> = BTreeMap::new();
    for entry in records(folder.path(), "pagerduty_log_entries") {
        if entry["type"] == "notify_log_entry" {
            *notified
                .entry(text(&entry, "/user/summary").to_owned())
                .or_default() += 1;
        }
    }
    let mut counts: Vec<_> = notified.values().copied().collect();
    counts.sort_unstable();
    assert!(
        counts[counts.len() - 1] > 2 * counts[counts.len() - 2],
        "{counts:?}"
    );
    let mut short: BTreeMap<(String, String), u32> = BTreeMap::new();
    for incident in latest(folder.path(), "pagerduty_incidents").values() {
        if let Some(resolved) = incident["resolved_at"].as_str() {
            let seconds = |time: &str| time.parse::<jiff::Timestamp>().unwrap().as_second();
            if seconds(resolved) - seconds(text(incident, "/created_at")) < 300 {
                let day = text(incident, "/created_at")[..10].to_owned();
                *short
                    .entry((text(incident, "/title").to_owned(), day))
                    .or_default() += 1;
            }
        }
    }
    assert!(
        short.values().any(|times| *times >= 4),
        "the same title several times a day, each under 5 minutes"
    );
}

#[test]
fn postmortems_are_as_people_write_them() {
    for options in [small(1), small(2), Options::default()] {
        let (folder, _) = written(&options);
        let agreed = fs::read_to_string(folder.path().join("root_causes.yaml")).unwrap();
        let agreed: BTreeSet<_> = agreed
            .lines()
            .filter_map(|line| line.strip_prefix("- "))
            .collect();
        let files = postmortem_texts(folder.path());
        let quarters = files
            .iter()
            .filter(|(path, _)| path.to_string_lossy().contains("-q"))
            .count();
        assert!(
            quarters >= 4 && files.len() > quarters,
            "files of a quarter and of one incident: {}",
            files.len()
        );
        // Without indentation, so that files of one and of many read alike.
        let lines = files
            .iter()
            .flat_map(|(_, text)| text.lines())
            .map(str::trim);
        let all = lines.collect::<Vec<_>>().join("\n");
        let mut outside = Vec::new();
        for after in all.split("root_causes:\n").skip(1) {
            let causes: Vec<_> = after
                .lines()
                .map_while(|line| line.strip_prefix("- "))
                .collect();
            assert_eq!(causes.len(), 2, "what set it off, and what lay behind it");
            outside.extend(causes.into_iter().filter(|cause| !agreed.contains(cause)));
        }
        assert_eq!(
            outside,
            ["Sofware"],
            "exactly one cause outside the agreed list"
        );
        let postmortems = all.matches("incident_name:").count();
        let major = latest(folder.path(), "pagerduty_incidents")
            .values()
            .filter(|incident| {
                matches!(incident["priority"]["summary"].as_str(), Some("P1" | "P2"))
            })
            .count();
        assert!(
            postmortems < major && postmortems * 2 > major,
            "{postmortems} of {major}: most, not all"
        );
        for wart in [": null\n", ": NaN\n", "reliability_gaps:\n- ", "\nother: "] {
            assert!(all.contains(wart), "{wart:?}");
        }
        let one_text = |line: &str| line.starts_with("reliability_gaps: ");
        assert!(all.lines().any(one_text), "a gap that is one text");
        assert!(
            all.matches("reliability_gaps").count() < postmortems,
            "absent from some"
        );
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn other_sources_have_their_faults() {
    let (folder, _) = written(&Options::default());
    let folder = folder.path();
    let issues = latest(folder, "sentry_issues");
    for (status, substatus) in [
        ("unresolved", "new"),
        ("unresolved", "regressed"),
        ("ignored", "archived_until_escalating"),
    ] {
        assert!(
            issues
                .values()
                .any(|issue| issue["status"] == status && issue["substatus"] == substatus),
            "{substatus}"
        );
    }
    assert!(
        issues
            .values()
            .any(|issue| issue["isUnhandled"] == true && issue["count"].is_string())
    );
    let monitors = newest(folder, "datadog_monitors");
    for fault in [
        (|monitor: &Value| monitor["overall_state"] == "No Data") as fn(&Value) -> bool,
        |monitor| {
            monitor["options"]["silenced"]["*"].is_null()
                && monitor["options"]["silenced"].as_object().unwrap().len() == 1
        },
        |monitor| monitor["tags"] == Value::Array(vec![]),
        |monitor| !text(monitor, "/message").contains("@pagerduty-"),
        |monitor| monitor["overall_state"] == "Alert",
        |monitor| {
            monitor["created_at"]
                .as_i64()
                .is_some_and(|at| at % 1_000 == 0 && at > 1_000_000_000_000)
        },
    ] {
        let count = monitors.iter().filter(|monitor| fault(monitor)).count();
        assert!(count > 0);
    }
    assert!(
        newest(folder, "datadog_synthetics")
            .iter()
            .any(|test| test["status"] == "paused")
    );
    let hooks = newest(folder, "github_repo_hooks");
    assert!(hooks.iter().any(|hook| hook["active"] == false));
    assert!(
        hooks
            .iter()
            .any(|hook| hook["config"]["insecure_ssl"] == "1")
    );
    assert!(
        hooks
            .iter()
            .any(|hook| hook["last_response"]["code"] == 502)
    );
    let owned: BTreeSet<_> = newest(folder, "github_repo_teams")
        .iter()
        .map(|team| team["_extract"]["parent"]["repository_id"].to_string())
        .collect();
    assert!(
        ids(&newest(folder, "github_repos"))
            .iter()
            .any(|repository| !owned.contains(repository)),
        "of no team"
    );
    let users = newest(folder, "pagerduty_users");
    assert!(
        users
            .iter()
            .any(|user| user["teams"] == Value::Array(vec![]))
    );
    assert!(
        users
            .iter()
            .any(|user| user["contact_methods"].as_array().unwrap().len() == 1),
        "e-mail alone"
    );
    for contact in users
        .iter()
        .flat_map(|user| user["contact_methods"].as_array().unwrap())
    {
        let is_number = matches!(
            text(contact, "/type"),
            "phone_contact_method" | "sms_contact_method"
        );
        assert!(
            !is_number || text(contact, "/address").starts_with("hash:"),
            "no telephone numbers"
        );
    }
}

#[test]
fn the_survey_has_awkward_texts_and_blanks() {
    let (folder, files) = written(&Options::default());
    let surveys: Vec<_> = files
        .iter()
        .filter(|file| file.path.starts_with("raw_data/developer_survey"))
        .collect();
    assert_eq!(
        surveys.len(),
        4,
        "a file for each quarter that ended within the year"
    );
    assert!(surveys.iter().all(|file| file.records > 15));
    let all: String = surveys
        .iter()
        .map(|file| fs::read_to_string(folder.path().join(&file.path)).unwrap())
        .collect();
    for part in [
        "\"\"actually\"\"",
        ",\"Fewer alerts at night, please.\"",
        "things:\n1.",
        "Übergabe",
        ",,",
    ] {
        assert!(all.contains(part), "{part}");
    }
}
