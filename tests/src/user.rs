//! A user for one test case at a time.

use std::collections::BTreeMap;

/// A user with a billing account. One case uses it at a time, so that the case's requests at the
/// provider can be identified.
#[derive(Clone, Debug)]
pub struct User {
    /// The `sub` claim of the user's access tokens.
    pub id: String,
    /// The user's customer, in test mode and in live mode.
    pub customer: String,
    /// The customer's subscription.
    pub subscription: String,
    /// The user's API keys, by prefix.
    pub(crate) keys: BTreeMap<String, String>,
}
