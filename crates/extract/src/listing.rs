//! One listing: page after page until its end. While a page is being written the next one is asked for already.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use definitions::extractor::{Paging, Part, Request, StreamExtraction, Template, Windows};

use crate::client::{Answer, Client, Failure};
use crate::output::Output;
use crate::page::{self, Page, Redactor};
use crate::paging::{self, Position, Step};
use crate::state::{Listing, Values};
use crate::window;
use crate::{Event, Progress, SettingValues, Stop};

/// So many pages in a row that bring nothing new end a listing: a source that says "more" for ever is not believed.
const STALE_PAGES: u32 = 3;

/// So often a listing that changes meanwhile is gone through, before what is missing counts as a gap.
const PASSES: u32 = 3;

/// What listings of a stream share.
pub(crate) struct Context<'a> {
    pub client: &'a Client,
    pub stream: &'a StreamExtraction,
    pub settings: &'a SettingValues,
    pub redaction_key: [u8; 32],
    pub output: Arc<Mutex<Output>>,
    pub stop: &'a Stop,
    pub progress: &'a dyn Progress,
}

/// How a listing ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// With its last page; how many records the source says there are.
    Done { total: Option<u64> },
    /// There is more than the source gives: it has to be asked for in halves.
    TooMany { total: Option<u64> },
    /// With something missing.
    Failed(Failure),
    /// The disk does not take it.
    Disk(std::io::Error),
}

/// Follows a listing from a position to its end.
pub(crate) async fn follow(context: &Context<'_>, listing: &Listing, from: Position) -> Ended {
    match pages(context, listing, from).await {
        Ok(ended) => ended,
        Err(Stopped::Failure(failure)) => Ended::Failed(failure),
        Err(Stopped::Disk(error)) => Ended::Disk(error),
    }
}

/// The request of a listing.
fn request<'a>(
    stream: &'a StreamExtraction,
    listing: &Listing,
) -> (&'a Request, Option<&'a Paging>) {
    match &stream.changed {
        Some(changed) if listing.changed => (&changed.request, None),
        _ => (&stream.request, stream.paging.as_ref()),
    }
}

