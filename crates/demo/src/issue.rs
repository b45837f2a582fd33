//! The life of one error that keeps coming: when it was seen, resolved, and seen again. How a vendor writes it down is
//! not known here.

use crate::random::Random;
use crate::time::{DAY, HOUR, Period, Time};

/// Occurrences that are kept of an issue; its count goes on beyond.
const OCCURRENCES_KEPT: usize = 20;

/// An error and its occurrences.
#[derive(Debug)]
pub(crate) struct Issue {
    /// 1, 2, 3, …
    pub(crate) number: u64,
    pub(crate) service: usize,
    /// Chooses the error's words.
    pub(crate) error: usize,
    pub(crate) is_unhandled: bool,
    pub(crate) is_fatal: bool,
    pub(crate) is_assigned: bool,
    /// Occurrences in order of time; never none.
    pub(crate) occurrences: Vec<Time>,
    /// How often it occurred for each occurrence that is kept.
    pub(crate) times_each: u64,
    pub(crate) users_hit: u64,
    pub(crate) resolved: Option<Time>,
    pub(crate) ignored: Option<Time>,
}

/// Where an issue stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    New,
    Ongoing,
    /// Seen again after it was resolved.
    Regressed,
    Resolved,
    Ignored,
}

impl Issue {
    /// Where the issue stands at a moment.
    pub(crate) fn standing(&self, as_of: Time) -> Standing {
        let by_then = |time: Option<Time>| time.filter(|time| *time <= as_of);
        if by_then(self.ignored).is_some() {
            return Standing::Ignored;
        }
        if let Some(resolved) = by_then(self.resolved) {
            let again = self
                .occurrences
                .iter()
                .any(|seen| *seen > resolved && *seen <= as_of);
            return if again {
                Standing::Regressed
            } else {
                Standing::Resolved
            };
        }
        // The vendor calls an issue new for seven days.
        if as_of - self.occurrences[0] < 7 * DAY {
            Standing::New
        } else {
            Standing::Ongoing
        }
    }

    /// The latest moment at which anything about it changed, up to `as_of`.
    pub(crate) fn changed(&self, as_of: Time) -> Option<Time> {
        let times = self
            .occurrences
            .iter()
            .chain(&self.resolved)
            .chain(&self.ignored);
        times.filter(|time| **time <= as_of).max().copied()
    }
}

/// Lives an issue through that is seen at `seen`. If it precedes an incident, it is either first seen then, or was
/// resolved weeks before and is seen again.
pub(crate) fn live(
    number: u64,
    service: usize,
    seen: Time,
    precedes_incident: bool,
    period: &Period,
    random: &mut Random,
) -> Issue {
    let mut occurrences = Vec::new();
    let mut resolved = None;
    let mut ignored = None;
    let earlier = seen + -random.between(10 * DAY, 40 * DAY);
    if (precedes_incident || number.is_multiple_of(7))
        && earlier > period.start
        && random.chance(0.4)
    {
        scatter(&mut occurrences, earlier, 2 * DAY, random);
        resolved = Some(earlier + 3 * DAY + random.between(0, 2 * DAY));
        scatter(&mut occurrences, seen, 6 * HOUR, random);
    } else {
        let lasts = if precedes_incident {
            6 * HOUR
        } else {
            random.between(HOUR, 45 * DAY)
        };
        scatter(&mut occurrences, seen, lasts, random);
        match random.below(10) {
            0..4 => resolved = Some(seen + lasts + random.between(HOUR, 10 * DAY)),
            4 | 5 => ignored = Some(seen + random.between(HOUR, 20 * DAY)),
            _ => {}
        }
    }
    occurrences.sort_unstable();
    let times_each = random.lognormal(3.0, 1.4).max(1.0) as u64;
    let total = times_each * occurrences.len() as u64;
    Issue {
        number,
        service,
        error: random.below(1 << 16),
        is_unhandled: random.chance(0.35),
        is_fatal: random.chance(0.06),
        is_assigned: random.chance(0.45),
        users_hit: (total as f64 * random.unit() * 0.7) as u64,
        times_each,
        occurrences,
        resolved,
        ignored,
    }
}

/// Occurrences within some time of the first, thick at its beginning.
fn scatter(occurrences: &mut Vec<Time>, first: Time, lasts: i64, random: &mut Random) {
    occurrences.push(first);
    let more = random.lognormal(4.0, 0.9) as usize;
    for _ in 0..more.min(OCCURRENCES_KEPT / 2 - 1) {
        let part = random.unit();
        occurrences.push(first + (part * part * lasts as f64) as i64);
    }
}
