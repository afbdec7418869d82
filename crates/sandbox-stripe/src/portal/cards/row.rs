//! A card in a list.

use crate::model::{Customer, PaymentMethod, Timestamp};

/// A saved card.
pub(crate) struct CardRow {
    pub(crate) id: String,
    pub(crate) brand: String,
    /// The brand's CSS class.
    pub(crate) mark: &'static str,
    pub(crate) last4: String,
    pub(crate) expiry: String,
    pub(crate) expired: bool,
    pub(crate) is_default: bool,
}

impl CardRow {
    pub(crate) fn of(method: &PaymentMethod, customer: &Customer, now: Timestamp) -> Self {
        let card = &method.card;
        let (brand, mark) = match card.brand.as_str() {
            "visa" => ("Visa", "visa"),
            "mastercard" => ("Mastercard", "mastercard"),
            "amex" => ("American Express", "amex"),
            "discover" => ("Discover", "discover"),
            "diners" => ("Diners Club", "other"),
            "jcb" => ("JCB", "jcb"),
            "unionpay" => ("UnionPay", "unionpay"),
            other => (other, "other"),
        };
        Self {
            id: method.id.clone(),
            brand: brand.to_owned(),
            mark,
            last4: card.last4.clone(),
            expiry: format!("{:02}/{}", card.exp_month, card.exp_year),
            expired: card.has_expired(now),
            is_default: customer.default_payment_method.as_ref() == Some(&method.id),
        }
    }
}
