//! `extract`: from the sources' APIs into `raw_data/`. What is shown while it goes on is in `fetching`, what is said of
//! the end in `fetched`.

use definitions::extractor::Extractor;
use diagnostics::{Diagnostic, nearest};
use extract::{Options, SettingFault, Source, Stop};
use serde_json::json;

use super::fetched;
use super::fetching::Shown;
use project::Project;

use crate::args::{Arguments, ExtractArguments};
use crate::console::Console;
use crate::{CouldNotRun, Outcome};

pub fn run(
    arguments: &Arguments,
    options: &ExtractArguments,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let project = super::open_project(&arguments.project, console)?;
    let wanted = Options {
        only: streams(&project, &options.only, console)?,
        since: options
            .since
            .as_deref()
            .map(|text| since(&project, text, console))
            .transpose()?,
        full: options.full,
    };
    let sources = connect(&project, &options.sources, &wanted.only, console)?;
    let stop = Stop::default();
    super::stop_on_interrupt(&stop);
    let shown = Shown::new(console);
    let raw_data = project.folder.join("raw_data");
    let reports = extract::extract(&sources, &raw_data, &wanted, &stop, &shown);
    let reports = reports.map_err(|error| {
        let fault = Diagnostic::error("extract", format!("cannot fetch: {error}"));
        console.diagnostic(&match error.kind() {
            std::io::ErrorKind::WouldBlock => {
                fault.hint("wait until it is done, or end that process")
            }
            _ => fault,
        });
        CouldNotRun
    })?;
    fetched::summary(&project, &reports, console)
}

/// The settings of the shell that name a proxy.
const PROXIES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// A malformed proxy is an error, or else requests would go out without one. Its text is not shown: it may hold a password.
fn proxies(console: &Console) -> Result<(), CouldNotRun> {
    let value = |name: &&str| {
        std::env::var(name)
            .is_ok_and(|value| !value.trim().is_empty() && !extract::is_proxy(&value))
    };
    let Some(name) = PROXIES.into_iter().find(|name| value(name)) else {
        return Ok(());
    };
    let fault = Diagnostic::error(
        "setting-proxy",
        format!("`{name}` is not the address of a proxy"),
    );
    console.diagnostic(&fault.hint(format!(
        "set `{name}=http://proxy.example:3128`, or leave it empty for no proxy"
    )));
    Err(CouldNotRun)
}

/// Makes the named sources ready to be asked; without names, all whose tokens are set.
pub(super) fn connect<'a>(
    project: &'a Project,
    names: &[String],
    only: &[String],
    console: &Console,
) -> Result<Vec<Source<'a>>, CouldNotRun> {
    proxies(console)?;
    let extractors = &project.definitions.extractors;
    if let Some(fault) = unknown_source(extractors, names) {
        return Err(console.cannot_run(&fault));
    }
    let concerned = |extractor: &&Extractor| {
        let named = names.is_empty() || names.iter().any(|name| **name == *extractor.source.text);
        let has_stream = |stream: &String| {
            extractor
                .streams
                .iter()
                .any(|known| known.stream.text == *stream)
        };
        named && (only.is_empty() || only.iter().any(has_stream))
    };
    let mut sources = Vec::new();
    let mut could_not = false;
    for extractor in extractors.iter().filter(concerned) {
        let source = &extractor.source.text;
        match extract::connect(extractor, &|name| project.settings.value(name)) {
            Ok(connected) => sources.push(connected),
            Err(faults) => {
                let is_asked_for = !names.is_empty() || !only.is_empty();
                if !is_asked_for && is_not_used(project, extractor, &faults) {
                    // A source that is not used has none of its tokens set.
                    let missing = missing_names(&faults);
                    console.note(
                        &format!("{source} is skipped: {missing} not set"),
                        &json!({ "source": **source, "skipped": true }),
                    );
                    continue;
                }
                could_not = true;
                for fault in faults {
                    console.diagnostic(&setting_fault(source, &fault));
                }
            }
        }
    }
    if could_not {
        return Err(CouldNotRun);
    }
    if sources.is_empty() {
        return Err(console.cannot_run(&no_token(extractors)));
    }
    Ok(sources)
}

