use std::path::Path;

use definitions::Definitions;
use proptest::prelude::*;

use super::*;

pub(crate) fn guide() -> definitions::Guide {
    let (Definitions { guide, .. }, _) = definitions::read(Path::new("no project is here"));
    guide
}

fn read_text(text: &str) -> Incident {
    let document = Document::parse("x.md", text.as_bytes()).unwrap();
    let agreed = ["Software", "Configuration push"].map(str::to_owned);
    read(&document, &guide(), &agreed)
}

/// A value as the YAML has it: nothing, itself, or `?` and all readings.
fn shown(finding: &Finding<String>) -> String {
    match finding {
        Finding::Absent => String::new(),
        Finding::Certain(read) => read.value.clone(),
        Finding::Unclear(reads) => {
            let values: Vec<&str> = reads.iter().map(|read| read.value.as_str()).collect();
            format!("? {}", values.join(" "))
        }
    }
}

/// The times that are there, `first_trigger` and so on.
pub(crate) fn times(incident: &Incident) -> Vec<String> {
    let times = incident.times.iter();
    let times = times.filter(|(_, finding)| *finding != Finding::Absent);
    times
        .map(|(name, finding)| {
            format!("{} {}", name.trim_start_matches("time_of_"), shown(finding))
        })
        .collect()
}

fn times_of(text: &str) -> Vec<String> {
    times(&read_text(text))
}

const HOUSE: &str = "\
# Checkout refuses cards

Date: 1 May 2026
Severity: P2

## Affected Entities
- Example Shop

Products: Checkout, Refunds

## Root Causes
- configuration push
- A cosmic ray

## Reliability Gaps
- No alert on the share of refused cards

## Stats

| | |
|---|---|
| Time of first trigger | 2026-05-01 10:00 UTC |
| Time of internal detect | 10:05 UTC |
| Time of recovery | 11:30 UTC |
| Time of RCA | 2026-05-03T10:00:00+02:00 |
| Impacted customers | 1,250 |
| Failed requests | n/a |
";

