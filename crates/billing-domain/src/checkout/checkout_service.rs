//! [`CheckoutService`]: from an authenticated caller to a checkout session, with one customer however many ask at once.

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

/// A customer that is deleted at the provider while we look makes another round; this often.
const ROUNDS: usize = 3;
/// A customer's key is not used for longer than this. Stripe stores what it answered under a key, a 500 too, for a day
/// (<https://docs.stripe.com/api/idempotent_requests>): whoever met one must not be kept from buying for so long. What was made
/// under the key all the same, and nobody has told us of by then, stays at the provider, without a purchase and so without an
/// account.
const KEY_LIFE: Duration = Duration::from_secs(10 * 60);

/// Starts checkouts.
#[derive(Clone, Debug)]
pub struct CheckoutService {
    accounts: BillingAccounts,
    ports: CheckoutPorts,
    catalogue: Arc<Catalogue>,
    urls: CheckoutUrls,
}

/// What checkouts stand on, beside the accounts.
#[derive(Clone, Debug)]
pub struct CheckoutPorts {
    /// The provider's checkout.
    pub provider: Arc<dyn CheckoutProvider>,
    /// Holds prices against the provider.
    pub prices: Arc<PriceCheck>,
    /// What was asked for under which `Idempotency-Key`.
    pub requests: Arc<dyn CheckoutRequests>,
    /// The audit log.
    pub audit: Arc<dyn AuditLog>,
    /// Keys for calls to the provider.
    pub keys: Arc<dyn KeyGenerator>,
}

/// Where users may be sent from the checkout: by default, and at all.
#[derive(Clone, Debug)]
pub struct CheckoutUrls {
    /// After paying.
    pub success: ReturnUrlPolicy,
    /// Without paying.
    pub cancel: ReturnUrlPolicy,
}

/// What a caller asks for. The URLs are as they came.
#[derive(Clone, Debug)]
pub struct StartCheckout {
    /// The plan's id.
    pub plan: String,
    /// How often it is to be paid.
    pub cycle: BillingCycle,
    /// Where to go after paying; `None` is the dashboard.
    pub success_url: Option<String>,
    /// Where to go without paying; `None` is the pricing page.
    pub cancel_url: Option<String>,
    /// The caller's key: the same request under it gets the same session.
    pub key: Option<IdempotencyKey>,
    /// When the caller's time is up.
    pub deadline: Deadline,
    /// Which request asks, for the audit log.
    pub origin: RequestOrigin,
}

/// A checkout, ready to be paid.
#[derive(Clone, Debug)]
pub struct StartedCheckout {
    /// Where.
    pub session: CheckoutSession,
    /// What.
    pub plan: Plan,
    /// For how much.
    pub price: PlanPrice,
}

/// Which of the two URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckoutUrlKind {
    /// Where the user goes after paying.
    Success,
    /// Where the user goes without paying.
    Cancel,
}

/// Why there is no checkout. One variant for each answer that a caller can get.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// The credential holds, and does not allow this.
    #[error("the permission {0} is missing")]
    PermissionDenied(Permission),
    /// The catalogue has no such plan, or does not sell it so.
    #[error("there is no such plan")]
    UnknownPlan,
    /// A URL breaks a rule.
    #[error("the {which:?} URL cannot be used: {error}")]
    ReturnUrl {
        /// Which.
        which: CheckoutUrlKind,
        /// The rule.
        error: ReturnUrlError,
    },
    /// The user has a subscription: the portal is the place.
    #[error("the user has a subscription")]
    AlreadySubscribed,
    /// The caller's key stands for another request.
    #[error("the idempotency key stands for another request")]
    IdempotencyConflict,
    /// The provider does not sell what the catalogue says.
    #[error("the catalogue does not agree with the provider: {0}")]
    Catalogue(#[from] PriceMismatch),
    /// The provider failed us.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepoError),
    /// The customer was changed again and again meanwhile.
    #[error("the customer was changed again and again meanwhile")]
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

/// A request whose parts are all checked.
struct Checked<'a> {
    owner: &'a UserId,
    plan: &'a Plan,
    price: &'a PlanPrice,
    cycle: BillingCycle,
    success_url: ReturnUrl,
    cancel_url: ReturnUrl,
    deadline: Deadline,
}

impl CheckoutService {
    /// A service that sells these plans.
    #[must_use]
    pub fn new(
        accounts: BillingAccounts,
        ports: CheckoutPorts,
        catalogue: Arc<Catalogue>,
        urls: CheckoutUrls,
    ) -> Self {
        Self { accounts, ports, catalogue, urls }
    }

