//! Files that people bring as other programs write them: exports of forms, spreadsheets, editors of other systems; and
//! what is said of values that are hardly meant.

use crate::world::World;

const SURVEY: &str = "raw_data/developer_survey";

const GOOGLE: &str = "\u{feff}\"Timestamp\",\"Your team\",\"How often were you woken?\"\n\
    \"2026/09/14 10:05:12 AM GMT+2\",\"Checkout\u{a0}\",\"3\"\n\
    \"2026/09/15 12:30:00 AM GMT+2\",\"Search\",\"\"\n";

#[test]
fn an_export_of_google_forms() {
    let world = World::new();
    world
        .write(&format!("{SURVEY}/Form Responses.csv"), GOOGLE)
        .write(
            ".env",
            "SURVEY_RESPONSE_ID=Timestamp\nSURVEY_SUBMITTED_AT=Timestamp\nSURVEY_TEAM='Your team'\n",
        );
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(
        world
            .rows("select id, submitted_on, submitted_at, team, answer_count from SurveyResponses"),
        [
            "2026/09/14 10:05:12 AM GMT+2|2026-09-14|2026-09-14T08:05:12Z|Checkout|1",
            "2026/09/15 12:30:00 AM GMT+2|2026-09-15|2026-09-14T22:30:00Z|Search|0",
        ]
    );
    assert_eq!(
        world.rows("select question, answer from SurveyAnswers"),
        ["How often were you woken?|3"]
    );
}