#[test]
fn the_house_template_is_read_whole() {
    let yaml = yaml(&read_text(HOUSE), "checkout.md");
    let expected = "\
# Read from \"checkout.md\" by `reliability postmortem`. A line that says `review:` waits for a person.
- incident_name: \"Checkout refuses cards\"  # line 1: Checkout refuses cards
  postmortem_link: null
  incident_date: 2026-05-01  # line 3: 1 May 2026
  affected_entities:
    - entity_name: \"Example Shop\"  # line 7: Example Shop
      products: [\"Checkout\", \"Refunds\"]
  root_causes:
    - \"Configuration push\"  # line 12
    # review: no agreed cause: line 13: A cosmic ray
  stats:
    time_of_first_trigger: 2026-05-01T10:00:00Z  # line 22: 2026-05-01 10:00 UTC
    time_of_customer_detect: null
    time_of_internal_detect: 2026-05-01T10:05:00Z  # line 23: 10:05 UTC
    time_of_recovery: 2026-05-01T11:30:00Z  # line 24: 11:30 UTC
    time_of_reconcile: null
    time_of_rca: 2026-05-03T10:00:00+02:00  # line 25: 2026-05-03T10:00:00+02:00
    number_of_impacted_customers: 1250  # line 26: 1,250
    number_of_failed_requests: null
  severity_level: \"P2\"  # line 4: P2
  reliability_gaps:
    - \"No alert on the share of refused cards\"  # line 16
# read: {\"affected_entities\":[\"Example Shop\"],\"affected_products\":[\"Checkout\",\"Refunds\"],\"incident_date\":\"2026-05-01\",\"incident_name\":\"Checkout refuses cards\",\"number_of_failed_requests\":null,\"number_of_impacted_customers\":\"1250\",\"postmortem_link\":null,\"reliability_gaps\":[\"No alert on the share of refused cards\"],\"root_causes\":[\"Configuration push\"],\"severity_level\":\"P2\",\"time_of_customer_detect\":null,\"time_of_first_trigger\":\"2026-05-01T10:00:00Z\",\"time_of_internal_detect\":\"2026-05-01T10:05:00Z\",\"time_of_rca\":\"2026-05-03T10:00:00+02:00\",\"time_of_reconcile\":null,\"time_of_recovery\":\"2026-05-01T11:30:00Z\"}
";
    assert_eq!(yaml, expected);
}

#[test]
fn prose_under_root_causes_is_one_thing_to_review() {
    let others = |causes: &str| -> Vec<String> {
        let incident = read_text(&format!("# X\n\n## Root Causes\n\n{causes}\n"));
        incident
            .other_causes
            .iter()
            .map(|read| read.value.clone())
            .collect()
    };
    let prose =
        "A deploy, which nobody had announced, took the old configuration from the cache again.";
    assert_eq!(others(prose), [prose]);
    assert_eq!(others("Cosmic rays, heat"), ["Cosmic rays", "heat"]);
    // The name that was agreed on is found in prose too.
    assert_eq!(
        others("Software, which had a fault that nobody had seen"),
        ["which had a fault that nobody had seen"]
    );
}

#[test]
fn numbers_stand_in_sentences_too() {
    let numbers = |text: &str| -> Vec<String> {
        let incident = read_text(text);
        incident
            .numbers
            .iter()
            .map(|(_, finding)| shown(finding))
            .collect()
    };
    let text = "# X\n\nIt took an hour. In all, 1,250 customers were affected, and 3,400 requests failed.\n";
    assert_eq!(numbers(text), ["1250", "3400"]);
    // Another number elsewhere, or one that is only about right, is for a person.
    let twice = format!("{text}\n- 900 customers affected\n");
    assert_eq!(numbers(&twice), ["? 1250 900", "3400"]);
    assert_eq!(
        numbers(&text.replace("3,400", "around 3,400")),
        ["1250", "? 3400"]
    );
    // What stands under a label goes before, and what the timeline counts is a part.
    let labelled = format!("{text}\nImpacted customers: 1,300\n");
    assert_eq!(numbers(&labelled), ["1300", "3400"]);
    assert_eq!(numbers("# X\n\nImpacted customers: 5%\n"), ["? 5%", ""]);
    assert_eq!(
        numbers("# X\n\n## Timeline\n\n- 10:05 12 requests failed\n"),
        ["", ""]
    );
}

#[test]
fn a_timeline_carries_its_day_and_zone_and_crosses_midnight() {
    let text = "# X\n\nDate: 2026-03-02\n\n## Timeline\n\nAll times in UTC.\n\n- 23:50 The queue grows\n- 00:10 An alert fires\n- 00:40 Service restored\n";
    assert_eq!(
        times_of(text),
        [
            "first_trigger ? 2026-03-02T23:50:00Z",
            "internal_detect 2026-03-03T00:10:00Z",
            "recovery 2026-03-03T00:40:00Z",
        ]
    );
    // What goes back by day is out of order, and no time of it is believed.
    let text = text.replace("00:10", "22:10");
    assert_eq!(
        times_of(&text),
        [
            "first_trigger ? 2026-03-02T23:50:00Z",
            "recovery 2026-03-03T00:40:00Z"
        ]
    );
}

#[test]
fn durations_tell_which_events_are_meant() {
    let text = "# X\n\n## Timeline\n\nAll times in CET.\n\n| Time | Event |\n| --- | --- |\n| 2020-01-21 15:36 | A certificate expires |\n| 2020-01-21 16:02 | Another alert |\n| 2020-01-21 16:30 | First alert about it |\n| 2020-01-21 18:04 | New certificates |\n\n# Stats\n\n- Time to detection: 54 minutes\n- Time to recovery: 2 hours 28 minutes\n";
    assert_eq!(
        times_of(text),
        [
            "first_trigger 2020-01-21T15:36:00+01:00",
            "internal_detect 2020-01-21T16:30:00+01:00",
            "recovery 2020-01-21T18:04:00+01:00",
        ]
    );
    let unknown = text
        .replace("54 minutes", "?")
        .replace("2 hours 28 minutes", "?");
    assert_eq!(
        times_of(&unknown),
        [
            "first_trigger ? 2020-01-21T15:36:00+01:00",
            "internal_detect 2020-01-21T16:02:00+01:00"
        ]
    );
}

#[test]
fn winter_time_in_summer_is_left_to_a_person() {
    let text = "# X\n\n| Start time | End time |\n| --- | --- |\n\n- Start time: 2020-06-09 12:20 CET\n- End time: June 9th, 2020, 1:13 PM (PDT)\n";
    assert_eq!(
        times_of(text),
        [
            "first_trigger ? 2020-06-09T12:20:00+01:00 2020-06-09T12:20:00+02:00",
            "recovery 2020-06-09T13:13:00-07:00",
        ]
    );
}

#[test]
fn sentences_with_one_time_are_read() {
    let text = "# Search is down\n\nOn May 3, 2026 the index was lost. The outage began at 14:05 UTC. Search was resolved at 15:20 UTC.\n";
    assert_eq!(
        times_of(text),
        [
            "first_trigger 2026-05-03T14:05:00Z",
            "recovery 2026-05-03T15:20:00Z"
        ]
    );
    let twice = text.replace(
        "resolved at 15:20 UTC",
        "resolved at 15:20 UTC. It was resolved at 16:00 UTC",
    );
    assert_eq!(
        times_of(&twice)[1],
        "recovery ? 2026-05-03T15:20:00Z 2026-05-03T16:00:00Z"
    );
}

#[test]
fn times_that_contradict_each_other_are_said() {
    let text = HOUSE.replace("11:30 UTC", "09:30 UTC");
    let incident = read_text(&text);
    assert_eq!(
        incident.contradictions,
        ["`time_of_recovery`, line 24, is before `time_of_first_trigger`, line 22"]
    );
}

#[test]
fn blank_templates_say_nothing() {
    for text in [
        "# Title (incident #)\n\n### Date\n\n### Summary\n\n## Timeline\n> (all times in Pacific Time)\n",
        "# Postmortem Template\n\n| Start Time | | x |\n|---|---|---|\n| Detection Time | | |\n",
        "---\ndate:\nseverity: TBD\n---\n",
        "",
    ] {
        let incident = read_text(text);
        assert_eq!(incident.name, Finding::Absent, "{text}");
        assert_eq!(incident.date, Finding::Absent, "{text}");
        assert_eq!(incident.severity, Finding::Absent, "{text}");
        assert_eq!(times_of(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn reading_again_keeps_what_people_wrote() {
    let first = yaml(&read_text(HOUSE), "checkout.md");
    // Somebody corrects the start, adds a remark, and gives the time of reconciliation.
    let mine = first
        .replace(
            "trigger: 2026-05-01T10:00:00Z",
            "trigger: 2026-05-01T09:58:00Z",
        )
        .replace("  stats:\n", "  # asked Ada about these\n  stats:\n")
        .replace(
            "time_of_reconcile: null",
            "time_of_reconcile: 2026-05-02T08:00:00Z",
        );
    let again = merge(&mine, &read_text(HOUSE), "checkout.md").unwrap();
    assert_eq!(
        (again.text.as_str(), again.changes.len()),
        (mine.as_str(), 0)
    );
    // The document changes where the person did, and where it did not.
    let later = HOUSE
        .replace("2026-05-01 10:00 UTC", "2026-05-01 09:55 UTC")
        .replace(
            "| Time of recovery | 11:30 UTC |",
            "| Time of recovery | 11:45 UTC |",
        )
        .replace("Severity: P2\n", "")
        .replace("- configuration push\n", "- Software\n");
    let merged = merge(&mine, &read_text(&later), "checkout.md").unwrap();
    assert_eq!(
        merged.changes,
        [
            "`severity_level`: `P2` became nothing",
            "`time_of_first_trigger`: the document says `2026-05-01T09:55:00Z` now, and said `2026-05-01T10:00:00Z`; `2026-05-01T09:58:00Z` is kept",
            "`time_of_recovery`: `2026-05-01T11:30:00Z` became `2026-05-01T11:45:00Z`",
            "`root_causes`: the document says `[\"Software\"]` now, which is for you to write",
        ]
    );
    for kept in [
        "trigger: 2026-05-01T09:58:00Z",
        "# asked Ada",
        "reconcile: 2026-05-02T08:00:00Z",
        "Configuration push",
    ] {
        assert!(
            merged.text.contains(kept),
            "{kept} is gone: {}",
            merged.text
        );
    }
    assert!(
        merged
            .text
            .contains("time_of_recovery: 2026-05-01T11:45:00Z  # line 23: 11:45 UTC")
    );
    assert!(merged.text.contains("severity_level: null\n"));
    // What was said once is not said again.
    assert_eq!(
        merge(&merged.text, &read_text(&later), "checkout.md")
            .unwrap()
            .changes,
        Vec::<String>::new()
    );
}

#[test]
fn files_of_others_are_left_alone() {
    let mine = yaml(&read_text(HOUSE), "checkout.md");
    assert_eq!(
        merge("- incident_name: mine\n", &read_text(HOUSE), "checkout.md"),
        Err(Unmerged::Foreign)
    );
    assert_eq!(
        merge(&mine, &read_text(HOUSE), "other/checkout.md"),
        Err(Unmerged::Other("checkout.md".to_owned()))
    );
}

#[test]
fn front_matter_is_read() {
    let text = "---\ndate: 2026-05-01\nseverity: SEV1\nlink: https://wiki.example/42\n---\n# X\n";
    let incident = read_text(text);
    assert_eq!(shown(&incident.date), "2026-05-01");
    assert_eq!(shown(&incident.severity), "SEV1");
    assert_eq!(shown(&incident.link), "https://wiki.example/42");
}

proptest! {
    #[test]
    fn whatever_is_written_comes_out_as_yaml(
        text in "(# )?[a-z:|# \n\\-\"'{}0-9]{0,200}",
        any in any::<String>(),
    ) {
        for text in [text, any] {
            let incident = read_text(&text);
            let yaml = super::yaml(&incident, "a \"b\"\n.md");
            let node = yaml::parse(&yaml).map_err(|fault| TestCaseError::fail(format!("{fault:?} in {yaml}")))?;
            let yaml::Value::List(items) = &node.value else { panic!("{yaml}") };
            prop_assert_eq!(items.len(), 1);
            prop_assert!(super::json(&incident).is_object());
        }
    }

    #[test]
    fn what_is_read_stands_in_the_document(day in 1..28_u8, hour in 0..24_u8, minute in 0..60_u8) {
        let written = format!("2026-02-{day:02} {hour:02}:{minute:02}");
        let text = format!("# X\n\n- Start time: {written} UTC\n");
        prop_assert_eq!(times_of(&text), [format!("first_trigger 2026-02-{day:02}T{hour:02}:{minute:02}:00Z")]);
    }
}
