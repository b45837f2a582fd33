//! Chores of the project: `cargo xtask docs` writes the generated pages, `cargo xtask bench` and `cargo
//! xtask bench-queries` measure.
//!
//! The tests here hold for the repository as a whole: generated pages are fresh, and the rules that no compiler
//! checks are kept.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

mod bench;
mod pages;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["docs"] => write_pages(),
        ["bench", ..] => bench::run(&arguments[1..]),
        ["bench-queries", ..] => bench::run_queries(&arguments[1..]),
        [bench::PARSE, folder] => bench::parse(Path::new(folder)),
        [bench::COPY, from, to] => bench::copy(Path::new(from), Path::new(to)),
        _ => Err(io::Error::other(format!(
            "`{}` is not a chore; there are `docs`, `bench` and `bench-queries`",
            words.join(" ")
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
