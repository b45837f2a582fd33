//! `cargo xtask bench [--log-entries N] [--runs N] [--peers]`: how fast the biggest stream is loaded, beside others that
//! load the same records into the same columns with the same key and index, and beside the least that it could take.
//!
//! The data is the demo's. Ours and DuckDB take turns, so that a busy moment of the machine meets both; what counts are
//! ratios of medians. With `--peers`, sqlite-utils and dlt load once too. The Python packages come from PyPI into a folder
//! of their own beside the build.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use rusqlite::Connection;

mod queries;

pub use queries::run as run_queries;

const STREAM: &str = "pagerduty_log_entries";
const TABLE: &str = "PagerDutyLogEntries";

/// Others that load the same: name, file, script.
const PEERS: [(&str, &str, &str); 2] = [
    (
        "sqlite-utils",
        "utils.py",
        include_str!("bench/load_sqlite_utils.py"),
    ),
    (
        "dlt, into DuckDB",
        "load.py",
        include_str!("bench/load_dlt.py"),
    ),
];

/// The chores by which this program runs itself, so that the memory of a floor can be measured.
pub const PARSE: &str = "bench-parse";
/// See [`PARSE`].
pub const COPY: &str = "bench-copy";

/// What a run took.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    wall: Duration,
    /// Seconds of processors, in the program and in the system.
    cpu: f64,
    /// Bytes of memory at most.
    peak: u64,
}

/// Something that is measured: its name, and what each run of it took.
struct Line {
    name: &'static str,
    costs: Vec<Cost>,
}

/// Measures, and prints the table.
pub fn run(arguments: &[String]) -> io::Result<()> {
    let log_entries = number(arguments, "--log-entries").unwrap_or(300_000);
    let runs = number(arguments, "--runs").unwrap_or(3).max(1);
    let with_peers = arguments.iter().any(|argument| argument == "--peers");
    let Bench {
        ours,
        python,
        folder,
    } = Bench::set_up(log_entries, with_peers)?;
    let built = env::current_exe()?;
    let project = folder.path();
    let raw = project.join("raw_data").join(STREAM);
    let bytes: u64 = fs::read_dir(&raw)?
        .flatten()
        .map(|entry| entry.metadata().map_or(0, |metadata| metadata.len()))
        .sum();
    let database = project.join("reliability.db");
    let other = project.join("other.db");
    let script = |name: &str, text: &str| -> io::Result<Command> {
        let path = project.join(name);
        fs::write(&path, text)?;
        let mut command = Command::new(&python);
        command.arg(path).arg(&other).arg(&raw);
        Ok(command)
    };

    let load = || {
        let mut command = Command::new(&ours);
        command.args(["load", STREAM, "--project"]).arg(project);
        command.env("DB_MODE", "DISK");
        command
    };
    let duckdb = || script("duck.py", include_str!("bench/load_duckdb.py"));
    let mut lines = loads(runs, &load, &duckdb, &database, &other)?;
    lines.extend(floors(runs, &built, &raw, &database, &other)?);
    let peers: &[(&str, &str, &str)] = if with_peers { &PEERS } else { &[] };
    for (name, file, text) in peers {
        clear(&other)?;
        let mut line = Line::new(name);
        line.costs.push(measured(&mut script(file, text)?)?);
        lines.push(line);
    }
    let rows = Connection::open(&database)
        .and_then(|database| {
            let sql = format!("select count(*) from {TABLE}");
            database.query_row(&sql, [], |row| row.get::<_, i64>(0))
        })
        .map_err(io::Error::other)?;
    say(&format!(
        "{rows} rows of {log_entries} log entries, {} MB, medians of {runs} runs\n\n{}\n{}",
        bytes / 1_000_000,
        table(&lines, rows as f64, bytes as f64),
        starts(&ours)?
    ));
    Ok(())
}

/// Loads with ours and with DuckDB in turn.
fn loads(
    runs: u64,
    load: &dyn Fn() -> Command,
    other_load: &dyn Fn() -> io::Result<Command>,
    database: &Path,
    other: &Path,
) -> io::Result<Vec<Line>> {
    let [mut stream, mut whole, mut duckdb, mut again] = [
        "load, as shipped",
        "load, and the tables derived from it",
        "DuckDB",
        "load again, nothing new",
    ]
    .map(Line::new);
    for _ in 0..runs {
        clear(database)?;
        let (loaded, all) = measured_until(&mut load(), "loaded ")?;
        stream.costs.extend(loaded);
        whole.costs.push(all);
        again.costs.push(measured(&mut load())?);
        clear(other)?;
        duckdb.costs.push(measured(&mut other_load()?)?);
    }
    Ok(vec![stream, whole, duckdb, again])
}

