//! Portal sessions: a short-lived link into the portal for one customer.

use serde::{Deserialize, Serialize};

use super::{PaymentMethod, Timestamp};

/// Lifetime of an unopened link; our figure, like the next. Stripe documents short-lived links
/// (<https://docs.stripe.com/api/customer_portal/sessions>) without a figure.
pub(crate) const UNOPENED_SECONDS: i64 = 5 * 60;

/// Lifetime of a session after its last page view.
pub(crate) const OPENED_SECONDS: i64 = 60 * 60;

/// Lifetime of a challenge at the cardholder's bank.
pub(crate) const CHALLENGE_SECONDS: i64 = 10 * 60;

/// Retention of expired sessions, so that their pages say "expired" instead of "not found".
pub(crate) const EXPIRED_RETENTION_SECONDS: i64 = 10 * 60;

/// A portal session. It stores a digest of the link's secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PortalSession {
    pub(crate) id: String,
    pub(crate) digest: String,
    pub(crate) created: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) customer: String,
    pub(crate) configuration: String,
    pub(crate) return_url: Option<String>,
    pub(crate) locale: Option<String>,
    pub(crate) flow: Option<Flow>,
    /// Whether the flow is completed.
    #[serde(default)]
    pub(crate) flow_done: bool,
    /// The action that waits for the cardholder's bank.
    #[serde(default)]
    pub(crate) challenge: Option<Challenge>,
}

/// An action that the cardholder must confirm at the bank. It contains no card number, because
/// a saved card has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Challenge {
    /// Distinguishes the challenges of a session.
    pub(crate) id: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) purpose: ChallengePurpose,
}

/// The action after a confirmation at the bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ChallengePurpose {
    /// Save the card.
    SaveCard {
        method: Box<PaymentMethod>,
        make_default: bool,
        /// The subscription to pay for, if the card is added during a plan change.
        pays_for: Option<PlanChoice>,
    },
    /// Change the plan and pay for it.
    ChangePlan { choice: PlanChoice, at: Timestamp, basis: String },
}

/// The price and quantity that a customer chose for a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlanChoice {
    pub(crate) subscription: String,
    pub(crate) price: String,
    pub(crate) quantity: i64,
}

/// A portal flow: a deep link to one task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flow {
    pub(crate) task: FlowTask,
    pub(crate) after_completion: AfterCompletion,
}

/// The task of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum FlowTask {
    PaymentMethodUpdate,
    SubscriptionCancel { subscription: String },
    SubscriptionUpdate { subscription: String },
    SubscriptionUpdateConfirm { subscription: String, items: Vec<ConfirmItem> },
}

/// One item of a change that the customer only confirms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConfirmItem {
    pub(crate) id: String,
    pub(crate) price: Option<String>,
    pub(crate) quantity: Option<i64>,
}

/// The customer's destination after the flow is completed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum AfterCompletion {
    PortalHomepage,
    HostedConfirmation { custom_message: Option<String> },
    Redirect { return_url: String },
}

impl PortalSession {
    /// Returns whether the link is valid at this time.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Returns the flow while it is not completed.
    pub(crate) fn active_flow(&self) -> Option<&Flow> {
        self.flow.as_ref().filter(|_| !self.flow_done)
    }

    /// Returns when the session may be deleted.
    pub(crate) fn forget_at(&self) -> Timestamp {
        self.expires_at.saturating_add(EXPIRED_RETENTION_SECONDS)
    }
}

impl FlowTask {
    /// Returns Stripe's word for the task.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::PaymentMethodUpdate => "payment_method_update",
            Self::SubscriptionCancel { .. } => "subscription_cancel",
            Self::SubscriptionUpdate { .. } => "subscription_update",
            Self::SubscriptionUpdateConfirm { .. } => "subscription_update_confirm",
        }
    }

    /// Returns the flow's subscription, if it has one.
    pub(crate) fn subscription(&self) -> Option<&str> {
        match self {
            Self::PaymentMethodUpdate => None,
            Self::SubscriptionCancel { subscription }
            | Self::SubscriptionUpdate { subscription }
            | Self::SubscriptionUpdateConfirm { subscription, .. } => Some(subscription),
        }
    }
}
