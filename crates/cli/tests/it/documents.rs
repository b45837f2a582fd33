//! The documents, read as a user reads them: each file that they show is written, each command is typed, and what they
//! say it prints is what it prints.
//!
//! - A block ` ```console ` holds commands after `$ `, each with what it prints below it; a line `...` stands for any
//!   lines, `[..]` for anything within a line. Where nothing is shown, the command has to succeed.
//! - A block whose second word is a path, as in ` ```yaml definitions/mappers/x.yaml `, is a file; with `below LINE` it
//!   goes into the file, below the first line that says that.
//! - A comment `<!-- $ command -->` is a command that readers need not see.
//! - A command that ends in ` &` goes on until the document ends; the next one waits for what it writes.
//!
//! Blocks of other kinds are not run: `sh` for what takes a network or a compiler, `text` for what one may see.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use snapbox::IntoData as _;

use crate::world::World;

/// Something that a document does.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    File {
        path: String,
        below: Option<String>,
        text: String,
    },
    Command(Typed),
}

/// A command, and what it should print.
#[derive(Debug, Default, PartialEq, Eq)]
struct Typed {
    /// Its line in the document, from 1.
    line: usize,
    command: String,
    prints: String,
}

#[test]
fn the_readme_runs() {
    run("README.md");
}

#[test]
fn extending_runs() {
    run("docs/extend.md");
}

#[test]
fn writing_a_question_runs() {
    run("docs/write-a-question.md");
}

#[test]
fn the_mapper_language_runs() {
    run("docs/mappers.md");
}

#[test]
fn bringing_files_runs() {
    run("docs/bring-your-own-files.md");
}

#[test]
fn reading_postmortems_runs() {
    run("docs/postmortems.md");
}

#[test]
fn trying_extraction_runs() {
    run("docs/try-extraction.md");
}

#[test]
fn extracting_runs() {
    run("docs/extractors.md");
}

#[test]
fn faults_in_definitions_are_printed_as_shown() {
    run("docs/faults.md");
}

/// A document with commands that no test above types would not be held to anything.
#[test]
fn every_document_with_commands_is_run() {
    let this = include_str!("documents.rs");
    for folder in ["", "docs", "docs/entities"] {
        for entry in fs::read_dir(root().join(folder)).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{folder}/{name}");
            let path = path.trim_start_matches('/');
            if !name.ends_with(".md") || steps(&read(path)).is_empty() {
                continue;
            }
            assert!(
                this.contains(&format!("run(\"{path}\")")),
                "`{path}` is not run"
            );
        }
    }
}

#[test]
fn blocks_become_steps() {
    let text = "```yaml a/b.yaml\nx: 1\n```\n<!-- $ true -->\n```console\n$ one \\\n>   two\nsaid\n$ three\n```\n```sh\n$ no\n```\n";
    let typed = |line, command: &str, prints: &str| {
        Step::Command(Typed {
            line,
            command: command.to_owned(),
            prints: prints.to_owned(),
        })
    };
    let file = Step::File {
        path: "a/b.yaml".to_owned(),
        below: None,
        text: "x: 1\n".to_owned(),
    };
    let expected = [
        file,
        typed(4, "true", ""),
        typed(6, "one \\\n  two", "said\n"),
        typed(9, "three", ""),
    ];
    assert_eq!(steps(text), expected);
}

fn run(document: &str) {
    let world = World::new();
    // In a folder of its own, so that documents may make others beside it.
    let mut folder = world.path("project");
    fs::create_dir(&folder).unwrap();
    let mut running = Running(Vec::new());
    let steps = steps(&read(document));
    assert!(!steps.is_empty(), "`{document}` has no commands");
    for step in steps {
        match step {
            Step::File { path, below, text } => write(&folder.join(path), below.as_deref(), &text),
            Step::Command(typed) => match typed.command.strip_suffix(" &") {
                Some(command) => running.start(&world, &folder, command),
                None => folder = check(&world, &folder, &typed, document),
            },
        }
    }
}

fn write(path: &Path, below: Option<&str>, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let Some(below) = below else {
        fs::write(path, text).unwrap();
        return;
    };
    let before = fs::read_to_string(path).unwrap();
    let place = before.lines().position(|line| line.trim() == below);
    let place = place.unwrap_or_else(|| panic!("no line of `{}` is `{below}`", path.display()));
    let (head, tail): (Vec<_>, Vec<_>) =
        before.lines().enumerate().partition(|(at, _)| *at <= place);
    let lines = |part: Vec<(usize, &str)>| -> String {
        part.iter().map(|(_, line)| format!("{line}\n")).collect()
    };
    fs::write(path, lines(head) + text + &lines(tail)).unwrap();
}

