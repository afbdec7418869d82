//! [`CheckoutService`]: creates checkout sessions, with one customer per user.

use std::sync::Arc;
use std::time::Duration;

use crate::ports::{
    AuditLog, CheckoutProvider, CheckoutRequest, CheckoutRequests, KeyGenerator, ProviderError,
    RepoError,
};
use crate::{
    Actor, AuditAction, AuditEvent, BillingAccounts, BillingCycle, Catalogue, CheckoutOrder,
    CheckoutSession, CustomerId, CustomerState, Deadline, IdempotencyKey, NewCustomer, Operation,
    Permission, Plan, PlanPrice, PriceCheck, PriceMismatch, Principal, ProviderKey, RefreshError,
    RequestOrigin, ReturnUrl, ReturnUrlError, ReturnUrlPolicy, UserId,
};

/// Attempts to find or create a customer. An attempt fails if the provider deletes the customer
/// meanwhile.
const ATTEMPTS: usize = 3;
/// Lifetime of a claim's key. Stripe repeats the response of a key, also a 500, for 24 hours
/// (<https://docs.stripe.com/api/idempotent_requests>). A new key ends that early. A customer that
/// Stripe created with the old key remains unused.
const KEY_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// Starts checkouts.
#[derive(Clone, Debug)]
pub struct CheckoutService {
    accounts: BillingAccounts,
    ports: CheckoutPorts,
    catalogue: Arc<Catalogue>,
    urls: CheckoutUrls,
}

/// The ports of [`CheckoutService`], in addition to those of the accounts.
#[derive(Clone, Debug)]
pub struct CheckoutPorts {
    /// The provider's checkout.
    pub provider: Arc<dyn CheckoutProvider>,
    /// Compares prices with the provider.
    pub prices: Arc<PriceCheck>,
    /// Stores requests by `Idempotency-Key`.
    pub requests: Arc<dyn CheckoutRequests>,
    /// The audit log.
    pub audit: Arc<dyn AuditLog>,
    /// Generates idempotency keys for provider calls.
    pub keys: Arc<dyn KeyGenerator>,
}

/// The policies for the URLs that the checkout redirects to.
#[derive(Clone, Debug)]
pub struct CheckoutUrls {
    /// The policy for the URL after the payment.
    pub success: ReturnUrlPolicy,
    /// The policy for the URL of a cancelled checkout.
    pub cancel: ReturnUrlPolicy,
}

/// The parameters of a checkout. The URLs are not yet checked.
#[derive(Clone, Debug)]
pub struct StartCheckout {
    /// The plan's id.
    pub plan: String,
    /// The billing cycle.
    pub cycle: BillingCycle,
    /// The URL after the payment; `None` selects the dashboard.
    pub success_url: Option<String>,
    /// The URL of a cancelled checkout; `None` selects the pricing page.
    pub cancel_url: Option<String>,
    /// The caller's idempotency key. Equal requests with the same key get the same session.
    pub key: Option<IdempotencyKey>,
    /// The deadline of the request.
    pub deadline: Deadline,
    /// The request's origin, for the audit log.
    pub origin: RequestOrigin,
}

/// A created checkout.
#[derive(Clone, Debug)]
pub struct StartedCheckout {
    /// The session.
    pub session: CheckoutSession,
    /// The plan.
    pub plan: Plan,
    /// The price.
    pub price: PlanPrice,
}

/// The kind of a checkout URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckoutUrlKind {
    /// The URL after the payment.
    Success,
    /// The URL of a cancelled checkout.
    Cancel,
}

/// The reasons why a checkout fails. Each variant has its own response.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// The credential is valid and lacks the permission.
    #[error("the permission {0} is missing")]
    PermissionDenied(Permission),
    /// The catalogue has no such plan, or the plan has no price for the cycle.
    #[error("there is no such plan")]
    UnknownPlan,
    /// A URL is invalid or not allowed.
    #[error("the {which:?} URL is not allowed: {error}")]
    ReturnUrl {
        /// The kind of the URL.
        which: CheckoutUrlKind,
        /// The broken rule.
        error: ReturnUrlError,
    },
    /// The user has a subscription and can change it in the portal.
    #[error("the user has a subscription")]
    AlreadySubscribed,
    /// The caller used the key for another request, or the session is gone.
    #[error("the idempotency key belongs to another request")]
    IdempotencyConflict,
    /// The catalogue's price differs from the provider's price.
    #[error("the catalogue differs from the provider: {0}")]
    Catalogue(#[from] PriceMismatch),
    /// A provider call failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepoError),
    /// The customer changed during every attempt.
    #[error("the customer changed during every attempt")]
    Contended,
}

