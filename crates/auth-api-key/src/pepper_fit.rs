//! Whether the configured peppers fit the keys that are stored.

use billing_domain::PepperId;

use crate::gate::Gate;

/// How the stored keys and the configured peppers go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PepperFit {
    /// Every active key stands under a configured pepper, or may do so, or there is none.
    Fits,
    /// So many active keys stand under a pepper that is not configured: they do not hold.
    SomeDoNotFit(u64),
    /// There are active keys, and all stand under peppers that are not configured: it is the wrong pepper.
    NoneFits,
}

impl PepperFit {
    /// Judges what [`ApiKeyUsage::peppers`](billing_domain::ports::ApiKeyUsage::peppers) counted. Keys of a release that did not
    /// say which pepper they stand under are taken to fit.
    #[must_use]
    pub fn judge(counts: &[(Option<PepperId>, u64)], gate: &Gate) -> Self {
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
            (_, strangers) => Self::SomeDoNotFit(strangers),
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
    fn c7_a_pepper_under_which_no_stored_key_stands_is_told_apart() {
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
            assert_eq!(PepperFit::judge(&counts, &one), fit, "{counts:?}");
            assert_eq!(PepperFit::judge(&counts, &both), fit, "{counts:?}");
        }
        assert_eq!(PepperFit::judge(&[(name("q"), 1)], &one), PepperFit::NoneFits);
        assert_eq!(PepperFit::judge(&[(name("q"), 1), (name("p"), 1)], &both), PepperFit::Fits);
    }
}
