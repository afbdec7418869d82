//! [`PortalService`]: from an authenticated caller to a portal session.

use std::sync::Arc;
use std::time::Duration;

use crate::ports::{AuditLog, BillingProvider, Clock, ProviderError, RepoError};
use crate::{
    Actor, AuditAction, AuditEvent, BillingAccounts, Deadline, FlowKind, LocaleError, LocaleRange,
    Operation, Permission, PortalFlow, PortalRequest, PortalSession, Principal, RefreshError,
    RequestOrigin, ReturnUrlError, ReturnUrlPolicy, error_chain,
};

/// Opens the customer portal for whoever may.
#[derive(Clone, Debug)]
pub struct PortalService {
    accounts: BillingAccounts,
    provider: Arc<dyn BillingProvider>,
    audit: Arc<dyn AuditLog>,
    clock: Arc<dyn Clock>,
    return_urls: ReturnUrlPolicy,
}

/// What a caller asks for. The return URL is as it came: [`PortalService::open`] holds it against the policy.
#[derive(Clone, Debug)]
pub struct OpenPortal {
    /// Where to return to; `None` is the dashboard.
    pub return_url: Option<String>,
    /// The portal's language; `None` leaves it to the provider.
    pub locale: Option<LocaleRange>,
    /// The task to open on.
    pub flow: Option<PortalFlow>,
    /// When the caller's time is up.
    pub deadline: Deadline,
    /// Which request asks, for the audit log.
    pub origin: RequestOrigin,
}

/// Why the portal does not open. One variant for each answer that a caller can get.
#[derive(Debug, thiserror::Error)]
pub enum PortalError {
    /// The credential holds, and does not allow this.
    #[error("the permission {0} is missing")]
    PermissionDenied(Permission),
    /// No such language.
    #[error("the locale cannot be used: {0}")]
    Locale(#[from] LocaleError),
    /// The provider cannot do this flow.
    #[error("the provider cannot do the flow {0}")]
    UnsupportedFlow(FlowKind),
    /// The return URL breaks a rule.
    #[error("the return URL cannot be used: {0}")]
    ReturnUrl(#[from] ReturnUrlError),
    /// Nobody linked a customer to this user, or the provider says that it is gone.
    #[error("no billing account: {context}")]
    NoBillingAccount {
        /// For the log.
        context: String,
    },
    /// The provider does not know the flow's subscription for this customer.
    #[error("unknown subscription: {context}")]
    UnknownSubscription {
        /// For the log.
        context: String,
    },
    /// The provider refused us, or its answer is unusable.
    #[error("the provider failed us: {context}")]
    Provider {
        /// For the log.
        context: String,
    },
    /// The provider cannot be reached or does not serve us now.
    #[error("the provider is unavailable: {context}")]
    ProviderUnavailable {
        /// For the log.
        context: String,
        /// When to come back.
        retry_after: Duration,
    },
    /// The provider did not answer in time.
    #[error("the provider did not answer in time: {context}")]
    ProviderTimeout {
        /// For the log.
        context: String,
    },
    /// Our own limits.
    #[error("no room for another call to the provider")]
    Overloaded {
        /// When to come back.
        retry_after: Duration,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepoError),
}

impl PortalService {
    /// A service over these ports.
    #[must_use]
    pub fn new(
        accounts: BillingAccounts,
        provider: Arc<dyn BillingProvider>,
        audit: Arc<dyn AuditLog>,
        clock: Arc<dyn Clock>,
        return_urls: ReturnUrlPolicy,
    ) -> Self {
        Self { accounts, provider, audit, clock, return_urls }
    }

    /// A fresh portal session for this caller.
    ///
    /// The checks run in the contract's order (H5), and nothing that fails one reaches the provider: permission, locale and
    /// flow, return URL, billing account, provider. A session is handed out only once the audit log has it.
    ///
    /// # Errors
    /// See [`PortalError`].
    pub async fn open(
        &self,
        principal: &Principal,
        request: OpenPortal,
    ) -> Result<PortalSession, PortalError> {
        principal.authorize(Operation::OpenPortal).map_err(PortalError::PermissionDenied)?;
        let can = self.provider.capabilities();
        let locale = request.locale.map(|range| can.locales.lookup(&range)).transpose()?;
        if let Some(kind) =
            request.flow.as_ref().map(PortalFlow::kind).filter(|kind| !can.flows.contains(kind))
        {
            return Err(PortalError::UnsupportedFlow(kind));
        }
        if !can.return_url && request.return_url.is_some() {
            return Err(ReturnUrlError::Unsupported.into());
        }
        let return_url =
            self.return_urls.resolve(request.return_url.as_deref(), &principal.return_origins)?;
        let account = self.provider.account();
        let found = self.accounts.find(&principal.owner, request.deadline).await?;
        let customer = found.ok_or_else(|| PortalError::NoBillingAccount {
            context: format!("no customer is linked at {account}"),
        })?;
        let order = PortalRequest {
            customer: customer.clone(),
            return_url: can.return_url.then_some(return_url),
            locale,
            flow: request.flow,
            deadline: request.deadline,
        };
        let session = match self.provider.create_portal_session(&order).await {
            Err(ProviderError::CustomerNotFound { context }) => {
                // The report only makes readings fresher. The answer is the same without it.
                let context = match self.accounts.report_not_found(&customer).await {
                    Ok(()) => context,
                    Err(error) => {
                        format!("{context}; the report failed: {}", error_chain(&error))
                    }
                };
                return Err(PortalError::NoBillingAccount { context });
            }
            session => session?,
        };
        let (actor, key) = Actor::from_auth_method(&principal.method);
        let event = AuditEvent {
            at: self.clock.now(),
            action: AuditAction::PortalOpened,
            actor,
            owner: Some(principal.owner.clone()),
            key,
            customer: Some((account.clone(), customer)),
            origin: request.origin,
        };
        self.audit.append(&event).await?;
        Ok(session)
    }
}

impl From<RefreshError> for PortalError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Provider(error) => error.into(),
            RefreshError::Store(error) => Self::Store(error),
            RefreshError::Contended | RefreshError::ClaimLost => {
                Self::Overloaded { retry_after: Duration::from_secs(1) }
            }
        }
    }
}

impl From<ProviderError> for PortalError {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::CustomerNotFound { context } => Self::NoBillingAccount { context },
            ProviderError::SubscriptionNotFound { context } => {
                Self::UnknownSubscription { context }
            }
            ProviderError::Refused { context } | ProviderError::Unusable { context } => {
                Self::Provider { context }
            }
            ProviderError::Unavailable { context, retry_after } => {
                Self::ProviderUnavailable { context, retry_after }
            }
            ProviderError::Timeout { context } => Self::ProviderTimeout { context },
            ProviderError::Overloaded { retry_after } => Self::Overloaded { retry_after },
        }
    }
}
