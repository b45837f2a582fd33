//! The extractors to look at, each with a project of its own and a source that behaves as it says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use definitions::extractor::{Extractor, Paging};
use serde_json::Value;

use crate::source::{Mood, Source, scalar};
use crate::world::{Run, World, finish};

/// What every setting that is no address is set to.
pub const SECRET: &str = "made-up-secret-5150";

/// The day from which windows are asked for.
pub const SINCE: &str = "2026-06-01";

/// An extractor, a project that has it, and its source.
pub struct Subject {
    pub extractor: Extractor,
    pub source: Source,
    world: World,
}

/// All extractors, with sources in this mood.
pub fn subjects(mood: Mood) -> Vec<Subject> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders = vec![root.join("definitions")];
    for entry in fs::read_dir(root.join("docs/examples")).unwrap().flatten() {
        folders.push(entry.path().join("definitions"));
    }
    folders.extend(
        std::env::var_os("RELIABILITY_PROJECT")
            .map(|project| PathBuf::from(project).join("definitions")),
    );
    folders
        .iter()
        .flat_map(|folder| of_folder(folder, mood))
        .collect()
}

fn of_folder(folder: &Path, mood: Mood) -> Vec<Subject> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder.join("extractors")) else {
        return found;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let world = World::new();
        copy(folder, &world.path("definitions"));
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut text = fs::read_to_string(&path).unwrap();
        if !text.contains("\nretry:") {
            text += "\nretry: {tries: 4, first_wait: 5 milliseconds, longest_wait: 2 seconds}\n";
        }
        world.write(&format!("definitions/extractors/{name}"), text);
        let stem = name.trim_end_matches(".yaml").to_owned();
        let (definitions, faults) = definitions::read(world.folder());
        let faults: Vec<_> = faults.iter().map(|fault| fault.render(false)).collect();
        assert_eq!(faults, Vec::<String>::new());
        let extractor = definitions
            .extractors
            .into_iter()
            .find(|extractor| {
                extractor
                    .text
                    .path
                    .ends_with(&format!("extractors/{stem}.yaml"))
            })
            .unwrap();
        found.push(Subject {
            source: Source::start(&extractor, mood),
            extractor,
            world,
        });
    }
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

impl Subject {
    pub fn arguments(&self) -> Vec<&str> {
        vec!["extract", &self.extractor.source.text, "--since", SINCE]
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.command(arguments);
        for setting in &self.extractor.settings {
            command.env(&setting.name.text, SECRET);
        }
        let base = format!("{}_BASE_URL", self.extractor.source.text.to_uppercase());
        command.env(base, self.source.address());
        command
    }

    pub fn extract(&self) -> Run {
        finish(&mut self.command(&self.arguments()))
    }

    pub fn extract_again(&self) -> Run {
        finish(&mut self.command(&["extract", &self.extractor.source.text]))
    }

    pub fn has_cap(&self) -> bool {
        let capped =
            |paging: &Option<Paging>| matches!(paging, Some(Paging::Offset { cap: Some(_), .. }));
        self.extractor
            .streams
            .iter()
            .any(|stream| capped(&stream.paging) && stream.windows.is_some())
    }

    pub fn has_links(&self) -> bool {
        let links = |paging: &Option<Paging>| matches!(paging, Some(Paging::Link { .. }));
        self.extractor
            .streams
            .iter()
            .any(|stream| links(&stream.paging))
    }

    /// The keys that the source has of a stream, with those of their parents.
    pub fn expected(&self, stream: &str) -> BTreeSet<String> {
        self.source.keys(stream)
    }

    /// The keys that the raw files have of a stream, with those of their parents.
    pub fn fetched(&self, stream: &str) -> BTreeSet<String> {
        let of = self
            .extractor
            .streams
            .iter()
            .find(|known| *known.stream.text == *stream)
            .unwrap();
        self.lines(stream)
            .iter()
            .map(|line| {
                let record: Value = serde_json::from_str(line).unwrap();
                let key = scalar(&record, &of.request.key).unwrap();
                let at = record["_extract"]["at"].as_str().unwrap();
                assert!(at.parse::<jiff::Timestamp>().is_ok(), "{at}");
                match &of.parent {
                    Some(parent) => {
                        let name = &parent.values[0].0;
                        format!(
                            "{} {key}",
                            record["_extract"]["parent"][name].as_str().unwrap()
                        )
                    }
                    None => key,
                }
            })
            .collect()
    }

    /// The lines of all raw files of a stream.
    pub fn lines(&self, stream: &str) -> Vec<String> {
        self.raw_files(stream, ".ndjson")
            .iter()
            .flat_map(|path| {
                let text = fs::read_to_string(path).unwrap();
                text.lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect()
    }

    /// The newest marker of a complete listing.
    pub fn marker(&self, stream: &str) -> Option<Value> {
        let path = self.raw_files(stream, ".complete.json").pop()?;
        Some(serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
    }

    pub fn all_raw_text(&self) -> String {
        let streams = self.extractor.streams.iter();
        streams
            .map(|stream| self.lines(&stream.stream.text).concat())
            .collect()
    }

    fn raw_files(&self, stream: &str, ending: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.world.path(&format!("raw_data/{stream}"))) else {
            return Vec::new();
        };
        let mut paths: Vec<PathBuf> = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                let name = path.file_name().unwrap().to_string_lossy();
                name.ends_with(ending) && !name.starts_with('.')
            })
            .collect();
        paths.sort();
        paths
    }
}
