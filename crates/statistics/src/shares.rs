//! Shares in two periods: so many of so many.

use statrs::stats_tests::Alternative;
use statrs::stats_tests::fisher::fishers_exact;

use crate::Interval;

/// How a share changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShareChange {
    /// The share now less that before, from -1 to 1.
    pub difference: f64,
    /// Where the difference lies.
    pub interval: Interval,
    /// How likely a difference at least as large is by chance.
    pub p: f64,
}

/// The 97.5th percentile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Where a share lies, of which so many of so many came (Wilson, JASA 22, 1927). Nothing of none.
pub fn share_interval(part: u64, all: u64) -> Option<Interval> {
    if all == 0 || part > all {
        return None;
    }
    let (n, share) = (all as f64, part as f64 / all as f64);
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    Some(Interval {
        // Exactly, where rounding would leave a tiny remainder.
        low: if part == 0 { 0.0 } else { middle - half },
        high: if part == all { 1.0 } else { middle + half },
    })
}

/// Compares two shares, each so many of so many: p is Fisher's exact test (1935), the interval Newcombe's from those of
/// Wilson (Statistics in Medicine 17, 1998, method 10). Nothing if one is of none.
pub fn compare_shares(now: (u64, u64), before: (u64, u64)) -> Option<ShareChange> {
    let (a, b) = (
        share_interval(now.0, now.1)?,
        share_interval(before.0, before.1)?,
    );
    let share = |(part, all): (u64, u64)| part as f64 / all as f64;
    let (p1, p2) = (share(now), share(before));
    let reach = |x: f64, y: f64| (x * x + y * y).sqrt();
    let table = [now.0, now.1 - now.0, before.0, before.1 - before.0];
    let difference = p1 - p2;
    Some(ShareChange {
        difference,
        interval: Interval {
            low: difference - reach(p1 - a.low, b.high - p2),
            high: difference + reach(a.high - p1, p2 - b.low),
        },
        p: fishers_exact(&table, Alternative::TwoSided)
            .unwrap_or(f64::NAN)
            .min(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assert_near;

    /// Values of scipy 1.17.1: `binomtest(…).proportion_ci(method="wilson")`, `fisher_exact`; Newcombe's by its formula.
    #[test]
    fn shares_as_scipy_has_them() {
        for (part, all, low, high) in [
            (3, 20, 0.052368746, 0.36041886),
            (0, 12, 0.0, 0.24249401),
            (17, 39, 0.29304754, 0.59024308),
        ] {
            let interval = share_interval(part, all).unwrap();
            assert_near(interval.low, low);
            assert_near(interval.high, high);
        }
        for (now, before, p) in [
            ((3, 20), (10, 30), 0.1968705392),
            ((8, 10), (1, 6), 0.03496503497),
            ((0, 12), (4, 13), 0.0956521739),
        ] {
            assert_near(compare_shares(now, before).unwrap().p, p);
        }
        let change = compare_shares((3, 20), (10, 30)).unwrap();
        assert_near(change.interval.low, -0.38711008);
        assert_near(change.interval.high, 0.06997497);
        let change = compare_shares((8, 10), (1, 6)).unwrap();
        assert_near(change.interval.low, 0.12986712);
        assert_near(change.interval.high, 0.83133130);
    }

    #[test]
    fn of_none_and_of_all() {
        assert_eq!(share_interval(0, 0), None);
        assert_eq!(share_interval(2, 1), None);
        assert_eq!(compare_shares((1, 2), (0, 0)), None);
        let all = compare_shares((5, 5), (7, 7)).unwrap();
        assert_eq!((all.difference, all.p), (0.0, 1.0));
    }
}
