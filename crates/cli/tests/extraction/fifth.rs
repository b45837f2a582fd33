//! A source that a user adds with text alone: the example of the guide.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;

use serde_json::json;

use crate::world::World;

/// Answers every request with the same body, and gives the paths that were asked for.
fn serve(body: String) -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (asked, paths) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().unwrap().unwrap();
            for line in lines.by_ref() {
                if line.unwrap().is_empty() {
                    break;
                }
            }
            let _ = asked.send(first.split(' ').nth(1).unwrap().to_owned());
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
    (address, paths)
}

#[test]
fn the_guides_example_works_from_its_files_alone() {
    let world = World::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/statuspage");
    for path in [
        "definitions/extractors/statuspage.yaml",
        "definitions/mappers/statuspage_incidents.yaml",
        "definitions/schemas/statuspage.sql",
    ] {
        world.write(path, std::fs::read(example.join(path)).unwrap());
    }
    world
        .run(&["check"])
        .exits(0)
        .says(&["0 errors, 0 warnings"]);
    let incident = |id: &str, resolved_at: Option<&str>| {
        json!({
            "id": id, "name": "Pages are slow", "status": "resolved", "impact": "minor",
            "created_at": "2026-11-02T10:00:00.000Z", "resolved_at": resolved_at,
            "shortlink": "https://stspg.io/x", "incident_updates": [{"id": "u1"}],
        })
    };
    let answer = json!({
        "page": {"id": "p"},
        "incidents": [incident("a", Some("2026-11-02T10:30:00.000Z")), incident("b", None)],
    });
    let (address, paths) = serve(answer.to_string());
    let settings = [
        ("STATUSPAGE_BASE_URL", address.as_str()),
        ("DB_MODE", "DISK"),
    ];
    world
        .run_with(&settings, &["extract", "statuspage"])
        .exits(0);
    assert_eq!(paths.recv().unwrap(), "/api/v2/incidents.json");
    world.run_with(&settings, &["load", "statuspage"]).exits(0);
    assert_eq!(
        world.rows("select id, minutes, update_count from StatuspageIncidents order by id"),
        ["a|30|1", "b|∅|1"]
    );
}
