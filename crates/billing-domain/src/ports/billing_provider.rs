//! The port of the provider's customer portal.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Capabilities, PortalRequest, PortalSession, ProviderAccount};

/// A payment provider with a hosted customer portal. Each process uses one provider.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait BillingProvider: Debug + Send + Sync + 'static {
    /// Returns the provider and the mode.
    fn account(&self) -> &ProviderAccount;

    /// Returns the capabilities of the portal. They are constant.
    fn capabilities(&self) -> Capabilities;

    /// Creates a new portal session on every call.
    ///
    /// Retries transient errors within the request's deadline, with one idempotency key per call.
    ///
    /// # Errors
    /// See [`ProviderError`]. Only `context` contains text of the provider.
    async fn create_portal_session(
        &self,
        request: &PortalRequest,
    ) -> Result<PortalSession, ProviderError>;
}

/// The reasons why a provider call fails. `context` is for the log, with masked secrets. Responses
/// never contain it.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The provider does not know this customer.
    #[error("the provider does not know this customer")]
    CustomerNotFound {
        /// For the log.
        context: String,
    },
    /// The customer has no such subscription.
    #[error("the provider does not know this subscription for this customer")]
    SubscriptionNotFound {
        /// For the log.
        context: String,
    },
    /// The provider rejected the request because of its credentials, its parameters or the
    /// provider's settings.
    #[error("the provider rejected the request: {context}")]
    Refused {
        /// For the log, with a known fix.
        context: String,
    },
    /// The provider's response is invalid.
    #[error("the provider's response is invalid: {context}")]
    Unusable {
        /// For the log.
        context: String,
    },
    /// No connection, a 5xx or 429 response after all retries, or an open circuit breaker.
    #[error("the provider is unavailable: {context}")]
    Unavailable {
        /// For the log.
        context: String,
        /// The delay before a retry.
        retry_after: Duration,
    },
    /// The deadline passed, or all attempts timed out.
    #[error("the provider did not respond in time: {context}")]
    Timeout {
        /// For the log.
        context: String,
    },
    /// The service's own limit of concurrent provider calls is reached.
    #[error("too many concurrent calls to the provider")]
    Overloaded {
        /// The delay before a retry.
        retry_after: Duration,
    },
}

impl ProviderError {
    /// Returns whether a retry can succeed without a change by the operator.
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
