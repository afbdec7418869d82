//! [`Operation`]: the API calls of this adapter, with their names in metrics and logs.

use std::fmt;
use std::time::Duration;

/// Timeout of an attempt to create or read one object.
const OBJECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Timeout of an attempt to read a page of 100 objects.
const LIST_TIMEOUT: Duration = Duration::from_secs(10);

/// An operation of Stripe's API.
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

/// The object type that an operation reads by the id in its path.
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

    /// Returns the permission that a restricted key needs, as the Dashboard names it.
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

    /// Returns the timeout of one attempt.
    pub(crate) const fn attempt_timeout(self) -> Duration {
        match self {
            Self::ListCustomers | Self::ListSubscriptions | Self::ListCheckoutSessions => {
                LIST_TIMEOUT
            }
            Self::CreatePortalSession
            | Self::CreateCustomer
            | Self::CreateCheckoutSession
            | Self::ReadPrice
            | Self::ReadCustomer
            | Self::ReadSubscription => OBJECT_TIMEOUT,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
