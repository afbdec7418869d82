//! A customer's subscriptions at the provider.

use std::fmt;
use std::str::FromStr;

use crate::{BillingCycle, PriceId, SubscriptionId, Timestamp, UserId};

/// A subscription, as of one reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The id.
    pub id: SubscriptionId,
    /// The status.
    pub status: SubscriptionStatus,
    /// The prices of the items, in the provider's order.
    pub prices: Vec<PriceId>,
    /// The billing cycle; `None` if it is neither monthly nor yearly.
    pub cycle: Option<BillingCycle>,
    /// The creation time.
    pub created: Timestamp,
    /// The start of the current period.
    pub period_start: Option<Timestamp>,
    /// The end of the current period.
    pub period_end: Option<Timestamp>,
    /// Whether the subscription ends with the current period.
    pub cancel_at_period_end: bool,
    /// The scheduled end, if it is not the end of a period.
    pub cancel_at: Option<Timestamp>,
}

macro_rules! statuses {
    ($($variant:ident $text:literal $meaning:literal;)*) => {
        /// The status of a subscription
        /// (<https://docs.stripe.com/api/subscriptions/object#subscription_object-status>). Better
        /// standing comes first.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum SubscriptionStatus {
            $(#[doc = $meaning] $variant,)*
        }

        impl SubscriptionStatus {
            /// Every status.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns Stripe's name for the status.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

statuses! {
    Active "active" "Paid.";
    Trialing "trialing" "On trial.";
    PastDue "past_due" "A payment failed, and the provider retries it.";
    Unpaid "unpaid" "Payments failed, and the provider stopped the retries.";
    Paused "paused" "The trial ended without a payment method.";
    Incomplete "incomplete" "The first payment is pending.";
    IncompleteExpired "incomplete_expired" "The first payment failed.";
    Canceled "canceled" "Ended.";
}

/// The text is not a subscription status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown subscription status")]
pub struct SubscriptionStatusError;

/// The state of a customer at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomerState {
    /// The customer exists. The list has all subscriptions, ended ones too: newest first, then by
    /// id.
    Present(Vec<Subscription>),
    /// The customer was deleted or never existed.
    Gone,
}

/// The customer's owner according to the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedOwner {
    /// The provider's data contains no user id.
    None,
    /// The provider's data contains this user id only.
    User(UserId),
    /// The provider's data contains several user ids, or an invalid one.
    Ambiguous,
}

/// The result of reading a customer from the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerReading {
    /// The customer's state.
    pub state: CustomerState,
    /// The customer's named owner.
    pub owner: NamedOwner,
}

impl SubscriptionStatus {
    /// Returns whether the subscription was purchased and has not ended, paid or not.
    #[must_use]
    pub const fn is_ongoing(self) -> bool {
        match self {
            Self::Active | Self::Trialing | Self::PastDue | Self::Unpaid | Self::Paused => true,
            Self::Incomplete | Self::IncompleteExpired | Self::Canceled => false,
        }
    }

    /// Returns whether the subscription was purchased.
    #[must_use]
    pub const fn was_purchased(self) -> bool {
        match self {
            Self::Active
            | Self::Trialing
            | Self::PastDue
            | Self::Unpaid
            | Self::Paused
            | Self::Canceled => true,
            Self::Incomplete | Self::IncompleteExpired => false,
        }
    }
}

impl FromStr for SubscriptionStatus {
    type Err = SubscriptionStatusError;

    fn from_str(text: &str) -> Result<Self, SubscriptionStatusError> {
        Self::ALL
            .iter()
            .copied()
            .find(|status| status.as_str() == text)
            .ok_or(SubscriptionStatusError)
    }
}

impl fmt::Display for SubscriptionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Subscription {
    /// Returns whether the subscription has a scheduled end.
    #[must_use]
    pub const fn is_cancelling(&self) -> bool {
        self.status.is_ongoing() && (self.cancel_at_period_end || self.cancel_at.is_some())
    }
}

impl CustomerState {
    /// Creates a [`CustomerState::Present`] and sorts its subscriptions.
    #[must_use]
    pub fn present(mut subscriptions: Vec<Subscription>) -> Self {
        subscriptions.sort_by(|a, b| {
            b.created.cmp(&a.created).then_with(|| a.id.as_str().cmp(b.id.as_str()))
        });
        Self::Present(subscriptions)
    }

    /// Returns the subscriptions; empty for a customer that is gone.
    #[must_use]
    pub fn subscriptions(&self) -> &[Subscription] {
        match self {
            Self::Present(subscriptions) => subscriptions,
            Self::Gone => &[],
        }
    }

    /// Returns the current subscription: the ongoing one with the best standing, then the newest.
    #[must_use]
    pub fn current(&self) -> Option<&Subscription> {
        let rank = |status: SubscriptionStatus| {
            SubscriptionStatus::ALL.iter().position(|known| *known == status)
        };
        let ongoing =
            self.subscriptions().iter().filter(|subscription| subscription.status.is_ongoing());
        ongoing.min_by_key(|one| {
            (rank(one.status), std::cmp::Reverse(one.created), one.id.as_str().to_owned())
        })
    }

    /// Returns whether the customer has ever purchased a subscription.
    #[must_use]
    pub fn has_purchased(&self) -> bool {
        self.subscriptions().iter().any(|subscription| subscription.status.was_purchased())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription(id: &str, status: SubscriptionStatus, created: i64) -> Subscription {
        Subscription {
            id: id.parse().unwrap(),
            status,
            prices: vec![],
            cycle: None,
            created: Timestamp::from_seconds(created),
            period_start: None,
            period_end: None,
            cancel_at_period_end: false,
            cancel_at: None,
        }
    }

    fn current(list: &[(&str, SubscriptionStatus, i64)]) -> Option<String> {
        let all =
            list.iter().map(|(id, status, created)| subscription(id, *status, *created)).collect();
        CustomerState::Present(all).current().map(|one| one.id.as_str().to_owned())
    }

    #[test]
    fn current_subscription_has_best_standing_then_newest() {
        use SubscriptionStatus as S;
        assert_eq!(current(&[("a", S::Canceled, 9), ("b", S::Incomplete, 8)]), None);
        assert_eq!(current(&[("a", S::PastDue, 9), ("b", S::Active, 1)]).as_deref(), Some("b"));
        assert_eq!(current(&[("a", S::Active, 1), ("b", S::Active, 2)]).as_deref(), Some("b"));
        assert_eq!(current(&[("b", S::Active, 1), ("a", S::Active, 1)]).as_deref(), Some("a"));
    }

    #[test]
    fn ended_purchase_counts_as_purchase_and_failed_attempt_does_not() {
        use SubscriptionStatus as S;
        let bought =
            |status| CustomerState::Present(vec![subscription("a", status, 1)]).has_purchased();
        assert!(bought(S::Canceled) && bought(S::Trialing));
        assert!(!bought(S::Incomplete) && !bought(S::IncompleteExpired));
        assert!(!CustomerState::Gone.has_purchased());
    }

    #[test]
    fn subscription_is_cancelling_at_period_end_or_at_a_time() {
        let active = subscription("a", SubscriptionStatus::Active, 1);
        assert!(!active.is_cancelling());
        assert!(Subscription { cancel_at_period_end: true, ..active.clone() }.is_cancelling());
        let at = Subscription { cancel_at: Some(Timestamp::from_seconds(9)), ..active };
        assert!(at.is_cancelling());
        assert!(!Subscription { status: SubscriptionStatus::Canceled, ..at }.is_cancelling());
    }
}
