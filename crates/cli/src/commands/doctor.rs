//! `doctor`: whether each token works and each stream can be fetched.

use diagnostics::{Diagnostic, count};
use extract::{Finding, Health, Stop};
use serde_json::json;

use super::fetched;
use super::fetching::Shown;
use crate::args::{Arguments, MessageFormat, Sources};
use crate::console::Console;
use crate::{CouldNotRun, Outcome};

pub fn run(
    arguments: &Arguments,
    sources: &Sources,
    console: &Console,
) -> Result<Outcome, CouldNotRun> {
    let project = super::open_project(&arguments.project, console)?;
    let connected = super::extract::connect(&project, &sources.sources, &[], console)?;
    let shown = Shown::new(console);
    let mut findings = Vec::new();
    let mut nowhere = false;
    for source in &connected {
        let found = extract::examine(source, &Stop::default(), &shown)
            .map_err(|error| console.cannot_run(&Diagnostic::error("doctor", error.to_string())))?;
        if nothing_there(&found) {
            nowhere = true;
            let fault = fetched::nothing_there(&project, &source.extractor.source.text);
            console.diagnostic(&fault);
        }
        findings.extend(found);
    }
    if arguments.message_format == MessageFormat::Json {
        for finding in &findings {
            let (verdict, detail) = words(finding);
            let facts = json!({
                "source": *finding.source, "stream": finding.stream, "verdict": verdict, "detail": detail,
                "scope": finding.scope,
            });
            console.data(format!("{facts}\n").as_bytes())?;
        }
    } else {
        let mut lines = vec![
            ["source", "stream", "verdict", "detail"]
                .map(str::to_owned)
                .to_vec(),
        ];
        for finding in &findings {
            let (verdict, detail) = words(finding);
            lines.push(vec![
                finding.source.to_string(),
                finding.stream.clone(),
                verdict.to_owned(),
                detail,
            ]);
        }
        console.data(report::aligned(&lines).as_bytes())?;
    }
    if nowhere {
        return Err(CouldNotRun);
    }
    let sick = |finding: &&Finding| {
        !matches!(
            finding.health,
            Health::Works(_) | Health::NotThere(_) | Health::NotInPlan(_) | Health::NotTried(_)
        )
    };
    Ok(super::outcome(findings.iter().filter(sick).count() as u64))
}

/// Whether none of the streams that have no parent is there.
fn nothing_there(findings: &[Finding]) -> bool {
    let tried = findings
        .iter()
        .filter(|finding| !matches!(finding.health, Health::NotTried(_)));
    let mut tried = tried.peekable();
    tried.peek().is_some() && tried.all(|finding| matches!(finding.health, Health::NotThere(_)))
}

fn words(finding: &Finding) -> (&'static str, String) {
    let scope = finding.scope.as_deref();
    match &finding.health {
        Health::Works(records) => ("works", format!("{} on the first page", count(*records))),
        Health::WrongToken(reason) => ("wrong token", reason.clone()),
        Health::NotAllowed(reason) => (
            "not allowed",
            scope.map_or_else(
                || reason.clone(),
                |scope| format!("needs `{scope}`; {reason}"),
            ),
        ),
        Health::NotThere(reason) => (
            "not there",
            scope.map_or_else(
                || reason.clone(),
                |scope| format!("or needs `{scope}`; {reason}"),
            ),
        ),
        Health::NotInPlan(reason) => (
            "not in the plan",
            scope.map_or_else(
                || reason.clone(),
                |scope| format!("or needs `{scope}`; {reason}"),
            ),
        ),
        Health::Unreachable(reason) => ("unreachable", reason.clone()),
        Health::Refused(reason) => ("refused", reason.clone()),
        Health::NotTried(reason) => ("not tried", reason.clone()),
    }
}
