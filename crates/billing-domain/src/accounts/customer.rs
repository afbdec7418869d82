//! The provider's name for a paying customer, and the link from one of our users to it.

use std::fmt;
use std::str::FromStr;

use crate::{ProviderAccount, UserId};

/// A customer's id at the provider (`cus_…` at Stripe): 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomerId(String);

/// Why a customer id was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a customer id is 1 to 255 visible ASCII characters")]
pub struct CustomerIdError;

/// The fact that a user's billing account at a provider is this customer.
///
/// A user has at most one customer per provider and mode; several users may share one customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerLink {
    /// Who owns the billing account.
    pub owner: UserId,
    /// Where the customer lives.
    pub at: ProviderAccount,
    /// The customer.
    pub customer: CustomerId,
}

impl CustomerId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CustomerId {
    type Err = CustomerIdError;

    fn from_str(text: &str) -> Result<Self, CustomerIdError> {
        if (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(CustomerIdError)
        }
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
