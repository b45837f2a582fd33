//! Scales: from values to places, and the ticks of an axis.

use crate::Unit;

/// Where values lie between the beginning and the end of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    is_log: bool,
    /// The values at which ticks stand, from the lowest to the highest.
    pub ticks: Vec<f64>,
}

/// Ticks of durations on a logarithmic axis, in minutes: 1 s, 10 s, 1 min, …, 1,000 days.
const DURATIONS: [f64; 17] = [
    1.0 / 60.0,
    1.0 / 6.0,
    1.0,
    3.0,
    10.0,
    30.0,
    60.0,
    180.0,
    600.0,
    1_440.0,
    4_320.0,
    14_400.0,
    43_200.0,
    144_000.0,
    432_000.0,
    1_440_000.0,
    14_400_000.0,
];

/// Steps of durations on an axis from 0, in minutes: 1 s to 500 days.
const STEPS: [f64; 23] = [
    1.0 / 60.0,
    1.0 / 12.0,
    0.25,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    15.0,
    30.0,
    60.0,
    120.0,
    180.0,
    360.0,
    720.0,
    1_440.0,
    2_880.0,
    7_200.0,
    14_400.0,
    28_800.0,
    72_000.0,
    144_000.0,
    720_000.0,
];

impl Scale {
    /// From 0 to the tick that holds `most`, in steps of 1, 2 or 5 times a power of ten that give three to six parts:
    /// the least overshoot, then the fewest ticks. Values below 0 are not foreseen.
    pub fn linear(most: f64, unit: Unit) -> Self {
        if unit == Unit::Percent && (50.0..=100.0).contains(&most) {
            return Self::from_zero(25.0, 4);
        }
        let most = if most.is_finite() && most > 0.0 {
            most
        } else {
            1.0
        };
        if let Some(minutes) = unit.minutes() {
            return Self::clock(most, minutes);
        }
        let mut best: Option<(f64, usize)> = None;
        let magnitude = most.log10().floor() as i32;
        for exponent in magnitude - 2..=magnitude + 1 {
            for factor in [1.0, 2.0, 5.0] {
                let step = factor * 10_f64.powi(exponent);
                let parts = (most / step - 1e-9).ceil().max(1.0) as usize;
                let is_whole = !unit.is_whole() || step >= 1.0;
                if !(3..=6).contains(&parts) || !is_whole {
                    continue;
                }
                let end = step * parts as f64;
                let is_better = best.is_none_or(|(other, others)| {
                    let other_end = other * others as f64;
                    end < other_end - 1e-9 || (end < other_end + 1e-9 && parts < others)
                });
                if is_better {
                    best = Some((step, parts));
                }
            }
        }
        // Counts of one and two cannot be cut into three whole parts.
        let (step, parts) = best.unwrap_or((1.0, most.ceil() as usize));
        Self::from_zero(step, parts)
    }

    /// Durations in steps that clocks and calendars have; `minutes` are those of the unit.
    fn clock(most: f64, minutes: f64) -> Self {
        let parts = |step: f64| (most * minutes / step - 1e-9).ceil().max(1.0);
        let known = STEPS.into_iter().find(|step| parts(*step) <= 5.0);
        // Beyond the longest, tens and hundreds of it.
        let step = known.unwrap_or_else(|| {
            let longest = STEPS[STEPS.len() - 1];
            let times = most * minutes / longest / 5.0;
            longest * 10_f64.powf(times.log10().ceil())
        });
        Self::from_zero(step / minutes, parts(step) as usize)
    }

    /// For durations in minutes, logarithmic: from the tick below the least that is above 0 to the tick above the
    /// greatest.
    pub fn durations(least: f64, greatest: f64) -> Self {
        let least = if least > 0.0 { least } else { 1.0 };
        let greatest = greatest.max(least);
        let first = DURATIONS
            .iter()
            .rposition(|tick| *tick <= least)
            .unwrap_or(0);
        let last = DURATIONS
            .iter()
            .position(|tick| *tick >= greatest)
            .unwrap_or(DURATIONS.len() - 1)
            .max(first + 1)
            .min(DURATIONS.len() - 1);
        let first = first.min(last - 1);
        let ticks = DURATIONS[first..=last].to_vec();
        Self {
            low: ticks[0],
            high: ticks[ticks.len() - 1],
            is_log: true,
            ticks,
        }
    }

