//! Has it really changed? Two periods compared honestly: counts, clusters of pages, durations, shares.
//!
//! Pure functions of numbers: what the numbers are of is not known here, nor how they are shown. Distributions come from
//! `statrs`. Nothing here depends on anything but its arguments: where chance is drawn, the seed is one of them.

mod counts;
mod durations;
mod permutation;
mod shares;
mod verdict;

pub use counts::{
    CountChange, Visible, compare_counts, compare_weeks, count_interval, dispersion, visible,
};
pub use durations::{DurationChange, compare_durations, geometric_mean};
pub use shares::{ShareChange, compare_shares, share_interval};
pub use verdict::{Verdict, adjust, verdict};

/// From where to where something lies with a confidence of 95 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end; infinite where nothing limits it.
    pub high: f64,
}

/// What is left outside an interval, on both sides together.
const ALPHA: f64 = 0.05;

/// The quantile of the beta distribution; shapes are above 0.
fn beta_quantile(probability: f64, a: f64, b: f64) -> f64 {
    use statrs::distribution::{Beta, ContinuousCDF};
    Beta::new(a, b).map_or(f64::NAN, |beta| beta.inverse_cdf(probability))
}

#[cfg(test)]
#[track_caller]
fn assert_near(found: f64, expected: f64) {
    let scale = expected.abs().max(1e-12);
    assert!(
        (found - expected).abs() <= scale * 2e-7,
        "found {found}, expected {expected}"
    );
}
