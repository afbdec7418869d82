//! Subscriptions.

use serde::{Deserialize, Serialize};

use super::{InvoiceLine, Metadata, Timestamp};

/// A subscription in Stripe's `flexible` billing mode: each item has a period.
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
    /// The first lines of the next invoice: prorations that were not invoiced immediately.
    pub(crate) pending: Vec<InvoiceLine>,
    pub(crate) trial: Option<Trial>,
    /// The action at the end of a trial without a payment method.
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

/// A free period.
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

/// The status of a subscription
/// (<https://docs.stripe.com/billing/subscriptions/overview>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SubscriptionStatus {
    Active,
    Canceled,
    /// The first payment has not succeeded.
    Incomplete,
    /// The first payment did not succeed within 23 hours.
    IncompleteExpired,
    PastDue,
    Paused,
    Trialing,
}

/// Time limit for the first payment.
pub(crate) const INCOMPLETE_SECONDS: i64 = 23 * 60 * 60;

/// The end of a subscription and the reason for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cancellation {
    /// The scheduled or past end.
    pub(crate) cancel_at: Option<Timestamp>,
    pub(crate) cancel_at_period_end: bool,
    /// When the cancellation was requested.
    pub(crate) canceled_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) comment: Option<String>,
    pub(crate) feedback: Option<String>,
    pub(crate) reason: Option<String>,
}

impl Subscription {
    /// Returns whether it has not ended.
    pub(crate) fn is_running(&self) -> bool {
        !matches!(self.status, SubscriptionStatus::Canceled | SubscriptionStatus::IncompleteExpired)
    }

    /// Returns its scheduled end.
    pub(crate) fn ends_at(&self) -> Option<Timestamp> {
        let at_period_end = self.cancellation.cancel_at_period_end;
        self.cancellation.cancel_at.or_else(|| self.period_end().filter(|_| at_period_end))
    }

    /// Returns whether it ends with its current period.
    pub(crate) fn ends_with_period(&self) -> bool {
        let at = self.cancellation.cancel_at;
        self.cancellation.cancel_at_period_end || (at.is_some() && at == self.period_end())
    }

    /// Returns the earliest end of its items' periods.
    pub(crate) fn period_end(&self) -> Option<Timestamp> {
        self.items.iter().map(|item| item.current_period_end).min()
    }

    /// Returns the next time at which the clock changes it.
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

    /// Ends it immediately.
    pub(crate) fn end(&mut self, now: Timestamp) {
        self.status = match self.status {
            SubscriptionStatus::Incomplete => SubscriptionStatus::IncompleteExpired,
            _ => SubscriptionStatus::Canceled,
        };
        // A later scheduled end no longer applies.
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
