//! The ways in which an answer comes in pages: a small pure state machine, from where we are and what came to what is
//! asked for next. Nothing here sends anything, and nothing knows a vendor.

use definitions::extractor::Paging;
use serde::{Deserialize, Serialize};

use crate::link::Next;

/// Where a listing is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// Before its first page.
    First,
    /// So many records are skipped.
    Offset(u64),
    /// At the page with this number.
    Page(u64),
    /// Behind the record with this id.
    After(String),
    /// Behind the page that gave this token.
    Token(String),
    /// At an address that the source gave.
    Url(String),
}

/// What a page said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Records in it.
    pub records: u64,
    /// Those that had not come before in this listing.
    pub new: u64,
    /// The id of its last record.
    pub last_key: Option<String>,
    /// Whether it says that there is more.
    pub more: Option<bool>,
    /// How many records it says there are in all.
    pub total: Option<u64>,
    /// What it says of the next page: its address, or its token.
    pub next: Next,
}

/// What follows a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Following {
    /// Another page.
    Next(Position),
    /// Nothing: that was all.
    Done,
    /// More, which cannot be reached: the source gives no record beyond its cap.
    Capped,
    /// Perhaps more: what the source says of it cannot be understood.
    Unclear(String),
}

/// What a request carries for a position, besides the stream's own query.
pub fn parameters(paging: Option<&Paging>, at: &Position) -> Vec<(String, String)> {
    let size = |size: &(String, u64)| (size.0.clone(), size.1.to_string());
    match paging {
        None => Vec::new(),
        Some(Paging::Link { size: per_page }) => per_page.iter().map(size).collect(),
        Some(Paging::Offset {
            parameter,
            size: limit,
            ..
        }) => {
            let offset = if let Position::Offset(offset) = at {
                *offset
            } else {
                0
            };
            vec![size(limit), (parameter.clone(), offset.to_string())]
        }
        Some(Paging::Page {
            parameter,
            first,
            size: page_size,
            ..
        }) => {
            let page = if let Position::Page(page) = at {
                *page
            } else {
                *first
            };
            vec![size(page_size), (parameter.clone(), page.to_string())]
        }
        Some(Paging::Token {
            parameter,
            size: page_size,
            ..
        }) => {
            let token = match at {
                Position::Token(token) => Some((parameter.clone(), token.clone())),
                _ => None,
            };
            page_size.iter().map(size).chain(token).collect()
        }
        Some(Paging::IdOffset {
            parameter,
            first,
            size: page_size,
        }) => {
            let id = if let Position::After(id) = at {
                id.clone()
            } else {
                first.to_string()
            };
            vec![size(page_size), (parameter.clone(), id)]
        }
    }
}

/// What follows a page that came at a position.
pub fn next(paging: Option<&Paging>, at: &Position, page: &Facts) -> Following {
    match paging {
        None => Following::Done,
        Some(Paging::Offset { size, cap, .. }) => {
            let offset = if let Position::Offset(offset) = at {
                *offset
            } else {
                0
            };
            // A page with more than was asked for repeats some: going on by what was asked for skips none.
            let reached = offset + page.records.min(size.1);
            let done = match page.more {
                Some(more) => !more,
                // Sources may give smaller pages than were asked for: only an empty one, or the total, is an end.
                None => page.records == 0 || page.total.is_some_and(|total| reached >= total),
            };
            // An empty page that says there is more would be asked for again and again.
            let onward = if page.records == 0 {
                offset + size.1
            } else {
                reached
            };
            match cap {
                _ if done => Following::Done,
                Some(cap) if onward + size.1 > *cap => Following::Capped,
                _ => Following::Next(Position::Offset(onward)),
            }
        }
        Some(Paging::Link { .. }) => match &page.next {
            Next::At(address) => Following::Next(Position::Url(address.clone())),
            Next::None => Following::Done,
            Next::Unclear(reason) => Following::Unclear(reason.clone()),
        },
        Some(Paging::Token { .. }) => match &page.next {
            Next::At(token) => Following::Next(Position::Token(token.clone())),
            Next::None => Following::Done,
            Next::Unclear(reason) => Following::Unclear(reason.clone()),
        },
        Some(Paging::Page { first, .. }) => {
            let number = if let Position::Page(number) = at {
                *number
            } else {
                *first
            };
            if page.records == 0 {
                Following::Done
            } else {
                Following::Next(Position::Page(number + 1))
            }
        }
        Some(Paging::IdOffset { .. }) => match &page.last_key {
            Some(id) if page.records > 0 => Following::Next(Position::After(id.clone())),
            _ => Following::Done,
        },
    }
}

