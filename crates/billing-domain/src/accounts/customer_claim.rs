//! The claim that makes one customer of all of a user's first purchases.

use crate::{CustomerId, ProviderKey, Timestamp};

/// A user's claim to a customer at a provider: made before the provider is asked for one, so that of many requests at once,
/// on many replicas, all ask under the same key and get the same customer.
///
/// It is no billing account yet: that takes a purchase, which makes a [`CustomerLink`](crate::CustomerLink).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerClaim {
    /// The key under which the provider is asked.
    pub key: ProviderKey,
    /// The customer, once the provider gave one.
    pub customer: Option<CustomerId>,
    /// When the key was made: providers forget keys.
    pub claimed_at: Timestamp,
}
