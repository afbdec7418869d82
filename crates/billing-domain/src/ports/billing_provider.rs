//! The payment provider.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Capabilities, PortalRequest, PortalSession, ProviderAccount};

/// A payment provider with a hosted customer portal.
///
/// One process has one. What checkout or reading subscriptions needs is a port of its own, not a method here.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait BillingProvider: Debug + Send + Sync + 'static {
    /// Which provider in which mode: customers are looked up under it.
    fn account(&self) -> &ProviderAccount;

    /// What its portal can honour. Constant over the life of the process.
    fn capabilities(&self) -> Capabilities;

    /// Makes a fresh portal session; never hands out one twice. Retries what a retry can mend within the request's deadline,
    /// under one idempotency key of this call's own.
    ///
    /// # Errors
    /// See [`ProviderError`]. The provider's own words stay inside its `context`.
    async fn create_portal_session(
        &self,
        request: &PortalRequest,
    ) -> Result<PortalSession, ProviderError>;
}

/// Why there is no portal session. `context` is for the log, with secrets masked; it never reaches a response.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The provider does not know this customer (any more).
    #[error("the provider does not know this customer")]
    CustomerNotFound {
        /// For the log.
        context: String,
    },
    /// The provider does not know this subscription, or not for this customer.
    #[error("the provider does not know this subscription for this customer")]
    SubscriptionNotFound {
        /// For the log.
        context: String,
    },
    /// The provider refused us: our credentials, our parameters, its settings.
    #[error("the provider refused the request: {context}")]
    Refused {
        /// For the log, with what to do about it where that is known.
        context: String,
    },
    /// The provider's answer cannot be used.
    #[error("the provider's answer is unusable: {context}")]
    Unusable {
        /// For the log.
        context: String,
    },
    /// No connection, a 5xx or a 429 after the retries, or a breaker that is open.
    #[error("the provider is unavailable: {context}")]
    Unavailable {
        /// For the log.
        context: String,
        /// When to come back.
        retry_after: Duration,
    },
    /// Attempts or budget ran out without an answer.
    #[error("the provider did not answer in time: {context}")]
    Timeout {
        /// For the log.
        context: String,
    },
    /// Our own limits towards the provider.
    #[error("no room for another call to the provider")]
    Overloaded {
        /// When to come back.
        retry_after: Duration,
    },
}

impl ProviderError {
    /// Whether the same call may succeed later without anybody mending anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::CustomerNotFound { .. }
            | Self::SubscriptionNotFound { .. }
            | Self::Refused { .. }
            | Self::Unusable { .. } => false,
            Self::Unavailable { .. } | Self::Timeout { .. } | Self::Overloaded { .. } => true,
        }
    }
}
