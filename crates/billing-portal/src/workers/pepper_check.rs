//! [`PepperCheck`]: compares the configured peppers with the peppers of the stored keys.

use std::sync::{Arc, Mutex, PoisonError};

use auth_api_key::{Gate, PepperFit};
use billing_domain::ports::{ApiKeyUsage, Clock, RepoError};

/// Checks peppers against the stored keys.
#[derive(Debug)]
pub(crate) struct PepperCheck {
    usage: Arc<dyn ApiKeyUsage>,
    clock: Arc<dyn Clock>,
    gate: Mutex<Gate>,
}

impl PepperCheck {
    /// `gate` has the configured peppers.
    pub(crate) fn new(usage: Arc<dyn ApiKeyUsage>, clock: Arc<dyn Clock>, gate: Gate) -> Self {
        Self { usage, clock, gate: Mutex::new(gate) }
    }

    /// Checks the configured peppers.
    pub(crate) async fn check(&self) -> Result<PepperFit, RepoError> {
        let gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.check_gate(&gate).await
    }

    /// Checks the peppers of this gate. Logs a warning if some keys use other peppers.
    pub(crate) async fn check_gate(&self, gate: &Gate) -> Result<PepperFit, RepoError> {
        let counts = self.usage.count_by_pepper(self.clock.now()).await?;
        let fit = PepperFit::compare(&counts, gate);
        if let PepperFit::SomeDoNotFit(keys) = fit {
            tracing::warn!(keys, "active API keys are rejected: their pepper is not configured");
        }
        Ok(fit)
    }

    /// Replaces the configured peppers with the peppers of this gate.
    pub(crate) fn replace(&self, gate: Gate) {
        *self.gate.lock().unwrap_or_else(PoisonError::into_inner) = gate;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use async_trait::async_trait;
    use auth_api_key::Pepper;
    use billing_domain::ports::KeyChange;
    use billing_domain::{ApiKeyId, KeyVerifier, PepperId, Timestamp};
    use billing_testkit::FixedClock;

    use super::*;

    /// A store with three active keys under one pepper.
    #[derive(Debug)]
    struct ThreeKeys(Option<PepperId>);

    #[async_trait]
    impl ApiKeyUsage for ThreeKeys {
        async fn record_use(&self, _: &[(ApiKeyId, Timestamp)]) -> Result<(), RepoError> {
            Ok(())
        }

        async fn replace_verifier(
            &self,
            _: &ApiKeyId,
            _: &KeyVerifier,
            _: &KeyVerifier,
        ) -> Result<bool, RepoError> {
            Ok(false)
        }

        async fn count_by_pepper(
            &self,
            _: Timestamp,
        ) -> Result<Vec<(Option<PepperId>, u64)>, RepoError> {
            Ok(vec![(self.0.clone(), 3)])
        }

        async fn next_change(&self) -> Result<KeyChange, RepoError> {
            std::future::pending().await
        }
    }

    fn gate(letter: &str) -> Gate {
        Gate::new(Pepper::new(&letter.repeat(32)).unwrap(), None)
    }

    /// Creates a check with the pepper `configured` and keys with the pepper `stored`.
    pub(in crate::workers) fn check(configured: &str, stored: &str) -> PepperCheck {
        let keys = ThreeKeys(gate(stored).pepper_ids().next().cloned());
        let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1)));
        PepperCheck::new(Arc::new(keys), clock, gate(configured))
    }

    #[tokio::test]
    async fn check_uses_the_replaced_pepper() {
        let check = check("p", "q");
        assert_eq!(check.check().await.unwrap(), PepperFit::NoneFits);
        assert_eq!(check.check_gate(&gate("q")).await.unwrap(), PepperFit::Fits);
        assert_eq!(check.check().await.unwrap(), PepperFit::NoneFits);
        check.replace(gate("q"));
        assert_eq!(check.check().await.unwrap(), PepperFit::Fits);
    }
}
