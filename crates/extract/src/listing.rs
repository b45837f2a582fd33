//! One listing: page after page until its end. While a page is being written the next one is asked for already.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use definitions::extractor::{Paging, Request, StreamExtraction};
use jiff::Timestamp;

use crate::address;
use crate::client::{Answer, Client, Expected};
use crate::failure::Failure;
use crate::journal::{Listed, Listing, PageNote};
use crate::output::Output;
use crate::page::{self, Page, Redactor};
use crate::paging::{self, Position, Step};
use crate::retry;
use crate::state::Values;
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
    /// With its last page.
    Done(Listed),
    /// There is more than the source gives: it has to be asked for in halves.
    TooMany { total: Option<u64> },
    /// With something missing.
    Failed(Failure),
    /// The disk does not take it.
    Disk(std::io::Error),
}

/// Where to take up a listing.
pub(crate) enum Begin {
    /// At its first page.
    AtTheFirst,
    /// At a position behind pages that are on disk.
    Behind(Position, Vec<PageNote>),
}

/// Follows a listing to its end.
pub(crate) async fn follow(context: &Context<'_>, listing: &Listing, from: Begin) -> Ended {
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
async fn pages(context: &Context<'_>, listing: &Listing, from: Begin) -> Result<Ended, Stopped> {
    let (mut from, mut all) = match from {
        Begin::AtTheFirst => (Position::First, Pass::first()),
        Begin::Behind(position, notes) => {
            let mut all = Pass::first();
            notes.iter().for_each(|note| all.replay(note));
            if position == Position::First && all.pages > 0 {
                all = all.next();
            }
            (position, all)
        }
    };
    loop {
        if let Some(ended) = pass(context, listing, from, &mut all).await? {
            return Ok(ended);
        }
        from = Position::First;
        all = all.next();
    }
}

/// What is known of a listing while it is gone through.
#[derive(Default)]
struct Pass {
    /// Which time it is gone through, from 1.
    number: u32,
    /// Keys of this pass, and of all.
    seen: HashSet<u64>,
    known: HashSet<u64>,
    pages: u64,
    /// Records that no earlier pass brought.
    new: u64,
    /// The total that a page of this pass named last, and the greatest.
    total: Option<u64>,
    greatest_total: Option<u64>,
    /// Pages in a row without anything that this pass had not seen.
    stale: u32,
    /// Records that could not be read.
    unreadable: u64,
    /// The earliest time that the source's clock said.
    source_time: Option<Timestamp>,
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
    let mut answer = get(context, request, url).await?;
    loop {
        let mut page =
            page::read(&answer.body, &answer.next, request, paging).map_err(Failure::Refused)?;
        let note = PageNote {
            pass: pass.number,
            keys: page.records.iter().map(|record| record.key).collect(),
            total: page.facts.total,
            unreadable: answer.unreadable,
            source_time: answer.source_time,
        };
        page.facts.new = pass.count(&note);
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
            Step::Done => match pass.end(context.stream.whole, paging) {
                End::Done => (Noted::Done, Some(Some(Ended::Done(pass.listed())))),
                End::Again => (Noted::StaysAt(Position::First), Some(None)),
                End::Short(reason) => (Noted::StaysAt(Position::First), Some(refused(reason))),
            },
            Step::Unclear(reason) => (Noted::StaysAt(at.clone()), Some(refused(reason))),
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
        let writing = write(context, listing, noted, note, lines, records);
        let Some(position) = next else {
            writing.await.map_err(Stopped::Disk)?;
            told(context, records, total, &answer);
            return Ok(ended.flatten());
        };
        let url = match &position {
            Position::Url(link) => context.client.follow(&answer.url, link),
            _ => address(context, listing, &position),
        };
        let asking = async {
            match url {
                Ok(url) => get(context, request, url).await,
                Err(failure) => Err(failure),
            }
        };
        let (written, asked) = tokio::join!(writing, asking);
        written.map_err(Stopped::Disk)?;
        told(context, records, total, &answer);
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
    fn first() -> Self {
        Self {
            number: 1,
            ..Self::default()
        }
    }

    /// The next time that the listing is gone through.
    fn next(&mut self) -> Self {
        Self {
            number: self.number + 1,
            known: std::mem::take(&mut self.known),
            source_time: self.source_time,
            ..Self::default()
        }
    }

    /// Takes note of a page; how many of its records are new to this pass.
    fn count(&mut self, page: &PageNote) -> u64 {
        let mut new = 0;
        for key in &page.keys {
            new += u64::from(self.seen.insert(*key));
            self.new += u64::from(self.known.insert(*key));
        }
        self.pages += 1;
        self.unreadable += page.unreadable;
        self.stale = if new == 0 { self.stale + 1 } else { 0 };
        self.total = page.total.or(self.total);
        self.greatest_total = self.greatest_total.max(page.total);
        self.source_time = retry::earlier(self.source_time, page.source_time);
        new
    }

    /// Takes note of a page that came before the run was cut short.
    fn replay(&mut self, page: &PageNote) {
        if self.number < page.pass {
            *self = self.next();
            self.number = page.pass;
        }
        self.count(page);
    }

    fn listed(&self) -> Listed {
        Listed {
            total: self.total,
            records: self.known.len() as u64,
            unreadable: self.unreadable,
            source_time: self.source_time,
        }
    }

    /// Whether all has come. Where pages are found by counting records, one that is deleted meanwhile shifts those
    /// behind it, and one of these is skipped: a total that shrank says so. A page without a total says nothing of it.
    /// A source that names no total is believed once going through it again brings nothing new, if it has to be known
    /// that all came.
    fn end(&self, whole: bool, paging: Option<&Paging>) -> End {
        let came = self.seen.len() as u64;
        let shrank = self.greatest_total > self.total;
        let short = self.total.is_some_and(|total| came < total);
        let shifts = !matches!(paging, None | Some(Paging::IdOffset { .. }));
        let unproven = whole
            && shifts
            && self.total.is_none()
            && self.pages > 1
            && (self.number == 1 || self.new > 0);
        if !(shrank || short || unproven) {
            return End::Done;
        }
        if self.number < PASSES {
            return End::Again;
        }
        End::Short(match self.total {
            Some(total) if short => format!("the source counts {total} records, {came} came"),
            _ => format!("it changed each of the {PASSES} times that it was gone through"),
        })
    }
}

fn told(context: &Context<'_>, records: u64, total: Option<u64>, answer: &Answer) {
    context.progress.event(&Event::Page {
        stream: &context.stream.stream.text,
        records,
        mended: answer.mended,
        total,
        remaining: answer.remaining,
    });
}

async fn get(
    context: &Context<'_>,
    request: &Request,
    url: reqwest::Url,
) -> Result<Answer, Failure> {
    let expected = Expected {
        records: &request.records,
        may_be_empty: context.stream.may_be_empty,
    };
    context
        .client
        .get(url, expected, context.stop, context.progress)
        .await
}

async fn write(
    context: &Context<'_>,
    listing: &Listing,
    noted: Noted,
    note: PageNote,
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
        output.page(&listing, next, note, &lines, records)
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
    address::url(
        context.client,
        request,
        paging,
        context.settings,
        values,
        window,
        at,
    )
}
