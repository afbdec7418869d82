//! [`check_catalogue`]: compares the catalogue's prices with the provider's prices once.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::{Catalogue, PriceCheck, error_chain};
use tokio::time::sleep;

use crate::readiness::Readiness;

/// Time budget for each price.
const PRICE_BUDGET: Duration = Duration::from_secs(10);
/// Pause after a failed check.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Repeats the check until the provider responds, and logs each difference.
pub(crate) async fn check_catalogue(
    prices: Arc<PriceCheck>,
    catalogue: Arc<Catalogue>,
    readiness: Arc<Readiness>,
) {
    readiness.wait_until_ready().await;
    loop {
        match prices.check_all(&catalogue, PRICE_BUDGET).await {
            Ok(mismatches) => {
                metrics::gauge!("catalogue_mismatches")
                    .set(f64::from(u32::try_from(mismatches.len()).unwrap_or(u32::MAX)));
                for mismatch in &mismatches {
                    tracing::error!(
                        %mismatch,
                        "the catalogue does not agree with the provider: this plan is not sold"
                    );
                }
                return;
            }
            Err(error) => {
                tracing::warn!(cause = error_chain(&error), "the catalogue could not be checked")
            }
        }
        sleep(RETRY_AFTER).await;
    }
}

#[cfg(test)]
mod tests {
    use billing_domain::ports::ProviderError;
    use billing_domain::{BillingCycle, Plan, PlanPrice, ProviderPrice, Timestamp};
    use billing_testkit::{FakeBillingAccountProvider, FixedClock};
    use http_edge::Drain;

    use super::*;

    /// A check of a catalogue with one price.
    struct World {
        provider: Arc<FakeBillingAccountProvider>,
        prices: Arc<PriceCheck>,
        catalogue: Arc<Catalogue>,
        readiness: Arc<Readiness>,
    }

    fn world() -> World {
        let provider = Arc::new(FakeBillingAccountProvider::new());
        let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1)));
        let plan = Plan {
            id: "starter".parse().unwrap(),
            name: "Starter".to_owned(),
            monthly_credits: 1,
            features: Vec::new(),
            currency: "usd".parse().unwrap(),
            monthly: Some(PlanPrice { id: "price_1".parse().unwrap(), amount: 900 }),
            yearly: None,
        };
        World {
            prices: Arc::new(PriceCheck::new(provider.clone(), clock.clone())),
            catalogue: Arc::new(Catalogue::new(vec![plan]).unwrap()),
            readiness: Arc::new(Readiness::new(Drain::new(), clock)),
            provider,
        }
    }

    impl World {
        /// Starts a check. Returns whether it ends without waiting.
        async fn ends_immediately(&self) -> bool {
            let (prices, catalogue) = (self.prices.clone(), self.catalogue.clone());
            let check = check_catalogue(prices, catalogue, self.readiness.clone());
            tokio::time::timeout(Duration::ZERO, check).await.is_ok()
        }
    }

    #[tokio::test]
    async fn check_calls_the_provider_only_after_the_service_is_ready() {
        let world = world();
        assert!(!world.ends_immediately().await);
        assert_eq!(world.provider.calls(), 0);
        world.readiness.observe(true, true);
        assert!(world.ends_immediately().await);
        assert_eq!(world.provider.calls(), 1);
    }

    #[tokio::test]
    async fn check_ends_after_a_response_even_if_the_price_differs() {
        let world = world();
        world.readiness.observe(true, true);
        for amount in [901, 900] {
            let facts = ProviderPrice {
                amount: Some(amount),
                currency: "usd".parse().unwrap(),
                cycle: Some(BillingCycle::Monthly),
                active: true,
            };
            world.provider.set_price("price_1".parse().unwrap(), facts);
            assert!(world.ends_immediately().await, "{amount}");
        }
        assert_eq!(world.provider.calls(), 2);
    }

    #[tokio::test]
    async fn check_without_a_response_pauses_before_its_retry() {
        let world = world();
        world.readiness.observe(true, true);
        world.provider.fail_next(ProviderError::Timeout { context: "no answer".to_owned() });
        assert!(!world.ends_immediately().await);
        assert_eq!(world.provider.calls(), 1);
    }
}
