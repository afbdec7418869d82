//! The link from one of our users to a customer at the provider.

use crate::{CustomerId, ProviderAccount, UserId};

/// The fact that a user's billing account at a provider is this customer.
///
/// A user has at most one customer per provider and mode; several users may share one customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerLink {
    /// Who owns the billing account.
    pub owner: UserId,
    /// Where the customer lives.
    pub account: ProviderAccount,
    /// The customer.
    pub customer: CustomerId,
}
