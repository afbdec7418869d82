//! [`PortalService`]: creates portal sessions for authenticated callers.

use std::sync::Arc;
use std::time::Duration;

use crate::ports::{AuditLog, BillingProvider, Clock, ProviderError, RepoError};
use crate::{
    Actor, AuditAction, AuditEvent, BillingAccounts, Deadline, FlowKind, LocaleError, LocaleRange,
    Operation, Permission, PortalFlow, PortalRequest, PortalSession, Principal, RefreshError,
    RequestOrigin, ReturnUrlError, ReturnUrlPolicy, error_chain,
};

/// Opens the customer portal.
#[derive(Clone, Debug)]
pub struct PortalService {
    accounts: BillingAccounts,
    provider: Arc<dyn BillingProvider>,
    audit: Arc<dyn AuditLog>,
    clock: Arc<dyn Clock>,
    return_urls: ReturnUrlPolicy,
}

/// The parameters of a portal session. [`PortalService::open`] checks the return URL.
#[derive(Clone, Debug)]
pub struct OpenPortal {
    /// The return URL; `None` selects the dashboard.
    pub return_url: Option<String>,
    /// The portal's language; `None` selects the provider's default.
    pub locale: Option<LocaleRange>,
    /// The task that the portal opens.
    pub flow: Option<PortalFlow>,
    /// The deadline of the request.
    pub deadline: Deadline,
    /// The request's origin, for the audit log.
    pub origin: RequestOrigin,
}

/// The reasons why the portal does not open. Each variant has its own response.
#[derive(Debug, thiserror::Error)]
pub enum PortalError {
    /// The credential is valid and lacks the permission.
    #[error("the permission {0} is missing")]
    PermissionDenied(Permission),
    /// The locale is malformed or not supported.
    #[error("the locale is not supported: {0}")]
    Locale(#[from] LocaleError),
    /// The provider does not support the flow.
    #[error("the provider does not support the flow {0}")]
    UnsupportedFlow(FlowKind),
    /// The return URL is invalid or not allowed.
    #[error("the return URL is not allowed: {0}")]
    ReturnUrl(#[from] ReturnUrlError),
    /// The user is not linked to a customer, or the customer is gone.
    #[error("no billing account: {context}")]
    NoBillingAccount {
        /// For the log.
        context: String,
    },
    /// The customer has no subscription with the flow's id.
    #[error("unknown subscription: {context}")]
    UnknownSubscription {
        /// For the log.
        context: String,
    },
    /// The provider rejected the request, or its response is invalid.
    #[error("the provider failed: {context}")]
    Provider {
        /// For the log.
        context: String,
    },
    /// The provider is unreachable or unavailable.
    #[error("the provider is unavailable: {context}")]
    ProviderUnavailable {
        /// For the log.
        context: String,
        /// The delay before a retry.
        retry_after: Duration,
    },
    /// The provider did not respond in time.
    #[error("the provider did not respond in time: {context}")]
    ProviderTimeout {
        /// For the log.
        context: String,
    },
    /// The service's own limit of concurrent provider calls is reached.
    #[error("too many concurrent calls to the provider")]
    Overloaded {
        /// The delay before a retry.
        retry_after: Duration,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepoError),
}

impl PortalService {
    /// Creates a service on these ports.
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

    /// Creates a new portal session for this caller.
    ///
    /// The checks run in the contract's order (H5): permission, locale and flow, return URL,
    /// billing account. The provider is called last. The session is returned after its audit record
    /// is committed.
    ///
    /// # Errors
    /// See [`PortalError`].
    pub async fn open(
        &self,
        principal: &Principal,
        request: OpenPortal,
    ) -> Result<PortalSession, PortalError> {
        principal.authorize(Operation::OpenPortal).map_err(PortalError::PermissionDenied)?;

        let supported = self.provider.capabilities();
        let locale = request.locale.map(|range| supported.locales.lookup(&range)).transpose()?;
        if let Some(kind) = request.flow.as_ref().map(PortalFlow::kind)
            && !supported.flows.contains(&kind)
        {
            return Err(PortalError::UnsupportedFlow(kind));
        }
        if !supported.return_url && request.return_url.is_some() {
            return Err(ReturnUrlError::Unsupported.into());
        }
        let return_url =
            self.return_urls.resolve(request.return_url.as_deref(), &principal.return_origins)?;

        let account = self.provider.account();
        let found = self.accounts.find(&principal.owner, request.deadline).await?;
        let customer = found.ok_or_else(|| PortalError::NoBillingAccount {
            context: format!("the user has no customer of {account}"),
        })?;

        let portal_request = PortalRequest {
            customer: customer.clone(),
            return_url: supported.return_url.then_some(return_url),
            locale,
            flow: request.flow,
            deadline: request.deadline,
        };
        let session = match self.provider.create_portal_session(&portal_request).await {
            Err(ProviderError::CustomerNotFound { context }) => {
                // The report only marks the mirror as stale. The response does not depend on it.
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