/// Whether a source that names a total would not let us see all of it.
pub fn exceeds_cap(paging: Option<&Paging>, total: Option<u64>) -> bool {
    match (paging, total) {
        (Some(Paging::Offset { cap: Some(cap), .. }), Some(total)) => total > *cap,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(cap: Option<u64>) -> Paging {
        Paging::Offset {
            parameter: "offset".into(),
            size: ("limit".into(), 100),
            more: None,
            total: None,
            cap,
        }
    }

    fn facts(records: u64, more: Option<bool>, total: Option<u64>) -> Facts {
        Facts {
            records,
            new: records,
            more,
            total,
            ..Facts::default()
        }
    }

    #[test]
    fn offsets_go_on_by_what_came_and_end_where_the_source_says() {
        let paging = offset(Some(10_000));
        let step = |at: u64, page: &Facts| next(Some(&paging), &Position::Offset(at), page);
        let full = facts(100, Some(true), None);
        assert_eq!(
            next(Some(&paging), &Position::First, &full),
            Following::Next(Position::Offset(100))
        );
        // A source that gives fewer than asked for loses nothing.
        assert_eq!(
            step(100, &facts(25, Some(true), None)),
            Following::Next(Position::Offset(125))
        );
        // And one that gives more repeats some.
        assert_eq!(
            step(100, &facts(101, Some(true), None)),
            Following::Next(Position::Offset(200))
        );
        assert_eq!(step(200, &facts(100, Some(false), None)), Following::Done);
        assert_eq!(step(9_800, &full), Following::Next(Position::Offset(9_900)));
        assert_eq!(step(9_900, &full), Following::Capped);
        assert_eq!(step(9_900, &facts(100, Some(false), None)), Following::Done);
    }

    #[test]
    fn without_a_word_on_more_an_empty_page_or_the_total_ends() {
        let paging = offset(None);
        let step = |page: &Facts| next(Some(&paging), &Position::Offset(100), page);
        assert_eq!(
            step(&facts(7, None, None)),
            Following::Next(Position::Offset(107))
        );
        assert_eq!(step(&facts(0, None, None)), Following::Done);
        assert_eq!(step(&facts(7, None, Some(107))), Following::Done);
    }

    #[test]
    fn tokens_are_followed_until_there_is_none() {
        let paging = Paging::Token {
            parameter: "pageToken".into(),
            token: crate::page::tests::path(".nextPageToken"),
            size: Some(("pageSize".into(), 10)),
        };
        let size = ("pageSize".to_owned(), "10".to_owned());
        let step = |next: Next| {
            let page = Facts {
                next,
                ..Facts::default()
            };
            super::next(Some(&paging), &Position::First, &page)
        };
        assert_eq!(
            parameters(Some(&paging), &Position::First),
            std::slice::from_ref(&size)
        );
        let second = Position::Token("t/1=".into());
        assert_eq!(
            step(Next::At("t/1=".into())),
            Following::Next(second.clone())
        );
        let token = ("pageToken".to_owned(), "t/1=".to_owned());
        assert_eq!(parameters(Some(&paging), &second), [size, token]);
        assert_eq!(step(Next::None), Following::Done);
        assert_eq!(
            step(Next::Unclear("odd".into())),
            Following::Unclear("odd".into())
        );
    }

    #[test]
    fn pages_and_ids_end_at_an_empty_page() {
        let page = Paging::Page {
            parameter: "page".into(),
            first: 0,
            size: ("page_size".into(), 2),
            total: None,
        };
        assert_eq!(
            next(Some(&page), &Position::First, &facts(2, None, None)),
            Following::Next(Position::Page(1))
        );
        assert_eq!(
            next(Some(&page), &Position::Page(1), &facts(0, None, None)),
            Following::Done
        );
        let id = Paging::IdOffset {
            parameter: "id_offset".into(),
            first: 0,
            size: ("page_size".into(), 2),
        };
        let mut last = facts(1, None, None);
        last.last_key = Some("77".into());
        assert_eq!(
            next(Some(&id), &Position::First, &last),
            Following::Next(Position::After("77".into()))
        );
        assert_eq!(
            next(
                Some(&id),
                &Position::After("77".into()),
                &facts(0, None, None)
            ),
            Following::Done
        );
        assert_eq!(
            parameters(Some(&id), &Position::After("77".into())),
            [
                ("page_size".into(), "2".into()),
                ("id_offset".into(), "77".into())
            ]
        );
    }

    #[test]
    fn a_total_beyond_the_cap_is_noticed_at_once() {
        let capped = offset(Some(10_000));
        assert!(exceeds_cap(Some(&capped), Some(10_001)));
        assert!(!exceeds_cap(Some(&capped), Some(10_000)));
        assert!(!exceeds_cap(Some(&offset(None)), Some(10_001)));
        assert!(!exceeds_cap(Some(&capped), None));
    }
}
