//! Counts in two periods, which may be of different length.

use statrs::distribution::{Binomial, ChiSquared, ContinuousCDF, DiscreteCDF};

use crate::permutation::two_sided;
use crate::{ALPHA, Interval, beta_quantile};

/// How a count changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CountChange {
    /// How often it is now for each time that it was before, each for the same length of time; nothing if it never
    /// happened before.
    pub ratio: Option<f64>,
    /// Where the ratio lies.
    pub interval: Interval,
    /// How likely a difference at least as large is by chance.
    pub p: f64,
}

/// What a comparison could show at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visible {
    /// So many or fewer would show, with p below 5 %; nothing if even none would not.
    pub at_most: Option<u64>,
    /// So many or more would show.
    pub at_least: u64,
}

/// Compares a count in `now_length` with one in `before_length`, in any unit above 0, of events that happen singly.
///
/// Of all events together, each falls into the newer period with the chance of its share of the time, if nothing changed:
/// the exact conditional test of two Poisson rates (Przyborowski and Wilenski, Biometrika 31, 1940), its smaller tail
/// doubled, with the interval of Clopper and Pearson (Biometrika 26, 1934) that agrees with it. Nothing if there was no
/// event in either.
pub fn compare_counts(
    now: u64,
    now_length: f64,
    before: u64,
    before_length: f64,
) -> Option<CountChange> {
    let all = now + before;
    if all == 0 || !(now_length > 0.0 && before_length > 0.0) {
        return None;
    }
    let share = now_length / (now_length + before_length);
    let ratio_of = |part: f64| part / (1.0 - part) * before_length / now_length;
    let (k, rest) = (now as f64, before as f64);
    let low = match now {
        0 => 0.0,
        _ => ratio_of(beta_quantile(ALPHA / 2.0, k, rest + 1.0)),
    };
    let high = match before {
        0 => f64::INFINITY,
        _ => ratio_of(beta_quantile(1.0 - ALPHA / 2.0, k + 1.0, rest)),
    };
    Some(CountChange {
        ratio: (before > 0).then(|| k / now_length / (rest / before_length)),
        interval: Interval { low, high },
        p: doubled_tail(now, all, share),
    })
}

/// Compares counts by week of events that come in clusters, such as pages: whole weeks change places.
///
/// How likely a random division of the weeks gives means that differ at least as much; all divisions are looked at where
/// there are at most 20,000, else 9,999 random ones. Weeks give no interval and no ratio: only p is
/// given. Nothing if there is no week in one of the two.
pub fn compare_weeks(now: &[u64], before: &[u64], seed: u64) -> Option<f64> {
    let real = |weeks: &[u64]| weeks.iter().map(|count| *count as f64).collect::<Vec<_>>();
    two_sided(&real(now), &real(before), seed)
}

/// Where the mean of a Poisson distribution lies, of which this count came (Garwood, Biometrika 28, 1936).
pub fn count_interval(count: u64) -> Interval {
    let quantile = |probability: f64, freedom: f64| {
        ChiSquared::new(freedom).map_or(f64::NAN, |chi| chi.inverse_cdf(probability) / 2.0)
    };
    let low = match count {
        0 => 0.0,
        _ => quantile(ALPHA / 2.0, 2.0 * count as f64),
    };
    Interval {
        low,
        high: quantile(1.0 - ALPHA / 2.0, 2.0 * count as f64 + 2.0),
    }
}

/// The variance of counts over their mean: 1 for events that happen singly, more for clusters. Nothing below two counts
/// or where there is no event.
pub fn dispersion(counts: &[u64]) -> Option<f64> {
    let n = counts.len() as f64;
    let mean = counts.iter().sum::<u64>() as f64 / n;
    if counts.len() < 2 || mean == 0.0 {
        return None;
    }
    let squares: f64 = counts
        .iter()
        .map(|count| (*count as f64 - mean).powi(2))
        .sum();
    Some(squares / (n - 1.0) / mean)
}

/// What would have shown against a count in a period of another length.
pub fn visible(before: u64, now_length: f64, before_length: f64) -> Visible {
    let share = now_length / (now_length + before_length);
    let shows = |now: u64| doubled_tail(now, now + before, share) < ALPHA;
    // As many as before, for the length of time, shows nothing: what does lies on both sides of it.
    let same = (before as f64 * now_length / before_length).round() as u64;
    let at_most = (0..=same).rev().find(|now| shows(*now));
    let mut at_least = same + 1;
    while !shows(at_least) {
        at_least += 1;
    }
    Visible { at_most, at_least }
}

