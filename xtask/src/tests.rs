use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::{pages, root};

#[test]
fn generated_pages_are_fresh() {
    let pages = pages::all(&root());
    for (path, text) in &pages {
        let found = fs::read_to_string(root().join(path)).unwrap_or_default();
        assert!(found == *text, "`{path}` is stale: run `cargo xtask docs`");
    }
    let entities = fs::read_dir(root().join("docs/entities"))
        .unwrap()
        .flatten();
    for entry in entities {
        let name = format!("docs/entities/{}", entry.file_name().to_string_lossy());
        assert!(
            pages.iter().any(|(path, _)| *path == name),
            "`{name}` is no longer made"
        );
    }
}

#[test]
fn the_guide_shows_the_example_that_is_tested() {
    let guide = fs::read_to_string(root().join("docs/extractors.md")).unwrap();
    let example = root().join("docs/examples/statuspage/definitions");
    for path in [
        "extractors/statuspage.yaml",
        "mappers/statuspage_incidents.yaml",
        "schemas/statuspage.sql",
    ] {
        let text = fs::read_to_string(example.join(path)).unwrap();
        assert!(
            guide.contains(&text),
            "`docs/extractors.md` does not show `{path}` as it is"
        );
    }
}

#[test]
fn every_definition_is_documented() {
    let (definitions, faults) = definitions::read(&root());
    let faults: Vec<_> = faults.iter().map(|fault| fault.render(false)).collect();
    assert_eq!(faults, Vec::<String>::new());
    for query in &definitions.queries {
        for (key, words) in [
            ("question", &query.question),
            ("grain", &query.grain),
            ("meaning", &query.meaning),
            ("misleads", &query.misleads),
        ] {
            assert!(!words.is_empty(), "`{}` has no `{key}`", query.source.path);
        }
        let last = query.sql.to_lowercase();
        let last = last
            .rfind("order by")
            .unwrap_or_else(|| panic!("`{}` does not end in `order by`", query.name));
        assert!(
            !query.sql[last..].contains(" from "),
            "`{}` does not end in `order by`",
            query.name
        );
    }
}

#[test]
fn files_say_what_lives_in_them_and_are_not_too_long() {
    for (path, text) in rust_files() {
        let lines = text.lines().count();
        assert!(lines <= 600, "`{}` has {lines} lines", path.display());
        let is_test =
            path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests");
        if !is_test
            && path.components().any(|part| part.as_os_str() == "src")
            && !path.ends_with("mod.rs")
        {
            assert!(
                text.starts_with("//!"),
                "`{}` does not begin with what lives in it",
                path.display()
            );
        }
    }
}

/// What a vendor's data mean is text in `definitions/`; only the demo and the fake speak the vendors'
/// own shapes.
#[test]
fn no_vendor_is_named_in_rust() {
    for (path, text) in rust_files() {
        let relative = path
            .strip_prefix(root())
            .unwrap_or(&path)
            .to_string_lossy()
            .replace('\\', "/");
        let exempt = [
            "crates/demo/",
            "crates/fake/",
            "/tests/",
            "/tests.rs",
            "/benches/",
            "xtask/",
        ]
        .iter()
        .any(|part| relative.contains(part));
        if exempt {
            continue;
        }
        let code = text
            .split("#[cfg(test)]")
            .next()
            .unwrap_or_default()
            .to_lowercase();
        for vendor in ["pagerduty", "sentry", "datadog", "github"] {
            for (number, line) in code.lines().enumerate() {
                let flavour = line.contains("github-flavoured");
                assert!(
                    !line.contains(vendor) || flavour,
                    "`{relative}` line {} names a vendor: {line}",
                    number + 1
                );
            }
        }
    }
}

#[test]
fn every_verb_and_option_is_in_the_readme() {
    use clap::CommandFactory as _;
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let command = cli::args::Arguments::command();
    for verb in command.get_subcommands() {
        assert!(
            readme.contains(&format!("`{}", verb.get_name())),
            "README.md lacks `{}`",
            verb.get_name()
        );
        for option in verb
            .get_arguments()
            .filter_map(|argument| argument.get_long())
        {
            assert!(
                readme.contains(&format!("--{option}")),
                "README.md lacks `--{option}`"
            );
        }
    }
    for line in fs::read_to_string(root().join(".env.local"))
        .unwrap()
        .lines()
    {
        if let Some((setting, _)) = line
            .split_once('=')
            .filter(|(name, _)| !name.starts_with('#'))
        {
            assert!(
                readme.contains(&format!("`{setting}")),
                "README.md lacks `{setting}`"
            );
        }
    }
}

