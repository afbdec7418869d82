//! [`StripeProvider`] and its customer portal.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use billing_domain::ports::{BillingProvider, ProviderError};
use billing_domain::{Capabilities, PortalRequest, PortalSession, ProviderAccount};
use tracing::{debug, instrument};

use crate::call::{Call, KeySource};
use crate::operation::Operation;
use crate::portal_session::{self, Expected};
use crate::stripe_api::StripeApi;
use crate::{ClientError, StripeSettings, capabilities, portal_form};

/// Stripe or the sandbox: customer portal, checkout, customers and subscriptions.
pub struct StripeProvider {
    account: ProviderAccount,
    api: RwLock<Arc<StripeApi>>,
}

/// Why new settings were rejected. The old settings stay in effect.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The settings are for another provider or mode, which requires a restart.
    #[error("the new settings are for {0}, which takes a restart")]
    OtherAccount(ProviderAccount),
    /// The client cannot be built.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl StripeProvider {
    /// Creates a provider with its own connection pool. It connects on the first request.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn new(settings: StripeSettings) -> Result<Self, ClientError> {
        Ok(Self {
            account: settings.account().clone(),
            api: RwLock::new(Arc::new(StripeApi::new(settings)?)),
        })
    }

    /// Replaces the settings, for example after a key rotation. Running calls keep the old
    /// settings.
    ///
    /// # Errors
    /// See [`ReloadError`].
    pub fn reload(&self, settings: StripeSettings) -> Result<(), ReloadError> {
        if *settings.account() != self.account {
            return Err(ReloadError::OtherAccount(settings.account().clone()));
        }
        let api = Arc::new(StripeApi::new(settings)?);
        *self.api.write().unwrap_or_else(PoisonError::into_inner) = api;
        Ok(())
    }

    pub(crate) fn api(&self) -> Arc<StripeApi> {
        Arc::clone(&self.api.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl BillingProvider for StripeProvider {
    fn account(&self) -> &ProviderAccount {
        &self.account
    }

    fn capabilities(&self) -> Capabilities {
        capabilities::portal()
    }

    #[instrument(name = "create_portal_session", skip_all, fields(account = %self.account()))]
    async fn create_portal_session(
        &self,
        request: &PortalRequest,
    ) -> Result<PortalSession, ProviderError> {
        let api = self.api();
        let settings = &api.settings;
        let form = portal_form::encode(request, settings.portal_configuration());
        let url = settings.api_base().endpoint(portal_form::PATH);
        let call = Call {
            subscription_param: request.flow.as_ref().and_then(portal_form::subscription_param),
            ..Call::post(
                Operation::CreatePortalSession,
                url,
                form,
                KeySource::PerCall,
                request.deadline,
            )
        };
        let expected = Expected {
            customer: &request.customer,
            mode: settings.account().mode(),
            loopback_urls: settings.allows_loopback_urls(),
        };
        let session = api.call(&call, |body| portal_session::parse(body, expected)).await?;
        debug!(session = session.id, "created a portal session");
        Ok(session)
    }
}

impl fmt::Debug for StripeProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeProvider")
            .field("settings", &self.api().settings)
            .finish_non_exhaustive()
    }
}
