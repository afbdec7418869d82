//! How a customer pays.

use serde::{Deserialize, Serialize};

use super::{Address, Metadata, Record, Timestamp};

/// A card, attached to a customer or detached from all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PaymentMethod {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) customer: Option<String>,
    pub(crate) card: Card,
    pub(crate) billing_details: BillingDetails,
    pub(crate) metadata: Metadata,
}

/// What may be known of a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Card {
    /// Stripe's name of the network: `visa`, `mastercard`, `amex`, …
    pub(crate) brand: String,
    pub(crate) last4: String,
    pub(crate) exp_month: u8,
    pub(crate) exp_year: i16,
    pub(crate) country: String,
    /// `credit`, `debit`, `prepaid` or `unknown`.
    pub(crate) funding: String,
    pub(crate) fingerprint: String,
}

/// Whose card it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BillingDetails {
    pub(crate) address: Address,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
}

impl Record for PaymentMethod {
    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&str> {
        self.customer.as_deref()
    }
}