/// Each room uses those that the table in ARCHITECTURE.md says it uses, no more and no fewer.
#[test]
fn the_rooms_use_what_the_architecture_says() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let said: BTreeMap<String, BTreeSet<String>> = text
        .lines()
        .skip_while(|line| !line.starts_with("| room |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').collect();
            let names = |cell: &str| {
                cell.split('`')
                    .skip(1)
                    .step_by(2)
                    .map(str::to_owned)
                    .collect()
            };
            let room: Vec<String> = names(cells[1]);
            (room.concat(), names(cells[3]).into_iter().collect())
        })
        .collect();
    let mut folders: Vec<PathBuf> = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.push(root().join("xtask"));
    let manifests: BTreeMap<String, String> = folders
        .iter()
        .map(|folder| {
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(folder.join("Cargo.toml")).unwrap())
        })
        .collect();
    let uses = |manifest: &str| -> BTreeSet<String> {
        manifest
            .lines()
            .skip_while(|line| *line != "[dependencies]")
            .skip(1)
            .take_while(|line| !line.starts_with('['))
            .map(|line| line.split(['.', ' ', '=']).next().unwrap_or_default())
            .filter(|name| manifests.contains_key(*name))
            .map(str::to_owned)
            .collect()
    };
    let found: BTreeMap<String, BTreeSet<String>> = manifests
        .iter()
        .map(|(room, manifest)| (room.clone(), uses(manifest)))
        .collect();
    assert!(found["cli"].contains("project"));
    assert_eq!(
        said, found,
        "the table in ARCHITECTURE.md, and the manifests"
    );
}

#[test]
fn the_newest_heading_of_the_changelog_is_the_version() {
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let newest = changelog.lines().find_map(|line| line.strip_prefix("## ["));
    let version = newest.and_then(|line| line.split(']').next());
    assert_eq!(version, Some(env!("CARGO_PKG_VERSION")));
}

/// Every path that the documents name is there.
#[test]
fn the_paths_that_documents_name_are_there() {
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        let words = text.split('`').skip(1).step_by(2);
        let paths = words.filter(|word| word.starts_with("crates/") && !word.contains(['<', ' ']));
        for path in paths {
            assert!(root().join(path).exists(), "{document} names `{path}`");
        }
    }
}

/// Every link within the documents leads to a file, and to a heading in it.
#[test]
fn links_between_documents_lead_somewhere() {
    let mut documents = Vec::new();
    for folder in ["", "docs", "docs/entities"] {
        let entries = fs::read_dir(root().join(folder)).unwrap().flatten();
        let paths = entries.map(|entry| entry.path());
        documents.extend(paths.filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    assert!(documents.len() > 15);
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap_or_default();
            if link.contains("://") {
                continue;
            }
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => document.clone(),
                path => document.parent().unwrap().join(path),
            };
            assert!(target.exists(), "{} leads to `{link}`", document.display());
            if !heading.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                let found = text.lines().any(|line| anchor(line) == heading);
                assert!(found, "{} leads to `{link}`", document.display());
            }
        }
    }
}

/// What a heading is called in links: in lower case, with `-` for spaces, without signs; nothing for other lines.
fn anchor(line: &str) -> String {
    let heading = line.trim_start_matches('#');
    if heading.len() == line.len() {
        return String::new();
    }
    let letters = heading.trim().to_lowercase();
    let kept = letters
        .chars()
        .filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

/// `string` is a text to Spark; to SQLite it is no type that it knows, and a number stays one. `concat` makes a text in both.
#[test]
fn no_definition_casts_to_a_string() {
    for folder in ["derived", "indicators", "queries", "schemas"] {
        let files = fs::read_dir(root().join("definitions").join(folder)).unwrap();
        for file in files.flatten().filter(|file| {
            file.path()
                .extension()
                .is_some_and(|ending| ending == "sql")
        }) {
            let sql = fs::read_to_string(file.path()).unwrap().to_lowercase();
            assert!(!sql.contains(" as string)"), "{}", file.path().display());
        }
    }
}

/// The page of faults has each kind that the rooms of definitions can find.
#[test]
fn every_fault_in_definitions_is_shown() {
    let shown = fs::read_to_string(root().join("docs/faults.md")).unwrap();
    let rooms = ["definitions", "project", "transform"];
    let is_of_rooms = |path: &Path| {
        let crates = root().join("crates");
        rooms.iter().any(|room| path.starts_with(crates.join(room))) && !path.ends_with("tests.rs")
    };
    let codes: BTreeSet<String> = rust_files()
        .iter()
        .filter(|(path, _)| is_of_rooms(path))
        .flat_map(|(_, text)| codes_in(text))
        .collect();
    assert!(codes.len() > 60, "{codes:?}");
    let is_missing = |code: &&String| !shown.contains(&format!("[{code}]: "));
    let missing: Vec<&String> = codes.iter().filter(is_missing).collect();
    assert!(
        missing.is_empty(),
        "`docs/faults.md` does not show {missing:?}"
    );
}

/// The texts that are the code of a fault in a definition.
fn codes_in(rust: &str) -> Vec<String> {
    let kinds = [
        "definition",
        "schema",
        "view",
        "mapper",
        "derived",
        "query",
        "attention",
        "extractor",
        "guide",
        "list",
    ];
    let is_code = |text: &&str| {
        let mut words = text.split('-');
        let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase());
        words.next().is_some_and(|kind| kinds.contains(&kind))
            && text.contains('-')
            && words.all(is_word)
    };
    let texts = rust.split('"').filter(is_code);
    texts.map(str::to_owned).collect()
}

fn rust_files() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for folder in ["crates", "xtask"] {
        collect(&root().join(folder), &mut files);
    }
    assert!(files.len() > 40);
    files
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && entry.file_name() != "target" {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            files.push((path, text));
        }
    }
}
