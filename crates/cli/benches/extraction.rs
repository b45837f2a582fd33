//! How near extraction comes to the least time that a source's answers allow, and what memory it takes.
//!
//! `cargo bench -p cli --bench extraction` prints a table: log entries fetched by the real binary from the fake of the
//! vendor's API, which takes a fixed time for each request, beside the floor: a client that makes the same requests, as
//! many at once, writes each answer to a file and syncs it, and does nothing else.
//! Every page is safely on disk before its journal says so, as always.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark stops where it fails, and prints its table"
)]

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fake::{Data, Limits, Options, Server, Tokens};
use serde_json::json;

const STREAM: &str = "pagerduty_log_entries";

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    println!(
        "{:>11} {:>8} {:>8} {:>9} {:>8} {:>8} {:>6} {:>10} {:>7}",
        "log entries",
        "latency",
        "at once",
        "requests",
        "floor",
        "seconds",
        "ratio",
        "records/s",
        "memory"
    );
    for (entries, latency, at_once) in [
        (20_000, 50, 1),
        (20_000, 50, 4),
        (200_000, 5, 1),
        (200_000, 5, 4),
        (200_000, 0, 1),
        (200_000, 0, 4),
    ] {
        measure(entries, Duration::from_millis(latency), at_once);
    }
}

fn measure(entries: usize, latency: Duration, at_once: usize) {
    let options = Options {
        latency,
        limits: Limits::generous(),
        ..Options::default()
    };
    let server = Server::start(year_of_log_entries(entries), options).expect("the fake starts");
    let project = tempfile::tempdir().expect("a temporary folder");
    let own = project.path().join("definitions/extractors");
    std::fs::create_dir_all(&own).expect("a folder");
    let built_in =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../definitions/extractors/pagerduty.yaml");
    let text = std::fs::read_to_string(built_in).expect("the extractor");
    let (shipped, wanted) = ("concurrency: 1\n", format!("concurrency: {at_once}\n"));
    assert!(
        text.contains(shipped),
        "the extractor says how many at once"
    );
    // Windows enough to be asked for side by side.
    let text = text
        .replace(shipped, &wanted)
        .replace("longest: 179 days", "longest: 30 days");
    std::fs::write(own.join("pagerduty.yaml"), text).expect("the extractor");

    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_reliability"))
        .args(["extract", "--only", STREAM, "--since", "2025-11-01"])
        .current_dir(project.path())
        .envs(server.environment())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let mut memory = 0;
    let status = loop {
        memory = memory.max(peak_memory(child.id()));
        if let Some(status) = child.try_wait().expect("the binary runs") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let seconds = started.elapsed().as_secs_f64();
    assert!(status.success(), "extraction failed");
    let addresses: Vec<String> = server
        .requests()
        .iter()
        .map(|seen| {
            format!(
                "{}{}?{}",
                server.base_url(seen.vendor),
                seen.path,
                seen.query
            )
        })
        .collect();
    let floor = floor(&addresses, at_once, project.path());
    println!(
        "{entries:>11} {:>5} ms {at_once:>8} {:>9} {floor:>6.2} s {seconds:>6.2} s {:>6.2} {:>10.0} {:>4} MB",
        latency.as_millis(),
        addresses.len(),
        seconds / floor,
        entries as f64 / seconds,
        memory / 1024
    );
}

/// The seconds that it takes to fetch, write and sync the same answers, each thread one after the other.
fn floor(addresses: &[String], at_once: usize, folder: &Path) -> f64 {
    let token = format!("Token token={}", Tokens::default().pagerduty_secret);
    let (token, share) = (token.as_str(), addresses.len().div_ceil(at_once));
    let started = Instant::now();
    std::thread::scope(|scope| {
        for (number, addresses) in addresses.chunks(share).enumerate() {
            let mut file = File::create(folder.join(format!("floor-{number}"))).expect("a file");
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime");
                let client = reqwest::Client::builder().no_proxy().build();
                let client = client.expect("a client");
                for address in addresses {
                    let fetch = async {
                        let request = client.get(address).header("Authorization", token);
                        let request =
                            request.header("Accept", "application/vnd.pagerduty+json;version=2");
                        let answer = request.send().await;
                        let answer = answer.and_then(reqwest::Response::error_for_status);
                        answer.expect("an answer").bytes().await.expect("a body")
                    };
                    let body = runtime.block_on(fetch);
                    file.write_all(&body).expect("the disk takes it");
                    file.sync_data().expect("the disk takes it");
                }
            });
        }
    });
    started.elapsed().as_secs_f64()
}

/// The kernel's own high-water mark, `VmHWM`, in KiB; zero where there is no such file.
fn peak_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or_default()
}

/// Log entries of about 1.5 KB, evenly over a year.
fn year_of_log_entries(count: usize) -> Data {
    let start: jiff::Timestamp = "2025-11-02T00:00:00Z".parse().expect("a time");
    let padding = "x".repeat(1_100);
    let mut data = Data::empty();
    let records = data.stream_mut(STREAM);
    for number in 0..count {
        let second = (number as i64) * 31_536_000 / count as i64;
        let at = start + jiff::SignedDuration::from_secs(second);
        let entry = json!({
            "id": format!("R{number:09}"), "type": "notify_log_entry", "summary": padding,
            "created_at": at.to_string(), "incident": {"id": format!("P{:08}", number / 9), "type": "incident_reference"},
            "channel": {"type": "auto", "notification": {"type": "sms_notification", "address": "+491705550100"}},
        });
        records.push(entry.into());
    }
    data
}
