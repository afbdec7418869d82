//! [`Call`]: one request of ours to Stripe, however many attempts it takes.

use billing_domain::{Deadline, ProviderKey};
use outbound_http::Method;
use url::Url;
use uuid::Uuid;

use crate::operation::Operation;

/// What is asked of Stripe, and until when.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) operation: Operation,
    pub(crate) url: Url,
    pub(crate) sent: Sent<'a>,
    /// The parameter that names a subscription, in Stripe's errors about it.
    pub(crate) subscription_param: Option<String>,
    pub(crate) deadline: Deadline,
}

/// What goes with it. Only what changes something has an idempotency key.
#[derive(Debug)]
pub(crate) enum Sent<'a> {
    /// A GET; the URL has it all.
    Nothing,
    /// A POST.
    Form { body: String, key: OrderKey<'a> },
}

/// Whose idempotency key a POST carries (P1).
#[derive(Clone, Copy, Debug)]
pub(crate) enum OrderKey<'a> {
    /// One of this call's own, and a fresh one after a received 5xx: Stripe replays the 500 that it stored under a key.
    Fresh,
    /// The order's: it makes one object of many calls, and so never changes. The price is that a 500 which Stripe stored under it
    /// comes back for as long as Stripe remembers the key (at least 24 hours, <https://docs.stripe.com/api/idempotent_requests>):
    /// after a received 5xx another attempt is made only where `Stripe-Should-Retry` asks for one.
    Of(&'a ProviderKey),
}

/// The key of an attempt, and of those after it until a 5xx spoils it.
#[derive(Clone, Debug)]
pub(crate) enum AttemptKey<'a> {
    None,
    Fresh(Uuid),
    Of(&'a ProviderKey),
}

impl<'a> Call<'a> {
    /// A read.
    pub(crate) const fn get(operation: Operation, url: Url, deadline: Deadline) -> Self {
        Self { operation, url, sent: Sent::Nothing, subscription_param: None, deadline }
    }

    /// A change.
    pub(crate) const fn post(
        operation: Operation,
        url: Url,
        body: String,
        key: OrderKey<'a>,
        deadline: Deadline,
    ) -> Self {
        Self { operation, url, sent: Sent::Form { body, key }, subscription_param: None, deadline }
    }

    pub(crate) const fn method(&self) -> Method {
        match self.sent {
            Sent::Nothing => Method::GET,
            Sent::Form { .. } => Method::POST,
        }
    }

    pub(crate) fn first_key(&self) -> AttemptKey<'a> {
        match self.sent {
            Sent::Nothing => AttemptKey::None,
            Sent::Form { key: OrderKey::Fresh, .. } => AttemptKey::Fresh(Uuid::now_v7()),
            Sent::Form { key: OrderKey::Of(key), .. } => AttemptKey::Of(key),
        }
    }

    /// Whether every attempt, also those of other calls and other replicas, goes under one key.
    pub(crate) const fn key_stays(&self) -> bool {
        matches!(self.sent, Sent::Form { key: OrderKey::Of(_), .. })
    }
}

impl AttemptKey<'_> {
    /// The key of the attempt after one whose answer may be stored under this one.
    pub(crate) fn renewed(self) -> Self {
        match self {
            Self::Fresh(_) => Self::Fresh(Uuid::now_v7()),
            other => other,
        }
    }

    pub(crate) fn header(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Fresh(key) => Some(key.to_string()),
            Self::Of(key) => Some(key.to_string()),
        }
    }
}
