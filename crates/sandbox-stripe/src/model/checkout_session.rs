//! A link to a page on which somebody subscribes and pays.

use serde::{Deserialize, Serialize};

use super::{HostedToken, Metadata, MissingPaymentMethod, PaymentMethod, Timestamp};

/// A session lasts so long at least, and this is what may be asked for (the published schema, `expires_at`).
pub(crate) const SHORTEST_CHECKOUT_SECONDS: i64 = 30 * 60;

/// So long at most, and so long where nobody asks for less.
pub(crate) const LONGEST_CHECKOUT_SECONDS: i64 = 24 * 60 * 60;

/// A checkout session in subscription mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CheckoutSession {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) status: CheckoutStatus,
    /// The secret in the page's address: whoever has it may pay, and nothing else.
    pub(crate) token: HostedToken,
    /// The customer that it was opened for, or that it made.
    pub(crate) customer: Option<String>,
    /// Whether it is to make the customer.
    pub(crate) makes_customer: bool,
    /// The address that the maker of the session has given for a customer to be.
    pub(crate) customer_email: Option<String>,
    /// What the customer said of themselves; none before the payment.
    pub(crate) payer_email: Option<String>,
    pub(crate) payer_name: Option<String>,
    pub(crate) client_reference_id: Option<String>,
    pub(crate) currency: String,
    /// At least one; all in one currency and with one billing period.
    pub(crate) items: Vec<CheckoutItem>,
    /// The sum of the items, which is nothing where a trial comes first.
    pub(crate) amount: i64,
    pub(crate) terms: SubscriptionTerms,
    /// Whether no card is asked for where nothing is due: `payment_method_collection=if_required`.
    pub(crate) card_if_required: bool,
    pub(crate) allow_promotion_codes: Option<bool>,
    pub(crate) locale: Option<String>,
    pub(crate) success_url: String,
    pub(crate) cancel_url: Option<String>,
    /// What the payment made.
    pub(crate) subscription: Option<String>,
    pub(crate) invoice: Option<String>,
    /// What waits for the cardholder's bank.
    pub(crate) challenge: Option<CheckoutChallenge>,
    pub(crate) metadata: Metadata,
}

/// A price that is subscribed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CheckoutItem {
    pub(crate) id: String,
    pub(crate) price: String,
    pub(crate) quantity: i64,
    pub(crate) metadata: Metadata,
}

/// `subscription_data`: what the subscription to be has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SubscriptionTerms {
    pub(crate) description: Option<String>,
    pub(crate) trial_days: Option<i64>,
    pub(crate) missing_payment_method: MissingPaymentMethod,
    pub(crate) metadata: Metadata,
}

/// Where a session stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CheckoutStatus {
    Open,
    Complete,
    Expired,
}

/// A payment that the cardholder has to say yes to at the bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CheckoutChallenge {
    /// Tells one challenge of a session from the next.
    pub(crate) id: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) paying: Paying,
}

/// Who pays, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Paying {
    pub(crate) email: String,
    pub(crate) funding: Funding,
}

/// What a subscription is paid with. It holds no card number: a saved card has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Funding {
    /// A card that was typed.
    New(Box<PaymentMethod>),
    /// A card of the customer's, by its id.
    Saved(String),
    /// Nothing is due, and no card is asked for.
    Nothing,
}

impl CheckoutSession {
    /// Whether the page still takes a payment at this time.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        self.status == CheckoutStatus::Open && now < self.expires_at
    }

    /// Ends it without a payment.
    pub(crate) fn expire(&mut self) {
        self.status = CheckoutStatus::Expired;
        self.challenge = None;
    }
}

impl CheckoutStatus {
    /// Stripe's words for them.
    pub(crate) const WORDS: &'static [&'static str] = &["complete", "expired", "open"];

    /// Stripe's word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
        }
    }
}
