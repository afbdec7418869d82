//! What a customer pays for again and again.

use serde::{Deserialize, Serialize};

use super::{InvoiceLine, Metadata, Timestamp};

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
    /// What its next invoice begins with: prorations that were not invoiced at once.
    pub(crate) pending: Vec<InvoiceLine>,
    pub(crate) trial: Option<Trial>,
    /// What happens where a trial ends and there is nothing to pay with.
    pub(crate) missing_payment_method: MissingPaymentMethod,
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

/// Time that costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trial {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

/// `trial_settings.end_behavior.missing_payment_method`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MissingPaymentMethod {
    Cancel,
    #[default]
    CreateInvoice,
    Pause,
}

/// Where a subscription stands in its life (<https://docs.stripe.com/billing/subscriptions/overview>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SubscriptionStatus {
    Active,
    Canceled,
    /// The first payment has not succeeded.
    Incomplete,
    /// It did not within 23 hours.
    IncompleteExpired,
    PastDue,
    Paused,
    Trialing,
}

/// How long the first payment may take.
pub(crate) const INCOMPLETE_SECONDS: i64 = 23 * 60 * 60;

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
        !matches!(self.status, SubscriptionStatus::Canceled | SubscriptionStatus::IncompleteExpired)
    }

    /// Whether it is to end, and when.
    pub(crate) fn ends_at(&self) -> Option<Timestamp> {
        let at_period_end = self.cancellation.cancel_at_period_end;
        self.cancellation.cancel_at.or_else(|| self.period_end().filter(|_| at_period_end))
    }

    /// Whether it is to end with its current period.
    pub(crate) fn ends_with_period(&self) -> bool {
        let at = self.cancellation.cancel_at;
        self.cancellation.cancel_at_period_end || (at.is_some() && at == self.period_end())
    }

    /// When the first of its periods ends.
    pub(crate) fn period_end(&self) -> Option<Timestamp> {
        self.items.iter().map(|item| item.current_period_end).min()
    }

    /// When time alone will change it next.
    pub(crate) fn due_at(&self) -> Option<Timestamp> {
        match self.status {
            SubscriptionStatus::Canceled | SubscriptionStatus::IncompleteExpired => None,
            SubscriptionStatus::Incomplete => Some(self.created + INCOMPLETE_SECONDS),
            SubscriptionStatus::Paused => self.cancellation.cancel_at,
            SubscriptionStatus::Active
            | SubscriptionStatus::PastDue
            | SubscriptionStatus::Trialing => {
                self.period_end().into_iter().chain(self.cancellation.cancel_at).min()
            }
        }
    }

    /// Ends it at once.
    pub(crate) fn end(&mut self, now: Timestamp) {
        self.status = match self.status {
            SubscriptionStatus::Incomplete => SubscriptionStatus::IncompleteExpired,
            _ => SubscriptionStatus::Canceled,
        };
        // No later time that somebody had set counts any more.
        if self.cancellation.cancel_at.is_some_and(|at| at > now) {
            self.cancellation.cancel_at = None;
            self.cancellation.cancel_at_period_end = false;
        }
        self.cancellation.canceled_at = self.cancellation.canceled_at.or(Some(now));
        self.cancellation.ended_at = Some(now);
        self.cancellation.reason.get_or_insert_with(|| "cancellation_requested".to_owned());
    }
}

words!(MissingPaymentMethod {
    Cancel => "cancel", CreateInvoice => "create_invoice", Pause => "pause",
});

words!(SubscriptionStatus {
    Active => "active",
    Canceled => "canceled",
    Incomplete => "incomplete",
    IncompleteExpired => "incomplete_expired",
    PastDue => "past_due",
    Paused => "paused",
    Trialing => "trialing",
});
