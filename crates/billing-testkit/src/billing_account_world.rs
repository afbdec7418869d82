//! The world that the suites of checkout, reader and directory share: one provider with customers, prices and subscriptions.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use billing_domain::ports::{CheckoutProvider, CustomerDirectory, SubscriptionReader};
use billing_domain::{CustomerId, Deadline, PriceId, ProviderPrice, SubscriptionId};

/// A provider behind its three ports, with a world in which the cases make what they need.
///
/// Each case gets a fresh one. What the cases ask of the world they ask as an outsider would: they never script it.
#[async_trait]
pub trait BillingAccountWorld: Send + Sync {
    /// Its checkout.
    fn checkout(&self) -> &dyn CheckoutProvider;

    /// What reads its customers one by one.
    fn reader(&self) -> &dyn SubscriptionReader;

    /// What lists them.
    fn directory(&self) -> &dyn CustomerDirectory;

    /// What it sells.
    fn prices(&self) -> Prices;

    /// Whether anything of ours has reached the provider's server so far.
    async fn was_called(&self) -> bool;

    /// Makes a customer whose metadata say this about the owner.
    async fn add_customer(&self, owner: Option<&str>, email: Option<&str>) -> CustomerId;

    /// Deletes a customer.
    async fn delete_customer(&self, customer: &CustomerId);

    /// Sells a customer a subscription, which is paid.
    async fn subscribe(&self, customer: &CustomerId, price: &PriceId) -> SubscriptionId;

    /// Ends a subscription, now or with its period.
    async fn cancel(&self, subscription: &SubscriptionId, end: End);

    /// Our credentials for the provider: texts that must show nowhere.
    fn secrets(&self) -> Vec<String>;
}

/// When a subscription ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// At once.
    Now,
    /// With the period that is paid.
    WithThePeriod,
}

/// The prices that a [`BillingAccountWorld`] has, and one that it has not.
#[derive(Clone, Debug)]
pub struct Prices {
    /// One that is paid by the month.
    pub monthly: (PriceId, ProviderPrice),
    /// One that is paid by the year.
    pub yearly: (PriceId, ProviderPrice),
    /// One that cannot be bought any more.
    pub archived: (PriceId, ProviderPrice),
    /// An id of the right form that never was a price's.
    pub unknown: PriceId,
}

/// A deadline that no case reaches.
pub(crate) fn soon() -> Deadline {
    Deadline::at(Instant::now() + Duration::from_secs(30))
}

/// A deadline that has passed.
pub(crate) fn passed() -> Deadline {
    Deadline::at(Instant::now())
}
