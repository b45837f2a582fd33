//! Stretches of time: which were asked for, which are still missing, and how one is halved.
//!
//! Only arithmetic; nothing here knows about requests.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A stretch of time; its end is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Its beginning.
    pub since: Timestamp,
    /// Its end.
    pub until: Timestamp,
}

/// Stretches of time that lie apart, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Windows(Vec<Window>);

const DAY: i64 = 86_400;

impl Window {
    /// Whether nothing is in it.
    pub fn is_empty(self) -> bool {
        self.since >= self.until
    }

    /// Two halves that meet at a whole second, at midnight UTC where the window is longer than a day: of some sources
    /// it is told that they look only at the date. Nothing if it is too short.
    pub fn halves(self) -> Option<(Self, Self)> {
        let (since, until) = (self.since.as_second(), self.until.as_second());
        let middle = since + (until - since) / 2;
        let midnight = middle - middle.rem_euclid(DAY);
        let cut = if midnight > since { midnight } else { middle };
        if cut <= since || cut >= until {
            return None;
        }
        let cut = Timestamp::from_second(cut).ok()?;
        Some((
            Self {
                since: self.since,
                until: cut,
            },
            Self {
                since: cut,
                until: self.until,
            },
        ))
    }

    /// Windows no longer than `longest` that together are this one.
    pub fn cut(self, longest: Duration) -> Vec<Self> {
        let longest = seconds(longest).max(1);
        let mut windows = Vec::new();
        let mut since = self.since;
        while since < self.until {
            let until = after(since, longest).min(self.until);
            windows.push(Self { since, until });
            since = until;
        }
        windows
    }
}

impl Windows {
    /// The stretches.
    pub fn as_slice(&self) -> &[Window] {
        &self.0
    }

    /// Adds a stretch; those that touch become one.
    pub fn add(&mut self, window: Window) {
        if window.is_empty() {
            return;
        }
        self.0.push(window);
        self.0.sort_unstable();
        let mut joined: Vec<Window> = Vec::with_capacity(self.0.len());
        for window in self.0.drain(..) {
            match joined.last_mut() {
                Some(last) if window.since <= last.until => {
                    last.until = last.until.max(window.until);
                }
                _ => joined.push(window),
            }
        }
        self.0 = joined;
    }

    /// Takes a stretch out.
    pub fn remove(&mut self, window: Window) {
        if window.is_empty() {
            return;
        }
        let apart = self.0.drain(..).flat_map(|old| {
            let before = Window {
                since: old.since,
                until: old.until.min(window.since),
            };
            let after = Window {
                since: old.since.max(window.until),
                until: old.until,
            };
            [before, after]
        });
        self.0 = apart.filter(|left| !left.is_empty()).collect();
    }

    /// What of `range` is not in these.
    pub fn missing(&self, range: Window) -> Vec<Window> {
        let mut missing = Self(vec![range]);
        for window in &self.0 {
            missing.remove(*window);
        }
        missing.0.retain(|window| !window.is_empty());
        missing.0
    }
}

/// The midnight in UTC at or before a moment.
pub fn day_start(moment: Timestamp) -> Timestamp {
    let second = moment.as_second();
    Timestamp::from_second(second - second.rem_euclid(DAY)).unwrap_or(moment)
}

/// The midnight in UTC after a moment.
pub fn next_day(moment: Timestamp) -> Timestamp {
    after(day_start(moment), DAY)
}

/// A moment so long before another.
pub fn before(moment: Timestamp, span: Duration) -> Timestamp {
    after(moment, -seconds(span))
}

fn after(moment: Timestamp, seconds: i64) -> Timestamp {
    moment
        .saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(moment)
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(since: i64, until: i64) -> Window {
        Window {
            since: Timestamp::from_second(since).unwrap(),
            until: Timestamp::from_second(until).unwrap(),
        }
    }

    fn holds(windows: &[Window], second: i64) -> bool {
        let moment = Timestamp::from_second(second).unwrap();
        windows
            .iter()
            .any(|window| window.since <= moment && moment < window.until)
    }

    #[test]
    fn long_windows_are_halved_at_midnight_and_short_ones_at_a_second() {
        let (left, right) = window(0, 10 * DAY).halves().unwrap();
        assert_eq!(
            (left, right),
            (window(0, 5 * DAY), window(5 * DAY, 10 * DAY))
        );
        assert_eq!(
            window(0, DAY).halves(),
            Some((window(0, DAY / 2), window(DAY / 2, DAY)))
        );
        assert_eq!(window(7, 10).halves(), Some((window(7, 8), window(8, 10))));
        assert_eq!(window(7, 8).halves(), None);
    }

    #[test]
    fn cutting_leaves_nothing_out() {
        let cut = window(0, 400 * DAY).cut(Duration::from_secs(179 * 86_400));
        assert_eq!(cut.len(), 3);
        assert!(cut.windows(2).all(|pair| pair[0].until == pair[1].since));
        assert_eq!(cut[2].until, window(0, 400 * DAY).until);
    }

    proptest! {
        #[test]
        fn adding_removing_and_missing_agree_with_single_seconds(
            steps in prop::collection::vec((any::<bool>(), 0i64..60, 0i64..60), 0..12),
            range in (0i64..60, 0i64..60),
        ) {
            let mut windows = Windows::default();
            let mut seconds = [false; 60];
            for (add, since, until) in steps {
                let stretch = window(since, until);
                if add { windows.add(stretch) } else { windows.remove(stretch) }
                for second in since..until {
                    seconds[second as usize] = add;
                }
            }
            let missing = windows.missing(window(range.0, range.1));
            for second in 0..60 {
                prop_assert_eq!(holds(windows.as_slice(), second), seconds[second as usize]);
                let expected = range.0 <= second && second < range.1 && !seconds[second as usize];
                prop_assert_eq!(holds(&missing, second), expected);
            }
            prop_assert!(windows.as_slice().windows(2).all(|pair| pair[0].until < pair[1].since));
        }

        #[test]
        fn halves_are_the_whole(since in -100_000i64..100_000, length in 0i64..1_000_000) {
            let whole = window(since, since + length);
            match whole.halves() {
                Some((left, right)) => {
                    prop_assert_eq!((left.since, left.until, right.until), (whole.since, right.since, whole.until));
                    prop_assert!(!left.is_empty() && !right.is_empty());
                }
                None => prop_assert!(length < 2),
            }
        }
    }
}