enum Stopped {
    Failure(Failure),
    Disk(std::io::Error),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Goes through the pages, more than once where that is needed to trust what came.
async fn pages(context: &Context<'_>, listing: &Listing, from: Position) -> Result<Ended, Stopped> {
    let mut all = Pass {
        from_the_first: from == Position::First,
        number: 1,
        ..Pass::default()
    };
    let mut from = from;
    loop {
        if let Some(ended) = pass(context, listing, from, &mut all).await? {
            return Ok(ended);
        }
        from = Position::First;
        all = Pass {
            number: all.number + 1,
            from_the_first: true,
            known: all.known,
            ..Pass::default()
        };
    }
}

/// What is known of a listing while it is gone through.
#[derive(Default)]
struct Pass {
    /// Which time it is gone through, from 1.
    number: u32,
    from_the_first: bool,
    /// Keys of this pass, and of all.
    seen: HashSet<u64>,
    known: HashSet<u64>,
    pages: u64,
    /// Records that no earlier pass brought.
    new: u64,
    /// The greatest total that a page named.
    greatest_total: Option<u64>,
    /// Pages in a row without anything that this pass had not seen.
    stale: u32,
}

/// Goes through the pages once. Nothing comes back if they have to be gone through again.
async fn pass(
    context: &Context<'_>,
    listing: &Listing,
    from: Position,
    pass: &mut Pass,
) -> Result<Option<Ended>, Stopped> {
    let (request, paging) = request(context.stream, listing);
    let can_halve = listing
        .window
        .is_some_and(|window| window.halves().is_some());
    let mut at = from;
    let url = address(context, listing, &at)?;
    let mut answer = get(context, url).await?;
    loop {
        let mut page = page::read(&answer.body, answer.link.as_deref(), request, paging)
            .map_err(Failure::Refused)?;
        page.facts.new = pass.count(&page);
        let total = page.facts.total;
        if can_halve && paging::exceeds_cap(paging, total) {
            return Ok(Some(Ended::TooMany { total }));
        }
        let (noted, ended) = match paging::next(paging, &at, &page.facts) {
            Step::Next(_) if pass.stale >= STALE_PAGES => {
                let reason = format!(
                    "the source says that there is more, but {STALE_PAGES} pages brought nothing new"
                );
                (Noted::StaysAt(at.clone()), Some(refused(reason)))
            }
            Step::Next(position) => (Noted::GoesOn(position), None),
            Step::Done => match pass.end(context.stream.whole, paging, total) {
                End::Done => (Noted::Done, Some(Some(Ended::Done { total }))),
                End::Again => (Noted::StaysAt(Position::First), Some(None)),
                End::Short(reason) => (Noted::StaysAt(Position::First), Some(refused(reason))),
            },
            Step::Capped if can_halve => (
                Noted::StaysAt(at.clone()),
                Some(Some(Ended::TooMany { total })),
            ),
            Step::Capped => {
                let reason = "the source gives no more of it, and the stretch of time cannot be made shorter";
                (Noted::StaysAt(at.clone()), Some(refused(reason.to_owned())))
            }
        };
        let next = match &noted {
            Noted::GoesOn(position) => Some(position.clone()),
            _ => None,
        };
        let lines = lines(context, listing, &page, &answer);
        let records = page.records.len() as u64;
        drop(page);
        let writing = write(context, listing, noted, lines, records);
        let Some(position) = next else {
            writing.await.map_err(Stopped::Disk)?;
            told(context, records, total, answer.remaining);
            return Ok(ended.flatten());
        };
        let url = match &position {
            Position::Url(link) => context.client.follow(&answer.url, link),
            _ => address(context, listing, &position),
        };
        let asking = async {
            match url {
                Ok(url) => get(context, url).await,
                Err(failure) => Err(failure),
            }
        };
        let (written, asked) = tokio::join!(writing, asking);
        written.map_err(Stopped::Disk)?;
        told(context, records, total, answer.remaining);
        answer = asked?;
        at = position;
    }
}

fn refused(reason: String) -> Option<Ended> {
    Some(Ended::Failed(Failure::Refused(reason)))
}

/// What the journal says of a listing after a page.
enum Noted {
    GoesOn(Position),
    StaysAt(Position),
    Done,
}

/// What the last page of a pass means.
enum End {
    Done,
    Again,
    Short(String),
}

impl Pass {
    /// Takes note of a page; how many of its records are new to this pass.
    fn count(&mut self, page: &Page<'_>) -> u64 {
        let mut new = 0;
        for record in &page.records {
            new += u64::from(self.seen.insert(record.key));
            self.new += u64::from(self.known.insert(record.key));
        }
        self.pages += 1;
        self.stale = if new == 0 { self.stale + 1 } else { 0 };
        self.greatest_total = self.greatest_total.max(page.facts.total);
        new
    }

