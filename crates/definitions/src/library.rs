//! Which definition files are in force, and where each came from.
//!
//! A project's file with the same relative path as a built-in one replaces it whole; there is no merging inside a
//! file, so "which one is in force?" has a one-word answer.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diagnostics::{Diagnostic, Source};

include!(concat!(env!("OUT_DIR"), "/built_in.rs"));

/// Where a definition came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Part of the program.
    BuiltIn,
    /// The project's own, where the program has none of that name.
    Added,
    /// The project's own, in place of a built-in one.
    Replaced,
}

/// One definition file in force.
#[derive(Debug, Clone)]
pub struct File {
    /// Relative to the definitions folder, such as `queries/noisy_services.sql`.
    pub path: String,
    /// Where it came from.
    pub origin: Origin,
    /// Its text, under the name that messages use for it.
    pub source: Arc<Source>,
}

/// All definition files in force, by path.
#[derive(Debug)]
pub struct Library {
    /// The files, ordered by path.
    pub files: Vec<File>,
}

impl File {
    pub(crate) fn built_in(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            origin: Origin::BuiltIn,
            source: Arc::new(Source {
                path: path.to_owned(),
                text: text.to_owned(),
            }),
        }
    }

    /// The folder it lies in and its ending: `("queries", "sql")`.
    pub fn kind(&self) -> (&str, &str) {
        let folder = self.path.split_once('/').map_or("", |(folder, _)| folder);
        let ending = self.path.rsplit_once('.').map_or("", |(_, ending)| ending);
        (folder, ending)
    }

    /// The file's name without folder and ending: `noisy_services`.
    pub fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }
}

impl Library {
    /// Lays `project/definitions` over the built-in definitions. Files that cannot be read are reported.
    pub fn read(project: &Path) -> (Self, Vec<Diagnostic>) {
        let mut faults = Vec::new();
        let mut files: Vec<File> = BUILT_IN
            .iter()
            .map(|(path, text)| File::built_in(path, text))
            .collect();
        let root = project.join("definitions");
        for path in own_files(&root, &mut faults) {
            let name = relative_name(&root, &path);
            let shown = format!("definitions/{name}");
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) => {
                    faults.push(
                        Diagnostic::error(
                            "definition-unreadable",
                            format!("cannot read a definition: {error}"),
                        )
                        .in_data(shown),
                    );
                    continue;
                }
            };
            let source = Arc::new(Source { path: shown, text });
            match files.iter_mut().find(|file| file.path == name) {
                // The program's own repository is a project as well: the same text is not a replacement.
                Some(file) if file.source.text == source.text => {}
                Some(file) => {
                    file.origin = Origin::Replaced;
                    file.source = source;
                }
                None => files.push(File {
                    path: name,
                    origin: Origin::Added,
                    source,
                }),
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        (Self { files }, faults)
    }

    /// A file by its path, or by its stem, in a folder or in all.
    pub fn find(&self, name: &str) -> Vec<&File> {
        let name = name.strip_prefix("definitions/").unwrap_or(name);
        self.files
            .iter()
            .filter(|file| {
                file.path == name
                    || file.stem() == name
                    || file.path.starts_with(&format!("{name}/"))
            })
            .collect()
    }
}

/// The warning for a file that no part of the program reads.
pub(crate) fn nothing_reads(file: &File) -> Diagnostic {
    Diagnostic::warning("definition-unused", format!("nothing reads `{}`", file.source.path)).hint(
        "definitions are `extractors/*.yaml`, `mappers/*.yaml`, `schemas/*.sql`, `derived/*.sql`, `queries/*.sql`, `*.tests.yaml` beside the last two, `attention/*.yaml`, `indicators/*.sql` and `postmortems/*.yaml`",
    )
}

/// The files below a folder, in order of name; hidden ones and links to folders are skipped.
fn own_files(folder: &Path, faults: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            faults.push(
                Diagnostic::error(
                    "definition-unreadable",
                    format!("cannot list the definitions: {error}"),
                )
                .in_data(folder.display().to_string()),
            );
            return Vec::new();
        }
    };
    let mut files = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !hidden => files.extend(own_files(&path, faults)),
            Ok(kind) if !kind.is_dir() && !hidden && path.is_file() => files.push(path),
            _ => {}
        }
    }
    files.sort();
    files
}

fn relative_name(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projects_file_replaces_or_adds() {
        let project = tempfile::tempdir().unwrap();
        let queries = project.path().join("definitions/queries");
        fs::create_dir_all(&queries).unwrap();
        fs::write(queries.join("mine.sql"), "-- title: Mine\nselect 1").unwrap();
        let built_in = BUILT_IN
            .iter()
            .find(|(path, _)| path.starts_with("queries/"))
            .unwrap()
            .0;
        fs::write(
            project.path().join("definitions").join(built_in),
            "select 2",
        )
        .unwrap();

        let (library, faults) = Library::read(project.path());
        assert_eq!(faults, []);
        let origin = |path: &str| {
            library
                .files
                .iter()
                .find(|file| file.path == path)
                .unwrap()
                .origin
        };
        assert_eq!(origin("queries/mine.sql"), Origin::Added);
        assert_eq!(origin(built_in), Origin::Replaced);
        assert_eq!(library.find("mine").len(), 1);
    }

    #[test]
    fn without_a_folder_the_built_in_ones_are_in_force() {
        let project = tempfile::tempdir().unwrap();
        let (library, faults) = Library::read(project.path());
        assert_eq!(faults, []);
        assert_eq!(library.files.len(), BUILT_IN.len());
        assert!(
            library
                .files
                .iter()
                .all(|file| file.origin == Origin::BuiltIn)
        );
    }
}
