//! The provider's list of customers, for import and reconciling.

use std::fmt::Debug;

use async_trait::async_trait;

use super::ProviderError;
use crate::{CustomerId, Deadline, NamedOwner, Subscription, SubscriptionId};

/// Lists what the provider has, a page at a time.
#[async_trait]
pub trait CustomerDirectory: Debug + Send + Sync + 'static {
    /// The customers after this one, in an order of the provider's own; those that were deleted are not among them.
    ///
    /// # Errors
    /// See [`ProviderError`].
    async fn list_customers<'a>(
        &self,
        after: Option<&'a CustomerId>,
        deadline: Deadline,
    ) -> Result<Page<ListedCustomer>, ProviderError>;

    /// The subscriptions after this one, also those that have ended, in an order of the provider's own.
    ///
    /// # Errors
    /// See [`ProviderError`].
    async fn list_subscriptions<'a>(
        &self,
        after: Option<&'a SubscriptionId>,
        deadline: Deadline,
    ) -> Result<Page<ListedSubscription>, ProviderError>;
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Whether another page follows.
    pub has_more: bool,
}

/// A customer in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedCustomer {
    /// The customer.
    pub id: CustomerId,
    /// The owner that the customer's metadata name.
    pub owner: NamedOwner,
    /// The customer's e-mail address, as the provider has it: nobody has verified it.
    pub email: Option<String>,
}

/// A subscription in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSubscription {
    /// Who has it.
    pub customer: CustomerId,
    /// The subscription.
    pub subscription: Subscription,
}
