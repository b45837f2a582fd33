//! What can go wrong on request: rules that say when, faults that say what. How a fault changes an answer is said in
//! `faults`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Vendor;
use crate::call::Call;
use crate::data::Data;

/// When something goes wrong, and what.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The vendor whose requests are meant; nothing for all.
    pub vendor: Option<Vendor>,
    /// A part of path and query as they came, such as `/log_entries?` or `offset=100`, without the vendor's name in
    /// front; empty for all.
    pub path_contains: String,
    /// Which of these requests.
    pub on: Which,
    /// What goes wrong with them.
    pub fault: Fault,
}

/// Which of the requests that a rule is about; they are counted from 1, each rule for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    Every,
    /// So many, then no more.
    First(u64),
    /// Only this one.
    Nth(u64),
    /// This one and all that follow.
    From(u64),
    /// Some, by chance: the same ones from the same seed.
    Randomly {
        /// Where the chance comes from.
        seed: u64,
        /// Of a thousand requests, so many.
        permille: u16,
    },
}

/// What goes wrong. Several can go wrong with one request; of those that answer something else, the first rule does.
#[derive(Clone, Debug)]
pub enum Fault {
    /// 429, with the vendor's headers that say when there will be more, or without any.
    TooMany {
        /// From now, in the headers rounded up to seconds.
        reset: Option<Duration>,
    },
    /// What the vendor answers when the budget is used up: as `TooMany`, but 403 with a remaining number of 0 from
    /// GitHub.
    OutOfBudget {
        /// From now, in the headers rounded up to seconds.
        reset: Duration,
    },
    /// GitHub's secondary limit, from any vendor: 403, told by its message, and by `retry-after` if that is sent.
    SecondaryLimit {
        /// In whole seconds.
        retry_after: Option<Duration>,
    },
    /// This status, with `Retry-After`.
    RetryAfter {
        /// 429 or 503.
        status: u16,
        /// In whole seconds.
        after: Duration,
    },
    /// This status, with the vendor's words for it; 502 to 504 with a page for people, as gateways answer.
    Status(u16),
    /// The connection is closed before anything is answered.
    Drop,
    /// `Content-Length` promises all, the connection is closed after half of it.
    CutInHalf,
    /// The body takes this long, trickling.
    Slow(Duration),
    /// 200, with a page for people.
    Html,
    /// 200, with bytes that are no UTF-8 in an otherwise right answer.
    InvalidUtf8,
    /// 200, with JSON that ends in its middle; `Content-Length` fits.
    JsonCutShort,
    /// The first record is a number.
    NotARecord,
    /// The first record has a member of so many bytes more.
    LongRecord {
        /// How long it gets.
        bytes: usize,
    },
    /// 200, with a body of so many bytes that nobody announced.
    Gigantic {
        /// How long it is.
        bytes: u64,
    },
    /// Every page but the first begins with the last record of the page before.
    Duplicates,
    /// The list never ends. What is asked for at once, without pages, does.
    Endless(Endless),
    /// Links to further pages begin with this, `http://elsewhere.example`, instead of the server's own address.
    ForeignLink(String),
    /// 302 to this, `http://elsewhere.example`, with path and query behind it.
    Redirect(String),
    /// The token is in the first record.
    EchoInRecord,
    /// The token is in the message of an error with this status.
    EchoInError(u16),
    /// After the answer the data change, such as before the next page of a list.
    Change(Change),
}

/// In what way a list never ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endless {
    /// Its first page again and again; a link leads to the very page that it is on.
    SamePage,
    /// Pages without records, with more to come. Where an empty page is the end (DataDog), this ends.
    EmptyPages,
}

/// A change of data.
#[derive(Clone)]
pub struct Change(Arc<dyn Fn(&mut Data) + Send + Sync>);

impl Change {
    pub(crate) fn make(&self, data: &mut Data) {
        (self.0)(data);
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Change")
    }
}

impl Fault {
    /// After the answer the data change in this way.
    pub fn change(change: impl Fn(&mut Data) + Send + Sync + 'static) -> Self {
        Self::Change(Change(Arc::new(change)))
    }
}

impl Rule {
    /// A fault of some of all requests.
    pub fn of_all(on: Which, fault: Fault) -> Self {
        Self {
            vendor: None,
            path_contains: String::new(),
            on,
            fault,
        }
    }

    /// A fault of some of a vendor's requests.
    pub fn of(vendor: Vendor, path_contains: &str, on: Which, fault: Fault) -> Self {
        Self {
            vendor: Some(vendor),
            path_contains: path_contains.to_owned(),
            on,
            fault,
        }
    }

    fn is_about(&self, call: &Call) -> bool {
        self.vendor.is_none_or(|vendor| vendor == call.vendor)
            && format!("{}?{}", call.path, call.raw_query).contains(&self.path_contains)
    }
}

impl Which {
    fn means(self, number: u64) -> bool {
        match self {
            Self::Every => true,
            Self::First(last) => number <= last,
            Self::Nth(only) => number == only,
            Self::From(first) => number >= first,
            Self::Randomly { seed, permille } => {
                scramble(seed.wrapping_add(number)) % 1_000 < u64::from(permille)
            }
        }
    }
}

/// The rules in force, with how many requests each was about.
#[derive(Debug, Default)]
pub(crate) struct Rules(Vec<(Rule, u64)>);

impl Rules {
    /// Begins with new rules.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self(rules.into_iter().map(|rule| (rule, 0)).collect())
    }

    /// What goes wrong with a request, in the order of the rules.
    pub fn faults(&mut self, call: &Call) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (rule, count) in &mut self.0 {
            if rule.is_about(call) {
                *count += 1;
                if rule.on.means(*count) {
                    faults.push(rule.fault.clone());
                }
            }
        }
        faults
    }
}

/// A number that follows from another one, and does not look so (splitmix64).
fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_from_one() {
        let meant = |which: Which| (1..=5).filter(|number| which.means(*number)).collect();
        let cases: [(Which, Vec<u64>); 4] = [
            (Which::Every, vec![1, 2, 3, 4, 5]),
            (Which::First(2), vec![1, 2]),
            (Which::Nth(3), vec![3]),
            (Which::From(4), vec![4, 5]),
        ];
        for (which, expected) in cases {
            let meant: Vec<u64> = meant(which);
            assert_eq!(meant, expected, "{which:?}");
        }
    }

    #[test]
    fn chance_is_the_same_from_the_same_seed_and_about_as_often_as_asked() {
        let meant = |seed| {
            let which = Which::Randomly {
                seed,
                permille: 100,
            };
            (1..=10_000)
                .filter(|number| which.means(*number))
                .collect::<Vec<u64>>()
        };
        assert_eq!(meant(1), meant(1));
        assert_ne!(meant(1), meant(1_000_000));
        assert!((900..1_100).contains(&meant(1).len()), "{}", meant(1).len());
    }
}
