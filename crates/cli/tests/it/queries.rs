//! Questions and their answers: formats, files, limits, and what a query may not do.

use crate::world::{World, query_file, small};

const ENDLESS: &str =
    "with recursive n (i) as (select 1 union all select i + 1 from n) select count(*) as n from n";

#[test]
fn a_terminal_gets_lines_to_read_and_a_file_gets_csv() {
    let world = World::new();
    let sql = "select 'long enough' as name, 12 as n union all select 'b' || char(27), -3";
    let as_table = world.run(&["query", "--format", "table", "--sql", sql]);
    let expected = "name         n\nlong enough  12\nb\\u{1b}      -3\n";
    assert_eq!(as_table.exits(0).stdout, expected);
    // `script` runs it at a terminal of its own.
    let typed = world.command(&["query", "--quiet", "--sql", sql]);
    let words = std::iter::once(typed.get_program()).chain(typed.get_args());
    let words = words.map(|word| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''")));
    let line = words.collect::<Vec<_>>().join(" ");
    let mut script = std::process::Command::new("script");
    script
        .args(["-qec", &line, "/dev/null"])
        .current_dir(world.folder());
    typed.get_envs().for_each(|(name, _)| {
        script.env_remove(name);
    });
    let at_terminal = script.stdin(std::process::Stdio::null()).output().unwrap();
    let shown = String::from_utf8(at_terminal.stdout).unwrap();
    assert_eq!(shown.replace("\r\n", "\n"), expected);
}

#[test]
fn the_formats_of_an_answer() {
    let world = small();
    let sql = "select id, name, 1.5 as half, null as gap from PagerDutyTeams";
    for (format, expected) in [
        (
            "csv",
            "id,name,half,gap\r\nA,\"Pay, \"\"and\"\" go|\",1.5,\r\n",
        ),
        (
            "json",
            "[\n  {\"id\": \"A\", \"name\": \"Pay, \\\"and\\\" go|\", \"half\": 1.5, \"gap\": null}\n]\n",
        ),
        (
            "markdown",
            "| id | name | half | gap |\n| --- | --- | --- | --- |\n| A | Pay, \"and\" go\\| | 1.5 |  |\n",
        ),
    ] {
        let run = world.run(&["query", "--sql", sql, "--format", format]);
        assert_eq!(run.exits(0).stdout, expected, "{format}");
    }
    // Without a format, CSV.
    let run = world.run(&["query", "--sql", "select id from PagerDutyTeams"]);
    assert_eq!(run.exits(0).stdout, "id\r\nA\r\n");
}

#[test]
fn answers_to_named_queries_on_stdout() {
    let world = small();
    world
        .write("definitions/queries/a.sql", query_file("select 1 as one"))
        .write(
            "definitions/queries/b.sql",
            query_file("select 2 as two where 0"),
        );
    let json = world.run(&["query", "a", "b", "--format", "json"]);
    let parsed: serde_json::Value = serde_json::from_str(&json.exits(0).stdout).unwrap();
    assert_eq!(parsed, serde_json::json!({ "a": [{ "one": 1 }], "b": [] }));
    let run = world.run(&["query", "a", "b", "--format", "markdown"]);
    assert!(
        run.exits(0)
            .stdout
            .starts_with("## Mine\n\nMine?\n\n| one |"),
        "{}",
        run.stdout
    );
    assert_eq!(
        world
            .run(&["query", "a", "--format", "csv"])
            .exits(0)
            .stdout,
        "one\r\n1\r\n"
    );
    let run = world.run(&["query", "a", "b", "--format", "csv"]);
    run.exits(2).says(&["CSV on stdout holds one answer"]);
    // All of them at once are one JSON value too.
    let all = world.run(&["query", "--format", "json"]);
    let parsed: serde_json::Value = serde_json::from_str(&all.exits(0).stdout).unwrap();
    assert!(parsed.as_object().unwrap().len() > 10);
    assert!(!world.path("output").exists());
}

#[test]
fn only_the_queries_named_are_answered() {
    let world = small();
    world
        .run(&["query", "repeat_incidents"])
        .exits(0)
        .says(&["output/repeat_incidents.csv  0 rows"]);
    assert!(world.files("output").keys().eq(["repeat_incidents.csv"]));
}

#[test]
fn a_question_to_a_database_that_is_not_there() {
    let world = small();
    for arguments in [
        &["query"][..],
        &["query", "repeat_incidents"],
        &["query", "--sql", "select 1"],
    ] {
        let run = world.run_on_disk(arguments);
        run.exits(2).says(&[
            "reliability.db is not there",
            "make it with `reliability load`",
        ]);
    }
    assert!(!world.path("reliability.db").exists());
    assert!(!world.path("output/repeat_incidents.csv").exists());
}

#[test]
fn questions_to_a_database_on_disk_load_nothing() {
    let world = small();
    world.run_on_disk(&["load"]).exits(0);
    world.write("raw_data/pagerduty_teams/2.ndjson", "{\"id\":\"B\"}\n");
    let run = world.run_on_disk(&["query", "--sql", "select id from PagerDutyTeams"]);
    assert_eq!(run.exits(0).stdout, "id\r\nA\r\n");
}

#[test]
fn a_query_that_fails_takes_its_old_answer_away() {
    let world = small();
    let of = |value: &str| {
        query_file(&format!(
            "select abs({value}) as answer from PagerDutyTeams"
        ))
    };
    world.write("definitions/queries/mine.sql", of("-1"));
    world.run(&["query", "mine"]).exits(0);
    assert_eq!(world.read("output/mine.csv"), "answer\r\n1\r\n");
    // Sound to compile, but it fails when it runs.
    world.write(
        "definitions/queries/mine.sql",
        of("-9223372036854775807 - 1"),
    );
    let run = world.run(&["query"]);
    run.exits(2).says(&[
        "the query `mine` has no answer",
        "integer overflow",
        "definitions/queries/mine.sql",
    ]);
    assert!(!world.path("output/mine.csv").exists());
    // The others are answered.
    assert!(world.path("output/repeat_incidents.csv").exists());
}

#[test]
fn a_query_without_end_is_ended() {
    let world = small();
    world
        .write("definitions/queries/endless.sql", query_file(ENDLESS))
        .write("output/endless.csv", "old\n");
    for arguments in [
        &["query", "--timeout", "1", "endless"][..],
        &["run", "--timeout", "1"],
    ] {
        let run = world.run(arguments);
        run.exits(2).says(&[
            "the query `endless` has no answer: the query took longer than 1 second",
            "--timeout SECONDS",
        ]);
        assert!(!world.path("output/endless.csv").exists());
    }
    let run = world.run(&["query", "--timeout", "1", "--sql", ENDLESS]);
    run.exits(2).says(&["the query took longer than 1 second"]);
    assert_eq!(run.stdout, "");
    // A sort of rows without end takes time before there is a first row.
    let sql = format!("select * from ({ENDLESS}) as a cross join PagerDutyTeams order by 1");
    world
        .run(&["query", "--timeout", "1", "--sql", &sql])
        .exits(2);
}

#[test]
fn a_query_may_only_read() {
    let world = small();
    world.run_on_disk(&["load"]).exits(0);
    let before = world.files(".");
    for sql in [
        "insert into PagerDutyTeams (id) values ('x')",
        "insert into PagerDutyTeams (id, _file, _line) values ('x', 1, 1) returning id",
        "delete from PagerDutyTeams",
        "update PagerDutyTeams set name = 'x'",
        "drop table PagerDutyTeams",
        "create table x (a)",
        "create temp table x (a)",
        "pragma journal_mode = wal",
        "pragma user_version = 9",
        "attach 'other.db' as other",
        "vacuum into 'other.db'",
        "begin exclusive",
        "reindex",
        "select 1; select 2",
        "select 1; delete from PagerDutyTeams",
        "",
        "-- nothing",
        "select load_extension('x')",
        "select * from pragma_user_version; pragma user_version = 3",
    ] {
        let run = world.run_on_disk(&["query", "--sql", sql]);
        run.exits(2).says(&["the query has no answer"]);
        assert_eq!(run.stdout, "", "{sql}");
        assert!(world.files(".") == before, "{sql}");
    }
    // A semicolon at the end is none too many.
    let run = world.run_on_disk(&["query", "--sql", "select id from PagerDutyTeams; -- all\n;"]);
    assert_eq!(run.exits(0).stdout, "id\r\nA\r\n");
    // In a file it is a fault of the definition, found before anything runs.
    world.write(
        "definitions/queries/bad.sql",
        query_file("delete from PagerDutyTeams"),
    );
    world
        .run_on_disk(&["query", "repeat_incidents"])
        .exits(2)
        .says(&["a query may only read"]);
    world.run(&["check"]).exits(1);
    assert!(world.files(".") == before);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn a_misspelt_table_or_column_in_a_question() {
    let world = small();
    let asked = |sql: &str| world.run(&["query", "--sql", sql]);
    asked("select * from PagerDutyTeam").prints(
        2,
        snapbox::str![[r#"
error[query]: the query has no answer: no such table: PagerDutyTeam
 --> --sql:1:15
  |
1 | select * from PagerDutyTeam
  |               ^^^^^^^^^^^^^
hint: did you mean `PagerDutyTeams`?

"#]],
    );
    asked("select nmae from PagerDutyTeams").prints(
        2,
        snapbox::str![[r#"
error[query]: the query has no answer: no such column: nmae
 --> --sql:1:8
  |
1 | select nmae from PagerDutyTeams
  |        ^^^^
hint: did you mean `name`?

"#]],
    );
    asked("select t.nmae from PagerDutyTeams as t").prints(
        2,
        snapbox::str![[r#"
error[query]: the query has no answer: no such column: t.nmae
 --> --sql:1:8
  |
1 | select t.nmae from PagerDutyTeams as t
  |        ^
hint: did you mean `name`?

"#]],
    );
    asked("select \"nmae\" from PagerDutyTeams").prints(2, snapbox::str![[r#"
error[query]: the query has no answer: no such column: "nmae" - should this be a string literal in single-quotes?
 --> --sql:1:8
  |
1 | select "nmae" from PagerDutyTeams
  |        ^
hint: did you mean `name`?

"#]]);
    asked("select id from PagerDutyTeams\nwhere \"A\" = id").prints(2, snapbox::str![[r#"
error[query]: the query has no answer: no such column: "A" - should this be a string literal in single-quotes?
 --> --sql:2:7
  |
2 | where "A" = id
  |       ^

"#]]);
    asked("selct 1").prints(
        2,
        snapbox::str![[r#"
error[query]: the query has no answer: near "selct": syntax error
 --> --sql:1:1
  |
1 | selct 1
  | ^^^^^

"#]],
    );
    world.write(
        "definitions/queries/mine.sql",
        query_file("select id from PagerDutyTeams order by \"nmae\""),
    );
    world.run(&["check"]).prints(1, snapbox::str![[r#"
warning[query-without-grain]: `definitions/queries/mine.sql` does not say what one row is
hint: say it in the header: `-- grain: one row per …`

warning[query-without-period]: `definitions/queries/mine.sql` does not say of which period it is
hint: name the tables whose rows it counts: `-- period: Incidents`

error[query]: the query `mine` has no answer: no such column: "nmae" - should this be a string literal in single-quotes?
 --> definitions/queries/mine.sql:3:40
  |
3 | select id from PagerDutyTeams order by "nmae"
  |                                        ^
hint: did you mean `name`?
checked 5 extractors, 32 tables, 22 mappers, 149 tests, 11 derived tables and 32 queries: 1 error, 2 warnings

"#]]);
}

#[test]
fn what_a_killed_run_left_in_output_is_cleaned_and_what_another_writes_is_not() {
    let world = small();
    world
        .write("output/.answerkilled", "half")
        .write("output/notes.txt", "mine");
    let other = std::fs::File::create(world.path("output/.answerother")).unwrap();
    other.lock().unwrap();
    world.run(&["query", "data_trust"]).exits(0);
    let names: Vec<String> = world.files("output").into_keys().collect();
    assert_eq!(names, [".answerother", "data_trust.csv", "notes.txt"]);
}

#[test]
fn a_time_zone_that_is_none_costs_nobody_an_answer() {
    let world = World::new();
    let zones = [
        "Europe/Berlin",
        "europe/berlin",
        "Mars/Phobos",
        "US/Pacific-New",
        "Japan",
        "EST5EDT",
        "",
    ];
    let (mut users, mut entries) = (String::new(), String::new());
    for (number, zone) in zones.iter().enumerate() {
        users += &format!(
            "{{\"id\":\"U{number}\",\"name\":\"user {number}\",\"time_zone\":\"{zone}\"}}\n"
        );
        // Noon in UTC on a Wednesday.
        entries += &format!(
            "{{\"id\":\"E{number}\",\"type\":\"notify_log_entry\",\"created_at\":\"2026-11-18T12:00:00Z\",\"incident\":{{\"id\":\"I{number}\"}},\"user\":{{\"id\":\"U{number}\"}},\"channel\":{{\"type\":\"auto\",\"notification\":{{\"type\":\"push_notification\",\"address\":\"a\"}}}}}}\n"
        );
    }
    world
        .write("raw_data/pagerduty_users/1.ndjson", users)
        .write("raw_data/pagerduty_log_entries/1.ndjson", entries);
    let settings = [("DB_MODE", "DISK"), ("TIME_ZONE", "Asia/Kolkata")];
    let run = world.run_with(&settings, &["run"]);
    run.exits(0).says(&[
        "`Mars/Phobos` is not a time zone; `Asia/Kolkata` is taken for it",
        "`US/Pacific-New` is not a time zone; `Asia/Kolkata` is taken for it",
    ]);
    assert_eq!(
        world.rows("select time_zone from PagerDutyUsers order by id"),
        [
            "Europe/Berlin",
            "Europe/Berlin",
            "Asia/Kolkata",
            "Asia/Kolkata",
            "Japan",
            "EST5EDT",
            "∅"
        ]
    );
    for name in ["oncall_load_by_person", "pd_time_to_ack"] {
        world.run_with(&settings, &["query", name]).exits(0);
    }
    // 21:00 in Japan is neither business nor sleep; 07:00 in New York is sleep; 17:30 in Kolkata is business.
    let sql = "select id, hour(from_utc_timestamp('2026-11-18T12:00:00Z', time_zone)) as local from PagerDutyUsers order by id";
    let answer = world.run_with(&settings, &["query", "--sql", sql]);
    assert_eq!(
        answer.exits(0).stdout,
        "id,local\r\nU0,13\r\nU1,13\r\nU2,17\r\nU3,17\r\nU4,21\r\nU5,7\r\nU6,\r\n"
    );
    let nowhere = "select from_utc_timestamp('2026-11-18T12:00:00Z', 'Mars/Phobos') as local";
    let answer = world.run_with(&settings, &["query", "--sql", nowhere]);
    assert_eq!(answer.exits(0).stdout, "local\r\n\"\"\r\n");
}

#[test]
fn interruptions_by_the_hour_of_the_persons_own_clock() {
    let world = World::new();
    let notified = |id: &str, at: &str| {
        format!(
            "{{\"id\":\"{id}\",\"type\":\"notify_log_entry\",\"created_at\":\"{at}\",\"user\":{{\"id\":\"B\"}},\"channel\":{{\"notification\":{{\"type\":\"push_notification\"}}}}}}\n"
        )
    };
    world
        .write(
            "raw_data/pagerduty_users/1.ndjson",
            "{\"id\":\"B\",\"name\":\"Bea\",\"time_zone\":\"Europe/Berlin\"}\n",
        )
        .write(
            "raw_data/pagerduty_log_entries/1.ndjson",
            // Monday 23:30 and Tuesday 22:59:59 in UTC, an hour later in Berlin; and the Tuesday of the week after.
            notified("1", "2026-01-05T23:30:00Z")
                + &notified("2", "2026-01-06T22:59:59Z")
                + &notified("3", "2026-01-12T23:00:00Z"),
        );
    let run = world.run(&["query", "pages_by_hour", "--format", "csv"]);
    let lines: Vec<&str> = run.exits(0).stdout.lines().collect();
    assert_eq!(lines.len(), 1 + 7 * 24);
    let filled: Vec<&&str> = lines[1..]
        .iter()
        .filter(|line| !line.contains(",0,0,0,0,"))
        .collect();
    // Two of three in the two weeks: 66.67 % and one a week.
    let period = "2026-01-05T23:30:00Z,2026-01-12T23:00:00Z";
    assert_eq!(
        filled,
        [
            &format!("2,0,sleep,2,1,66.67,1,{period}"),
            &format!("2,23,sleep,1,1,33.33,0.5,{period}")
        ]
    );
}

#[test]
fn text_that_a_spreadsheet_would_run_is_made_harmless_in_files() {
    let world = small();
    world.write(
        "definitions/queries/mine.sql",
        query_file("select '=1+1' as a, -5 as b order by 1"),
    );
    world.run(&["query", "mine"]).exits(0);
    assert_eq!(world.read("output/mine.csv"), "a,b\r\n'=1+1,-5\r\n");
    world
        .run_with(&[("CSV_FORMULAS", "keep")], &["query", "mine"])
        .exits(0);
    assert_eq!(world.read("output/mine.csv"), "a,b\r\n=1+1,-5\r\n");
    // Where a program reads, nothing is changed.
    let run = world.run(&["query", "mine", "--format", "csv"]);
    assert_eq!(run.exits(0).stdout, "a,b\r\n=1+1,-5\r\n");
    let run = world.run_with(&[("CSV_FORMULAS", "of course")], &["query", "mine"]);
    run.exits(2)
        .says(&["`CSV_FORMULAS` is `of course`; expected `DISARM` or `KEEP`"]);
}

#[test]
fn two_periods_are_compared() {
    let world = small();
    let page = |n: usize, day: &str| {
        format!(
            "{{\"id\":\"P{n}\",\"type\":\"incident\",\"status\":\"resolved\",\"created_at\":\"{day}T10:00:00Z\"}}\n"
        )
    };
    // Two pages a week in the first quarter, none in the second.
    let days = (0..24).map(|n| format!("2026-{:02}-{:02}", 1 + n / 8, 1 + n % 8 * 3));
    let pages: String = days.enumerate().map(|(n, day)| page(n, &day)).collect();
    world.write("raw_data/pagerduty_incidents/1.ndjson", pages);
    let run = world.run(&["compare", "2026-Q1..2026-Q2"]);
    let line = |stdout: &str| {
        let line = stdout
            .lines()
            .find(|line| line.starts_with("Pages  "))
            .unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line(&run.exits(0).stdout), "Pages 24 0 ×0 – 0.000 less");
    let run = world.run(&["compare", "2026-01..2026-02"]);
    assert_eq!(
        line(&run.exits(0).stdout),
        "Pages 8 8 ×1.11 – 1.000 no clear change"
    );
    for odd in ["2026-Q1", "2026-Q1..2026-Q9", ".."] {
        let run = world.run(&["compare", odd]);
        run.exits(2)
            .says(&["is not two periods", "2026-Q1..2026-Q2"]);
    }
}

#[test]
fn what_the_page_says_in_text() {
    let world = small();
    let run = world.run_with(
        &[("ORGANIZATION", "Acme")],
        &["report", "--format", "markdown", "--only", "noisy_services"],
    );
    let text = &run.exits(0).stdout;
    assert!(
        text.starts_with("# Reliability of Acme\n")
            && text.contains("## Pages\n\n### Which services"),
        "{text}"
    );
    let run = world.run(&[
        "report",
        "--format",
        "json",
        "--only",
        "noisy_services",
        "--only",
        "data_trust",
    ]);
    let page: serde_json::Value = serde_json::from_str(&run.exits(0).stdout).unwrap();
    assert_eq!(page["answers"].as_array().map(Vec::len), Some(2));
    assert_eq!(page["trust"]["rejects"], 0);
    // Nothing was written.
    assert!(!world.path("output").exists());
}

const COUNTING: &str = "with recursive n(x) as (select 1 union all select x + 1 from n)";

#[test]
fn an_endless_answer_comes_as_it_is_made_and_is_cut_in_time() {
    let world = small();
    let cut = world.run(&[
        "query",
        "--timeout",
        "1",
        "--sql",
        &format!("{COUNTING} select x from n"),
    ]);
    cut.prints(
        2,
        snapbox::str![[r#"
error[query]: the query has no answer: the query took longer than 1 second
hint: give it longer with `--timeout SECONDS`, or look for a join without a condition

"#]],
    );
    assert!(cut.stdout.starts_with("x\r\n1\r\n2\r\n") && cut.stdout.len() > 1_000);
    // Also without a row, and where everything is sorted first.
    for rest in ["select count(*) from n", "select x from n order by -x"] {
        let run = world.run(&[
            "query",
            "--timeout",
            "1",
            "--sql",
            &format!("{COUNTING} {rest}"),
        ]);
        run.exits(2);
        assert_eq!(run.stderr, cut.stderr);
    }
    // A file is whole or not there.
    world.write(
        "definitions/queries/endless.sql",
        query_file(&format!("{COUNTING} select x from n")),
    );
    let run = world.run(&["query", "endless", "--timeout", "1"]);
    run.prints(
        2,
        snapbox::str![[r#"
error[query]: the query `endless` has no answer: the query took longer than 1 second
  --> definitions/queries/endless.sql
hint: give it longer with `--timeout SECONDS`, or look for a join without a condition

"#]],
    );
    assert!(!world.path("output/endless.csv").exists());
    // Nobody reads on: it ends, and nothing is wrong.
    let sql = format!("{COUNTING} select x from n");
    let mut child = world
        .command(&["query", "--timeout", "0", "--format", "csv", "--sql", &sql])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut first = [0; 6];
    std::io::Read::read_exact(&mut child.stdout.take().unwrap(), &mut first).unwrap();
    assert_eq!(&first, b"x\r\n1\r\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn two_columns_of_one_name_are_no_json() {
    let world = small();
    let run = world.run(&[
        "query",
        "--format",
        "json",
        "--sql",
        "select 1 as a, 2 as a",
    ]);
    run.prints(2, snapbox::str![[r#"
error[query]: the query has no answer: two columns are called `a`, of which JSON would keep one: give one another name, `… as other`

"#]]);
    assert_eq!(run.stdout, "");
    let run = world.run(&["query", "--sql", "select 1 as a, 2 as a"]);
    assert_eq!(run.exits(0).stdout, "a,a\r\n1,2\r\n");
}
