//! Randomness that is the same for ever: a seeded stream of numbers and the few distributions drawn from it.
//!
//! The stream is ChaCha8: a published cipher, which its crate documents as deterministic, portable and tested against
//! reference vectors. (General-purpose generators promise no such thing from version to version.) The distributions
//! are spelt out here with only additions, multiplications and square roots, whose results IEEE 754 fixes, because
//! `ln`, `exp` and `cos` may differ in their last bit between platforms.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of random numbers, fixed by a seed and by what it is for.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    /// The stream of `seed` for one `purpose`: another purpose gives an independent stream, so that a change in what
    /// one part draws does not shift the others.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let mut key = [0_u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        for (to, from) in key[8..].iter_mut().zip(purpose.bytes()) {
            *to = from;
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Any number of 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Evenly from 0 (included) to 1 (excluded).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// `true` with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Evenly from 0 to `count` - 1; 0 if `count` is 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.bits()) * count as u128) >> 64) as usize
    }

    /// Evenly from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).max(1) as usize) as i64
    }

    /// One of the choices, which must not be none.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// The place of a choice, each as likely as its weight; `cumulated` holds the running sums of the weights.
    pub(crate) fn weighted(&mut self, cumulated: &[f64]) -> usize {
        let total = cumulated.last().copied().unwrap_or(0.0);
        let drawn = self.unit() * total;
        cumulated
            .partition_point(|sum| *sum <= drawn)
            .min(cumulated.len().saturating_sub(1))
    }

    /// About normal, mean 0 and deviation 1: the sum of twelve even draws, less six (Irwin-Hall).
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// Lognormal, by its median and the deviation of its logarithm.
    pub(crate) fn lognormal(&mut self, median: f64, deviation: f64) -> f64 {
        median * exponential(deviation * self.normal())
    }

    /// How many of something that happens `mean` times on average (Poisson).
    pub(crate) fn poisson(&mut self, mean: f64) -> usize {
        if mean > 30.0 {
            // Near enough to normal, and in one step.
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as usize;
        }
        let threshold = exponential(-mean);
        let mut product = self.unit();
        let mut count = 0;
        while product > threshold {
            product *= self.unit();
            count += 1;
        }
        count
    }
}

/// e to the power of `x`, for |x| up to about 100: (1 + x/2^20)^(2^20), squared up.
fn exponential(x: f64) -> f64 {
    let mut power = 1.0 + x / f64::from(1 << 20);
    for _ in 0..20 {
        power *= power;
    }
    power
}

/// A one-to-one scrambling of 64 bits (the finalizer of SplitMix64, Steele et al. 2014): different numbers stay
/// different, so identifiers made from a counter are unique without being remembered.
pub(crate) fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_is_near_the_real_one() {
        for x in [-30.0, -3.0, -0.5, 0.0, 0.5, 3.0, 8.0] {
            assert!((exponential(x) / f64::exp(x) - 1.0).abs() < 1e-3, "{x}");
        }
    }

    #[test]
    fn distributions_have_their_means() {
        let mut random = Random::new(1, "test");
        let mean =
            |draw: &mut dyn FnMut() -> f64| (0..20_000).map(|_| draw()).sum::<f64>() / 20_000.0;
        assert!((mean(&mut || random.poisson(2.5) as f64) - 2.5).abs() < 0.1);
        assert!((mean(&mut || random.poisson(80.0) as f64) - 80.0).abs() < 0.5);
        assert!((mean(&mut || random.lognormal(10.0, 0.5)) - 11.33).abs() < 0.2);
        assert!((mean(&mut || random.below(10) as f64) - 4.5).abs() < 0.1);
        let picked = mean(&mut || random.weighted(&[1.0, 1.0, 4.0]) as f64);
        assert!(
            (picked - 1.5).abs() < 0.05,
            "the second has no weight: {picked}"
        );
    }

    #[test]
    fn purposes_and_seeds_give_other_streams() {
        assert_eq!(Random::new(7, "a").bits(), Random::new(7, "a").bits());
        assert_ne!(Random::new(7, "a").bits(), Random::new(7, "b").bits());
        assert_ne!(Random::new(7, "a").bits(), Random::new(8, "a").bits());
    }
}