    /// Whether all has come. Where pages are found by counting records, one that is deleted meanwhile shifts those
    /// behind it, and one of these is passed over: a total that shrank tells of it. A source that names no total is
    /// believed once going through it again brings nothing new, if it has to be known that all came.
    fn end(&self, whole: bool, paging: Option<&Paging>, total: Option<u64>) -> End {
        let came = self.seen.len() as u64;
        let shrank = self.greatest_total > total;
        let short = total.is_some_and(|total| self.from_the_first && came < total);
        let shifts = !matches!(paging, None | Some(Paging::IdOffset { .. }));
        let unproven = whole
            && shifts
            && total.is_none()
            && self.pages > 1
            && (self.number == 1 || self.new > 0);
        if !(shrank || short || unproven) {
            return End::Done;
        }
        if self.number < PASSES {
            return End::Again;
        }
        End::Short(match total {
            Some(total) if short => format!("the source counts {total} records, {came} came"),
            _ => format!("it changed each of the {PASSES} times that it was gone through"),
        })
    }
}

fn told(context: &Context<'_>, records: u64, total: Option<u64>, remaining: Option<u64>) {
    context.progress.event(&Event::Page {
        stream: &context.stream.stream.text,
        records,
        total,
        remaining,
    });
}

async fn get(context: &Context<'_>, url: reqwest::Url) -> Result<Answer, Failure> {
    context
        .client
        .get(url, context.stop, context.progress)
        .await
}

async fn write(
    context: &Context<'_>,
    listing: &Listing,
    noted: Noted,
    lines: Vec<u8>,
    records: u64,
) -> std::io::Result<()> {
    let output = Arc::clone(&context.output);
    let listing = listing.clone();
    let written = tokio::task::spawn_blocking(move || {
        let mut output = output
            .lock()
            .map_err(|_| std::io::Error::other("another page could not be written"))?;
        let next = match noted {
            Noted::GoesOn(position) | Noted::StaysAt(position) => Some(position),
            Noted::Done => None,
        };
        output.page(&listing, next, &lines, records)
    });
    written.await.map_err(std::io::Error::other)?
}

fn lines(context: &Context<'_>, listing: &Listing, page: &Page<'_>, answer: &Answer) -> Vec<u8> {
    let redactor = Redactor {
        rules: &context.stream.redact,
        key: context.redaction_key,
    };
    let parent = listing
        .parent
        .as_ref()
        .filter(|_| !listing.changed)
        .map(json_of);
    let mut lines = Vec::with_capacity(answer.body.len() + page.records.len() * 64);
    for record in &page.records {
        page::write_line(
            &mut lines,
            record.json,
            &redactor,
            answer.at,
            parent.as_deref(),
        );
    }
    lines
}

/// Values as a JSON object; they were scalars in the parent's record, and are kept as text.
fn json_of(values: &Values) -> String {
    let members = values
        .iter()
        .map(|(name, value)| (name.clone(), serde_json::Value::String(value.clone())));
    serde_json::Value::Object(members.collect()).to_string()
}

fn address(
    context: &Context<'_>,
    listing: &Listing,
    at: &Position,
) -> Result<reqwest::Url, Failure> {
    let values = listing.parent.as_deref().unwrap_or_default();
    let (request, paging) = request(context.stream, listing);
    if let Position::Url(link) = at {
        let base = context.client.address("/", &[])?;
        return context.client.follow(&base, link);
    }
    let window = listing.window.zip(context.stream.windows.as_ref());
    url(
        context.client,
        request,
        paging,
        context.settings,
        values,
        window,
        at,
    )
}

/// The address of a page.
pub(crate) fn url(
    client: &Client,
    request: &Request,
    paging: Option<&Paging>,
    settings: &SettingValues,
    values: &[(String, String)],
    window: Option<(window::Window, &Windows)>,
    at: &Position,
) -> Result<reqwest::Url, Failure> {
    let path = fill(&request.path, settings, values, true);
    let mut query: Vec<(String, String)> = request
        .query
        .iter()
        .map(|(name, value)| (name.clone(), fill(value, settings, values, false)))
        .collect();
    if let Some((window, windows)) = window {
        // No source says on which side a window's ends are in it, so neighbours share a second.
        let since = window::before(window.since, std::time::Duration::from_secs(1));
        query.push((windows.since.clone(), since.to_string()));
        query.push((windows.until.clone(), window.until.to_string()));
    }
    query.extend(paging::parameters(paging, at));
    client.address(&path, &query)
}

/// Fills a template; in a path, what is filled in cannot add to its shape.
pub(crate) fn fill(
    template: &Template,
    settings: &SettingValues,
    values: &[(String, String)],
    escape: bool,
) -> String {
    let value = |name: &str| {
        values
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value.as_str())
    };
    let mut text = String::new();
    for part in &template.parts {
        match part {
            Part::Text(words) => text += words,
            Part::Setting(name) => {
                let setting = settings.get(name).map_or("", String::as_str);
                text += &escaped(setting, escape, false);
            }
            Part::Value(name) => text += &escaped(value(name), escape, false),
            Part::ValueWithSlashes(name) => text += &escaped(value(name), escape, true),
        }
    }
    text
}

/// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3). A part that is only dots would lead up.
fn escaped(text: &str, escape: bool, slashes: bool) -> String {
    if !escape {
        return text.to_owned();
    }
    if slashes {
        let parts: Vec<String> = text
            .split('/')
            .map(|part| escaped(part, true, false))
            .collect();
        return parts.join("/");
    }
    let only_dots = !text.is_empty() && text.bytes().all(|byte| byte == b'.');
    let mut out = String::new();
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_' | b'~')
            || (byte == b'.' && !only_dots);
        if plain {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_cannot_change_the_shape_of_a_path() {
        assert_eq!(
            escaped("a b/../c?x#y", true, false),
            "a%20b%2F..%2Fc%3Fx%23y"
        );
        assert_eq!(escaped("acme/web.app", true, true), "acme/web.app");
        assert_eq!(escaped("acme/../x?y", true, true), "acme/%2E%2E/x%3Fy");
        assert_eq!(escaped("is:open a", false, false), "is:open a");
    }
}
