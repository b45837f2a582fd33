//! Settings: from the shell, from `.env`, and those that mean nothing here.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::world::{World, small};

#[test]
fn the_place_of_the_database() {
    let world = small();
    let run = world.run_with(&[("DB_MODE", "FLOPPY")], &["load"]);
    run.exits(2)
        .says(&["`DB_MODE` is `FLOPPY`; expected `MEMORY` or `DISK`"]);
    let run = world.run_with(&[("DB_MODE", "DISC")], &["load"]);
    run.exits(2).says(&["set `DB_MODE=DISK`"]);
    world.run_with(&[("DB_MODE", "MEMORY")], &["load"]).exits(0);
    world.run_with(&[("DB_MODE", "")], &["load"]).exits(0);
    assert!(!world.path("reliability.db").exists());
    world.run_with(&[("DB_MODE", "disk")], &["load"]).exits(0);
    assert_eq!(world.rows("select id from PagerDutyTeams"), ["A"]);
    world
        .run_with(
            &[("DB_MODE", "DISK"), ("DB_PATH", "mine.sqlite")],
            &["load"],
        )
        .exits(0);
    assert_eq!(
        crate::world::rows(&world.path("mine.sqlite"), "select id from PagerDutyTeams"),
        ["A"]
    );
    assert_eq!(
        world
            .path("mine.sqlite")
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
}

#[test]
fn the_shell_goes_before_env() {
    let world = small();
    world.write(
        ".env",
        "# mine\nDB_MODE=DISK\nexport DB_PATH='from env.db'\n",
    );
    world.run(&["load"]).exits(0);
    assert!(world.path("from env.db").is_file());
    world
        .run_with(&[("DB_PATH", "shell.db")], &["load"])
        .exits(0);
    assert!(world.path("shell.db").is_file());
    // An empty value in the shell is none.
    fs::remove_file(world.path("from env.db")).unwrap();
    world.run_with(&[("DB_PATH", "")], &["load"]).exits(0);
    assert!(world.path("from env.db").is_file());
    fs::remove_file(world.path("from env.db")).unwrap();
    world.run_with(&[("DB_MODE", "MEMORY")], &["load"]).exits(0);
    assert!(!world.path("from env.db").exists());
}

#[test]
fn a_dollar_in_a_value_is_a_dollar() {
    let world = small();
    world.write(
        ".env",
        "DB_MODE=DISK\nDB_PATH=a$HOME.db\nINCIDENTS_PATH=\"in$$c\"\nTIME_ZONE=${ZONE}\n",
    );
    let run = world.run(&["load"]);
    run.prints(
        2,
        snapbox::str![[r#"
error[setting-unknown-value]: `TIME_ZONE` is `${ZONE}`, which is not a zone
hint: expected an IANA name, such as `TIME_ZONE=Europe/Berlin`

"#]],
    );
    let run = world.run_with(&[("TIME_ZONE", "UTC")], &["load"]);
    run.prints(
        0,
        snapbox::str![[r#"
warning[setting-no-folder]: `INCIDENTS_PATH` names `./in$$c`, which is not a folder
hint: set it to the folder of your postmortems in YAML
loaded pagerduty_teams          1 record from 1 file
1 record from 1 file is in a$HOME.db

"#]],
    );
    assert!(world.path("a$HOME.db").is_file());
}

#[test]
fn an_env_that_cannot_be_read_is_said_without_its_words() {
    let world = World::new();
    world.write(".env", "DB_MODE=DISK\nPAGERDUTY_SECRET 'abc123\n");
    let run = world.run(&["load"]);
    run.exits(2)
        .says(&[".env:2:1", "expected `NAME=value`"])
        .does_not_say("abc123");
}

#[test]
fn the_zone_of_times_that_name_none() {
    let world = small();
    world.write(
        "incidents/two.yaml",
        "incident_name: Two\nstats:\n  time_of_first_trigger: 2026-11-23T20:05:00+05:00\n",
    );
    let times = "select first_triggered_at from Incidents order by name";
    let mut seen = Vec::new();
    for zone in ["UTC", "Europe/Berlin", "America/New_York", ""] {
        world
            .run_with(&[("DB_MODE", "DISK"), ("TIME_ZONE", zone)], &["load"])
            .exits(0);
        seen.push(world.rows(times));
        // One that names its zone keeps it.
        assert_eq!(seen.last().unwrap()[1], "2026-11-23T15:05:00Z");
    }
    let first: Vec<&str> = seen.iter().map(|rows| rows[0].as_str()).collect();
    assert_eq!(
        first,
        [
            "2026-11-23T20:05:00Z",
            "2026-11-23T19:05:00Z",
            "2026-11-24T01:05:00Z",
            "2026-11-23T20:05:00Z"
        ]
    );
    let run = world.run_with(&[("TIME_ZONE", "Mars/Olympus")], &["load"]);
    run.exits(2)
        .says(&["`TIME_ZONE` is `Mars/Olympus`", "Europe/Berlin"]);
}

#[test]
fn the_folder_of_postmortems() {
    let world = World::new();
    world
        .write("mine/deep/one.yml", "incident_name: One\n")
        .write("incidents/two.yaml", "incident_name: Two\n")
        .write("raw_data/incidents/three.yaml", "incident_name: Three\n");
    let names = "select name from Incidents order by 1";
    world.run_on_disk(&["load"]).exits(0);
    assert_eq!(world.rows(names), ["Three", "Two"]);
    let settings = [("DB_MODE", "DISK"), ("INCIDENTS_PATH", "mine")];
    world.run_with(&settings, &["load"]).exits(0);
    assert_eq!(world.rows(names), ["One", "Three"]);
    let settings = [("DB_MODE", "DISK"), ("INCIDENTS_PATH", "nowhere")];
    let run = world.run_with(&settings, &["load"]);
    run.prints(
        0,
        snapbox::str![[r#"
warning[setting-no-folder]: `INCIDENTS_PATH` names `./nowhere`, which is not a folder
hint: set it to the folder of your postmortems in YAML
warning[files-gone]: 1 file of `incidents` is gone, with the rows that no other file has
hint: if they should be there, bring them back to `raw_data/incidents/` and load again
loaded incidents                1 record from 1 file
1 record from 1 file is in reliability.db

"#]],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_is_loaded_where_no_stream_is_named() {
    let user = "{\"id\":\"U1\",\"name\":\"Ada\"}\n";
    let rows = |settings: &[(&str, &str)], arguments: &[&str]| {
        let world = small();
        world.write("raw_data/pagerduty_users/1.ndjson", user);
        let mut all = vec![("DB_MODE", "DISK")];
        all.extend(settings);
        let run = world.run_with(&all, arguments);
        run.exits(0);
        let counts = "select (select count(*) from Incidents), (select count(*) from PagerDutyUsers), (select count(*) from PagerDutyTeams)";
        (world.rows(counts).join(""), run.stderr)
    };
    assert_eq!(rows(&[], &["load"]).0, "1|1|1");
    for verb in ["load", "run"] {
        let (counts, said) = rows(&[("DIRECTORY_PATH", "pagerduty_users")], &[verb]);
        assert_eq!(counts, "0|1|0");
        assert!(
            said.contains("`DIRECTORY_PATH` is `pagerduty_users`: nothing else is loaded"),
            "{said}"
        );
        // As the earlier scripts had it: where it was exported.
        assert_eq!(rows(&[("DIRECTORY_PATH", "incidents")], &[verb]).0, "1|0|0");
        assert_eq!(
            rows(&[("DIRECTORY_PATH", "pagerduty/")], &[verb]).0,
            "0|1|1"
        );
        assert_eq!(rows(&[("DIRECTORY_PATH", "")], &[verb]).0, "1|1|1");
    }
    // What is typed goes before.
    assert_eq!(
        rows(
            &[("DIRECTORY_PATH", "incidents")],
            &["load", "pagerduty_teams"]
        )
        .0,
        "0|0|1"
    );
    let run_of = |name: &str| small().run_with(&[("DIRECTORY_PATH", name)], &["load"]);
    run_of("pagerduty_teams").prints(
        0,
        snapbox::str![[r#"
`DIRECTORY_PATH` is `pagerduty_teams`: nothing else is loaded
loaded pagerduty_teams          1 record from 1 file
1 record from 1 file is in the database in memory
it is gone when this ends; to keep it, set `DB_MODE=DISK`

"#]],
    );
    run_of("pagerduty_user").prints(
        2,
        snapbox::str![[r#"
error[stream-unknown]: `DIRECTORY_PATH` is `pagerduty_user`, which is not a stream
hint: did you mean `pagerduty_users`?

"#]],
    );
    run_of("pagerdty").prints(
        2,
        snapbox::str![[r#"
error[stream-unknown]: `DIRECTORY_PATH` is `pagerdty`, which is not a stream
hint: did you mean `pagerduty`?

"#]],
    );
    run_of("weather").prints(
        2,
        snapbox::str![[r#"
error[stream-unknown]: `DIRECTORY_PATH` is `weather`, which is not a stream
hint: `reliability show mappers` lists the streams

"#]],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn settings_that_do_nothing_are_told() {
    let world = small();
    let run = world.run_with(
        &[("DB_MOD", "DISK"), ("DB_PASS", "x"), ("DB_PATH", "mine.db")],
        &["load"],
    );
    run.prints(
        0,
        snapbox::str![[r#"
warning[setting-unknown]: `DB_MOD` in the shell is not a setting
hint: did you mean `DB_MODE`?

warning[setting-unused]: `DB_PATH=mine.db` does nothing while `DB_MODE` is `MEMORY`
hint: to keep the database in that file, set `DB_MODE=DISK`
loaded incidents                1 record from 1 file
loaded pagerduty_teams          1 record from 1 file
2 records from 2 files are in the database in memory
it is gone when this ends; to keep it, set `DB_MODE=DISK`

"#]],
    );
    let run = world.run_with(
        &[("DIRECTORY_PATH", "incidents")],
        &["load", "pagerduty_teams"],
    );
    run.prints(
        0,
        snapbox::str![[r#"
warning[setting-unused]: `DIRECTORY_PATH=incidents` does nothing here: what is loaded was named
loaded pagerduty_teams          1 record from 1 file
1 record from 1 file is in the database in memory
it is gone when this ends; to keep it, set `DB_MODE=DISK`

"#]],
    );
    let run = world.run_with(
        &[("DIRECTORY_PATH", "incidents")],
        &["query", "incident_list"],
    );
    run.prints(0, snapbox::str![[r#"
warning[setting-unused]: `DIRECTORY_PATH=incidents` does nothing here: all streams are loaded, so that all can be asked
output/incident_list.csv  1 row

"#]]);
    world.write(".env", "INCIDENT_PATH=mine\nPAGERDUTY_SECERT=hidden\n");
    let run = world.run(&["load"]);
    run.prints(
        0,
        snapbox::str![[r#"
warning[setting-unknown]: `INCIDENT_PATH` in `.env` is not a setting
hint: did you mean `INCIDENTS_PATH`?

warning[setting-unknown]: `PAGERDUTY_SECERT` in `.env` is not a setting
hint: did you mean `PAGERDUTY_SECRET`?
loaded incidents                1 record from 1 file
loaded pagerduty_teams          1 record from 1 file
2 records from 2 files are in the database in memory
it is gone when this ends; to keep it, set `DB_MODE=DISK`

"#]],
    );
    let run = world.run_with(
        &[("HTTPS_PROXY", "http//user:hidden@proxy:3128")],
        &["extract"],
    );
    run.prints(
        2,
        snapbox::str![[r#"
error[setting-proxy]: `HTTPS_PROXY` is not the address of a proxy
hint: set `HTTPS_PROXY=http://proxy.example:3128`, or leave it empty for no proxy

"#]],
    );
    let run = world.run_with(&[("HTTP_PROXY", "socks9://user:hidden@proxy")], &["doctor"]);
    run.prints(
        2,
        snapbox::str![[r#"
error[setting-proxy]: `HTTP_PROXY` is not the address of a proxy
hint: set `HTTP_PROXY=http://proxy.example:3128`, or leave it empty for no proxy

"#]],
    );
}

#[cfg(not(feature = "spark"))]
#[test]
fn a_lake_needs_a_build_that_has_it() {
    let world = small();
    world
        .run_with(&[("LAKE_PATH", "lake")], &["load"])
        .prints(2, snapbox::str![[r#"
error[feature-missing]: `LAKE_PATH` and `DATABASE_URL` are for a cluster, which this build leaves out
hint: build with `cargo install --path crates/cli --features spark`, or unset them

"#]]);
    let cluster = [("LAKE_PATH", "lake"), ("DATABASE_URL", "spark://localhost")];
    world
        .run_with(&cluster, &["query"])
        .prints(2, snapbox::str![[r#"
error[feature-missing]: `LAKE_PATH` and `DATABASE_URL` are for a cluster, which this build leaves out
hint: build with `cargo install --path crates/cli --features spark`, or unset them

"#]]);
    world.run(&["load", "--shard", "1/2"]).prints(
        2,
        snapbox::str![[r#"
error[argument]: `--shard` is for a lake, and there is none
hint: set `LAKE_PATH` to a folder that all machines see

"#]],
    );
    // A setting of another program's.
    let other = [("DATABASE_URL", "postgres://user:secret@host/db")];
    world
        .run_with(&other, &["query", "noisy_services"])
        .exits(0);
}