impl From<RefreshError> for CheckoutError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Provider(error) => Self::Provider(error),
            RefreshError::Store(error) => Self::Store(error),
            RefreshError::Contended | RefreshError::ClaimLost => Self::Contended,
        }
    }
}

/// A request with checked parameters.
struct CheckedRequest<'a> {
    owner: &'a UserId,
    plan: &'a Plan,
    price: &'a PlanPrice,
    cycle: BillingCycle,
    success_url: ReturnUrl,
    cancel_url: ReturnUrl,
    deadline: Deadline,
}

impl CheckoutService {
    /// Creates a service for this catalogue.
    #[must_use]
    pub fn new(
        accounts: BillingAccounts,
        ports: CheckoutPorts,
        catalogue: Arc<Catalogue>,
        urls: CheckoutUrls,
    ) -> Self {
        Self { accounts, ports, catalogue, urls }
    }

    /// Creates a checkout session for a caller without a subscription.
    ///
    /// The checks run in the contract's order (H5). The session is returned after its audit record
    /// is committed.
    ///
    /// # Errors
    /// See [`CheckoutError`].
    pub async fn start(
        &self,
        principal: &Principal,
        request: StartCheckout,
    ) -> Result<StartedCheckout, CheckoutError> {
        principal.authorize(Operation::StartCheckout).map_err(CheckoutError::PermissionDenied)?;
        let plan = self.catalogue.plan(&request.plan).ok_or(CheckoutError::UnknownPlan)?;
        let price = plan.price(request.cycle).ok_or(CheckoutError::UnknownPlan)?;

        let url = |which: CheckoutUrlKind, policy: &ReturnUrlPolicy, raw: Option<&str>| {
            policy
                .resolve(raw, &principal.return_origins)
                .map_err(|error| CheckoutError::ReturnUrl { which, error })
        };
        let checked = CheckedRequest {
            owner: &principal.owner,
            plan,
            price,
            cycle: request.cycle,
            success_url: url(
                CheckoutUrlKind::Success,
                &self.urls.success,
                request.success_url.as_deref(),
            )?,
            cancel_url: url(
                CheckoutUrlKind::Cancel,
                &self.urls.cancel,
                request.cancel_url.as_deref(),
            )?,
            deadline: request.deadline,
        };

        let (customer, session) = match request.key {
            None => self.create(&checked, &self.ports.keys.provider_key()).await?,
            Some(key) => self.create_once(&checked, key).await?,
        };
        self.record(principal, customer, request.origin).await?;
        Ok(StartedCheckout { session, plan: plan.clone(), price: price.clone() })
    }

    /// Creates the session of the caller's key, or gets the existing one from the provider.
    async fn create_once(
        &self,
        checked: &CheckedRequest<'_>,
        key: IdempotencyKey,
    ) -> Result<(CustomerId, CheckoutSession), CheckoutError> {
        let (success, cancel) = (checked.success_url.as_str(), checked.cancel_url.as_str());
        let request = CheckoutRequest {
            owner: checked.owner.clone(),
            account: self.accounts.account().clone(),
            key,
            // No part contains a space.
            content: format!("{} {} {success} {cancel}", checked.plan.id, checked.cycle),
            provider_key: self.ports.keys.provider_key(),
        };
        let stored = self.ports.requests.begin(&request, self.accounts.now()).await?;
        if stored.content != request.content {
            return Err(CheckoutError::IdempotencyConflict);
        }
        if let Some((customer, session_id)) = stored.session {
            return match self.create_session(checked, &customer, &stored.provider_key).await {
                Ok(session) if session.id == session_id => Ok((customer, session)),
                // The customer is gone, or the provider has forgotten the key.
                Ok(_) | Err(ProviderError::CustomerNotFound { .. }) => {
                    Err(CheckoutError::IdempotencyConflict)
                }
                Err(error) => Err(error.into()),
            };
        }
        let (customer, session) = self.create(checked, &stored.provider_key).await?;
        self.ports.requests.complete(&request, &customer, &session.id).await?;
        Ok((customer, session))
    }