/// The smaller tail of the binomial distribution that includes `count`, doubled.
fn doubled_tail(count: u64, all: u64, share: f64) -> f64 {
    let Ok(binomial) = Binomial::new(share, all) else {
        return f64::NAN;
    };
    let at_most = binomial.cdf(count);
    let at_least = match count {
        0 => 1.0,
        _ => binomial.sf(count - 1),
    };
    (2.0 * at_most.min(at_least)).min(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::assert_near;

    /// Values of scipy 1.17.1: `binomtest(…, alternative=…)` doubled, `beta.ppf`.
    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of cases")]
    fn rates_as_scipy_has_them() {
        let cases = [
            (
                12,
                30.0,
                5,
                30.0,
                0.1434631348,
                Some(2.4),
                0.78704589,
                8.6959811,
            ),
            (
                3,
                28.0,
                9,
                31.0,
                0.2016913066,
                Some(0.369_047_619),
                0.064264143,
                1.4787844,
            ),
            (0, 30.0, 4, 30.0, 0.125, Some(0.0), 0.0, 1.5148669),
            (
                39,
                365.0,
                52,
                365.0,
                0.2081744224,
                Some(0.75),
                0.48211535,
                1.158125,
            ),
            (
                120,
                90.0,
                155,
                92.0,
                0.0614662467,
                Some(0.791_397_849),
                0.61831548,
                1.0108998,
            ),
            (
                1,
                7.0,
                9,
                28.0,
                0.7516192768,
                Some(0.444_444_444),
                0.010139954,
                3.2074165,
            ),
        ];
        for (now, now_days, before, before_days, p, ratio, low, high) in cases {
            let change = compare_counts(now, now_days, before, before_days).unwrap();
            assert_near(change.p, p);
            assert_eq!(
                change.ratio.map(|r| (r * 1e6).round()),
                ratio.map(|r: f64| (r * 1e6).round())
            );
            assert_near(change.interval.low, low);
            assert_near(change.interval.high, high);
        }
        assert_eq!(compare_counts(0, 30.0, 0, 30.0), None);
        let from_none = compare_counts(4, 30.0, 0, 30.0).unwrap();
        assert_eq!(
            (from_none.ratio, from_none.interval.high),
            (None, f64::INFINITY)
        );
    }

    /// Values of scipy: `chi2.ppf`.
    #[test]
    fn intervals_of_one_count() {
        for (count, low, high) in [
            (0, 0.0, 3.6888795),
            (1, 0.025317808, 5.5716434),
            (3, 0.61867212, 8.7672731),
            (10, 4.7953887, 18.390356),
            (39, 27.732812, 53.314284),
        ] {
            assert_near(count_interval(count).low, low);
            assert_near(count_interval(count).high, high);
        }
    }

    #[test]
    fn pages_that_come_in_clusters() {
        let (now, before) = ([3, 0, 2, 8, 1, 4], [5, 9, 4, 12, 6, 7, 3]);
        // All 1,716 divisions, as scipy's `permutation_test` has it.
        assert_near(compare_weeks(&now, &before, 0).unwrap(), 0.0652680652680);
        // What a Poisson distribution would make of the same counts.
        let singly = compare_counts(18, 6.0, 46, 7.0).unwrap();
        assert!(singly.p < 0.005, "{}", singly.p);
        let all: Vec<u64> = now.iter().chain(&before).copied().collect();
        assert!(dispersion(&all).unwrap() > 2.3);
        assert_eq!(dispersion(&[4]), None);
        assert_eq!(dispersion(&[0, 0]), None);
        assert_eq!(compare_weeks(&[], &before, 0), None);
    }

    /// Against equal periods, as computed with scipy.
    #[test]
    fn what_can_be_seen_at_all() {
        for (before, at_most, at_least) in [
            (3, None, 12),
            (6, Some(0), 17),
            (10, Some(2), 23),
            (15, Some(5), 29),
            (20, Some(8), 36),
            (40, Some(23), 61),
            (100, Some(73), 131),
        ] {
            assert_eq!(
                visible(before, 1.0, 1.0),
                Visible { at_most, at_least },
                "{before}"
            );
        }
    }

    proptest! {
        #[test]
        fn the_interval_agrees_with_p(now in 0_u64..60, before in 0_u64..60, days in 1.0..400.0_f64, others in 1.0..400.0_f64) {
            prop_assume!(now + before > 0);
            let change = compare_counts(now, days, before, others).unwrap();
            prop_assert!((0.0..=1.0).contains(&change.p));
            let holds_one = change.interval.low <= 1.0 && 1.0 <= change.interval.high;
            // At the very border rounding decides.
            prop_assert!((change.p - ALPHA).abs() < 1e-9 || holds_one == (change.p > ALPHA));
        }
    }
}
