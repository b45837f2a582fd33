//! Every question asked of SQLite and of a Spark cluster: the answers are the same, byte by byte. `test-spark` runs these.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod cluster;
#[allow(dead_code, reason = "shared with the tests of everything else")]
#[path = "../it/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};

use cluster::Cluster;
use world::{Run, World, finish};

/// A command that asks the cluster.
fn on_spark(world: &World, cluster: &Cluster, arguments: &[&str]) -> Command {
    let mut command = world.command(arguments);
    command
        .env("LAKE_PATH", "lake")
        .env("DATABASE_URL", cluster.address());
    command
}

fn run(world: &World, cluster: &Cluster, arguments: &[&str]) -> Run {
    finish(&mut on_spark(world, cluster, arguments))
}

/// The answers in `output/`, which go.
fn answers(world: &World) -> BTreeMap<String, String> {
    let mut files = world.files("output");
    files.retain(|name, _| name.ends_with(".csv"));
    for name in files.keys() {
        std::fs::remove_file(world.path("output").join(name)).unwrap();
    }
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    files
        .into_iter()
        .map(|(name, bytes)| (name, text(bytes)))
        .collect()
}

#[track_caller]
fn assert_same(sqlite: &BTreeMap<String, String>, spark: &BTreeMap<String, String>) {
    let names = |answers: &BTreeMap<String, String>| answers.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(sqlite), names(spark));
    for (name, expected) in sqlite {
        let lines = expected.lines().zip(spark[name].lines());
        for (line, (expected, found)) in lines.enumerate() {
            assert_eq!(expected, found, "{name}, line {}", line + 1);
        }
        assert_eq!(expected, &spark[name], "{name}");
    }
}

#[test]
fn the_cluster_answers_as_sqlite_does() {
    let cluster = Cluster::start(2);
    let world = World::new();
    world.run(&["demo", "--scale", "3000"]).exits(0);
    hostile(&world);
    world.write_recorded();
    if let Some(recorded) = world::recorded() {
        let page = "incidents/github-status-2022-2024.yaml";
        world.write(page, std::fs::read(recorded.join(page)).unwrap());
    }
    world.run_on_disk(&["load"]).exits(1);
    world.run_on_disk(&["query", "--quiet"]).exits(0);
    let expected = answers(&world);
    assert_eq!(expected.len(), 31);
    let status = world.run_on_disk(&["status"]).stdout;

    for notes in [1, 8, 16] {
        a_shard_is_killed(&world, &cluster, notes);
    }
    let shards = ["1/2", "2/2"].map(|shard| start(&world, &cluster, &["load", "--shard", shard]));
    for shard in shards {
        world::ended(shard.wait_with_output().unwrap()).exits(1);
    }
    run(&world, &cluster, &["query", "--quiet"]).exits(0);
    assert_same(&expected, &answers(&world));
    assert_eq!(run(&world, &cluster, &["status"]).exits(0).stdout, status);
}

#[test]
fn the_page_and_periods_are_the_same() {
    let cluster = Cluster::start(2);
    let world = World::new();
    world.run(&["demo", "--scale", "2000"]).exits(0);
    let page = || std::fs::read_to_string(world.path("output/report.html")).unwrap();
    let of_a_period: [&[&str]; 2] = [
        &[
            "query",
            "--quiet",
            "--since",
            "2026-03-01",
            "--until",
            "2026-07-01",
        ],
        &["compare", "--quiet", "2026-Q1..2026-Q2"],
    ];
    world.run_on_disk(&["run", "--quiet"]).exits(0);
    let expected = (page(), answers(&world));
    let mut expected_of_a_period = Vec::new();
    for arguments in of_a_period {
        let printed = world.run_on_disk(arguments).exits(0).stdout.clone();
        expected_of_a_period.push((printed, answers(&world)));
    }

    run(&world, &cluster, &["run", "--quiet"]).exits(0);
    assert_same(&expected.1, &answers(&world));
    for (line, (expected, found)) in expected.0.lines().zip(page().lines()).enumerate() {
        assert_eq!(expected, found, "the page, line {}", line + 1);
    }
    assert!(page() == expected.0, "the page is longer or shorter");
    for (arguments, (printed, expected)) in of_a_period.iter().zip(expected_of_a_period) {
        let asked = run(&world, &cluster, arguments);
        assert_eq!(asked.exits(0).stdout, printed);
        assert_same(&expected, &answers(&world));
    }
}

#[test]
fn what_goes_wrong_is_said() {
    let mut cluster = Cluster::start(2);
    let world = world::small();
    run(&world, &cluster, &["load"]).exits(0);
    refusals(&world, &cluster);
    an_executor_is_killed(&world, &cluster);
    the_server_is_killed(&world, &mut cluster);
}

#[test]
fn an_answer_that_the_server_ends_early_is_none() {
    let cluster = Cluster::start_with(1, "1s");
    let world = world::small();
    run(&world, &cluster, &["load"]).exits(0);
    // It takes some seconds before there is a row.
    let sql = "select count(*) as n from range(4000000000) where (id * id) % 7 = 3";
    let asked = run(&world, &cluster, &["query", "--sql", sql]);
    asked
        .exits(2)
        .says(&["before the last row", "senderMaxStreamDuration=0"]);
}

