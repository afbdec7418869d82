//! What a customer pays for again and again.

use serde::{Deserialize, Serialize};

use super::{Metadata, Record, Timestamp};

/// A subscription in Stripe's `flexible` billing mode: periods stand on its items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) customer: String,
    pub(crate) status: SubscriptionStatus,
    pub(crate) currency: String,
    pub(crate) start_date: Timestamp,
    pub(crate) billing_cycle_anchor: Timestamp,
    pub(crate) items: Vec<SubscriptionItem>,
    pub(crate) cancellation: Cancellation,
    pub(crate) default_payment_method: Option<String>,
    pub(crate) latest_invoice: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) metadata: Metadata,
}

/// One price of a subscription, with its period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SubscriptionItem {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) price: String,
    pub(crate) quantity: i64,
    pub(crate) current_period_start: Timestamp,
    pub(crate) current_period_end: Timestamp,
    pub(crate) metadata: Metadata,
}

/// Where a subscription stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SubscriptionStatus {
    Active,
    Canceled,
}

/// How and when a subscription ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cancellation {
    /// When it will end, or did.
    pub(crate) cancel_at: Option<Timestamp>,
    pub(crate) cancel_at_period_end: bool,
    /// When somebody asked for it.
    pub(crate) canceled_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) comment: Option<String>,
    pub(crate) feedback: Option<String>,
    pub(crate) reason: Option<String>,
}

impl Subscription {
    /// Whether it has not ended.
    pub(crate) fn is_running(&self) -> bool {
        self.status != SubscriptionStatus::Canceled
    }

    /// Ends it at once.
    pub(crate) fn end(&mut self, now: Timestamp) {
        self.status = SubscriptionStatus::Canceled;
        self.cancellation.canceled_at = self.cancellation.canceled_at.or(Some(now));
        self.cancellation.ended_at = Some(now);
        self.cancellation.reason.get_or_insert_with(|| "cancellation_requested".to_owned());
    }
}

impl SubscriptionStatus {
    /// Stripe's word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Canceled => "canceled",
        }
    }
}

impl Record for Subscription {
    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&str> {
        Some(&self.customer)
    }
}
