//! The port of the provider's lists, for import and reconciliation.

use std::fmt::Debug;

use async_trait::async_trait;

use super::ProviderError;
use crate::{CustomerId, Deadline, NamedOwner, Subscription, SubscriptionId};

/// Lists the provider's customers and subscriptions, page by page.
#[async_trait]
pub trait CustomerDirectory: Debug + Send + Sync + 'static {
    /// Lists customers after this one, in the provider's order, without deleted customers.
    ///
    /// # Errors
    /// See [`ProviderError`].
    async fn list_customers<'a>(
        &self,
        after: Option<&'a CustomerId>,
        deadline: Deadline,
    ) -> Result<Page<ListedCustomer>, ProviderError>;

    /// Lists subscriptions after this one, in the provider's order, including ended subscriptions.
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
    /// The entries.
    pub items: Vec<T>,
    /// Whether there is another page.
    pub has_more: bool,
}

/// A customer in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedCustomer {
    /// The customer's id.
    pub id: CustomerId,
    /// The owner in the customer's metadata.
    pub owner: NamedOwner,
    /// The customer's e-mail address at the provider. It is not verified.
    pub email: Option<String>,
}

/// A subscription in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSubscription {
    /// The customer of the subscription.
    pub customer: CustomerId,
    /// The subscription.
    pub subscription: Subscription,
}