    /// The place of a value, from 0 at the beginning of the axis to 1 at its end; values outside lie at the ends.
    pub fn place(&self, value: f64) -> f64 {
        let part = if self.is_log {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        part.clamp(0.0, 1.0)
    }

    fn from_zero(step: f64, parts: usize) -> Self {
        // Multiplied, so that no error adds up; rounded, so that 3 · 0.1 is 0.3.
        let ticks: Vec<f64> = (0..=parts)
            .map(|part| crate::round(step * part as f64, 9))
            .collect();
        Self {
            low: 0.0,
            high: ticks[parts],
            is_log: false,
            ticks,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nice_steps() {
        let cases = [
            (0.0, Unit::Count, vec![0.0, 1.0]),
            (1.0, Unit::Count, vec![0.0, 1.0]),
            (2.0, Unit::Count, vec![0.0, 1.0, 2.0]),
            (7.0, Unit::Count, vec![0.0, 2.0, 4.0, 6.0, 8.0]),
            (10.0, Unit::Count, vec![0.0, 2.0, 4.0, 6.0, 8.0, 10.0]),
            (
                1_240.0,
                Unit::Minutes,
                vec![0.0, 360.0, 720.0, 1_080.0, 1_440.0],
            ),
            (50.0, Unit::Minutes, vec![0.0, 10.0, 20.0, 30.0, 40.0, 50.0]),
            (31.0, Unit::Days, vec![0.0, 10.0, 20.0, 30.0, 40.0]),
            (
                0.02,
                Unit::Hours,
                vec![
                    0.0,
                    0.004_166_667,
                    0.008_333_333,
                    0.012_5,
                    0.016_666_667,
                    0.020_833_333,
                ],
            ),
            (0.3, Unit::Number, vec![0.0, 0.1, 0.2, 0.3]),
            (99.9, Unit::Percent, vec![0.0, 25.0, 50.0, 75.0, 100.0]),
            (f64::NAN, Unit::Count, vec![0.0, 1.0]),
        ];
        for (most, unit, ticks) in cases {
            assert_eq!(Scale::linear(most, unit).ticks, ticks, "{most}");
        }
    }

    #[test]
    fn durations_by_their_logarithm() {
        let scale = Scale::durations(4.0, 700.0);
        assert_eq!(scale.ticks, [3.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1_440.0]);
        assert_eq!((scale.place(3.0), scale.place(1_440.0)), (0.0, 1.0));
        assert!(
            (scale.place(30.0) - scale.place(3.0) - (scale.place(300.0) - scale.place(30.0))).abs()
                < 1e-9
        );
        // Below the first tick and beyond the last.
        assert_eq!((scale.place(0.0), scale.place(1e9)), (0.0, 1.0));
        assert_eq!(Scale::durations(0.0, 0.0).ticks, [1.0, 3.0]);
        assert_eq!(Scale::durations(1e12, 1e12).ticks.len(), 2);
    }

    proptest! {
        #[test]
        fn every_value_has_a_place_on_its_axis(most in 0.0..1e15_f64) {
            for unit in [Unit::Count, Unit::Number, Unit::Percent, Unit::Minutes] {
                let scale = Scale::linear(most, unit);
                prop_assert!((2..=7).contains(&scale.ticks.len()));
                prop_assert!(scale.ticks.windows(2).all(|pair| pair[0] < pair[1]));
                prop_assert!(scale.ticks[scale.ticks.len() - 1] >= most * (1.0 - 1e-9));
                prop_assert!((0.0..=1.0).contains(&scale.place(most)));
            }
        }
    }
}
