//! The verbs, their options, settings and exit codes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use clap::CommandFactory;
use snapbox::{Data, str};

use crate::world::{World, query_file, small};

#[test]
fn every_verb_explains_itself() {
    let world = World::new();
    let verbs = cli::args::Arguments::command();
    let verbs = verbs.get_subcommands().map(|verb| verb.get_name());
    for verb in std::iter::once("").chain(verbs) {
        let words: Vec<&str> = verb.split_whitespace().chain(["--help"]).collect();
        let run = world.run(&words);
        run.exits(0);
        let name = if verb.is_empty() { "reliability" } else { verb };
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/help")
            .join(format!("{name}.txt"));
        snapbox::assert_data_eq!(run.stdout.as_str(), Data::read_from(&path, None).raw());
    }
}

#[test]
fn what_cannot_be_understood_exits_with_2_and_a_tip() {
    let world = World::new();
    world.run(&[]).exits(2).says(&["Usage: reliability"]);
    world
        .run(&["lod"])
        .exits(2)
        .says(&["a similar subcommand exists: 'load'"]);
    world
        .run(&["load", "--projct", "x"])
        .exits(2)
        .says(&["--project"]);
    world
        .run(&["query", "--format", "xml"])
        .exits(2)
        .says(&["csv", "json", "markdown"]);
    world.run(&["query", "--timeout", "soon"]).exits(2);
    world
        .run(&["query", "repeat_incidents", "--sql", "select 1"])
        .exits(2)
        .says(&["cannot be used with"]);
}

