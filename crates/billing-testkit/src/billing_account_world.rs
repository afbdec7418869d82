//! [`BillingAccountWorld`]: a provider with customers, prices and subscriptions, for the suites of
//! checkout, reader and directory.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use billing_domain::ports::{CheckoutProvider, CustomerDirectory, SubscriptionReader};
use billing_domain::{CustomerId, Deadline, PriceId, ProviderPrice, SubscriptionId};

/// A provider with its three ports, and functions to create test data.
///
/// Each case gets a new world. The cases use only effects that an outside observer could cause and
/// see.
#[async_trait]
pub trait BillingAccountWorld: Send + Sync {
    /// Returns the checkout port.
    fn checkout(&self) -> &dyn CheckoutProvider;

    /// Returns the port that reads single customers.
    fn reader(&self) -> &dyn SubscriptionReader;

    /// Returns the port that lists customers and subscriptions.
    fn directory(&self) -> &dyn CustomerDirectory;

    /// Returns the test prices.
    fn prices(&self) -> Prices;

    /// Returns whether the provider's server received a request.
    async fn was_called(&self) -> bool;

    /// Adds a customer with this owner in its metadata.
    async fn add_customer(&self, owner: Option<&str>, email: Option<&str>) -> CustomerId;

    /// Deletes a customer.
    async fn delete_customer(&self, customer: &CustomerId);

    /// Adds a paid subscription.
    async fn subscribe(&self, customer: &CustomerId, price: &PriceId) -> SubscriptionId;

    /// Ends a subscription, now or with its period.
    async fn cancel(&self, subscription: &SubscriptionId, end: End);

    /// Returns the credentials for the provider, which no output may contain.
    fn secrets(&self) -> Vec<String>;
}

/// When a subscription ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// At once.
    Now,
    /// At the end of the paid period.
    WithThePeriod,
}

/// The prices of a [`BillingAccountWorld`], and an unknown one.
#[derive(Clone, Debug)]
pub struct Prices {
    /// A monthly price.
    pub monthly: (PriceId, ProviderPrice),
    /// A yearly price.
    pub yearly: (PriceId, ProviderPrice),
    /// An archived price, which cannot be bought.
    pub archived: (PriceId, ProviderPrice),
    /// A well-formed id without a price.
    pub unknown: PriceId,
}

/// Returns a deadline that no case reaches.
pub(crate) fn soon() -> Deadline {
    Deadline::at(Instant::now() + Duration::from_secs(30))
}

/// Returns a deadline that has passed.
pub(crate) fn passed() -> Deadline {
    Deadline::at(Instant::now())
}
