//! Whether each stream can be fetched: one request for each, and what the answer means.

use std::sync::Arc;
use std::time::Duration;

use definitions::SourceName;
use definitions::extractor::{StreamExtraction, Windowing};

use crate::address;
use crate::client::Expected;
use crate::failure::Failure;
use crate::page;
use crate::paging;
use crate::state::Values;
use crate::window::{self, Window};
use crate::{Progress, Source, Stop};

/// Whether a stream can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// An answer came, with so many records on its first page.
    Works(u64),
    /// The token is not right.
    WrongToken(String),
    /// The token may not see it.
    NotAllowed(String),
    /// It is not there.
    NotThere(String),
    /// It is not in the plan that was bought.
    NotInPlan(String),
    /// No answer came.
    Unreachable(String),
    /// The request was refused, or the answer was not what was expected.
    Refused(String),
    /// Not tried: there is no record of the stream that it depends on.
    NotTried(String),
}

/// What was found of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The source.
    pub source: SourceName,
    /// The stream.
    pub stream: String,
    /// The permission that it needs, if the extractor says so.
    pub scope: Option<String>,
    /// Whether it can be fetched.
    pub health: Health,
}

/// Tries every stream of a source once.
pub fn examine(
    source: &Source<'_>,
    stop: &Stop,
    progress: &dyn Progress,
) -> std::io::Result<Vec<Finding>> {
    crate::block_on(async {
        let mut findings = Vec::new();
        let mut down: Option<String> = None;
        let mut first_records: Vec<(String, Option<String>)> = Vec::new();
        for stream in &source.extractor.streams {
            let (health, record) = match &down {
                // It would take as long again.
                Some(reason) if stream.parent.is_none() => {
                    (Health::Unreachable(reason.clone()), None)
                }
                _ => examine_stream(source, stream, &first_records, stop, progress).await,
            };
            if let Health::Unreachable(reason) = &health {
                down = Some(reason.clone());
            }
            first_records.push((stream.stream.text.to_string(), record));
            findings.push(Finding {
                source: source.extractor.source.text.clone(),
                stream: stream.stream.text.to_string(),
                scope: stream.scope.clone(),
                health,
            });
        }
        findings
    })
}

async fn examine_stream(
    source: &Source<'_>,
    stream: &StreamExtraction,
    first_records: &[(String, Option<String>)],
    stop: &Stop,
    progress: &dyn Progress,
) -> (Health, Option<String>) {
    let mut values = Values::new();
    if let Some(parent) = &stream.parent {
        let record = first_records
            .iter()
            .find(|(name, _)| parent.stream.text == *name)
            .and_then(|(_, record)| record.as_deref());
        let Some(record) = record else {
            let reason = format!("there is no record of `{}` to ask for", parent.stream.text);
            return (Health::NotTried(reason), None);
        };
        for (name, path) in &parent.values {
            values.push((
                name.clone(),
                page::first_scalar(record, path).unwrap_or_default(),
            ));
        }
    }
    match first_page(source, stream, &values, stop, progress).await {
        Ok((records, first)) => (Health::Works(records), first),
        Err(failure) => (health_of(failure), None),
    }
}

async fn first_page(
    source: &Source<'_>,
    stream: &StreamExtraction,
    values: &Values,
    stop: &Stop,
    progress: &dyn Progress,
) -> Result<(u64, Option<String>), Failure> {
    let client = &source.client;
    let now = jiff::Timestamp::now();
    // Long enough to hold records, short enough to be answered quickly.
    const STRETCH: Duration = Duration::from_secs(30 * 86_400);
    let recent = |windows: &Windowing| Window {
        since: window::day_start(window::before(now, STRETCH.min(windows.longest))),
        until: window::next_day(now),
    };
    let url = address::url(
        client,
        &stream.request,
        stream.paging.as_ref(),
        &source.settings,
        values,
        stream
            .windows
            .as_ref()
            .map(|windows| (recent(windows), windows)),
        &paging::Position::First,
    )?;
    let expected = Expected {
        records: &stream.request.records,
        text: stream.request.text.as_deref(),
        may_be_empty: stream.may_be_empty,
    };
    let answer = client.try_once(&url, expected, stop, progress).await?;
    let body = Arc::clone(&answer.body);
    let page = page::read(&body, &answer.next, &stream.request, stream.paging.as_ref())
        .map_err(Failure::Refused)?;
    let first = page.records.first().map(|record| record.json.to_owned());
    Ok((page.facts.records, first))
}

fn health_of(failure: Failure) -> Health {
    match failure {
        Failure::Unauthorized(reason) => Health::WrongToken(reason),
        Failure::Forbidden(reason) => Health::NotAllowed(reason),
        Failure::NotThere(reason) => Health::NotThere(reason),
        Failure::NotInPlan(reason) => Health::NotInPlan(reason),
        Failure::Down(reason) => Health::Unreachable(reason),
        Failure::Stopped => Health::NotTried(failure.reason().to_owned()),
        Failure::Refused(reason) | Failure::GaveUp(reason) | Failure::Elsewhere(reason) => {
            Health::Refused(reason)
        }
    }
}