/// The least that it could take.
fn floors(
    runs: u64,
    built: &Path,
    raw: &Path,
    database: &Path,
    other: &Path,
) -> io::Result<Vec<Line>> {
    let [mut parse, mut copy] = [
        "only parsing, two threads",
        "SQLite copies the rows, and builds key and index",
    ]
    .map(Line::new);
    for _ in 0..runs {
        parse
            .costs
            .push(measured(Command::new(built).arg(PARSE).arg(raw))?);
        clear(other)?;
        let mut command = Command::new(built);
        command.arg(COPY).arg(database).arg(other);
        copy.costs.push(measured(&mut command)?);
    }
    Ok(vec![parse, copy])
}

/// What is measured, and on what.
struct Bench {
    /// The release binary.
    ours: PathBuf,
    python: PathBuf,
    /// A project with a demo, gone when this is dropped.
    folder: tempfile::TempDir,
}

impl Bench {
    fn set_up(log_entries: u64, with_peers: bool) -> io::Result<Self> {
        let built = env::current_exe()?;
        let build = built.ancestors().nth(2).unwrap_or(Path::new("."));
        let ours = release(build)?;
        let python = python(build, with_peers)?;
        let folder = tempfile::tempdir_in(build)?;
        let options = demo::Options {
            log_entries,
            ..demo::Options::default()
        };
        demo::write(folder.path(), &options, &mut |_| {}).map_err(io::Error::other)?;
        Ok(Self {
            ours,
            python,
            folder,
        })
    }
}

/// The release binary, built now.
fn release(build: &Path) -> io::Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build_ours = Command::new(cargo);
    build_ours.args(["build", "--release", "--package", "cli"]);
    // What cargo says to this program is not for another build, which would be made anew for it.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            build_ours.env_remove(name.as_ref());
        }
    }
    done(&mut build_ours)?;
    Ok(build.join("release/reliability"))
}

/// Parses every line of the files in a folder, in two threads, and keeps nothing.
pub fn parse(folder: &Path) -> io::Result<()> {
    let files: Vec<PathBuf> = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension() == Some(OsStr::new("ndjson")))
        .collect();
    let parse_all = |files: &[PathBuf]| -> io::Result<()> {
        for path in files {
            let mut lines = BufReader::with_capacity(1 << 20, fs::File::open(path)?);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line)? > 0 {
                sonic_rs::from_slice::<sonic_rs::Value>(&line).map_err(io::Error::other)?;
                line.clear();
            }
        }
        Ok(())
    };
    let (first, second) = files.split_at(files.len() / 2);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| parse_all(first));
        let second = parse_all(second);
        let first = first
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("a thread ended")));
        first.and(second)
    })
}

/// Copies the loaded table into a new file, without key and index, and builds them.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let copied = || -> rusqlite::Result<()> {
        let connection = Connection::open(to)?;
        connection.execute_batch(
            "pragma page_size = 16384; pragma journal_mode = wal; pragma synchronous = normal; pragma cache_size = -8192;",
        )?;
        connection.execute("attach ?1 as loaded", [from.display().to_string()])?;
        let sql = "select sql from loaded.sqlite_schema where tbl_name = ?1 and sql is not null order by type = 'index'";
        let mut found = connection.prepare(sql)?;
        let found = found.query_map([TABLE], |row| row.get::<_, String>(0))?;
        let statements = found.collect::<rusqlite::Result<Vec<_>>>()?;
        let copy = format!("insert into main.{TABLE} select * from loaded.{TABLE}");
        let (table, indexes) = statements.split_at(1);
        for statement in table.iter().chain([&copy]).chain(indexes) {
            connection.execute_batch(statement)?;
        }
        connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
    };
    copied().map_err(io::Error::other)
}

impl Line {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            costs: Vec::new(),
        }
    }

    fn median(&self) -> Cost {
        let middle = |of: &dyn Fn(&Cost) -> f64| {
            let mut values: Vec<f64> = self.costs.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or_default()
        };
        Cost {
            wall: Duration::from_secs_f64(middle(&|cost| cost.wall.as_secs_f64())),
            cpu: middle(&|cost| cost.cpu),
            peak: middle(&|cost| cost.peak as f64) as u64,
        }
    }
}

fn table(lines: &[Line], rows: f64, bytes: f64) -> String {
    let peer = lines.iter().find(|line| line.name == "DuckDB");
    let peer = peer.map(Line::median).unwrap_or_default();
    let mut text = String::from(
        "| | seconds | CPU seconds | peak MB | rows/s | MB/s | wall to DuckDB | CPU to DuckDB |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for line in lines {
        let cost = line.median();
        let wall = cost.wall.as_secs_f64();
        let _ = writeln!(
            text,
            "| {} | {wall:.2} | {:.2} | {} | {:.0} | {:.0} | {:.2} | {:.2} |",
            line.name,
            cost.cpu,
            cost.peak / 1_000_000,
            rows / wall,
            bytes / 1e6 / wall,
            wall / peer.wall.as_secs_f64(),
            cost.cpu / peer.cpu,
        );
    }
    text
}

