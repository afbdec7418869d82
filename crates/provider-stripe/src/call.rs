//! [`Call`]: one logical request to Stripe, with any number of attempts.

use billing_domain::{Deadline, ProviderKey};
use outbound_http::Method;
use url::Url;
use uuid::Uuid;

use crate::operation::Operation;

/// A request to Stripe with its deadline.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) operation: Operation,
    pub(crate) url: Url,
    pub(crate) payload: Payload<'a>,
    /// The parameter for a subscription, as Stripe's errors name it.
    pub(crate) subscription_param: Option<String>,
    pub(crate) deadline: Deadline,
}

/// The payload. Only changes have an idempotency key.
#[derive(Debug)]
pub(crate) enum Payload<'a> {
    /// A GET without payload.
    Empty,
    /// A POST.
    Form { body: String, key: KeySource<'a> },
}

/// The source of the idempotency key of a POST (P1).
#[derive(Clone, Copy, Debug)]
pub(crate) enum KeySource<'a> {
    /// A key of this call. A 5xx response causes a new key, because Stripe replays a stored 500.
    PerCall,
    /// A key that many calls and replicas share to create one object. It never changes. Stripe may
    /// replay a stored 500 for at least 24 hours
    /// (<https://docs.stripe.com/api/idempotent_requests>), so a 5xx is retried only if
    /// `Stripe-Should-Retry` requests it.
    Shared(&'a ProviderKey),
}

/// The idempotency key of an attempt. Later attempts use it too, until a 5xx invalidates it.
#[derive(Clone, Debug)]
pub(crate) enum AttemptKey<'a> {
    None,
    PerCall(Uuid),
    Shared(&'a ProviderKey),
}

impl<'a> Call<'a> {
    /// Creates a read.
    pub(crate) const fn get(operation: Operation, url: Url, deadline: Deadline) -> Self {
        Self { operation, url, payload: Payload::Empty, subscription_param: None, deadline }
    }

    /// Creates a change.
    pub(crate) const fn post(
        operation: Operation,
        url: Url,
        body: String,
        key: KeySource<'a>,
        deadline: Deadline,
    ) -> Self {
        Self {
            operation,
            url,
            payload: Payload::Form { body, key },
            subscription_param: None,
            deadline,
        }
    }

    pub(crate) const fn method(&self) -> Method {
        match self.payload {
            Payload::Empty => Method::GET,
            Payload::Form { .. } => Method::POST,
        }
    }

    pub(crate) fn first_key(&self) -> AttemptKey<'a> {
        match self.payload {
            Payload::Empty => AttemptKey::None,
            Payload::Form { key: KeySource::PerCall, .. } => AttemptKey::PerCall(Uuid::now_v7()),
            Payload::Form { key: KeySource::Shared(key), .. } => AttemptKey::Shared(key),
        }
    }

    /// Returns whether other calls and replicas use the same idempotency key.
    pub(crate) const fn has_shared_key(&self) -> bool {
        matches!(self.payload, Payload::Form { key: KeySource::Shared(_), .. })
    }
}

impl AttemptKey<'_> {
    /// Returns the key for the next attempt after Stripe may have stored a failure under this key.
    pub(crate) fn renewed(self) -> Self {
        match self {
            Self::PerCall(_) => Self::PerCall(Uuid::now_v7()),
            other => other,
        }
    }

    pub(crate) fn header(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::PerCall(key) => Some(key.to_string()),
            Self::Shared(key) => Some(key.to_string()),
        }
    }
}
