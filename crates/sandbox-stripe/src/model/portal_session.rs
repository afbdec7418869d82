//! A link into the portal, for one customer and a short time.

use serde::{Deserialize, Serialize};

use super::{PaymentMethod, Timestamp};

/// How long a link works that nobody opened. Stripe documents that links are short-lived and die unvisited
/// (<https://docs.stripe.com/api/customer_portal/sessions>), but no figure; this one and the next are ours.
pub(crate) const UNOPENED_SECONDS: i64 = 5 * 60;

/// How long a session lasts after its last view.
pub(crate) const OPENED_SECONDS: i64 = 60 * 60;

/// How long a bank waits for its customer's answer.
pub(crate) const CHALLENGE_SECONDS: i64 = 10 * 60;

/// How long an expired session is remembered, to say "expired" and not "never heard of".
pub(crate) const REMEMBERED_SECONDS: i64 = 10 * 60;

/// A portal session; of the secret in its link only the digest is kept.
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
    /// Whether the flow's task is done.
    #[serde(default)]
    pub(crate) flow_done: bool,
    /// What waits for the cardholder's bank.
    #[serde(default)]
    pub(crate) challenge: Option<Challenge>,
}

/// Something that the cardholder has to say yes to at the bank. It holds no card number: a saved card has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Challenge {
    /// Tells one challenge of a session from the next.
    pub(crate) id: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) purpose: ChallengePurpose,
}

/// What a yes at the bank leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ChallengePurpose {
    /// The card is saved.
    SaveCard {
        method: Box<PaymentMethod>,
        make_default: bool,
        /// The subscription that it is to pay for, where it is added on the way to a change of plan.
        pays_for: Option<PlanChoice>,
    },
    /// The change of plan is paid and made.
    ChangePlan { choice: PlanChoice, at: Timestamp, basis: String },
}

/// What a customer chose for a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlanChoice {
    pub(crate) subscription: String,
    pub(crate) price: String,
    pub(crate) quantity: i64,
}

/// The one task that a deep link leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flow {
    pub(crate) task: FlowTask,
    pub(crate) after_completion: AfterCompletion,
}

/// What the customer is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum FlowTask {
    PaymentMethodUpdate,
    SubscriptionCancel { subscription: String },
    SubscriptionUpdate { subscription: String },
    SubscriptionUpdateConfirm { subscription: String, items: Vec<ConfirmItem> },
}

/// One item of a change that only waits for a yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConfirmItem {
    pub(crate) id: String,
    pub(crate) price: Option<String>,
    pub(crate) quantity: Option<i64>,
}

/// Where the customer lands when the task is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum AfterCompletion {
    PortalHomepage,
    HostedConfirmation { custom_message: Option<String> },
    Redirect { return_url: String },
}

impl PortalSession {
    /// Whether the link still opens at this time.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// The flow whose task is still to be done.
    pub(crate) fn active_flow(&self) -> Option<&Flow> {
        self.flow.as_ref().filter(|_| !self.flow_done)
    }

    /// When the session may be forgotten altogether.
    pub(crate) fn forget_at(&self) -> Timestamp {
        self.expires_at.saturating_add(REMEMBERED_SECONDS)
    }
}

impl FlowTask {
    /// Stripe's word for it.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::PaymentMethodUpdate => "payment_method_update",
            Self::SubscriptionCancel { .. } => "subscription_cancel",
            Self::SubscriptionUpdate { .. } => "subscription_update",
            Self::SubscriptionUpdateConfirm { .. } => "subscription_update_confirm",
        }
    }

    /// The subscription that it is about, if it is about one.
    pub(crate) fn subscription(&self) -> Option<&str> {
        match self {
            Self::PaymentMethodUpdate => None,
            Self::SubscriptionCancel { subscription }
            | Self::SubscriptionUpdate { subscription }
            | Self::SubscriptionUpdateConfirm { subscription, .. } => Some(subscription),
        }
    }
}
