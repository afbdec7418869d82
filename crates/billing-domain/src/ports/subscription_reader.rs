//! What the provider says about customers and their subscriptions, one customer at a time.

use std::fmt::Debug;

use async_trait::async_trait;

use super::ProviderError;
use crate::{CustomerId, CustomerReading, Deadline, SubscriptionId};

/// Reads customers at the provider, never from a cache.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SubscriptionReader: Debug + Send + Sync + 'static {
    /// The customer with all subscriptions, also those that have ended, and the owner that the provider's data name. One that
    /// the provider does not know is gone.
    ///
    /// # Errors
    /// See [`ProviderError`].
    async fn customer(
        &self,
        customer: &CustomerId,
        deadline: Deadline,
    ) -> Result<CustomerReading, ProviderError>;

    /// Who has this subscription; `None` where the provider knows none of this id.
    ///
    /// # Errors
    /// See [`ProviderError`].
    async fn customer_of(
        &self,
        subscription: &SubscriptionId,
        deadline: Deadline,
    ) -> Result<Option<CustomerId>, ProviderError>;
}
