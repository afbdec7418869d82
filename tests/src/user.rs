//! A user that a test borrows.

use std::collections::BTreeMap;

/// A user with a billing account, borrowed by one case at a time, so that requests at the provider can be told apart.
#[derive(Clone, Debug)]
pub struct User {
    /// The `sub` of its access tokens.
    pub id: String,
    /// Its customer, in test mode and in live mode.
    pub customer: String,
    /// The customer's subscription.
    pub subscription: String,
    /// Its keys, by prefix.
    pub(crate) keys: BTreeMap<String, String>,
}
