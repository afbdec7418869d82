//! Checkout sessions: a link to a page on which a customer subscribes and pays.

use serde::{Deserialize, Serialize};

use super::{HostedToken, Metadata, MissingPaymentMethod, PaymentMethod, Timestamp};

/// Minimum lifetime (the published schema, `expires_at`).
pub(crate) const MIN_CHECKOUT_SECONDS: i64 = 30 * 60;

/// Maximum and default lifetime.
pub(crate) const MAX_CHECKOUT_SECONDS: i64 = 24 * 60 * 60;

/// A checkout session in subscription mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CheckoutSession {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) status: CheckoutStatus,
    /// The secret in the page's URL. It permits paying and nothing else.
    pub(crate) token: HostedToken,
    /// The customer given in the request, or created by the payment.
    pub(crate) customer: Option<String>,
    /// Whether the payment creates the customer.
    pub(crate) makes_customer: bool,
    /// The e-mail address given in the request for a new customer.
    pub(crate) customer_email: Option<String>,
    /// The e-mail address and name that the payer entered; None before the payment.
    pub(crate) payer_email: Option<String>,
    pub(crate) payer_name: Option<String>,
    pub(crate) client_reference_id: Option<String>,
    pub(crate) currency: String,
    /// At least one item; all share one currency and one billing period.
    pub(crate) items: Vec<CheckoutItem>,
    /// The sum of the items; zero with a trial.
    pub(crate) amount: i64,
    pub(crate) terms: SubscriptionTerms,
    /// Whether a card is optional when nothing is due:
    /// `payment_method_collection=if_required`.
    pub(crate) card_if_required: bool,
    pub(crate) allow_promotion_codes: Option<bool>,
    pub(crate) locale: Option<String>,
    pub(crate) success_url: String,
    pub(crate) cancel_url: Option<String>,
    /// Created by the payment.
    pub(crate) subscription: Option<String>,
    pub(crate) invoice: Option<String>,
    /// The payment that waits for the cardholder's bank.
    pub(crate) challenge: Option<CheckoutChallenge>,
    pub(crate) metadata: Metadata,
}

/// A price and a quantity to subscribe to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CheckoutItem {
    pub(crate) id: String,
    pub(crate) price: String,
    pub(crate) quantity: i64,
    pub(crate) metadata: Metadata,
}

/// `subscription_data`: terms of the new subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SubscriptionTerms {
    pub(crate) description: Option<String>,
    pub(crate) trial_days: Option<i64>,
    pub(crate) missing_payment_method: MissingPaymentMethod,
    pub(crate) metadata: Metadata,
}

/// The status of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CheckoutStatus {
    Open,
    Complete,
    Expired,
}

/// A payment that the cardholder must confirm at the bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CheckoutChallenge {
    /// Distinguishes the challenges of a session.
    pub(crate) id: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) paying: Paying,
}

/// The payer and the means of payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Paying {
    pub(crate) email: String,
    pub(crate) funding: Funding,
}

/// The means of payment. It contains no card number, because a saved card has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Funding {
    /// A newly entered card.
    New(Box<PaymentMethod>),
    /// The id of a saved card.
    Saved(String),
    /// Nothing is due, and the card is optional.
    Nothing,
}

impl CheckoutSession {
    /// Returns whether the page accepts a payment at this time.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        self.status == CheckoutStatus::Open && now < self.expires_at
    }

    /// Expires the session.
    pub(crate) fn expire(&mut self) {
        self.status = CheckoutStatus::Expired;
        self.challenge = None;
    }
}

impl CheckoutStatus {
    /// Stripe's words for all values.
    pub(crate) const WORDS: &'static [&'static str] = &["complete", "expired", "open"];

    /// Returns Stripe's word for the value.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
        }
    }
}