#[test]
fn an_export_of_typeform_and_a_sheet_of_another_country() {
    let world = World::new();
    world
        .write(
            &format!("{SURVEY}/responses.csv"),
            "#,How often were you woken?,Start Date (UTC),Submit Date (UTC)\nab12,2,2026-09-14 08:00:01,2026-09-14 08:05:12\n",
        )
        .write(
            &format!("{SURVEY}/sheet.csv"),
            "#;How often were you woken?;Submit Date (UTC)\ncd34;1;14.09.2026 10:05\n",
        )
        .write(
            ".env",
            "SURVEY_RESPONSE_ID='#'\nSURVEY_SUBMITTED_AT='Submit Date (UTC)'\n",
        );
    let run = world.run_on_disk(&["load"]);
    run.prints(1, snapbox::str![[r#"
loaded developer_survey         1 record from 2 files
error[record-rejected]: `SurveyResponses.submitted_on`: `14.09.2026 10:05` is not a date; expected `YYYY-MM-DD`; to have days in this order read, set `DATE_ORDER=DAY_FIRST`
 |
 = note: the value is "14.09.2026 10:05"
  --> raw_data/developer_survey/sheet.csv:2
1 reject of developer_survey kept in `rejects/developer_survey/`, with their reasons
1 record from 2 files is in reliability.db; 1 reject in `rejects/`

"#]]);
    let run = world.run_with(
        &[("DB_MODE", "DISK"), ("DATE_ORDER", "DAY_FIRST")],
        &["load"],
    );
    run.exits(0);
    assert_eq!(
        world.rows("select id, submitted_at from SurveyResponses"),
        ["ab12|2026-09-14T08:05:12Z", "cd34|2026-09-14T10:05:00Z"]
    );
}

#[test]
fn a_sheet_that_separates_otherwise() {
    let world = World::new();
    for (name, content) in [
        ("a.csv", "id;name\r\nA;\"a, b\"\r\n;\r\n"),
        ("b.csv", "id\tname\nB\tb, c; d\n"),
        ("c.csv", "sep=;\nid;name\nC;c,d\n"),
        ("d.csv", "\"id\",\"name; and more\"\nD,d\n"),
        ("e.csv", "id|name\nE|e\n"),
    ] {
        world.write(&format!("raw_data/pagerduty_teams/{name}"), content);
    }
    world.run_on_disk(&["load"]).prints(
        1,
        snapbox::str![[r#"
loaded pagerduty_teams          4 records from 5 files
error[record-rejected]: the header has no column `id`; it has `id|name`
  --> raw_data/pagerduty_teams/e.csv:1
1 reject of pagerduty_teams kept in `rejects/pagerduty_teams/`, with their reasons
4 records from 5 files are in reliability.db; 1 reject in `rejects/`

"#]],
    );
    assert_eq!(
        world.rows("select id, name from PagerDutyTeams order by id"),
        ["A|a, b", "B|b, c; d", "C|c,d", "D|∅"]
    );
}

#[test]
fn a_key_column_that_is_missing_is_one_error() {
    let world = World::new();
    world
        .write(&format!("{SURVEY}/a.csv"), GOOGLE)
        .write(
            &format!("{SURVEY}/b.csv"),
            "Response ID,team\n1,Checkout\n2,Search\n",
        )
        .write("raw_data/pagerduty_teams/t.csv", "idd,name\nA,a\nB,b\n");
    let run = world.run(&["load"]);
    run.prints(1, snapbox::str![[r#"
loaded developer_survey         0 records from 2 files
error[record-rejected]: the header has no column `response_id`; it has `Timestamp`, `Your team`, `How often were you woken?`; set `SURVEY_RESPONSE_ID` to what the header calls it
  --> raw_data/developer_survey/a.csv:1
error[record-rejected]: the header has no column `response_id`; it has `Response ID`, `team`; did you mean `Response ID`? set `SURVEY_RESPONSE_ID='Response ID'`
  --> raw_data/developer_survey/b.csv:1
2 rejects of developer_survey kept in `rejects/developer_survey/`, with their reasons
loaded pagerduty_teams          0 records from 1 file
error[record-rejected]: the header has no column `id`; it has `idd`, `name`; did you mean `idd`?
  --> raw_data/pagerduty_teams/t.csv:1
1 reject of pagerduty_teams kept in `rejects/pagerduty_teams/`, with their reasons
0 records from 3 files are in the database in memory; 3 rejects in `rejects/`
it is gone when this ends; to keep it, set `DB_MODE=DISK`

"#]]);
}

#[test]
fn a_heading_that_a_setting_names_and_no_file_has() {
    let world = World::new();
    world
        .write(
            &format!("{SURVEY}/a.csv"),
            "response_id,team,Squad\n1,Checkout,x\n",
        )
        .write(
            &format!("{SURVEY}/b.csv"),
            "response_id,Squads\n1,Checkout\n",
        )
        .write(".env", "SURVEY_TEAM=Squad\n");
    let run = world.run(&["load"]);
    run.prints(1, snapbox::str![[r#"
loaded developer_survey         1 record from 2 files
error[record-rejected]: the header has `Squad` and `team`, and `SURVEY_TEAM` says that both are `team`
  --> raw_data/developer_survey/a.csv:1
1 reject of developer_survey kept in `rejects/developer_survey/`, with their reasons
warning[record-odd]: the header has no column `Squad`, which `SURVEY_TEAM` names; it has `response_id`, `Squads`; did you mean `Squads`? set `SURVEY_TEAM='Squads'`
  --> raw_data/developer_survey/b.csv:1
1 record from 2 files is in the database in memory; 1 reject in `rejects/`
it is gone when this ends; to keep it, set `DB_MODE=DISK`

"#]]);
}

#[test]
fn names_that_look_the_same_are_the_same() {
    let world = World::new();
    world.write("root_causes.yaml", "- Café\n- Config\u{a0}push\n").write(
        "incidents/a.yaml",
        "- incident_name: One\n  root_causes: [\"Cafe\u{301}\", \"Config push\u{200b}\"]\n- incident_name: Two\n  root_causes: [Café, \"Config\u{a0}push\"]\n",
    );
    world.run_on_disk(&["load"]).prints(
        0,
        snapbox::str![[r#"
loaded incidents                2 records from 1 file
2 records from 1 file are in reliability.db

"#]],
    );
    assert_eq!(
        world.rows("select root_cause, count(*) from RootCauses group by root_cause"),
        ["Café|2", "Config push|2"]
    );
    // What nobody sees is not shown as it is.
    world.write(
        "incidents/b.yaml",
        "incident_name: Three\nroot_causes: [\"Con\u{ad}fig  pusch\", \"Caf\u{435}\"]\n",
    );
    world.run_on_disk(&["load"]).prints(
        0,
        snapbox::str![[r#"
loaded incidents                1 record from 1 file
warning[record-odd]: `Cafе` is not in the agreed list; did you mean `Café`?
  --> incidents/b.yaml:1
warning[record-odd]: `Config  pusch` is not in the agreed list; did you mean `Config push`?
  --> incidents/b.yaml:1
1 record from 1 file is in reliability.db

"#]],
    );
}

#[test]
fn an_odd_value_costs_its_column_where_that_may_be_null() {
    let world = World::new();
    world
        .write(
            "raw_data/datadog_monitors/m.ndjson",
            "{\"id\": 1, \"name\": [\"a\"], \"options\": {\"silenced\": \"no\"}}\n",
        )
        .write(
            "incidents/a.yaml",
            "- incident_name: One\n  severity_level: [P1]\n  stats:\n    time_of_recovery: soon\n- incident_name: Two\n  severity_level: [P1]\n",
        );
    let run = world.run_on_disk(&["load"]);
    run.prints(1, snapbox::str![[r#"
loaded datadog_monitors         1 record from 1 file
warning[record-odd]: `muted_scopes`: cannot use "no" as iterable (array or object)
  --> raw_data/datadog_monitors/m.ndjson:1
warning[record-odd]: `muted_until_at`: cannot index "no" with "*"
  --> raw_data/datadog_monitors/m.ndjson:1
warning[record-odd]: `name`: expected text, found a list
  --> raw_data/datadog_monitors/m.ndjson:1
loaded incidents                1 record from 1 file
error[record-rejected]: `Incidents.recovered_at`: `soon` is not a time; expected `YYYY-MM-DD HH:mm` or ISO 8601
 |
 = note: the value is "soon"
  --> incidents/a.yaml:1
1 reject of incidents kept in `rejects/incidents/`, with their reasons
warning[record-odd]: `severity`: expected text, found a list
  --> incidents/a.yaml:5
2 records from 2 files are in reliability.db; 1 reject in `rejects/`

"#]]);
    assert_eq!(world.rows("select id, name from DataDogMonitors"), ["1|∅"]);
    assert_eq!(
        world.rows("select name, severity from Incidents"),
        ["Two|∅"]
    );
}

#[test]
fn a_time_that_the_clocks_skipped_or_repeated_is_said() {
    let world = World::new();
    world.write(
        "incidents/a.yaml",
        "incident_name: One\nstats:\n  time_of_first_trigger: 2024-03-31 02:30\n  time_of_recovery: 2024-10-27 02:30\n",
    );
    let run = world.run_with(
        &[("DB_MODE", "DISK"), ("TIME_ZONE", "Europe/Berlin")],
        &["load"],
    );
    run.prints(0, snapbox::str![[r#"
loaded incidents                1 record from 1 file
warning[record-odd]: `first_triggered_at`: `2024-03-31 02:30` was skipped when the clocks of `Europe/Berlin` changed: `2024-03-31T01:30:00Z` is taken for it; write its offset, such as `+02:00`
  --> incidents/a.yaml:1
warning[record-odd]: `recovered_at`: `2024-10-27 02:30` came twice when the clocks of `Europe/Berlin` changed: `2024-10-27T00:30:00Z` is taken for it; write its offset, such as `+02:00`
  --> incidents/a.yaml:1
1 record from 1 file is in reliability.db

"#]]);
    assert_eq!(
        world.rows("select first_triggered_at, recovered_at from Incidents"),
        ["2024-03-31T01:30:00Z|2024-10-27T00:30:00Z"]
    );
}

/// A file of so many bytes, packed.
fn packed(byte: u8, mebibytes: u64) -> Vec<u8> {
    let bytes = std::io::Read::take(std::io::repeat(byte), mebibytes << 20);
    zstd::encode_all(bytes, 1).unwrap()
}

#[test]
fn what_unpacks_to_almost_anything_is_not_read_to_its_end() {
    let world = World::new();
    for (name, byte) in [
        ("a.json.zst", 0),
        ("b.json.zst", b'['),
        ("c.ndjson.zst", 0),
        ("d.csv.zst", 0),
        ("e.csv.zst", b'"'),
        ("f.yaml.zst", 0),
    ] {
        world.write(
            &format!("raw_data/pagerduty_teams/{name}"),
            packed(byte, 300),
        );
    }
    let run = world.run(&["load"]);
    run.prints(
        1,
        snapbox::str![[r#"
loaded pagerduty_teams          0 records from 6 files
error[record-rejected]: a record does not end within 256 MiB: nothing behind it was read
  --> raw_data/pagerduty_teams/a.json.zst:1
error[record-rejected]: a record does not end within 256 MiB: nothing behind it was read
  --> raw_data/pagerduty_teams/b.json.zst:1
error[record-rejected]: a record does not end within 256 MiB: nothing behind it was read
  --> raw_data/pagerduty_teams/c.ndjson.zst:1
6 rejects of pagerduty_teams kept in `rejects/pagerduty_teams/`, with their reasons
0 records from 6 files are in the database in memory; 6 rejects in `rejects/`
it is gone when this ends; to keep it, set `DB_MODE=DISK`

"#]],
    );
}
