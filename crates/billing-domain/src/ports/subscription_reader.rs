//! The port that reads customers and their subscriptions from the provider.

use std::fmt::Debug;

use async_trait::async_trait;

use super::ProviderError;
use crate::{CustomerId, CustomerReading, Deadline, SubscriptionId};

/// Reads customers from the provider, without a cache.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SubscriptionReader: Debug + Send + Sync + 'static {
    /// Reads a customer with its named owner and all subscriptions, including ended ones. An
    /// unknown customer has the state [`CustomerState::Gone`](crate::CustomerState::Gone).
    ///
    /// # Errors
    /// See [`ProviderError`].
    async fn customer(
        &self,
        customer: &CustomerId,
        deadline: Deadline,
    ) -> Result<CustomerReading, ProviderError>;

    /// Returns the customer of a subscription, if the provider knows the subscription.
    ///
    /// # Errors
    /// See [`ProviderError`].
    async fn customer_of(
        &self,
        subscription: &SubscriptionId,
        deadline: Deadline,
    ) -> Result<Option<CustomerId>, ProviderError>;
}
