//! What a p value says, in the words of a report, and what several together say.

/// What can be said about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It went down, and chance hardly explains it: p below 1 %.
    Fewer,
    /// It went down, and chance seldom explains it: p below 5 %.
    PerhapsFewer,
    /// Chance explains it.
    NoClearChange,
    /// It went up, and chance seldom explains it.
    PerhapsMore,
    /// It went up, and chance hardly explains it.
    More,
    /// With so few, no change could have shown.
    TooFew,
}

impl Verdict {
    /// Whether it says that something changed.
    pub fn is_change(self) -> bool {
        !matches!(self, Self::NoClearChange | Self::TooFew)
    }
}

/// What p says of a change; `is_up` is its direction, `is_enough` whether a change could have shown at all.
pub fn verdict(p: f64, is_up: bool, is_enough: bool) -> Verdict {
    match (p, is_up) {
        _ if !is_enough => Verdict::TooFew,
        (p, true) if p < 0.01 => Verdict::More,
        (p, false) if p < 0.01 => Verdict::Fewer,
        (p, true) if p < 0.05 => Verdict::PerhapsMore,
        (p, false) if p < 0.05 => Verdict::PerhapsFewer,
        _ => Verdict::NoClearChange,
    }
}

/// The p values of several questions, raised so that of those below a limit at most that share is there by chance
/// (Benjamini and Hochberg, JRSS B 57, 1995). In the order given.
pub fn adjust(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
    let mut adjusted = vec![1.0; p.len()];
    let mut least = 1.0_f64;
    for (place, index) in order.into_iter().enumerate() {
        let rank = p.len() - place;
        least = least.min(p[index] * p.len() as f64 / rank as f64);
        adjusted[index] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of scipy's `false_discovery_control`.
    #[test]
    fn several_questions() {
        let p = [
            0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216,
        ];
        let expected = [
            0.01, 0.04, 0.084, 0.084, 0.084, 0.1, 0.10571429, 0.216, 0.216, 0.216,
        ];
        for (found, expected) in adjust(&p).into_iter().zip(expected) {
            crate::assert_near((found * 1e8).round(), (expected * 1e8_f64).round());
        }
        let turned: Vec<f64> = p.iter().rev().copied().collect();
        assert!(adjust(&turned).iter().rev().eq(adjust(&p).iter()));
        assert!(adjust(&[]).is_empty());
    }

    #[test]
    fn words() {
        assert_eq!(verdict(0.009, true, true), Verdict::More);
        assert_eq!(verdict(0.01, false, true), Verdict::PerhapsFewer);
        assert_eq!(verdict(0.05, true, true), Verdict::NoClearChange);
        assert_eq!(verdict(0.001, true, false), Verdict::TooFew);
        assert!(Verdict::PerhapsMore.is_change() && !Verdict::TooFew.is_change());
    }
}