    /// A checkout session for this caller, who has no subscription yet.
    ///
    /// The checks run in the contract's order (H5). A session is handed out only once the audit log has it.
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
        let checked = Checked {
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
            None => self.make(&checked, &self.ports.keys.provider_key()).await?,
            Some(key) => self.make_once(&checked, key).await?,
        };
        self.write_down(principal, customer, request.origin).await?;
        Ok(StartedCheckout { session, plan: plan.clone(), price: price.clone() })
    }

    /// The session that the caller's key stands for: made now, or given again by the provider under its own key.
    async fn make_once(
        &self,
        checked: &Checked<'_>,
        key: IdempotencyKey,
    ) -> Result<(CustomerId, CheckoutSession), CheckoutError> {
        let (success, cancel) = (checked.success_url.as_str(), checked.cancel_url.as_str());
        let request = CheckoutRequest {
            owner: checked.owner.clone(),
            account: self.accounts.account().clone(),
            key,
            // No part holds a space.
            content: format!("{} {} {success} {cancel}", checked.plan.id, checked.cycle),
            provider_key: self.ports.keys.provider_key(),
        };
        let stands = self.ports.requests.begin(&request, self.accounts.now()).await?;
        if stands.content != request.content {
            return Err(CheckoutError::IdempotencyConflict);
        }
        if let Some((customer, made)) = stands.session {
            return match self.session(checked, &customer, &stands.provider_key).await {
                Ok(session) if session.id == made => Ok((customer, session)),
                // The customer is gone, or the provider has forgotten its own key: the answer cannot be given again.
                Ok(_) | Err(ProviderError::CustomerNotFound { .. }) => {
                    Err(CheckoutError::IdempotencyConflict)
                }
                Err(error) => Err(error.into()),
            };
        }
        let (customer, session) = self.make(checked, &stands.provider_key).await?;
        self.ports.requests.complete(&request, &customer, &session.id).await?;
        Ok((customer, session))
    }

    /// A session for the user's customer, who has no subscription.
    async fn make(
        &self,
        checked: &Checked<'_>,
        key: &ProviderKey,
    ) -> Result<(CustomerId, CheckoutSession), CheckoutError> {
        for _ in 0..ROUNDS {
            let Some(customer) = self.customer(checked.owner, checked.deadline).await? else {
                continue;
            };
            self.ports
                .prices
                .check(checked.plan, checked.cycle, checked.price, checked.deadline)
                .await??;
            match self.session(checked, &customer, key).await {
                Ok(session) => return Ok((customer, session)),
                // Deleted a moment ago, or long ago and given again under an old key: the reading says so, and frees the claim.
                Err(ProviderError::CustomerNotFound { .. }) => {
                    self.accounts.refresh(&customer, None, checked.deadline).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(CheckoutError::Contended)
    }

    /// The session of this customer under this key. Where the customer has been replaced since, the order is another one, which a
    /// provider refuses under the key of the first (<https://docs.stripe.com/api/idempotent_requests>).
    async fn session(
        &self,
        checked: &Checked<'_>,
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

    /// The user's customer, who has no subscription as of now; `None` where it turned out to be gone, and the next look finds
    /// another.
    async fn customer(
        &self,
        owner: &UserId,
        deadline: Deadline,
    ) -> Result<Option<CustomerId>, CheckoutError> {
        let at = self.accounts.account();
        if let Some(linked) = self.accounts.ports().customers.find(owner, at).await? {
            return self.without_subscription(linked, deadline).await;
        }
        let claims = &self.accounts.ports().claims;
        let now = self.accounts.now();
        let mut claim = claims.claim(owner, at, &self.ports.keys.provider_key(), now).await?;
        if let Some(customer) = claim.customer {
            return self.without_subscription(customer, deadline).await;
        }
        if claim.claimed_at.plus(KEY_LIFE) <= now {
            let fresh = self.ports.keys.provider_key();
            match claims.replace_key(owner, at, &claim.key, &fresh, now).await? {
                Some(renewed) => claim = renewed,
                None => return Ok(None),
            }
            if let Some(customer) = claim.customer {
                return self.without_subscription(customer, deadline).await;
            }
        }
        let order = NewCustomer { owner: owner.clone(), key: claim.key.clone(), deadline };
        let customer = self.ports.provider.create_customer(&order).await?;
        let stands = claims.fulfil(owner, at, &claim.key, &customer).await?;
        Ok(stands.and_then(|claim| claim.customer))
    }

    async fn without_subscription(
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

    async fn write_down(
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