/// What it takes to begin: help, the state of a small project, and all of it run.
fn starts(ours: &Path) -> io::Result<String> {
    let folder = tempfile::tempdir()?;
    demo::write(folder.path(), &demo::Options::default(), &mut |_| {}).map_err(io::Error::other)?;
    let database = folder.path().join("reliability.db");
    let mut text = String::from("| small demo | milliseconds |\n| --- | ---: |\n");
    let ways: [(&str, &str, &[&str]); 5] = [
        ("`--help`", "DISK", &["--help"]),
        ("`run`, in memory", "MEMORY", &["run"]),
        ("`load`, into a new file", "DISK", &["load"]),
        ("`status`", "DISK", &["status"]),
        ("`report`", "DISK", &["report"]),
    ];
    for (name, mode, arguments) in ways {
        let mut line = Line::new("");
        for _ in 0..5 {
            if arguments == ["load"] {
                clear(&database)?;
            }
            let mut command = Command::new(ours);
            command
                .args(arguments)
                .current_dir(folder.path())
                .env("DB_MODE", mode);
            line.costs.push(measured(&mut command)?);
        }
        let _ = writeln!(
            text,
            "| {name} | {:.0} |",
            line.median().wall.as_secs_f64() * 1e3
        );
    }
    Ok(text)
}

fn measured(command: &mut Command) -> io::Result<Cost> {
    measured_until(command, "\0").map(|(_, cost)| cost)
}

/// Runs a command; what it took until it says something on stderr that begins so, if it does, and in all.
fn measured_until(command: &mut Command, beginning: &str) -> io::Result<(Option<Cost>, Cost)> {
    let before = cpu_of("self", 15)?;
    let started = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let process = child.id().to_string();
    let stderr = child.stderr.take();
    let said = beginning.to_owned();
    let reader = std::thread::spawn({
        let process = process.clone();
        move || {
            let mut found = None;
            let mut last = String::new();
            for line in stderr
                .into_iter()
                .flat_map(|stderr| BufReader::new(stderr).lines())
            {
                last = line.unwrap_or_default();
                if last.starts_with(&said) {
                    found = Some(Cost {
                        wall: started.elapsed(),
                        cpu: cpu_of(&process, 13).unwrap_or_default(),
                        peak: peak_of(&process),
                    });
                }
            }
            (found, last)
        }
    });
    let mut peak = 0;
    let status = loop {
        peak = peak.max(peak_of(&process));
        match child.try_wait()? {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    let wall = started.elapsed();
    let (found, last) = reader.join().unwrap_or_default();
    if !status.success() {
        return Err(io::Error::other(format!(
            "{command:?} ended with {status}: {last}"
        )));
    }
    let cpu = cpu_of("self", 15)? - before;
    Ok((found, Cost { wall, cpu, peak }))
}

/// Seconds of processors, in the program and in the system: the two numbers of `/proc/PROCESS/stat` from a place on, in
/// hundredths (proc_pid_stat(5): 14 and 15 of the process, 16 and 17 of its children that ended), counted from 0.
fn cpu_of(process: &str, place: usize) -> io::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program, in brackets, may have blanks.
    let (_, rest) = stat.rsplit_once(')').unwrap_or_default();
    let fields = rest.split_whitespace().skip(place - 2).take(2);
    Ok(fields
        .filter_map(|field| field.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0)
}

/// The kernel's own high-water mark of a process, in bytes.
fn peak_of(process: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

/// A Python with the peers, made where it is not there yet.
fn python(build: &Path, with_peers: bool) -> io::Result<PathBuf> {
    let folder = build.join("bench-python");
    let python = folder.join("bin/python");
    if !python.exists() {
        done(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "duckdb"]);
    if with_peers {
        install.args(["sqlite-utils", "dlt[duckdb]"]);
    }
    done(&mut install)?;
    Ok(python)
}

fn done(command: &mut Command) -> io::Result<()> {
    let status = command.status()?;
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("{command:?} ended with {status}"))),
    }
}

fn clear(database: &Path) -> io::Result<()> {
    for ending in ["", "-wal", "-shm", ".lock", ".wal"] {
        match fs::remove_file(format!("{}{ending}", database.display())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn number(arguments: &[String], name: &str) -> Option<u64> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1)?.parse().ok()
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its table")]
fn say(text: &str) {
    println!("{text}");
}