    /// Creates a session for the user's customer, which has no subscription.
    async fn create(
        &self,
        checked: &CheckedRequest<'_>,
        key: &ProviderKey,
    ) -> Result<(CustomerId, CheckoutSession), CheckoutError> {
        for _ in 0..ATTEMPTS {
            let Some(customer) =
                self.find_or_create_customer(checked.owner, checked.deadline).await?
            else {
                continue;
            };
            self.ports
                .prices
                .check(checked.plan, checked.cycle, checked.price, checked.deadline)
                .await??;
            match self.create_session(checked, &customer, key).await {
                Ok(session) => return Ok((customer, session)),
                // The customer was deleted. The refresh removes the link or the claim.
                Err(ProviderError::CustomerNotFound { .. }) => {
                    self.accounts.refresh(&customer, None, checked.deadline).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(CheckoutError::Contended)
    }

    /// Creates the session of this customer and this key.
    ///
    /// The customer is part of the provider's key, because providers reject a key with different
    /// parameters (<https://docs.stripe.com/api/idempotent_requests>).
    async fn create_session(
        &self,
        checked: &CheckedRequest<'_>,
        customer: &CustomerId,
        key: &ProviderKey,
    ) -> Result<CheckoutSession, ProviderError> {
        let order = CheckoutOrder {
            customer: customer.clone(),
            owner: checked.owner.clone(),
            price: checked.price.id.clone(),
            success_url: checked.success_url.clone(),
            cancel_url: checked.cancel_url.clone(),
            key: key.for_customer(customer),
            deadline: checked.deadline,
        };
        self.ports.provider.create_checkout_session(&order).await
    }

    /// Returns the user's customer, which has no subscription, and creates it if necessary. Returns
    /// `None` if the customer is gone: the caller tries again.
    async fn find_or_create_customer(
        &self,
        owner: &UserId,
        deadline: Deadline,
    ) -> Result<Option<CustomerId>, CheckoutError> {
        let account = self.accounts.account();
        if let Some(linked) = self.accounts.ports().customers.find(owner, account).await? {
            return self.require_no_subscription(linked, deadline).await;
        }

        let claims = &self.accounts.ports().claims;
        let now = self.accounts.now();
        let mut claim = claims.claim(owner, account, &self.ports.keys.provider_key(), now).await?;
        if let Some(customer) = claim.customer {
            return self.require_no_subscription(customer, deadline).await;
        }
        if claim.claimed_at.plus(KEY_LIFETIME) <= now {
            let new_key = self.ports.keys.provider_key();
            match claims.replace_key(owner, account, &claim.key, &new_key, now).await? {
                Some(renewed) => claim = renewed,
                None => return Ok(None),
            }
            if let Some(customer) = claim.customer {
                return self.require_no_subscription(customer, deadline).await;
            }
        }

        let new_customer = NewCustomer { owner: owner.clone(), key: claim.key.clone(), deadline };
        let customer = self.ports.provider.create_customer(&new_customer).await?;
        let stored = claims.fulfil(owner, account, &claim.key, &customer).await?;
        Ok(stored.and_then(|claim| claim.customer))
    }

    async fn require_no_subscription(
        &self,
        customer: CustomerId,
        deadline: Deadline,
    ) -> Result<Option<CustomerId>, CheckoutError> {
        match self.accounts.read(&customer, deadline).await? {
            CustomerState::Gone => Ok(None),
            state if state.current().is_some() => Err(CheckoutError::AlreadySubscribed),
            CustomerState::Present(_) => Ok(Some(customer)),
        }
    }

    async fn record(
        &self,
        principal: &Principal,
        customer: CustomerId,
        origin: RequestOrigin,
    ) -> Result<(), RepoError> {
        let (actor, key) = Actor::from_auth_method(&principal.method);
        let event = AuditEvent {
            at: self.accounts.now(),
            action: AuditAction::CheckoutStarted,
            actor,
            owner: Some(principal.owner.clone()),
            key,
            customer: Some((self.accounts.account().clone(), customer)),
            origin,
        };
        self.ports.audit.append(&event).await
    }
}
