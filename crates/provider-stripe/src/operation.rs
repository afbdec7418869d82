//! [`Operation`]: the calls that this adapter makes, by the names they have in metrics and logs.

use std::fmt;
use std::time::Duration;

/// A single object is made or read fast.
const ATTEMPT: Duration = Duration::from_secs(3);
/// A page of a hundred objects takes longer.
const ATTEMPT_AT_A_LIST: Duration = Duration::from_secs(10);

/// One of Stripe's operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    CreatePortalSession,
    CreateCustomer,
    CreateCheckoutSession,
    ReadPrice,
    ReadCustomer,
    ReadSubscription,
    ListCustomers,
    ListSubscriptions,
    ListCheckoutSessions,
}

/// What an operation reads by the id in its path, and may find missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ById {
    Customer,
    Subscription,
    Price,
}

impl Operation {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::CreatePortalSession => "create_portal_session",
            Self::CreateCustomer => "create_customer",
            Self::CreateCheckoutSession => "create_checkout_session",
            Self::ReadPrice => "read_price",
            Self::ReadCustomer => "read_customer",
            Self::ReadSubscription => "read_subscription",
            Self::ListCustomers => "list_customers",
            Self::ListSubscriptions => "list_subscriptions",
            Self::ListCheckoutSessions => "list_checkout_sessions",
        }
    }

    /// What a restricted key needs for it, in the Dashboard's words.
    pub(crate) const fn permission(self) -> &'static str {
        match self {
            Self::CreatePortalSession => "write access to the customer portal",
            Self::CreateCustomer => "write access to customers",
            Self::CreateCheckoutSession => "write access to checkout sessions",
            Self::ReadPrice => "read access to prices",
            Self::ReadCustomer | Self::ListCustomers => "read access to customers",
            Self::ReadSubscription | Self::ListSubscriptions => "read access to subscriptions",
            Self::ListCheckoutSessions => "read access to checkout sessions",
        }
    }

    pub(crate) const fn by_id(self) -> Option<ById> {
        match self {
            Self::ReadPrice => Some(ById::Price),
            Self::ReadCustomer => Some(ById::Customer),
            Self::ReadSubscription => Some(ById::Subscription),
            Self::CreatePortalSession
            | Self::CreateCustomer
            | Self::CreateCheckoutSession
            | Self::ListCustomers
            | Self::ListSubscriptions
            | Self::ListCheckoutSessions => None,
        }
    }

    /// The longest that one attempt may take.
    pub(crate) const fn patience(self) -> Duration {
        match self {
            Self::ListCustomers | Self::ListSubscriptions | Self::ListCheckoutSessions => {
                ATTEMPT_AT_A_LIST
            }
            Self::CreatePortalSession
            | Self::CreateCustomer
            | Self::CreateCheckoutSession
            | Self::ReadPrice
            | Self::ReadCustomer
            | Self::ReadSubscription => ATTEMPT,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
