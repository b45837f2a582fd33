//! The folder `rejects/`: for people, made from the table `_rejects`. Only files that this program wrote go from it.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use diagnostics::Diagnostic;
use project::Project;
use store::{RejectRow, Store};
use transform::Plan;

/// What the names of our files end in.
const ENDING: &str = ".rejects.ndjson";

/// Writes the rejects of a stream to `rejects/<stream>/`, a file for each raw file that has some, and removes those of
/// raw files that have none any more. The result says if they could not be written.
pub(crate) fn export(
    project: &Project,
    plan: &Plan,
    store: &Store,
) -> Result<Option<Diagnostic>, store::Error> {
    let folder = project.folder.join("rejects").join(plan.stream.as_str());
    let mut files = Files {
        folder: &folder,
        prefix: format!("raw_data/{}/", plan.stream),
        open: None,
        written: HashSet::new(),
    };
    let mut written: io::Result<()> = Ok(());
    store.rejects(&plan.stream, &mut |row| {
        if written.is_ok() {
            written = files.write(&row);
        }
    })?;
    let written = written
        .and_then(|()| files.close())
        .and_then(|()| remove_others(&folder, &files.written));
    Ok(written.err().map(|error| {
        Diagnostic::warning(
            "rejects-unwritten",
            format!("cannot write `rejects/{}`: {error}", plan.stream),
        )
        .note("they are in the table `_rejects`")
    }))
}

/// The files of a stream, written one after the other.
struct Files<'a> {
    folder: &'a Path,
    /// What the names of raw files begin with.
    prefix: String,
    /// The raw file whose rejects are being written.
    open: Option<(String, tempfile::NamedTempFile)>,
    written: HashSet<String>,
}

impl Files<'_> {
    fn write(&mut self, row: &RejectRow) -> io::Result<()> {
        if self.open.as_ref().is_none_or(|(path, _)| *path != row.path) {
            self.close()?;
            fs::create_dir_all(self.folder)?;
            // With our ending, so that what a killed run leaves goes with the rest.
            let file = tempfile::Builder::new()
                .prefix(".")
                .suffix(ENDING)
                .tempfile_in(self.folder)?;
            self.open = Some((row.path.clone(), file));
        }
        let line = serde_json::json!({
            "file": row.path, "line": row.line, "table": row.table, "column": row.column,
            "code": row.code, "reason": row.reason, "value": row.value, "record": row.record,
        });
        match &mut self.open {
            Some((_, file)) => writeln!(file.as_file(), "{line}"),
            None => Ok(()),
        }
    }

    /// Gives the file that is being written its name.
    fn close(&mut self) -> io::Result<()> {
        let Some((path, file)) = self.open.take() else {
            return Ok(());
        };
        // The whole path, so that two files of one name in two folders stay apart.
        let path = path.strip_prefix(&self.prefix).unwrap_or(&path);
        let name = format!("{}{ENDING}", path.replace(['/', '\\'], "_"));
        file.persist(self.folder.join(&name))?;
        self.written.insert(name);
        Ok(())
    }
}

/// Removes what earlier runs wrote and this one did not; then the folder, if that left nothing in it.
fn remove_others(folder: &Path, written: &HashSet<String>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let mut removed = false;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(ENDING) && !written.contains(&name) && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
            removed = true;
        }
    }
    if removed {
        // It fails where people keep something of their own here.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}
