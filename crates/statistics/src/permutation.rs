//! Two samples, their means, and what they would be if chance had divided the values.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use statrs::distribution::{ContinuousCDF, Normal};

/// Up to so many divisions are all looked at.
const ALL: u64 = 20_000;

/// Of more, so many random ones.
const RANDOM: u64 = 9_999;

/// Where both samples have so many values, what random divisions would give is known: the sum of one sample is normally
/// distributed, as that of a draw without replacement.
const LARGE: usize = 500;

/// How likely a random division of all values gives means that differ at least as much in one direction, the smaller
/// of both directions doubled, as scipy's `permutation_test` has it. Nothing if a sample is empty.
pub(crate) fn two_sided(x: &[f64], y: &[f64], seed: u64) -> Option<f64> {
    if x.is_empty() || y.is_empty() {
        return None;
    }
    let mut values: Vec<f64> = x.iter().chain(y).copied().collect();
    // In which order the rows came must make no difference.
    values.sort_by(f64::total_cmp);
    if x.len().min(y.len()) >= LARGE {
        return Some(of_normal(x, y, &values));
    }
    // The sum of one sample is enough: the sum of both does not change.
    let observed: f64 = x.iter().sum();
    // Sums in another order differ in their last digits.
    let slack = 1e-12 * values.iter().map(|value| value.abs()).sum::<f64>();
    let (mut all, mut below, mut above) = (0_u64, 0_u64, 0_u64);
    let mut count = |sum: f64| {
        all += 1;
        below += u64::from(sum <= observed + slack);
        above += u64::from(sum >= observed - slack);
    };
    if divisions(values.len(), x.len()).is_some_and(|divisions| divisions <= ALL) {
        each_division(&values, x.len(), 0.0, &mut count);
    } else {
        // The actual division counts as one more.
        count(observed);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut shuffled = values.clone();
        for _ in 0..RANDOM {
            shuffle_front(&mut shuffled, x.len(), &mut random);
            count(shuffled[..x.len()].iter().sum());
        }
    }
    Some((2.0 * below.min(above) as f64 / all as f64).min(1.0))
}

/// The same for large samples, by the normal distribution of the sum of a draw without replacement.
fn of_normal(x: &[f64], y: &[f64], values: &[f64]) -> f64 {
    let (n, m) = (x.len() as f64, y.len() as f64);
    let all = n + m;
    let mean = values.iter().sum::<f64>() / all;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let variance = n * m / all * squares / (all - 1.0);
    let distance = (x.iter().sum::<f64>() - n * mean).abs();
    if variance <= 0.0 {
        return 1.0;
    }
    let normal = Normal::standard();
    (2.0 * normal.sf(distance / variance.sqrt())).min(1.0)
}

/// In how many ways so many of all can be chosen; nothing if that is beyond counting.
fn divisions(all: usize, chosen: usize) -> Option<u64> {
    let mut ways = 1_u64;
    for step in 0..chosen.min(all - chosen) as u64 {
        ways = ways.checked_mul(all as u64 - step)? / (step + 1);
    }
    Some(ways)
}

/// Hands out the sum of each way to choose `chosen` of the values.
fn each_division(values: &[f64], chosen: usize, sum: f64, each: &mut dyn FnMut(f64)) {
    match values {
        _ if chosen == 0 => each(sum),
        [first, rest @ ..] if values.len() >= chosen => {
            each_division(rest, chosen - 1, sum + first, each);
            each_division(rest, chosen, sum, each);
        }
        _ => {}
    }
}

/// Puts a random choice of the values at the front.
fn shuffle_front(values: &mut [f64], chosen: usize, random: &mut ChaCha8Rng) {
    for place in 0..chosen {
        let left = (values.len() - place) as u64;
        // The bias of a remainder is below one in 2^50 for any sample that fits in memory.
        let other = place + (random.next_u64() % left) as usize;
        values.swap(place, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_values_makes_no_difference() {
        let x: Vec<f64> = (0..30).map(|value| f64::from(value % 7)).collect();
        let y: Vec<f64> = (0..25).map(|value| f64::from(value % 5) + 0.5).collect();
        let (mut other_x, mut other_y) = (x.clone(), y.clone());
        other_x.reverse();
        other_y.rotate_left(7);
        assert_eq!(two_sided(&x, &y, 1), two_sided(&other_x, &other_y, 1));
    }

    #[test]
    fn all_divisions_once() {
        let mut sums = Vec::new();
        each_division(&[1.0, 2.0, 4.0], 2, 0.0, &mut |sum| sums.push(sum));
        assert_eq!(sums, [3.0, 5.0, 6.0]);
        assert_eq!(divisions(13, 6), Some(1_716));
        assert_eq!(divisions(200, 100), None);
    }

    #[test]
    fn many_values_are_sampled_the_same_way_each_time() {
        let x: Vec<f64> = (0..40).map(f64::from).collect();
        let y: Vec<f64> = (3..43).map(f64::from).collect();
        let p = two_sided(&x, &y, 7).unwrap();
        assert_eq!(two_sided(&x, &y, 7), Some(p));
        assert!((0.15..0.45).contains(&p), "{p}");
        let far: Vec<f64> = (100..140).map(f64::from).collect();
        assert_eq!(two_sided(&x, &far, 7), Some(2.0 / 10_000.0));
    }

    #[test]
    fn large_samples_are_what_random_divisions_come_to() {
        // Skewed, as durations are.
        let x: Vec<f64> = (0..LARGE)
            .map(|n| f64::from(n as u32 % 97).powi(2))
            .collect();
        let y: Vec<f64> = (0..LARGE)
            .map(|n| f64::from(n as u32 % 89 + 11).powi(2))
            .collect();
        let large = two_sided(&x, &y, 1).unwrap();
        let values: Vec<f64> = x.iter().chain(&y).copied().collect();
        let observed: f64 = x.iter().sum();
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut shuffled = values;
        let (mut below, mut above) = (1, 1);
        for _ in 0..RANDOM {
            shuffle_front(&mut shuffled, LARGE, &mut random);
            let sum: f64 = shuffled[..LARGE].iter().sum();
            below += u64::from(sum <= observed);
            above += u64::from(sum >= observed);
        }
        let drawn = 2.0 * below.min(above) as f64 / (RANDOM + 1) as f64;
        assert!((large - drawn).abs() < 0.01, "{large} and {drawn}");
        assert_eq!(two_sided(&[1.0; LARGE], &[1.0; LARGE], 1), Some(1.0));
    }
}
