//! A source that answers what a test says, byte by byte, and an extractor for it in a project of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::world::{Run, World, finish};

/// What is done about a request.
pub enum Reply {
    /// These bytes, after which the connection is closed.
    Bytes(Vec<u8>),
    /// Nothing, and the connection stays.
    Silence,
}

/// An answer with a status, headers and a body.
pub fn answer(status: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        bytes += &format!("{name}: {value}\r\n");
    }
    bytes += "\r\n";
    Reply::Bytes([bytes.as_bytes(), body].concat())
}

/// 200 with this body.
pub fn ok(body: impl AsRef<[u8]>) -> Reply {
    answer("200 OK", &[], body)
}

/// A project whose only source `ours` is the server of this test.
pub struct Ours {
    pub world: World,
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Ours {
    /// `streams` is what stands below `streams:` in the extractor; `reply` gets path and query, and which time they are
    /// asked for, from 1.
    pub fn new(
        streams: &str,
        reply: impl Fn(&str, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = Self::at(listener.local_addr().unwrap().to_string(), streams);
        let (asked, reply) = (Arc::clone(&ours.asked), Arc::new(reply));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, reply) = (Arc::clone(&asked), Arc::clone(&reply));
                thread::spawn(move || serve(stream, &asked, &*reply));
            }
        });
        ours
    }

    /// The same for a source that nobody answers at.
    pub fn nobody(streams: &str) -> Self {
        // The port is free again when the listener is gone.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self::at(listener.local_addr().unwrap().to_string(), streams)
    }

    fn at(address: String, streams: &str) -> Self {
        let world = World::new();
        let ours = Self {
            world,
            address,
            asked: Arc::default(),
        };
        ours.extractor(
            streams,
            "{tries: 3, first_wait: 1 milliseconds, longest_wait: 20 milliseconds}",
        );
        ours
    }

    /// Where the source is.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Writes the extractor anew.
    pub fn extractor(&self, streams: &str, retry: &str) {
        let text = format!(
            "source: ours\nbase_url: http://{}\nsettings:\n  OURS_TEAM: {{meaning: whose, default: us}}\nretry: {retry}\nstreams:\n{streams}",
            self.address
        );
        self.world.write("definitions/extractors/ours.yaml", text);
    }

    /// The paths that were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.command(arguments);
        command.env("DB_MODE", "DISK");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        finish(&mut self.command(arguments))
    }

    /// The lines of a stream's raw files.
    pub fn lines(&self, stream: &str) -> Vec<String> {
        let text = crate::vendors::raw_text(&self.world, stream);
        text.lines().map(str::to_owned).collect()
    }

    /// Whether the stream has a marker that says that all was listed.
    pub fn is_marked(&self, stream: &str) -> bool {
        let files = self.world.files(&format!("raw_data/{stream}"));
        files.keys().any(|name| name.ends_with(".complete.json"))
    }

    /// Starts a run, and kills it when so many requests were made and the journal of `things` has these words.
    pub fn kill_when(&self, requests: usize, noted: &str) {
        let mut command = self.command(&["extract", "ours"]);
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let journal = self.world.path("raw_data/things/.journal.ndjson");
        let has = || std::fs::read_to_string(&journal).is_ok_and(|text| text.contains(noted));
        while self.asked().len() < requests || !has() {
            thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts a run whose messages are read while it goes on.
    pub fn start(&self, arguments: &[&str]) -> (Child, BufReader<std::process::ChildStderr>) {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        (child, stderr)
    }
}

/// Reads messages up to one that has these words in it.
#[track_caller]
pub fn until(stderr: &mut impl BufRead, words: &str) -> String {
    let mut all = String::new();
    loop {
        let mut line = String::new();
        let length = stderr.read_line(&mut line).unwrap();
        assert!(length > 0, "it ended without `{words}`:\n{all}");
        all += &line;
        if line.contains(words) {
            return all;
        }
    }
}

fn serve(
    mut stream: TcpStream,
    asked: &Mutex<Vec<String>>,
    reply: &(dyn Fn(&str, usize) -> Reply + Sync),
) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    if reader.read_line(&mut first).unwrap_or(0) == 0 {
        return;
    }
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap_or(0) > 2 {
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let times = {
        let mut asked = asked.lock().unwrap();
        asked.push(path.clone());
        asked.iter().filter(|other| **other == path).count()
    };
    match reply(&path, times) {
        Reply::Bytes(bytes) => {
            let _ = stream.write_all(&bytes);
        }
        Reply::Silence => {
            // Until the other side gives up.
            let _ = reader.read_line(&mut String::new());
        }
    }
}
