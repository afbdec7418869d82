//! The claim that prevents a user's concurrent first purchases from creating several customers.

use crate::{CustomerId, ProviderKey, Timestamp};

/// A user's claim to a customer at a provider.
///
/// The service stores the claim before it creates the customer. Concurrent requests on all replicas
/// then send the same idempotency key and get the same customer. The first purchase creates the
/// [`CustomerLink`](crate::CustomerLink); a claim alone is no billing account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerClaim {
    /// The idempotency key of the call that creates the customer.
    pub key: ProviderKey,
    /// The customer, once the provider has created it.
    pub customer: Option<CustomerId>,
    /// The creation time of the key. Providers remember keys for a limited time.
    pub claimed_at: Timestamp,
}
