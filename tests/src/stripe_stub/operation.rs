//! Parses the stub's operations from a request's method and path.

use http::Method;
use http::request::Parts;

/// An operation, with the id in its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    CreatePortalSession,
    CreateCustomer,
    ListCustomers,
    ReadCustomer(String),
    ListSubscriptions,
    ReadSubscription(String),
    CreateCheckoutSession,
    ListCheckoutSessions,
    ReadPrice(String),
}

impl Operation {
    pub(super) fn of(head: &Parts) -> Option<Self> {
        let path: Vec<&str> = head.uri.path().split('/').collect();
        Some(match (&head.method, &path[..]) {
            (&Method::POST, ["", "v1", "billing_portal", "sessions"]) => Self::CreatePortalSession,
            (&Method::POST, ["", "v1", "customers"]) => Self::CreateCustomer,
            (&Method::GET, ["", "v1", "customers"]) => Self::ListCustomers,
            (&Method::GET, ["", "v1", "customers", id]) => Self::ReadCustomer(decoded(id)),
            (&Method::GET, ["", "v1", "subscriptions"]) => Self::ListSubscriptions,
            (&Method::GET, ["", "v1", "subscriptions", id]) => Self::ReadSubscription(decoded(id)),
            (&Method::POST, ["", "v1", "checkout", "sessions"]) => Self::CreateCheckoutSession,
            (&Method::GET, ["", "v1", "checkout", "sessions"]) => Self::ListCheckoutSessions,
            (&Method::GET, ["", "v1", "prices", id]) => Self::ReadPrice(decoded(id)),
            _ => return None,
        })
    }

    /// Returns the schema's path template.
    pub(super) const fn path(&self) -> &'static str {
        match self {
            Self::CreatePortalSession => "/v1/billing_portal/sessions",
            Self::CreateCustomer | Self::ListCustomers => "/v1/customers",
            Self::ReadCustomer(_) => "/v1/customers/{customer}",
            Self::ListSubscriptions => "/v1/subscriptions",
            Self::ReadSubscription(_) => "/v1/subscriptions/{subscription_exposed_id}",
            Self::CreateCheckoutSession | Self::ListCheckoutSessions => "/v1/checkout/sessions",
            Self::ReadPrice(_) => "/v1/prices/{price}",
        }
    }
}

/// Decodes a path segment. A plus sign in a path stays a plus sign.
fn decoded(segment: &str) -> String {
    let value = segment.replace('+', "%2B");
    url::form_urlencoded::parse(format!("id={value}").as_bytes())
        .next()
        .map(|(_, id)| id.into_owned())
        .unwrap_or_default()
}
