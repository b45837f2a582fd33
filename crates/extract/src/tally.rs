//! Keeps count of what became of the listings of a run while it goes on; what it comes to is for `fold` to judge.

use std::collections::HashMap;

use crate::failure::Failure;
use crate::fold::{Came, CutShort};
use crate::journal::{Listed, Listing};
use crate::report::Skipped;
use crate::retry;
use crate::state::{Cause, Gap};

/// So many listings in a row that gave up end the run: the source is in trouble, and each of them waits for long.
const GAVE_UP_IN_A_ROW: u32 = 3;

/// What became of the listings of a run.
#[derive(Default)]
pub(crate) struct Tally {
    pub came: Came,
    /// What ended the run, if it did not come to its end.
    pub ended_by: Option<Failure>,
    /// Requests for single changed records that came to their end.
    pub changed: u64,
    /// Parents that were asked for something.
    pub parents: u64,
    /// Parents whose records are not there for us, and why.
    pub skipped: Vec<Skipped>,
    /// How many records the source counted, for each listing that named a number.
    totals: HashMap<Listing, u64>,
    halved: Vec<(Listing, Listing, Listing)>,
    gave_up: u32,
}

impl Tally {
    /// A listing came to its end.
    pub fn done(&mut self, listing: Listing, listed: Listed) {
        self.gave_up = 0;
        self.changed += u64::from(listing.changed);
        self.note_total(&listing, listed.total);
        self.came.records += listed.records;
        self.came.unreadable += listed.unreadable;
        self.came.source_time = retry::earlier(self.came.source_time, listed.source_time);
        self.came.done.push(listing);
    }

    /// How many records the source says a listing has.
    pub fn note_total(&mut self, listing: &Listing, total: Option<u64>) {
        if let Some(total) = total {
            self.totals.insert(listing.clone(), total);
        }
    }

    /// The halves of a listing that is too long; it is a gap if it has none.
    pub fn halve(&mut self, listing: Listing) -> Option<(Listing, Listing)> {
        let Some((left, right)) = listing.window.and_then(crate::window::Window::halves) else {
            self.gap(
                &listing,
                Cause::Failed,
                "the stretch of time cannot be made shorter",
            );
            return None;
        };
        let half = |window| Listing {
            window: Some(window),
            ..listing.clone()
        };
        let halves = (half(left), half(right));
        self.halved
            .push((listing, halves.0.clone(), halves.1.clone()));
        Some(halves)
    }

    /// Whether halving gets anywhere: not if both halves have all that the whole has.
    pub fn cuts_by_time(&self, listing: &Listing) -> bool {
        self.halved.iter().all(|(whole, left, right)| {
            let total = |part: &Listing| self.totals.get(part).copied();
            let concerned = left == listing || right == listing;
            match (total(whole), total(left), total(right)) {
                (Some(whole), Some(left), Some(right)) if concerned => {
                    left < whole || right < whole
                }
                _ => true,
            }
        })
    }

    /// A listing failed.
    pub fn failed(&mut self, listing: &Listing, failure: Failure) {
        let alone = listing.parent.is_none();
        self.gave_up = match failure {
            Failure::GaveUp(_) => self.gave_up + 1,
            _ => 0,
        };
        match &failure {
            Failure::Stopped | Failure::Unauthorized(_) | Failure::Down(_) => {
                self.end_by(failure);
            }
            Failure::Forbidden(_) | Failure::NotThere(_) | Failure::NotInPlan(_) if alone => {
                self.end_by(failure);
            }
            Failure::NotThere(reason) | Failure::NotInPlan(reason) => {
                self.came.gone.push(listing.clone());
                if !listing.changed {
                    self.skipped.push(Skipped {
                        whose: whose(listing),
                        reason: reason.clone(),
                    });
                }
            }
            Failure::Forbidden(reason) => self.gap(listing, Cause::NotAllowed, reason),
            Failure::GaveUp(reason) => {
                self.gap(listing, Cause::Failed, reason);
                if self.gave_up >= GAVE_UP_IN_A_ROW {
                    self.end_by(failure);
                }
            }
            Failure::Refused(reason) | Failure::Elsewhere(reason) => {
                self.gap(listing, Cause::Failed, reason);
            }
        }
    }

    /// A listing left something out.
    pub fn gap(&mut self, listing: &Listing, cause: Cause, reason: &str) {
        self.came.failed.push(Gap {
            window: listing.window,
            parent: listing.parent.clone(),
            changed: listing.changed,
            reason: reason.to_owned(),
            cause,
            since: None,
        });
    }

    /// Judges what can only be judged when all is over.
    pub fn close(&mut self) {
        let lost: Vec<(Listing, String)> = self.lost_by_halving();
        for (listing, reason) in lost {
            self.gap(&listing, Cause::Failed, &reason);
        }
        self.right_is_missing();
        self.came.cut_short = self.ended_by.as_ref().map(|failure| match failure {
            Failure::Forbidden(reason) => CutShort::Missing(Cause::NotAllowed, reason.clone()),
            Failure::NotThere(_) | Failure::NotInPlan(_) => CutShort::PassedOver,
            _ => CutShort::Missing(Cause::Failed, failure.reason().to_owned()),
        });
    }

    /// The first failure counts; others that were under way come after it.
    fn end_by(&mut self, failure: Failure) {
        let is_stop = failure == Failure::Stopped;
        if self.ended_by.is_none() || is_stop {
            self.ended_by = Some(failure);
        }
    }

    /// Halves that together have fewer records than the whole lost some between them.
    fn lost_by_halving(&self) -> Vec<(Listing, String)> {
        let lost = self.halved.iter().filter_map(|(whole, left, right)| {
            let [all, left, right] =
                [whole, left, right].map(|part| self.totals.get(part).copied());
            let (all, halves) = (all?, left? + right?);
            let reason =
                format!("the source counts {all} records in it, but {halves} in its halves");
            (halves < all).then(|| (whole.clone(), reason))
        });
        lost.collect()
    }

    /// Sources say "not there" of what a token may not see. Parents were there a moment ago: where most of their records
    /// are not, it is a right that is missing.
    fn right_is_missing(&mut self) {
        // What is cut by time follows parents of some days ago, of which a few may well be gone.
        const A_FEW: u64 = 2;
        let mut of_parents = self.came.gone.iter().filter(|listing| !listing.changed);
        let gone = of_parents.clone().count() as u64;
        let few = gone <= A_FEW && of_parents.any(|listing| listing.window.is_some());
        if gone == 0 || few || gone * 2 <= self.parents {
            return;
        }
        let (changed, of_parents): (Vec<_>, Vec<_>) = std::mem::take(&mut self.came.gone)
            .into_iter()
            .partition(|listing| listing.changed);
        self.came.gone = changed;
        // There is one for each of these listings, in the same order.
        let skipped = std::mem::take(&mut self.skipped);
        for (listing, skipped) in of_parents.into_iter().zip(skipped) {
            self.gap(&listing, Cause::NotAllowed, &skipped.reason);
        }
    }

    /// How many records the source says there are, if it says so. What was halved is counted by its halves.
    pub fn total(&self) -> Option<u64> {
        let parts = self
            .totals
            .iter()
            .filter(|(listing, _)| !self.halved.iter().any(|(whole, _, _)| whole == *listing));
        (!self.totals.is_empty()).then(|| parts.map(|(_, total)| total).sum())
    }
}

fn whose(listing: &Listing) -> String {
    let values = listing.parent.as_deref().unwrap_or_default();
    values
        .first()
        .map_or_else(String::new, |(name, value)| format!("{name} `{value}`"))
}
