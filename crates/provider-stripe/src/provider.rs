//! [`StripeProvider`] itself, and its customer portal.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use billing_domain::ports::{BillingProvider, ProviderError};
use billing_domain::{Capabilities, PortalRequest, PortalSession, ProviderAccount};
use tracing::{debug, instrument};

use crate::access::Access;
use crate::call::{Call, OrderKey};
use crate::operation::Operation;
use crate::portal_session::{self, Expected};
use crate::{ClientError, StripeSettings, capabilities, portal_form};

/// Stripe, or the sandbox: its customer portal, its checkout, and its customers with their subscriptions.
pub struct StripeProvider {
    account: ProviderAccount,
    access: RwLock<Arc<Access>>,
}

/// Why new settings did not take the place of the old ones, which stay in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// They are for another provider or mode: customers are kept under those, so that takes a restart.
    #[error("the new settings are for {0}, which takes a restart")]
    OtherAccount(ProviderAccount),
    /// No client can be built of them.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl StripeProvider {
    /// A provider with connections of its own; opens none yet.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn new(settings: StripeSettings) -> Result<Self, ClientError> {
        Ok(Self {
            account: settings.account().clone(),
            access: RwLock::new(Arc::new(Access::new(settings)?)),
        })
    }

    /// Puts new settings, such as a rolled key, in the place of the old ones. Calls under way end as they began.
    ///
    /// # Errors
    /// See [`ReloadError`].
    pub fn reload(&self, settings: StripeSettings) -> Result<(), ReloadError> {
        if *settings.account() != self.account {
            return Err(ReloadError::OtherAccount(settings.account().clone()));
        }
        let access = Arc::new(Access::new(settings)?);
        *self.access.write().unwrap_or_else(PoisonError::into_inner) = access;
        Ok(())
    }

    pub(crate) fn access(&self) -> Arc<Access> {
        Arc::clone(&self.access.read().unwrap_or_else(PoisonError::into_inner))
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
        let access = self.access();
        let settings = &access.settings;
        let form = portal_form::encode(request, settings.portal_configuration());
        let url = settings.api_base().endpoint(portal_form::PATH);
        let call = Call {
            subscription_param: request.flow.as_ref().and_then(portal_form::subscription_param),
            ..Call::post(
                Operation::CreatePortalSession,
                url,
                form,
                OrderKey::Fresh,
                request.deadline,
            )
        };
        let expected = Expected {
            customer: &request.customer,
            mode: settings.account().mode(),
            loopback_urls: settings.takes_loopback_urls(),
        };
        let session = access.call(&call, |body| portal_session::parse(body, expected)).await?;
        debug!(session = session.id, "made a portal session");
        Ok(session)
    }
}

impl fmt::Debug for StripeProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeProvider")
            .field("settings", &self.access().settings)
            .finish_non_exhaustive()
    }
}
