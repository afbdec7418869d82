//! [`User`]: a user that one test case uses at a time.

use std::collections::BTreeMap;

/// A user with a billing account. Cases never share a user at the same time, so the provider's
/// requests for this user belong to one case.
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
