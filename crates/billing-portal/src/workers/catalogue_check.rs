//! [`check_catalogue`]: compares the catalogue's prices with the provider's, once.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::{Catalogue, PriceCheck, error_chain};
use tokio::time::sleep;

use crate::readiness::Readiness;

/// Time budget for each price.
const PRICE_BUDGET: Duration = Duration::from_secs(10);
/// How long after a failed check the next one starts.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Repeats the check until the provider has answered, and logs each difference.
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
                    tracing::error!(%mismatch, "the catalogue does not agree with the provider: this cannot be bought");
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
