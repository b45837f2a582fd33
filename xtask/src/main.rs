//! Chores of the project: `cargo xtask docs` writes the generated pages.
//!
//! The tests here hold for the repository as a whole: generated pages are fresh, and the rules that no compiler
//! checks are kept.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

mod pages;

fn main() -> ExitCode {
    let chore = env::args().nth(1).unwrap_or_default();
    let done = match chore.as_str() {
        "docs" => write_pages(),
        _ => Err(io::Error::other(format!(
            "`{chore}` is not a chore; there is `docs`"
        ))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a chore tells whoever runs it")]
            {
                eprintln!("error: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn write_pages() -> io::Result<()> {
    for (path, text) in pages::all(&root()) {
        let path = root().join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