/// Records that the loading rules are about: told twice, contradicting, older and newer copies, and not to be taken.
fn hostile(world: &World) {
    world.write(
        "raw_data/pagerduty_teams/zz.ndjson",
        "{\"id\": \"T1\", \"name\": \"Ops\"}\n{\"id\": \"T1\", \"name\": \"Ops \u{1f600}\\\\ 'x'\"}\n{\"id\": 1, \"name\": {}}\nnot json\n",
    );
    world.write(
        "incidents/twice.yaml",
        "- {incident_name: Twice, incident_date: 2026-02-29}\n- {incident_name: Twice, incident_date: 2026-02-28, affected_entities: [{entity_name: E, products: [P, Q]}], root_causes: [Software], stats: {time_of_first_trigger: 2026-02-28T23:59:59Z, time_of_recovery: 2026-03-01T00:00:00Z}}\n- {incident_name: Old, incident_date: 1969-12-31}\n",
    );
}

/// Kills a shard as soon as it has noted so many raw files: all rows of these are there, and none of others.
fn a_shard_is_killed(world: &World, cluster: &Cluster, notes: usize) {
    let mut loading = start(world, cluster, &["load", "--shard", "1/2"]);
    let noted = || std::fs::read_dir(world.path("lake/files")).map_or(0, Iterator::count);
    while noted() < notes && loading.try_wait().unwrap().is_none() {}
    loading.kill().unwrap();
    loading.wait().unwrap();
    let differences = [
        ("DataDogMonitors", "datadog_monitors"),
        ("GithubRepos", "github_repos"),
        ("PagerDutyLogEntries", "pagerduty_log_entries"),
    ];
    let differences = differences.map(|(table, stream)| {
        format!(
            "select nvl((select sum(records) from _lake_files where stream = '{stream}'), 0)
               - (select count(*) from _raw_{table} as r inner join _lake_files as f on f.load = r._load) as n"
        )
    });
    let sql = format!(
        "select count_if(n <> 0) as n_halves from ({})",
        differences.join(" union all ")
    );
    let asked = run(world, cluster, &["query", "--sql", &sql]);
    assert_eq!(asked.exits(0).stdout, "n_halves\r\n0\r\n");
}

fn refusals(world: &World, cluster: &Cluster) {
    let asks = |sql: &str| run(world, cluster, &["query", "--sql", sql]);
    for sql in [
        "drop table Incidents",
        "with x as (select 1) insert overwrite directory 'x' using json select * from x",
    ] {
        asks(sql).exits(2).says(&["a query may only read"]);
    }
    asks("select nothing from Incidents")
        .exits(2)
        .says(&["UNRESOLVED_COLUMN"]);
    let slow =
        "select count(*) from Numbers a, Numbers b, Numbers c where a.number + b.number > c.number";
    run(world, cluster, &["query", "--timeout", "2", "--sql", slow])
        .exits(2)
        .says(&["longer than 2 seconds"]);
    // The path of the lake is not shown, even where Spark's message has it.
    let hidden = "select count(*) from parquet.`LAKE/nothing`";
    let lake = world
        .path("lake")
        .canonicalize()
        .unwrap()
        .display()
        .to_string();
    asks(&hidden.replace("LAKE", &lake))
        .exits(2)
        .says(&["LAKE_PATH/nothing"])
        .does_not_say(&lake);
    // A token is never shown.
    let mut command = world.command(&["query", "--sql", "select 1"]);
    command.env("LAKE_PATH", "lake");
    command.env("DATABASE_URL", "spark://127.0.0.1:9/;token=made-up-5150");
    finish(&mut command)
        .exits(2)
        .says(&["spark://127.0.0.1:9"])
        .does_not_say("5150");
}

fn an_executor_is_killed(world: &World, cluster: &Cluster) {
    // A few seconds of work, in several parts.
    let sql = "select /*+ repartition(4) */ sum((a.number * b.number + c.number) % 424243) \
        from Numbers a, Numbers b, Numbers c where b.number < 2000 and c.number < 20";
    let expected = run(world, cluster, &["query", "--sql", sql])
        .exits(0)
        .stdout
        .clone();
    // The same with a mark that changes nothing.
    let marked = format!("{sql} and c.number <> 515151");
    let asking = start(world, cluster, &["query", "--sql", &marked]);
    cluster.wait_until_it_runs("515151");
    assert!(cluster.kill_an_executor());
    let ended = world::ended(asking.wait_with_output().unwrap());
    assert_eq!(ended.exits(0).stdout, expected);
}

fn the_server_is_killed(world: &World, cluster: &mut Cluster) {
    let endless = "select sum(a.number * b.number % 737373) from Numbers a, Numbers b, Numbers c";
    let asking = start(world, cluster, &["query", "--sql", endless]);
    cluster.wait_until_it_runs("737373");
    cluster.kill_the_server();
    let ended = world::ended(asking.wait_with_output().unwrap());
    ended
        .exits(2)
        .says(&["error[database]: cannot reach spark://127.0.0.1:"]);
    run(world, cluster, &["query", "noisy_services"])
        .exits(2)
        .says(&["is the Spark Connect server running?"]);
    assert!(!world.path("output/noisy_services.csv").exists());
}

fn start(world: &World, cluster: &Cluster, arguments: &[&str]) -> Child {
    on_spark(world, cluster, arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}
