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
use std::process::{Command, Stdio};

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
    let cluster = Cluster::start();
    let world = World::new();
    world.run(&["demo", "--scale", "3000"]).exits(0);
    hostile(&world);
    world.run_on_disk(&["load"]).exits(1);
    world.run_on_disk(&["query", "--quiet"]).exits(0);
    let expected = answers(&world);
    assert_eq!(expected.len(), 31);
    let status = world.run_on_disk(&["status"]).stdout;

    run(&world, &cluster, &["load", "--shard", "1/2"]).exits(1);
    run(&world, &cluster, &["load", "--shard", "2/2"]).exits(1);
    run(&world, &cluster, &["query", "--quiet"]).exits(0);
    assert_same(&expected, &answers(&world));
    assert_eq!(run(&world, &cluster, &["status"]).exits(0).stdout, status);
}

#[test]
fn what_goes_wrong_is_said() {
    let mut cluster = Cluster::start();
    let world = world::small();
    run(&world, &cluster, &["load"]).exits(0);
    refusals(&world, &cluster);
    an_executor_is_killed(&world, &cluster);
    the_server_is_killed(&world, &mut cluster);
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

fn refusals(world: &World, cluster: &Cluster) {
    let asks = |sql: &str| run(world, cluster, &["query", "--sql", sql]);
    asks("drop table Incidents")
        .exits(2)
        .says(&["a query may only read"]);
    asks("select nothing from Incidents")
        .exits(2)
        .says(&["UNRESOLVED_COLUMN"]);
    let slow =
        "select count(*) from Numbers a, Numbers b, Numbers c where a.number + b.number > c.number";
    run(world, cluster, &["query", "--timeout", "2", "--sql", slow])
        .exits(2)
        .says(&["longer than 2 seconds"]);
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
    let sql = "select count(*), sum(a.number * b.number) from Numbers a, Numbers b";
    let expected = run(world, cluster, &["query", "--sql", sql])
        .exits(0)
        .stdout
        .clone();
    let mut command = on_spark(world, cluster, &["query", "--sql", sql]);
    let asking = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(cluster.kill_an_executor());
    let ended = world::ended(asking.wait_with_output().unwrap());
    assert_eq!(ended.exits(0).stdout, expected);
}

fn the_server_is_killed(world: &World, cluster: &mut Cluster) {
    let slow = "select sum(a.number * b.number % 7) from Numbers a, Numbers b, Numbers c";
    let mut command = on_spark(world, cluster, &["query", "--sql", slow]);
    let asking = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It is asked for once the session is made; whenever the server goes, the command says so.
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
