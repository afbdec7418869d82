//! A customer's subscriptions, as the provider says they are.

use std::fmt;
use std::str::FromStr;

use crate::{BillingCycle, PriceId, SubscriptionId, Timestamp, UserId};

/// A subscription at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// What has become of it.
    pub status: SubscriptionStatus,
    /// The prices of its items, in the provider's order.
    pub prices: Vec<PriceId>,
    /// How often it is paid, where that is by the month or by the year.
    pub cycle: Option<BillingCycle>,
    /// When it was made.
    pub created: Timestamp,
    /// The beginning of the period that is paid now.
    pub period_start: Option<Timestamp>,
    /// The end of it.
    pub period_end: Option<Timestamp>,
    /// Whether it ends with that period.
    pub cancel_at_period_end: bool,
    /// When else it is to end.
    pub cancel_at: Option<Timestamp>,
}

macro_rules! statuses {
    ($($variant:ident $text:literal $meaning:literal;)*) => {
        /// What has become of a subscription (<https://docs.stripe.com/api/subscriptions/object#subscription_object-status>).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum SubscriptionStatus {
            $(#[doc = $meaning] $variant,)*
        }

        impl SubscriptionStatus {
            /// Every status.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The status in Stripe's words.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

statuses! {
    Active "active" "It is paid.";
    Trialing "trialing" "It is on trial.";
    PastDue "past_due" "A payment failed and is tried again.";
    Unpaid "unpaid" "Payments failed and are not tried again.";
    Paused "paused" "Its trial ended without a means of payment.";
    Incomplete "incomplete" "Its first payment has not come yet.";
    IncompleteExpired "incomplete_expired" "Its first payment never came.";
    Canceled "canceled" "It has ended.";
}

/// Why a status is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such status of a subscription")]
pub struct SubscriptionStatusError;

/// What the provider says about a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomerState {
    /// The customer is there, with these subscriptions, also those that have ended; newest first, then by id.
    Present(Vec<Subscription>),
    /// The customer was deleted, or never was.
    Gone,
}

/// Which of our users the provider's data name as the customer's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedOwner {
    /// The data name no user.
    None,
    /// This one.
    User(UserId),
    /// Several, or no possible user: nothing is guessed.
    Ambiguous,
}

/// A customer, freshly read from the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerReading {
    /// What it is.
    pub state: CustomerState,
    /// Whose it is, as far as the provider's data say.
    pub owner: NamedOwner,
}

impl SubscriptionStatus {
    /// Whether the customer has it: it was bought and has not ended, however its payments stand.
    #[must_use]
    pub const fn is_ongoing(self) -> bool {
        match self {
            Self::Active | Self::Trialing | Self::PastDue | Self::Unpaid | Self::Paused => true,
            Self::Incomplete | Self::IncompleteExpired | Self::Canceled => false,
        }
    }

    /// Whether there was a purchase.
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
    /// Whether its end is decided: with the period, or at a moment.
    #[must_use]
    pub const fn is_cancelling(&self) -> bool {
        self.status.is_ongoing() && (self.cancel_at_period_end || self.cancel_at.is_some())
    }
}

impl CustomerState {
    /// A customer with these subscriptions, in the order that [`CustomerState::Present`] promises.
    #[must_use]
    pub fn present(mut subscriptions: Vec<Subscription>) -> Self {
        subscriptions.sort_by(|a, b| {
            b.created.cmp(&a.created).then_with(|| a.id.as_str().cmp(b.id.as_str()))
        });
        Self::Present(subscriptions)
    }

    /// The subscriptions; none of a customer who is gone.
    #[must_use]
    pub fn subscriptions(&self) -> &[Subscription] {
        match self {
            Self::Present(subscriptions) => subscriptions,
            Self::Gone => &[],
        }
    }

    /// The subscription that counts: of those that the customer has, one in good standing before one that is not, then the
    /// newest.
    #[must_use]
    pub fn current(&self) -> Option<&Subscription> {
        let rank = |status: SubscriptionStatus| {
            SubscriptionStatus::ALL.iter().position(|known| *known == status)
        };
        let held =
            self.subscriptions().iter().filter(|subscription| subscription.status.is_ongoing());
        held.min_by_key(|one| {
            (rank(one.status), std::cmp::Reverse(one.created), one.id.as_str().to_owned())
        })
    }

    /// Whether the customer has ever bought a subscription.
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
    fn the_newest_in_the_best_standing_counts() {
        use SubscriptionStatus as S;
        assert_eq!(current(&[("a", S::Canceled, 9), ("b", S::Incomplete, 8)]), None);
        assert_eq!(current(&[("a", S::PastDue, 9), ("b", S::Active, 1)]).as_deref(), Some("b"));
        assert_eq!(current(&[("a", S::Active, 1), ("b", S::Active, 2)]).as_deref(), Some("b"));
        assert_eq!(current(&[("b", S::Active, 1), ("a", S::Active, 1)]).as_deref(), Some("a"));
    }

    #[test]
    fn a_purchase_that_ended_was_one_and_an_attempt_was_none() {
        use SubscriptionStatus as S;
        let bought =
            |status| CustomerState::Present(vec![subscription("a", status, 1)]).has_purchased();
        assert!(bought(S::Canceled) && bought(S::Trialing));
        assert!(!bought(S::Incomplete) && !bought(S::IncompleteExpired));
        assert!(!CustomerState::Gone.has_purchased());
    }

    #[test]
    fn both_ways_of_cancelling_count() {
        let active = subscription("a", SubscriptionStatus::Active, 1);
        assert!(!active.is_cancelling());
        assert!(Subscription { cancel_at_period_end: true, ..active.clone() }.is_cancelling());
        let at = Subscription { cancel_at: Some(Timestamp::from_seconds(9)), ..active };
        assert!(at.is_cancelling());
        assert!(!Subscription { status: SubscriptionStatus::Canceled, ..at }.is_cancelling());
    }
}