/// The first of some names that is not a source.
fn unknown_source(extractors: &[Extractor], names: &[String]) -> Option<Diagnostic> {
    let known = || extractors.iter().map(|extractor| &*extractor.source.text);
    let name = names
        .iter()
        .find(|name| !known().any(|known| known == *name))?;
    let fault = Diagnostic::error(
        "source-unknown",
        format!("`{name}` is not a source that can be fetched"),
    );
    Some(fault.hint(match nearest(name, known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`reliability show extractors` lists them".to_owned(),
    }))
}

/// Whether none of a source's tokens is set, and nothing else is wrong.
fn is_not_used(project: &Project, extractor: &Extractor, faults: &[SettingFault]) -> bool {
    let is_missing = |fault: &SettingFault| matches!(fault, SettingFault::Missing { .. });
    let mut secrets = extractor.settings.iter().filter(|setting| setting.secret);
    faults.iter().all(is_missing)
        && secrets.all(|setting| project.settings.value(&setting.name.text).is_none())
}

fn no_token(extractors: &[Extractor]) -> Diagnostic {
    let fault = Diagnostic::error(
        "extract-nothing",
        "there is no source to fetch from: no token is set",
    );
    let mut settings = extractors.iter().flat_map(|extractor| &extractor.settings);
    match settings.find(|setting| setting.secret) {
        Some(token) => fault.hint(format!(
            "set one in `.env`, such as `{}=…`; `.env.local` lists them all",
            token.name.text
        )),
        None => fault,
    }
}

fn missing_names(faults: &[SettingFault]) -> String {
    let names: Vec<String> = faults
        .iter()
        .filter_map(|fault| match fault {
            SettingFault::Missing { name, .. } => Some(format!("`{name}`")),
            _ => None,
        })
        .collect();
    format!(
        "{} {}",
        names.join(" and "),
        if names.len() == 1 { "is" } else { "are" }
    )
}

fn setting_fault(source: &str, fault: &SettingFault) -> Diagnostic {
    match fault {
        SettingFault::Missing { name, meaning } => {
            Diagnostic::error("setting-missing", format!("`{source}` needs `{name}`: {meaning}"))
                .hint(format!("put `{name}=…` into `.env`, or set it in the shell"))
        }
        SettingFault::NotSendable { header } => Diagnostic::error(
            "setting-not-sendable",
            format!("`{source}` cannot send the header `{header}`: a setting in it has a line break or another character that no header may have"),
        )
        .hint("copy the token anew"),
        SettingFault::BaseUrl { name, reason } => {
            Diagnostic::error("setting-base-url", format!("the base URL of `{source}` cannot be used: {reason}"))
                .hint(format!("set `{name}`, or remove it to use the source's own"))
        }
        SettingFault::Client(reason) => Diagnostic::error("extract", reason.clone()),
    }
}

/// The streams named, each of which an extractor must have.
fn streams(
    project: &Project,
    names: &[String],
    console: &Console,
) -> Result<Vec<String>, CouldNotRun> {
    let known: Vec<&str> = project
        .definitions
        .extractors
        .iter()
        .flat_map(|extractor| &extractor.streams)
        .map(|stream| stream.stream.text.as_str())
        .collect();
    for name in names {
        if !known.contains(&name.as_str()) {
            let fault = Diagnostic::error(
                "stream-unknown",
                format!("`{name}` is not a stream that can be fetched"),
            );
            let hint = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("expected one of `{}`", known.join("`, `")),
            };
            return Err(console.cannot_run(&fault.hint(hint)));
        }
    }
    Ok(names.to_vec())
}

/// A moment; without a zone in `TIME_ZONE`, a date as its midnight.
fn since(project: &Project, text: &str, console: &Console) -> Result<jiff::Timestamp, CouldNotRun> {
    let moment = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let local: jiff::civil::DateTime = text.parse().ok()?;
        project.settings.clock.zone.to_timestamp(local).ok()
    });
    let fault = |message: String| {
        console.cannot_run(
            &Diagnostic::error("argument", message)
                .hint("write it as `--since 2026-01-31` or `--since 2026-01-31T08:00:00Z`"),
        )
    };
    let moment = moment.ok_or_else(|| fault(format!("`--since {text}` is not a date")))?;
    if moment > jiff::Timestamp::now() {
        return Err(fault(format!("`--since {text}` lies in the future")));
    }
    Ok(moment)
}
