//! [`PepperFit`]: compares the configured peppers with the stored keys.

use billing_domain::PepperId;

use crate::gate::Gate;

/// Result of comparing the stored keys with the configured peppers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PepperFit {
    /// Every active key has a configured or an unknown pepper, or no active key exists.
    Fits,
    /// This number of active keys has a pepper that is not configured; they are refused.
    SomeDoNotFit(u64),
    /// All active keys have peppers that are not configured: the configured pepper is wrong.
    NoneFits,
}

impl PepperFit {
    /// Compares the result of
    /// [`ApiKeyUsage::count_by_pepper`](billing_domain::ports::ApiKeyUsage::count_by_pepper) with
    /// the gate's peppers. Keys of a release that did not store the pepper's id count as matching.
    #[must_use]
    pub fn compare(counts: &[(Option<PepperId>, u64)], gate: &Gate) -> Self {
        let is_configured = |pepper: &Option<PepperId>| {
            pepper.as_ref().is_none_or(|id| gate.pepper_ids().any(|own| own == id))
        };
        let total = |fits: bool| {
            let counted = counts.iter().filter(|(pepper, _)| is_configured(pepper) == fits);
            counted.fold(0_u64, |sum, (_, keys)| sum.saturating_add(*keys))
        };
        match (total(true), total(false)) {
            (_, 0) => Self::Fits,
            (0, _) => Self::NoneFits,
            (_, unmatched) => Self::SomeDoNotFit(unmatched),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Pepper;

    fn pepper(letter: &str) -> Pepper {
        Pepper::new(&letter.repeat(32)).unwrap()
    }

    fn name(letter: &str) -> Option<PepperId> {
        Gate::new(pepper(letter), None).pepper_ids().next().cloned()
    }

    #[test]
    fn c7_pepper_fit_separates_full_partial_and_no_match() {
        let one = Gate::new(pepper("p"), None);
        let both = Gate::new(pepper("q"), Some(pepper("p")));
        for (counts, fit) in [
            (vec![], PepperFit::Fits),
            (vec![(name("x"), 0)], PepperFit::Fits),
            (vec![(name("p"), 3)], PepperFit::Fits),
            (vec![(None, 3)], PepperFit::Fits),
            (vec![(name("p"), 3), (name("x"), 2), (name("y"), 1)], PepperFit::SomeDoNotFit(3)),
            (vec![(None, 1), (name("x"), 2)], PepperFit::SomeDoNotFit(2)),
            (vec![(name("x"), 2)], PepperFit::NoneFits),
            (vec![(name("p"), 0), (name("x"), 2)], PepperFit::NoneFits),
        ] {
            assert_eq!(PepperFit::compare(&counts, &one), fit, "{counts:?}");
            assert_eq!(PepperFit::compare(&counts, &both), fit, "{counts:?}");
        }
        assert_eq!(PepperFit::compare(&[(name("q"), 1)], &one), PepperFit::NoneFits);
        assert_eq!(PepperFit::compare(&[(name("q"), 1), (name("p"), 1)], &both), PepperFit::Fits);
    }
}
