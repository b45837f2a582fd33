//! Which records are on a page, and how lists are made to misbehave. How a page is asked for, and how the next one is
//! named, is each vendor's own.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::value::RawValue;

use crate::data::Data;
use crate::rules::{Endless, Fault};

/// How lists are to misbehave in this answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quirks {
    /// Every page but the first begins with the last record of the page before.
    pub overlaps: bool,
    /// The list never ends.
    pub endless: Option<Endless>,
    /// What links begin with instead of the server's own base.
    pub link_base: Option<String>,
}

/// What is on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Positions in the list.
    pub range: Range<usize>,
    /// Whether there is more behind it.
    pub more: bool,
    /// Where the next page begins, if there is one.
    pub next: usize,
}

impl Quirks {
    /// What the faults say of lists.
    pub fn of(faults: &[Fault]) -> Self {
        let mut quirks = Self::default();
        for fault in faults {
            match fault {
                Fault::Duplicates => quirks.overlaps = true,
                Fault::Endless(kind) => quirks.endless = Some(*kind),
                Fault::ForeignLink(base) => quirks.link_base = Some(base.clone()),
                _ => {}
            }
        }
        quirks
    }
}

/// The records that an endpoint lists, in its order, by their positions in the stream.
#[derive(Clone, Debug)]
pub(crate) enum Listing<'a> {
    /// As an index has them, from the lowest.
    Ascending(&'a [(i64, usize)]),
    /// The same from the highest.
    Descending(&'a [(i64, usize)]),
    /// Chosen one by one.
    Chosen(Vec<usize>),
}

impl Listing<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Ascending(sorted) | Self::Descending(sorted) => sorted.len(),
            Self::Chosen(positions) => positions.len(),
        }
    }

    /// The records of a page.
    pub fn records<'d>(&self, data: &'d Data, stream: &str, page: &Page) -> Vec<Cow<'d, RawValue>> {
        let all = data.stream(stream);
        page.range
            .clone()
            .filter_map(|place| {
                let position = match self {
                    Self::Ascending(sorted) => sorted.get(place)?.1,
                    Self::Descending(sorted) => sorted.get(sorted.len().checked_sub(place + 1)?)?.1,
                    Self::Chosen(positions) => *positions.get(place)?,
                };
                Some(Cow::Borrowed(all.get(position)?.json()))
            })
            .collect()
    }
}

/// The page that begins at `offset` of a list of `total` records.
pub(crate) fn page(total: usize, offset: usize, limit: usize, quirks: &Quirks) -> Page {
    match quirks.endless {
        Some(Endless::SamePage) => Page {
            range: 0..limit.min(total),
            more: true,
            next: offset,
        },
        Some(Endless::EmptyPages) => Page {
            range: 0..0,
            more: true,
            next: offset.saturating_add(limit),
        },
        None => {
            let start = offset.min(total);
            let end = start.saturating_add(limit).min(total);
            // Not behind the end: a list that ends with an empty page shall end.
            let overlap = usize::from(quirks.overlaps && 0 < start && start < total);
            Page {
                range: start - overlap..end,
                more: end < total,
                next: end,
            }
        }
    }
}
