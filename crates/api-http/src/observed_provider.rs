//! [`ObservedProvider`]: tells the readiness probe how the provider's calls end.

use std::sync::Arc;

use async_trait::async_trait;
use billing_domain::ports::{BillingProvider, ProviderError};
use billing_domain::{Capabilities, PortalRequest, PortalSession, ProviderAccount};

use crate::readiness::Readiness;

/// A provider, watched: an outage shows in `/readyz` as `degraded` and in a metric.
#[derive(Debug)]
pub struct ObservedProvider {
    inner: Arc<dyn BillingProvider>,
    readiness: Arc<Readiness>,
}

impl ObservedProvider {
    /// Watches `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn BillingProvider>, readiness: Arc<Readiness>) -> Self {
        Self { inner, readiness }
    }
}

#[async_trait]
impl BillingProvider for ObservedProvider {
    fn account(&self) -> &ProviderAccount {
        self.inner.account()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn create_portal_session(&self, request: &PortalRequest) -> Result<PortalSession, ProviderError> {
        let result = self.inner.create_portal_session(request).await;
        match &result {
            Err(ProviderError::Unavailable { .. } | ProviderError::Timeout { .. }) => self.readiness.provider_is_down(),
            Ok(_)
            | Err(
                ProviderError::CustomerNotFound { .. }
                | ProviderError::SubscriptionNotFound { .. }
                | ProviderError::Refused { .. }
                | ProviderError::Unusable { .. },
            ) => self.readiness.provider_is_up(),
            // Our own limits say nothing about the provider.
            Err(ProviderError::Overloaded { .. }) => {}
        }
        result
    }
}
