//! One listing: page after page until its end. While pages are being written the next one is asked for already.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::Arc;

use definitions::extractor::{Paging, Request, StreamExtraction};
use jiff::Timestamp;

use crate::address;
use crate::client::{Answer, Client, Expected};
use crate::failure::Failure;
use crate::journal::{Listed, Listing, PageNote};
use crate::lines::Fetched;
use crate::output::NewPage;
use crate::page;
use crate::page_queue::{PageQueue, Queued};
use crate::paging::{self, Following, Position};
use crate::retry;
use crate::{Event, Progress, SettingValues, Stop};

/// So many pages in a row that bring nothing new end a listing: a source that says "more" for ever must not keep us busy.
const STALE_PAGES: u32 = 3;

/// So often a listing that changes meanwhile is gone through, before what is missing counts as a gap.
const PASSES: u32 = 3;

/// So many pages of a listing may wait for the disk before the one behind them is asked for.
const PAGES_WAITING: usize = 3;

/// What listings of a stream share.
pub(crate) struct Context<'a> {
    pub client: &'a Client,
    pub stream: &'a StreamExtraction,
    pub settings: &'a SettingValues,
    pub pages: PageQueue,
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
    /// It cannot be written to disk.
    Disk(io::Error),
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
    Disk(io::Error),
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
    let mut writing = VecDeque::new();
    let ended = follow_pages(context, listing, from, pass, &mut writing).await;
    wait_for(context, &mut writing, 0).await?;
    ended
}

/// Goes through the pages once; those that are not on disk yet are in `writing` when this returns.
async fn follow_pages(
    context: &Context<'_>,
    listing: &Listing,
    from: Position,
    pass: &mut Pass,
    writing: &mut VecDeque<Writing>,
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
        let following = paging::next(paging, &at, &page.facts);
        let then = pass.then(context.stream.whole, paging, &at, following, can_halve);
        let new = NewPage {
            listing: listing.clone(),
            next: match &then {
                Then::GoesOn(position) => Some(position.clone()),
                Then::Ends { noted, .. } => noted.clone(),
            },
            note,
            fetched: Fetched {
                records: page.spans(&answer.body),
                body: Arc::clone(&answer.body),
                at: answer.at,
                parent: listing.parent.clone().filter(|_| !listing.changed),
            },
        };
        let queued = context.pages.add(new).map_err(Stopped::Disk)?;
        let records = page.records.len() as u64;
        writing.push_back(Writing::of(queued, &answer, records, total));
        let position = match then {
            Then::GoesOn(position) => position,
            Then::Ends { how, .. } => return Ok(how),
        };
        let url = match &position {
            Position::Url(link) => context.client.follow(&answer.url, link),
            _ => address(context, listing, &position),
        };
        let asking = async { get(context, request, url?).await };
        let (written, asked) = tokio::join!(wait_for(context, writing, PAGES_WAITING), asking);
        written?;
        answer = asked?;
        at = position;
    }
}

/// Waits until only so many pages are not on disk yet, and reports those that are.
async fn wait_for(
    context: &Context<'_>,
    writing: &mut VecDeque<Writing>,
    left: usize,
) -> Result<(), Stopped> {
    while writing.len() > left
        && let Some(page) = writing.pop_front()
    {
        page.queued.written().await.map_err(Stopped::Disk)?;
        context.progress.event(&Event::Page {
            stream: &context.stream.stream.text,
            records: page.records,
            mended: page.mended,
            total: page.total,
            remaining: page.remaining,
        });
    }
    Ok(())
}

fn refused(reason: &str) -> Ended {
    Ended::Failed(Failure::Refused(reason.to_owned()))
}

/// What comes after a page.
enum Then {
    /// The page at this position.
    GoesOn(Position),
    /// The end of this pass, and of the listing if it says how. The journal notes where a later run goes on, if it has to.
    Ends {
        noted: Option<Position>,
        how: Option<Ended>,
    },
}

/// A page on its way to the disk, and the event to send once it is there.
struct Writing {
    queued: Queued,
    /// Kept, so that memory is freed by the thread that took it, which can use it again at once.
    _body: Arc<Vec<u8>>,
    records: u64,
    total: Option<u64>,
    mended: u64,
    remaining: Option<u64>,
}

impl Writing {
    fn of(queued: Queued, answer: &Answer, records: u64, total: Option<u64>) -> Self {
        Self {
            queued,
            _body: Arc::clone(&answer.body),
            records,
            total,
            mended: answer.mended,
            remaining: answer.remaining,
        }
    }
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

    /// What comes after the page at `at`, which was counted. A listing that can be halved is asked for in halves where the
    /// source gives no more of it.
    fn then(
        &self,
        whole: bool,
        paging: Option<&Paging>,
        at: &Position,
        following: Following,
        can_halve: bool,
    ) -> Then {
        let ends = |noted, how| Then::Ends { noted, how };
        match following {
            Following::Next(_) if self.stale >= STALE_PAGES => {
                let reason = format!(
                    "the source says that there is more, but {STALE_PAGES} pages brought nothing new"
                );
                ends(Some(at.clone()), Some(refused(&reason)))
            }
            Following::Next(position) => Then::GoesOn(position),
            Following::Done => match self.end(whole, paging) {
                End::Done => ends(None, Some(Ended::Done(self.listed()))),
                End::Again => ends(Some(Position::First), None),
                End::Short(reason) => ends(Some(Position::First), Some(refused(&reason))),
            },
            Following::Unclear(reason) => ends(Some(at.clone()), Some(refused(&reason))),
            Following::Capped if can_halve => {
                let total = self.total;
                ends(Some(at.clone()), Some(Ended::TooMany { total }))
            }
            Following::Capped => {
                let reason = "the source gives no more of it, and the stretch of time cannot be made shorter";
                ends(Some(at.clone()), Some(refused(reason)))
            }
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

async fn get(
    context: &Context<'_>,
    request: &Request,
    url: reqwest::Url,
) -> Result<Answer, Failure> {
    let expected = Expected {
        records: &request.records,
        text: request.text.as_deref(),
        may_be_empty: context.stream.may_be_empty,
    };
    context
        .client
        .get(url, expected, context.stop, context.progress)
        .await
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
