//! Customers.

use std::io;

use serde::{Deserialize, Serialize};

use super::{Metadata, Timestamp};
use crate::ids::{self, IdKind};

/// A customer. A deleted customer stays as a tombstone, as at Stripe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Customer {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) deleted: bool,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) address: Option<Address>,
    pub(crate) shipping: Option<Shipping>,
    pub(crate) currency: Option<String>,
    pub(crate) balance: i64,
    pub(crate) invoice_prefix: String,
    pub(crate) next_invoice_sequence: i64,
    pub(crate) preferred_locales: Vec<String>,
    pub(crate) tax_exempt: Option<String>,
    pub(crate) default_payment_method: Option<String>,
    pub(crate) invoice_footer: Option<String>,
    pub(crate) metadata: Metadata,
}

/// A postal address; every part is optional at Stripe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) city: Option<String>,
    pub(crate) country: Option<String>,
    pub(crate) line1: Option<String>,
    pub(crate) line2: Option<String>,
    pub(crate) postal_code: Option<String>,
    pub(crate) state: Option<String>,
}

/// A shipping address with a recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shipping {
    pub(crate) address: Address,
    pub(crate) name: String,
    pub(crate) phone: Option<String>,
}

impl Customer {
    /// Creates a customer without details.
    pub(crate) fn create(created: Timestamp) -> io::Result<Self> {
        let id = ids::generate(IdKind::Customer)?;
        let invoice_prefix =
            id.chars().skip("cus_".len()).take(8).collect::<String>().to_ascii_uppercase();
        Ok(Self { id, created, invoice_prefix, next_invoice_sequence: 1, ..Self::default() })
    }

    // Stripe's limits in characters (the published schema's `maxLength`).
    pub(crate) const MAX_NAME_LENGTH: usize = 256;
    pub(crate) const MAX_EMAIL_LENGTH: usize = 512;
    pub(crate) const MAX_PHONE_LENGTH: usize = 20;

    /// Returns whether the text has Stripe's minimum of an e-mail address: one @ between two parts.
    pub(crate) fn is_email(text: &str) -> bool {
        let fits = |part: &str| {
            !part.is_empty()
                && !part.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@')
        };
        text.split_once('@').is_some_and(|(local, domain)| fits(local) && fits(domain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_at_sign_between_two_parts() {
        assert!(
            ["a@b", "jenny.rosen@example.com", "한글@example.kr"]
                .into_iter()
                .all(Customer::is_email)
        );
        assert!(
            ["", "a", "@b", "a@", "a@b@c", "a b@c"]
                .into_iter()
                .all(|text| !Customer::is_email(text))
        );
    }
}
