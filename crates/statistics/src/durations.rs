//! Durations in two periods, by their logarithms: durations are skewed, and a mean of minutes is the longest ones.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::permutation::two_sided;
use crate::{ALPHA, Interval};

/// How durations changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DurationChange {
    /// The geometric mean now over that before.
    pub ratio: f64,
    /// Where the ratio lies; nothing where one of the two has a single duration, or all are the same.
    pub interval: Option<Interval>,
    /// How likely a difference at least as large is by chance.
    pub p: f64,
}

/// The geometric mean of those above 0; nothing if none is.
pub fn geometric_mean(durations: &[f64]) -> Option<f64> {
    let logs = logs(durations);
    (!logs.is_empty()).then(|| mean(&logs).exp())
}

/// Compares durations above 0; others are left out.
///
/// p is that of a permutation of the logarithms, all divisions where there are at most 20,000 and else 9,999 random
/// ones, or for 500 values on both sides what these come to. The interval is Welch's (Biometrika 34, 1947) of their means. Nothing if one of the two has none.
pub fn compare_durations(now: &[f64], before: &[f64], seed: u64) -> Option<DurationChange> {
    let (x, y) = (logs(now), logs(before));
    let p = two_sided(&x, &y, seed)?;
    let difference = mean(&x) - mean(&y);
    Some(DurationChange {
        ratio: difference.exp(),
        interval: welch(&x, &y).map(|half| Interval {
            low: (difference - half).exp(),
            high: (difference + half).exp(),
        }),
        p,
    })
}

fn logs(durations: &[f64]) -> Vec<f64> {
    let above = durations.iter().filter(|minutes| **minutes > 0.0);
    above.map(|minutes| minutes.ln()).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Half the width of the interval of a difference of means.
fn welch(x: &[f64], y: &[f64]) -> Option<f64> {
    if x.len() < 2 || y.len() < 2 {
        return None;
    }
    let of_mean = |values: &[f64]| {
        let (n, mean) = (values.len() as f64, mean(values));
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        squares / (n - 1.0) / n
    };
    let (a, b) = (of_mean(x), of_mean(y));
    if a + b <= 0.0 {
        return None;
    }
    let part = |variance: f64, n: usize| variance.powi(2) / (n as f64 - 1.0);
    let freedom = (a + b).powi(2) / (part(a, x.len()) + part(b, y.len()));
    let t = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some(t.inverse_cdf(1.0 - ALPHA / 2.0) * (a + b).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assert_near;

    const NOW: [f64; 5] = [12.0, 45.0, 7.0, 180.0, 33.0];
    const BEFORE: [f64; 6] = [60.0, 95.0, 240.0, 31.0, 150.0, 420.0];

    /// Values of scipy 1.17.1: `gmean`, `permutation_test` (462 divisions), `ttest_ind(equal_var=False)`.
    #[test]
    fn durations_as_scipy_has_them() {
        assert_near(geometric_mean(&NOW).unwrap(), 29.52946978);
        assert_near(geometric_mean(&BEFORE).unwrap(), 117.7962297);
        let change = compare_durations(&NOW, &BEFORE, 0).unwrap();
        assert_near(change.ratio, 0.2506826395);
        assert_near(change.p, 0.07792207792);
        let interval = change.interval.unwrap();
        assert_near(interval.low, 0.050675455);
        assert_near(interval.high, 1.2400833);
    }

    #[test]
    fn ties_count_in_both_directions() {
        let change = compare_durations(&[5.0, 5.0, 10.0, 20.0], &[5.0, 40.0, 40.0, 80.0, 80.0], 0);
        let change = change.unwrap();
        assert_near(change.ratio, 0.2414840822);
        assert_near(change.p, 0.1111111111);
        let same = compare_durations(&[30.0; 3], &[30.0; 3], 0).unwrap();
        assert_eq!((same.ratio, same.interval, same.p), (1.0, None, 1.0));
        let few = compare_durations(&[10.0, 20.0], &[30.0, 40.0, 50.0], 0).unwrap();
        assert_near(few.ratio, 0.3612417308);
        assert_near(few.p, 0.2);
    }

    #[test]
    fn nothing_to_compare() {
        assert_eq!(compare_durations(&[0.0], &BEFORE, 0), None);
        assert_eq!(geometric_mean(&[0.0, -5.0]), None);
        assert_eq!(
            compare_durations(&[5.0], &BEFORE, 0).unwrap().interval,
            None
        );
    }
}