#[test]
fn unknown_names_get_the_nearest_one() {
    let world = World::new();
    for (arguments, said) in [
        (
            ["query", "repeat_incident"],
            "did you mean `repeat_incidents`?",
        ),
        (["query", "zzz"], "`reliability query --list` lists them"),
        (
            ["load", "pagerdutyteams"],
            "did you mean `pagerduty_teams`?",
        ),
        (
            ["load", "zzz"],
            "`reliability show mappers` lists the streams",
        ),
        (
            ["show", "repeat_incidnets"],
            "did you mean `repeat_incidents`?",
        ),
        (["show", "zzz"], "`reliability show` lists them all"),
    ] {
        let run = world.run(&arguments);
        run.exits(2)
            .says(&[said, &format!("`{}` is not a", arguments[1])]);
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn init_makes_a_project_and_again_changes_nothing() {
    let world = World::new();
    let run = world.run_on_disk(&["init"]);
    run.exits(0).says(&[
        "made raw_data/",
        "made incidents/",
        "made output/",
        "made .env\n",
        "is ready, with 32 tables",
    ]);
    for folder in ["raw_data", "incidents", "output"] {
        assert!(world.path(folder).is_dir());
    }
    assert_eq!(world.read(".env"), world.read(".env.local"));
    assert!(world.read(".env").contains("\nDB_MODE=MEMORY\n"));
    let mode = |name: &str| world.path(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(".env"), 0o600);
    assert_eq!(mode("reliability.db"), 0o600);
    let before = world.files(".");
    assert_eq!(world.rows("select count(*) from Incidents"), ["0"]);
    let run = world.run_on_disk(&["init"]);
    run.exits(0).does_not_say("made ").says(&["is ready"]);
    assert!(before.keys().eq(world.files(".").keys()));
    assert!(before[".env"] == world.files(".")[".env"]);
}

#[test]
fn init_takes_the_projects_own_template_and_leaves_an_env_alone() {
    let world = World::new();
    world.write(".env.local", "DB_MODE=DISK\nDB_PATH=mine.db\n");
    world.run(&["init"]).exits(0);
    assert_eq!(world.read(".env"), "DB_MODE=DISK\nDB_PATH=mine.db\n");
    assert!(world.path("mine.db").is_file());

    let world = World::new();
    world.write(".env", "TIME_ZONE=Europe/Berlin\n");
    fs::set_permissions(world.path(".env"), fs::Permissions::from_mode(0o640)).unwrap();
    world.run(&["init"]).exits(0);
    assert_eq!(world.read(".env"), "TIME_ZONE=Europe/Berlin\n");
    assert_eq!(
        world.path(".env").metadata().unwrap().permissions().mode() & 0o777,
        0o640
    );
}

#[test]
fn the_template_of_a_postmortem_has_every_member_and_loads() {
    let world = World::new();
    world.run(&["init"]).exits(0);
    let template = world.read("postmortem_template.yaml");
    let mapper = include_str!("../../../../definitions/mappers/incidents.yaml");
    let members = mapper.split("members:").nth(1).unwrap().lines().skip(1);
    for member in members.map_while(|line| line.strip_prefix("  - ")) {
        let name = member.rsplit('.').next().unwrap();
        assert!(template.contains(&format!("{name}:")), "{name}");
    }
    world.write("incidents/1.yaml", &template);
    world
        .run(&["load"])
        .exits(1)
        .says(&["an incident needs an `incident_name`"]);
    world.write(
        "incidents/1.yaml",
        template.replacen("incident_name:", "incident_name: Fire", 1),
    );
    world.run(&["load"]).prints(
        0,
        str![[r#"
loaded incidents                1 record from 1 file
1 record from 1 file is in the database in memory
it is gone when this ends; to keep it, set `DB_MODE=DISK`

"#]],
    );
}

#[test]
fn init_makes_the_folder_that_it_is_given() {
    let world = World::new();
    world.run(&["init", "--project", "new/one"]).exits(0);
    assert!(world.path("new/one/raw_data").is_dir());
    assert!(!world.path("raw_data").exists());
}

#[test]
fn a_project_that_is_not_there() {
    let world = World::new();
    for verb in ["load", "query", "run", "check", "status"] {
        let run = world.run(&[verb, "--project", "nowhere"]);
        run.exits(2).says(&[
            "the project folder `nowhere` is not there",
            "reliability init --project nowhere",
        ]);
    }
    assert!(!world.path("nowhere").exists());
}

#[test]
fn nothing_half_written_is_left_and_answers_can_be_read_by_others() {
    let world = small();
    world.run_on_disk(&["run"]).exits(0);
    for (name, _) in world.files("output") {
        assert!(name.ends_with(".csv") || name == "report.html", "{name}");
        let mode = world
            .path("output")
            .join(&name)
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o644);
    }
    let names: Vec<String> = world.files(".").into_keys().collect();
    assert_eq!(names, ["reliability.db", "reliability.db.lock"]);
}

#[test]
fn a_project_without_data_runs() {
    let world = World::new();
    for place in ["MEMORY", "DISK"] {
        let run = world.run_with(&[("DB_MODE", place)], &["run"]);
        run.exits(0);
        assert!(
            run.stdout
                .contains("there is no data yet: try `reliability demo`"),
            "{}",
            run.stdout
        );
    }
    world
        .run(&["load"])
        .exits(0)
        .says(&["nothing new", "to keep it, set `DB_MODE=DISK`"]);
}

#[test]
fn the_project_may_be_elsewhere() {
    let world = World::new();
    world.write(
        "there/raw_data/pagerduty_teams/1.ndjson",
        "{\"id\":\"A\"}\n",
    );
    for arguments in [
        &["--project", "there", "load"][..],
        &["load", "--project", "there"],
    ] {
        world.run_on_disk(arguments).exits(0);
    }
    assert!(world.path("there/reliability.db").is_file());
    let run = world.run_on_disk(&[
        "query",
        "--project",
        "there",
        "--sql",
        "select id from PagerDutyTeams",
    ]);
    assert_eq!(run.exits(0).stdout, "id\r\nA\r\n");
    // Names are relative to it.
    let files = crate::world::rows(
        &world.path("there/reliability.db"),
        "select path from _files",
    );
    assert_eq!(files, ["raw_data/pagerduty_teams/1.ndjson"]);
}

#[test]
fn messages_for_machines_are_one_json_object_a_line() {
    let world = small();
    world
        .write("raw_data/pagerduty_teams/2.ndjson", "{\"id\":\n")
        .write("raw_data/pagerduty_teams/empty.ndjson", "");
    let bad = World::new();
    bad.write(
        "definitions/queries/bad.sql",
        query_file("select * from Incident"),
    );
    let runs = [
        world.run(&["--message-format", "json", "load"]),
        world.run(&["--message-format", "json", "run"]),
        world.run(&["query", "nobody", "--message-format", "json"]),
        world.run(&["check", "--message-format", "json"]),
        world.run_on_disk(&["init", "--message-format", "json"]),
        world.run_with(
            &[("DB_MODE", "FLOPPY")],
            &["status", "--message-format", "json"],
        ),
        bad.run(&["load", "--message-format", "json"]),
    ];
    let codes = runs.each_ref().map(|run| run.code.unwrap());
    assert_eq!(codes, [1, 1, 2, 0, 0, 2, 2]);
    for run in &runs {
        assert!(!run.stderr.is_empty());
        for line in run.stderr.lines() {
            let message: serde_json::Value = serde_json::from_str(line).expect(line);
            assert!(message.is_object() && message["kind"].is_string(), "{line}");
        }
    }
    let reject = runs[0]
        .stderr
        .lines()
        .find(|line| line.contains("record-rejected"))
        .unwrap();
    let reject: serde_json::Value = serde_json::from_str(reject).unwrap();
    assert_eq!(reject["place"], "raw_data/pagerduty_teams/2.ndjson:1");
    assert_eq!(reject["severity"], "error");
    let loaded = runs[0]
        .stderr
        .lines()
        .rfind(|line| line.contains("\"records\""))
        .unwrap();
    let loaded: serde_json::Value = serde_json::from_str(loaded).unwrap();
    assert_eq!(
        (&loaded["records"], &loaded["rejects"]),
        (&2.into(), &1.into())
    );
    let fault: serde_json::Value =
        serde_json::from_str(runs[6].stderr.lines().next().unwrap()).unwrap();
    assert_eq!(fault["places"][0]["path"], "definitions/queries/bad.sql");
    assert_eq!(fault["places"][0]["line"], 3);
}

#[test]
fn status_has_a_line_for_each_table() {
    let world = small();
    world.write(
        "raw_data/sentry_teams/1.ndjson",
        "{\"id\":\"1\",\"slug\":\"a\",\"_extract\":{\"at\":\"2026-11-23T20:05:00.5Z\"}}\n{}\n",
    );
    for place in ["MEMORY", "DISK"] {
        if place == "DISK" {
            world.run_on_disk(&["load"]).exits(1);
        }
        let run = world.run_with(&[("DB_MODE", place)], &["status"]);
        run.exits(0);
        let line = |table: &str| {
            let line = run
                .stdout
                .lines()
                .find(|line| line.starts_with(table))
                .unwrap();
            line.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        // A heading, and a line for each table, the derived ones last.
        let tables = world.run(&["query", "--sql", "select count(*) as n from _tables"]);
        assert_eq!(
            format!("n\r\n{}\r\n", run.stdout.lines().count() - 1),
            tables.stdout
        );
        assert_eq!(
            line("PagerDutyTeams"),
            ["PagerDutyTeams", "1", "-", "0", "0"]
        );
        assert_eq!(
            line("SentryTeams"),
            ["SentryTeams", "1", "2026-11-23T20:05:00Z", "1", "0"]
        );
        let json = world.run_with(
            &[("DB_MODE", place)],
            &["status", "--message-format", "json"],
        );
        let teams = json
            .stdout
            .lines()
            .find(|line| line.contains("\"SentryTeams\""))
            .unwrap();
        let teams: serde_json::Value = serde_json::from_str(teams).unwrap();
        assert_eq!((&teams["rows"], &teams["rejects"]), (&1.into(), &1.into()));
    }
}

#[test]
fn show_lists_and_prints_definitions() {
    let world = World::new();
    let list = world.run(&["show"]);
    list.exits(0);
    for kind in ["mappers/", "queries/", "schemas/"] {
        assert!(
            list.stdout
                .lines()
                .any(|line| line.starts_with(kind) && line.ends_with("built in"))
        );
    }
    let mappers = world.run(&["show", "mappers"]);
    assert_eq!(mappers.exits(0).stdout.lines().count(), 22);
    let mapper = world.run(&["show", "mappers/incidents.yaml"]);
    assert!(mapper.exits(0).stdout.contains("stream: incidents"));
    assert_eq!(
        world.run(&["show", "queries/repeat_incidents.sql"]).stdout,
        world.run(&["show", "repeat_incidents"]).stdout
    );
}

#[test]
fn check_of_the_built_in_definitions() {
    let world = World::new();
    let run = world.run(&["check"]);
    run.exits(0).says(&[
        "checked 5 extractors, 32 tables, 22 mappers",
        "0 errors, 0 warnings",
    ]);
}

#[test]
fn data_alone_is_on_stdout() {
    let world = small();
    assert_eq!(world.run(&["load"]).exits(0).stdout, "");
    assert_eq!(world.run(&["query"]).exits(0).stdout, "");
    assert_eq!(world.run(&["check"]).exits(0).stdout, "");
    assert_eq!(world.run(&["init"]).exits(0).stdout, "");
}

#[test]
fn secrets_are_never_said() {
    let world = small();
    let settings = [
        "PAGERDUTY_SECRET",
        "SENTRY_API_KEY",
        "GITHUB_API_KEY",
        "DATADOG_API_KEY",
        "DATADOG_APPLICATION_KEY",
    ]
    .map(|name| (name, "s3cr3t-value"));
    let verbs = [
        "init", "demo", "load", "query", "run", "report", "check", "status", "show",
    ];
    for verb in verbs {
        let run = world.run_with(&settings, &[verb]);
        assert!(
            !run.stdout.contains("s3cr3t-value") && !run.stderr.contains("s3cr3t-value"),
            "{verb}"
        );
    }
    for (name, bytes) in world.files(".").into_iter().chain(world.files("output")) {
        assert!(
            !String::from_utf8_lossy(&bytes).contains("s3cr3t-value"),
            "{name}"
        );
    }
}

#[test]
fn a_gap_ends_a_run_as_rejects_do() {
    let whole = World::new();
    whole.write(
        "raw_data/github_repos/1.ndjson",
        "{\"id\":1,\"full_name\":\"acme/shop\"}\n",
    );
    whole.run(&["run"]).exits(0);
    whole.write(
        "raw_data/github_repo_hooks/.state.json",
        "{\"gaps\": [{\"window\": null, \"parent\": [[\"repository\", \"acme/shop\"]], \"reason\": \"403\"}]}",
    );
    let run = whole.run(&["run"]);
    run.exits(1);
    assert!(
        run.stdout.contains("0 rejects, 0 warnings, 1 gap\n"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("`reliability status`"));
    let trust = whole.read("output/data_trust.csv");
    assert!(trust.contains("\r\ngithub_repo_hooks,1,"), "{trust}");
    let hooks = whole.read("output/repo_hook_health.csv");
    assert!(
        hooks.contains("has a working hook to the pager,,0,0,1,"),
        "{hooks}"
    );
}

#[test]
fn queries_are_listed_and_chosen_by_a_part_of_their_name() {
    let world = World::new();
    let run = world.run(&["query", "--list", "pd_*", "pd_time_to_ack"]);
    run.exits(0);
    snapbox::assert_data_eq!(
        run.stdout.as_str(),
        str![[r#"
pd_time_to_ack      Time to acknowledge pages  How long does a page wait for a person, by service, urgency and hour of the day?
pd_time_to_resolve  Time to resolve pages      How long until a page is resolved for good, by service and quarter?

"#]]
    );
    let run = world.run(&["query", "*_to_ack", "pd_time_to_a*", "--format", "json"]);
    run.exits(0);
    assert_eq!(run.stdout, "[]\n", "one query, asked once");
    world.run(&["query", "zz*"]).prints(
        2,
        str![[r#"
error[query-unknown]: `zz*` is not a query
hint: `reliability query --list` lists them

"#]],
    );
}

#[test]
fn a_quiet_run_says_only_what_is_wrong() {
    let world = World::new();
    world.write(
        "raw_data/pagerduty_teams/1.ndjson",
        "{\"id\":\"A\"}\n{\"name\":\"B\"}\n",
    );
    world.run(&["load", "--quiet"]).prints(
        1,
        str![[r#"
error[record-rejected]: `PagerDutyTeams.id`: a value is needed here, and there is none
  --> raw_data/pagerduty_teams/1.ndjson:2

"#]],
    );
    // What is asked of a database in memory is not what was loaded into it.
    world
        .run(&["query", "--sql", "select id from PagerDutyTeams"])
        .prints(
            1,
            str![[r#"
loaded with 1 reject: `reliability load` shows them

"#]],
        );
}

#[test]
fn arguments_that_are_not_understood_are_said_in_json_where_that_was_asked_for() {
    let world = World::new();
    world
        .run(&["lode", "--message-format", "json"])
        .prints(2, str![[r#"
{"code":"argument","hint":"`reliability --help` says what can be typed","kind":"diagnostic","message":"unrecognized subcommand 'lode'","notes":[],"place":null,"places":[],"severity":"error"}

"#]]);
    world
        .run(&["load", "--message-format=json", "--foo"])
        .prints(2, str![[r#"
{"code":"argument","hint":"`reliability --help` says what can be typed","kind":"diagnostic","message":"unexpected argument '--foo' found","notes":[],"place":null,"places":[],"severity":"error"}

"#]]);
    world.run(&["lode"]).prints(
        2,
        str![[r#"
error: unrecognized subcommand 'lode'

  tip: a similar subcommand exists: 'load'

Usage: reliability [OPTIONS] <COMMAND>

For more information, try '--help'.

"#]],
    );
}

#[test]
fn shells_and_man_are_told_of_every_verb() {
    let world = World::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = world.run(&["completions", shell]);
        run.exits(0);
        for word in ["doctor", "--since", "--quiet"] {
            assert!(
                run.stdout.contains(word.trim_start_matches('-')),
                "{shell}: {word}"
            );
        }
    }
    let page = world.run(&["man"]);
    page.exits(0);
    assert!(page.stdout.contains(".TH reliability 1"), "{}", page.stdout);
    let folder = world.path("man");
    world.run(&["man", &folder.to_string_lossy()]).exits(0);
    let written = fs::read_dir(&folder).unwrap().count();
    let help = world.run(&["--help"]).stdout;
    let verbs = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "));
    // One page for the program, none for `help`.
    assert_eq!(written, verbs.count());
    assert!(
        fs::read_to_string(folder.join("reliability-query.1"))
            .unwrap()
            .contains("markdown")
    );
}
