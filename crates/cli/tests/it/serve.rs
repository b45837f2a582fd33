//! `demo --serve`: the settings that it prints lead to a server with the demo's data.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::world::World;

/// A server that ends with the test.
struct Serving {
    child: Child,
    settings: HashMap<String, String>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many settings it prints.
const SETTINGS: usize = 11;

fn serve(world: &World, more: &[&str]) -> Serving {
    let mut command = world.command(&["demo", "--serve", "--scale", "1000", "--port", "0"]);
    let mut child = command
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let settings = lines
        .take(SETTINGS)
        .map(|line| {
            let line = line.unwrap();
            let (name, value) = line.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        })
        .collect();
    Serving { child, settings }
}

/// The whole answer, head and body.
fn get(serving: &Serving, path: &str) -> String {
    let base = &serving.settings["GITHUB_BASE_URL"];
    let (host, prefix) = base
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let key = &serving.settings["GITHUB_API_KEY"];
    let request = format!(
        "GET /{prefix}{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: test\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
    );
    let mut stream = TcpStream::connect(host).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_settings_lead_to_the_demos_data_and_the_project_stays_empty() {
    let world = World::new();
    let serving = serve(&world, &[]);
    assert_eq!(serving.settings.len(), SETTINGS);
    let organisation = &serving.settings["GITHUB_ORGANIZATION"];
    let answer = get(&serving, &format!("/orgs/{organisation}/repos?per_page=1"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let full_name = format!(r#""full_name":"{organisation}/"#);
    assert!(answer.contains(&full_name), "{answer}");
    assert!(world.files(".").is_empty());
    assert!(!world.path("raw_data").exists());
}

#[test]
fn what_is_asked_to_go_wrong_does() {
    let world = World::new();
    let serving = serve(&world, &["--misbehave", "storm", "--misbehave", "echo"]);
    let answer = get(&serving, "/rate_limit");
    assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
}

#[test]
fn a_port_that_is_taken_is_said_with_what_to_type() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    World::new()
        .run(&["demo", "--serve", "--scale", "1000", "--port", &port])
        .exits(2)
        .says(&["cannot listen on port", &port, "--port 0"]);
}

#[test]
fn what_is_about_the_server_needs_it() {
    for arguments in [
        ["demo", "--port", "1"],
        ["demo", "--latency", "1"],
        ["demo", "--misbehave", "storm"],
    ] {
        World::new().run(&arguments).exits(2).says(&["--serve"]);
    }
    World::new()
        .run(&["demo", "--serve", "--misbehave", "nonsense"])
        .exits(2)
        .says(&["storm", "endless"]);
    World::new()
        .run(&["demo", "--serve", "--zstd"])
        .exits(2)
        .says(&["--zstd"]);
}

#[test]
fn the_guide_names_every_way_to_go_wrong() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/try-extraction.md");
    let guide = fs::read_to_string(guide).unwrap();
    for one in fake::misbehaviours() {
        let row = format!("| `{}` | {} |", one.name, one.meaning);
        assert!(guide.contains(&row), "docs/try-extraction.md lacks {row}");
    }
}
