//! The only place that prints: data on stdout, all else on stderr.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use diagnostics::{Diagnostic, visible};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::CouldNotRun;
use crate::args::MessageFormat;

/// Where messages go, and how they look.
pub struct Console {
    format: MessageFormat,
    colour: bool,
    is_quiet: bool,
    /// What was said of the project folder, if it was, so that commands to type say it too.
    project: Option<String>,
}

/// Stdout, for answers of any length.
#[derive(Debug, Default)]
pub struct Stdout {
    is_closed: bool,
}

impl Stdout {
    /// Whether nobody reads it any more, so that writing can stop.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    fn watched<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        let is_closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
        self.is_closed |= result.as_ref().is_err_and(is_closed);
        let said = |error: io::Error| format!("cannot write the answer: {error}");
        result.map_err(|error| io::Error::new(error.kind(), said(error)))
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = io::stdout().lock().write(bytes);
        self.watched(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = io::stdout().lock().flush();
        self.watched(flushed)
    }
}

impl Console {
    /// Colours and progress bars on a terminal, plain lines elsewhere.
    pub fn new(format: MessageFormat, is_quiet: bool, project: &Path) -> Self {
        let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self {
            format,
            colour,
            is_quiet,
            project: (project != Path::new(".")).then(|| quoted(&project.display().to_string())),
        }
    }

    /// A text whose commands can be typed as they stand: those of this program name the project folder, if it was named.
    pub fn typable(&self, text: &str) -> String {
        match &self.project {
            Some(project) => with_project(text, project),
            None => text.to_owned(),
        }
    }

    /// Says what is wrong.
    pub fn diagnostic(&self, diagnostic: &Diagnostic) {
        let mut diagnostic = diagnostic.clone();
        diagnostic.message = self.typable(&diagnostic.message);
        diagnostic.hint = diagnostic.hint.map(|hint| self.typable(&hint));
        match self.format {
            MessageFormat::Human => say(&diagnostic.render(self.colour)),
            MessageFormat::Json => say(&diagnostic.to_json().to_string()),
        }
    }

    /// Prints why the command cannot run, and gives the outcome that says so.
    pub fn cannot_run(&self, fault: &Diagnostic) -> CouldNotRun {
        self.diagnostic(fault);
        CouldNotRun
    }

    /// Says several faults, with an empty line between them.
    pub fn diagnostics(&self, diagnostics: &[Diagnostic]) {
        for (index, diagnostic) in diagnostics.iter().enumerate() {
            if index > 0 && self.format == MessageFormat::Human {
                say("");
            }
            self.diagnostic(diagnostic);
        }
    }

    /// Says what is being done; `facts` is the same for machines.
    pub fn note(&self, text: &str, facts: &serde_json::Value) {
        if self.is_quiet {
            return;
        }
        let text = self.typable(text);
        match self.format {
            MessageFormat::Human => say(&visible(&text)),
            MessageFormat::Json => {
                say_facts(serde_json::json!({ "kind": "note", "text": text }), facts);
            }
        }
    }

    /// Says how far the work is, to machines; people have bars.
    pub fn progress(&self, facts: &serde_json::Value) {
        if self.is_for_machines() && !self.is_quiet {
            say_facts(serde_json::json!({ "kind": "progress" }), facts);
        }
    }

    /// Writes data to stdout. It is not an error if nobody reads it any more, but it is one if it cannot be written.
    pub fn data(&self, bytes: &[u8]) -> Result<(), CouldNotRun> {
        let mut out = Stdout::default();
        let written = out.write_all(bytes).and_then(|()| out.flush());
        match written {
            Err(error) if !out.is_closed() => {
                self.diagnostic(&Diagnostic::error("stdout", error.to_string()));
                Err(CouldNotRun)
            }
            _ => Ok(()),
        }
    }

    /// Whether messages are for machines.
    pub fn is_for_machines(&self) -> bool {
        self.format == MessageFormat::Json
    }

    /// Several bars at once; none where nobody would see them move.
    pub fn bars(&self) -> Option<MultiProgress> {
        self.has_bars().then(MultiProgress::new)
    }

    fn has_bars(&self) -> bool {
        !self.is_for_machines() && !self.is_quiet && io::stderr().is_terminal()
    }

    /// A bar over so many bytes; hidden where nobody would see it move.
    pub fn bar(&self, label: &str, bytes: u64) -> ProgressBar {
        if !self.has_bars() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(bytes);
        let style =
            "{prefix:30} {wide_bar} {bytes:>10} / {total_bytes:10} {bytes_per_sec:>12} {eta:>4}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.set_prefix(label.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

fn say_facts(mut line: serde_json::Value, facts: &serde_json::Value) {
    if let (Some(line), Some(facts)) = (line.as_object_mut(), facts.as_object()) {
        line.extend(facts.clone());
    }
    say(&line.to_string());
}

/// A line on stderr. If that cannot be written, the work goes on all the same.
fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Adds `--project` to each command of this program that stands in backticks and does not say it.
fn with_project(text: &str, project: &str) -> String {
    let parts = text.split('`').enumerate().map(|(place, part)| {
        let is_command = place % 2 == 1 && part.starts_with("reliability ");
        match is_command && !part.contains("--project") {
            true => format!("{part} --project {project}"),
            false => part.to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join("`")
}

/// A word as a shell takes it for one.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./~+:@%".contains(c);
    match word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_name_the_project() {
        let console = |project: &str| Console::new(MessageFormat::Human, false, Path::new(project));
        let text =
            "see `reliability status`, `a.yaml`, `reliability run --project x` and reliability";
        assert_eq!(console(".").typable(text), text);
        assert_eq!(
            console("my org").typable(text),
            "see `reliability status --project 'my org'`, `a.yaml`, `reliability run --project x` and reliability"
        );
        assert_eq!(
            console("it's").typable("`reliability load`"),
            r"`reliability load --project 'it'\''s'`"
        );
    }
}
