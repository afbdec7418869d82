//! A card as the pages show it.

use crate::model::{Customer, PaymentMethod, Timestamp};

/// A saved card.
pub(in crate::portal) struct CardRow {
    pub(in crate::portal) id: String,
    pub(in crate::portal) brand: String,
    /// How the style sheet knows the brand.
    pub(in crate::portal) mark: &'static str,
    pub(in crate::portal) last4: String,
    pub(in crate::portal) expiry: String,
    pub(in crate::portal) expired: bool,
    pub(in crate::portal) is_default: bool,
}

impl CardRow {
    pub(in crate::portal) fn of(method: &PaymentMethod, customer: &Customer, now: Timestamp) -> Self {
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
