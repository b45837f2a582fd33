//! Whether each stream can be fetched: one request for each, and what the answer means.

use std::sync::Arc;
use std::time::Duration;

use definitions::extractor::{StreamExtraction, Windows};

use crate::Source;
use crate::client::{Client, Failure};
use crate::listing;
use crate::page;
use crate::paging;
use crate::state::Values;
use crate::window::{self, Window};

/// How it stands with a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// An answer came, with so many records on its first page.
    Works(u64),
    /// The token is not right.
    WrongToken(String),
    /// The token may not see it.
    NotAllowed(String),
    /// It is not there, or not in the plan that was bought.
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
    pub source: String,
    /// The stream.
    pub stream: String,
    /// The permission that it needs, if the extractor says so.
    pub scope: Option<String>,
    /// How it stands.
    pub health: Health,
}

/// Tries every stream of a source once.
pub fn examine(source: &Source<'_>) -> std::io::Result<Vec<Finding>> {
    crate::runtime()?.block_on(async {
        let mut findings = Vec::new();
        let mut first_records: Vec<(String, Option<String>)> = Vec::new();
        for stream in &source.extractor.streams {
            let (health, record) = examine_stream(source, stream, &first_records).await;
            first_records.push((stream.stream.text.to_string(), record));
            findings.push(Finding {
                source: source.extractor.source.text.clone(),
                stream: stream.stream.text.to_string(),
                scope: stream.scope.clone(),
                health,
            });
        }
        Ok(findings)
    })
}

async fn examine_stream(
    source: &Source<'_>,
    stream: &StreamExtraction,
    first_records: &[(String, Option<String>)],
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
    match first_page(&source.client, source, stream, &values).await {
        Ok((records, first)) => (Health::Works(records), first),
        Err(failure) => (health_of(failure), None),
    }
}

async fn first_page(
    client: &Client,
    source: &Source<'_>,
    stream: &StreamExtraction,
    values: &Values,
) -> Result<(u64, Option<String>), Failure> {
    let now = jiff::Timestamp::now();
    // Long enough to hold records, short enough to be answered quickly.
    const STRETCH: Duration = Duration::from_secs(30 * 86_400);
    let recent = |windows: &Windows| Window {
        since: window::day_start(window::before(now, STRETCH.min(windows.longest))),
        until: window::next_day(now),
    };
    let url = listing::url(
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
    let answer = client.try_once(&url).await?;
    let body = Arc::clone(&answer.body);
    let page = page::read(
        &body,
        answer.link.as_deref(),
        &stream.request,
        stream.paging.as_ref(),
    )
    .map_err(Failure::Refused)?;
    let first = page.records.first().map(|record| record.json.to_owned());
    Ok((page.facts.records, first))
}

fn health_of(failure: Failure) -> Health {
    match failure {
        Failure::Unauthorized(reason) => Health::WrongToken(reason),
        Failure::Forbidden(reason) => Health::NotAllowed(reason),
        Failure::NotThere(reason) => Health::NotInPlan(reason),
        Failure::GaveUp(reason) => Health::Unreachable(reason),
        Failure::Stopped => Health::NotTried(failure.reason().to_owned()),
        Failure::Refused(reason) | Failure::Elsewhere(reason) => Health::Refused(reason),
    }
}