/// Types a command and compares what it prints; gives the folder that it ends in.
fn check(world: &World, folder: &Path, typed: &Typed, document: &str) -> PathBuf {
    let place = world.path(".folder");
    let script = format!(
        "exec 2>&1\n{}\ncode=$?\npwd > '{}'\nexit $code",
        typed.command,
        place.display()
    );
    let done = shell(world, folder, &script).output().unwrap();
    let printed = String::from_utf8_lossy(&done.stdout);
    let at = format!("{document}:{}: `{}`", typed.line, typed.command);
    if typed.prints.is_empty() {
        assert!(done.status.success(), "{at} fails: {printed}");
    } else {
        let expected = typed.prints.as_str().into_data();
        let compared =
            snapbox::Assert::new().try_eq(Some(&at), printed.as_ref().into_data(), expected);
        compared.unwrap_or_else(|error| panic!("{error}"));
        let shows_fault = typed.prints.contains("error[") || typed.prints.contains("warning[");
        assert!(
            done.status.success() || shows_fault,
            "{at} fails: {printed}"
        );
    }
    let folder = fs::read_to_string(place).unwrap();
    PathBuf::from(folder.trim_end())
}

/// A shell that finds the binary by its name, in which nothing of this process's settings is set.
fn shell(world: &World, folder: &Path, script: &str) -> Command {
    let binary = world.command(&[]);
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(script)
        .current_dir(folder)
        .stdin(Stdio::null());
    for (name, value) in binary.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let own = Path::new(binary.get_program()).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(own.to_owned()).chain(std::env::split_paths(&path));
    shell.env("PATH", std::env::join_paths(folders).unwrap());
    shell
}

/// Commands that go on; they end with the document.
struct Running(Vec<Child>);

impl Running {
    /// Starts a command and waits until something stands in the file that it writes to.
    fn start(&mut self, world: &World, folder: &Path, command: &str) {
        let mut shell = shell(world, folder, &format!("exec {command}"));
        self.0.push(shell.process_group(0).spawn().unwrap());
        let written = command.split_once("> ").map(|(_, file)| folder.join(file));
        let Some(written) = written else { return };
        while fs::read_to_string(&written).is_ok_and(|text| text.is_empty()) || !written.exists() {
            let ended = self.0.last_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "`{command}` ended: {ended:?}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = (1..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        if let Some(hidden) = line.strip_prefix("<!-- $ ") {
            steps.push(Step::Command(Typed {
                line: number,
                command: hidden.trim_end_matches(" -->").to_owned(),
                prints: String::new(),
            }));
        }
        let Some(kind) = line.strip_prefix("```") else {
            continue;
        };
        let block: Vec<(usize, &str)> = lines
            .by_ref()
            .take_while(|(_, line)| !line.starts_with("```"))
            .collect();
        match kind.split_once(' ') {
            Some((_, file)) => steps.push(Step::File {
                path: file.split(' ').next().unwrap_or_default().to_owned(),
                below: file.split_once(" below ").map(|(_, line)| line.to_owned()),
                text: block.iter().map(|(_, line)| format!("{line}\n")).collect(),
            }),
            None if kind == "console" => steps.extend(typed(&block).into_iter().map(Step::Command)),
            None => {}
        }
    }
    steps
}

fn typed(block: &[(usize, &str)]) -> Vec<Typed> {
    let mut all: Vec<Typed> = Vec::new();
    for (number, line) in block {
        if let Some(command) = line.strip_prefix("$ ") {
            all.push(Typed {
                line: *number,
                command: command.to_owned(),
                prints: String::new(),
            });
            continue;
        }
        let Some(last) = all.last_mut() else {
            panic!("line {number} is no command, and no command's: {line}");
        };
        match line.strip_prefix("> ") {
            Some(more) if last.prints.is_empty() && last.command.ends_with('\\') => {
                last.command += &format!("\n{more}");
            }
            _ => last.prints += &format!("{line}\n"),
        }
    }
    all
}

fn read(document: &str) -> String {
    fs::read_to_string(root().join(document)).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
