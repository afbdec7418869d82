//! The link from a user to a customer at the provider.

use crate::{CustomerId, ProviderAccount, UserId};

/// A link from a user to the customer that is the user's billing account.
///
/// A user has at most one link per provider and mode. Several users may share a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerLink {
    /// The user.
    pub owner: UserId,
    /// The provider and the mode of the customer.
    pub account: ProviderAccount,
    /// The customer.
    pub customer: CustomerId,
}
