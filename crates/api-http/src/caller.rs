//! [`Caller`]: the extractor that authenticates, limits and authorizes, in the contract's order, before a body is looked at.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use billing_domain::ports::{AuthError, Authenticator};
use billing_domain::{
    ApiKeyId, AuthMethod, Credential, CredentialKind, Deadline, DenialCounter, Permission,
    Principal, RequestOrigin,
};
use http::request::Parts;
use http_edge::{
    ClientAddress, FailedAttempt, FailureLimiter, Moment, Problem, RateLimiter, RequestId,
};
use tokio::time::timeout_at;

use crate::error_code::ErrorCode;
use crate::{Api, problem};

/// An authenticated caller who may do what the route is for, on a route that takes credentials of kind `K`.
#[derive(Debug)]
pub(crate) struct Caller<K, P> {
    pub(crate) principal: Principal,
    pub(crate) deadline: Deadline,
    pub(crate) origin: RequestOrigin,
    route: PhantomData<(K, P)>,
}

/// One kind of credential: each route takes its own and no other.
pub(crate) trait Kind: Send + Sync + 'static {
    /// The form of credential that this route does not take, and what it is called.
    const OTHER: (CredentialKind, &'static str);
    /// The answer to a credential that does not hold.
    const INVALID: ErrorCode;
    /// Whether this is the access token's kind.
    const IS_TOKEN: bool;

    /// Who judges this kind.
    fn authenticator(api: &Api) -> &Arc<dyn Authenticator>;
    /// The answer when judging a credential took all of the request's time.
    fn authenticator_too_slow(limit: Duration) -> Problem;
}

/// What a route is for.
pub(crate) trait Purpose: Send + Sync + 'static {
    /// Where credentials of the kind that this route does not take belong, for those who come with an access token or not.
    fn elsewhere(is_token: bool) -> &'static str;
    /// What a caller needs.
    fn permission() -> Permission;
}

/// JWT access tokens.
#[derive(Debug)]
pub(crate) struct AccessToken;

/// API keys.
#[derive(Debug)]
pub(crate) struct ApiKey;

/// Opening the portal.
#[derive(Debug)]
pub(crate) struct OpensPortal;

/// Starting a checkout.
#[derive(Debug)]
pub(crate) struct StartsCheckout;

/// Reading the current subscription.
#[derive(Debug)]
pub(crate) struct ReadsSubscription;

/// Managing API keys.
#[derive(Debug)]
pub(crate) struct ManagesKeys;

impl Kind for AccessToken {
    const OTHER: (CredentialKind, &'static str) = (CredentialKind::ApiKey, "an API key");
    const INVALID: ErrorCode = ErrorCode::InvalidToken;
    const IS_TOKEN: bool = true;

    fn authenticator(api: &Api) -> &Arc<dyn Authenticator> {
        &api.access_tokens
    }

    fn authenticator_too_slow(_limit: Duration) -> Problem {
        let reason = "the key set did not arrive in time".to_owned();
        problem::from_auth_error(AuthError::NotReady { reason }, Self::INVALID)
    }
}

impl Kind for ApiKey {
    const OTHER: (CredentialKind, &'static str) = (CredentialKind::AccessToken, "an access token");
    const INVALID: ErrorCode = ErrorCode::InvalidApiKey;
    const IS_TOKEN: bool = false;

    fn authenticator(api: &Api) -> &Arc<dyn Authenticator> {
        &api.api_keys
    }

    fn authenticator_too_slow(limit: Duration) -> Problem {
        problem::database_too_slow(limit)
    }
}

impl Purpose for OpensPortal {
    fn elsewhere(is_token: bool) -> &'static str {
        if is_token { crate::routes::PORTAL_BY_API_KEY } else { crate::routes::PORTAL }
    }

    fn permission() -> Permission {
        Permission::portal()
    }
}

impl Purpose for StartsCheckout {
    fn elsewhere(is_token: bool) -> &'static str {
        if is_token { crate::routes::CHECKOUT_BY_API_KEY } else { crate::routes::CHECKOUT }
    }

    fn permission() -> Permission {
        Permission::checkout()
    }
}

impl Purpose for ReadsSubscription {
    fn elsewhere(is_token: bool) -> &'static str {
        if is_token { crate::routes::CURRENT_BY_API_KEY } else { crate::routes::CURRENT }
    }

    fn permission() -> Permission {
        Permission::read_subscription()
    }
}

impl Purpose for ManagesKeys {
    fn elsewhere(_is_token: bool) -> &'static str {
        crate::routes::PORTAL_BY_API_KEY
    }

    fn permission() -> Permission {
        Permission::manage_api_keys()
    }
}

/// How long a refused credential waits for its answer. It costs nobody anything but those who send them as fast as they can, one
/// after the other: they leave the processors to others (`docs/benchmarks.md`).
const REFUSAL_PAUSE: Duration = Duration::from_millis(20);

/// What stands between callers and the service, beside their credentials.
#[derive(Debug)]
pub struct Guard {
    /// Requests per principal; `None` is off.
    pub rate: Option<RateLimiter>,
    /// Failed credentials per source and key; `None` is off.
    pub failures: Option<FailureLimiter>,
    /// What was denied, for the audit log.
    pub denials: Arc<DenialCounter>,
}

impl Guard {
    /// A refusal of a credential, or 429 where its source or key has failed too often. Only failures come here, so a
    /// credential that holds is never refused for others'.
    async fn denied(
        &self,
        refusal: Problem,
        source: Option<ClientAddress>,
        key: Option<&ApiKeyId>,
    ) -> Problem {
        let text = source.map(|source| source.network().to_string());
        self.denials.count(refusal.code, text.as_deref(), key);
        let attempt = FailedAttempt {
            source: source.map(ClientAddress::network),
            name: key.map(ApiKeyId::as_str),
        };
        let wait =
            self.failures.as_ref().and_then(|limiter| limiter.count(attempt, Instant::now()));
        tokio::time::sleep(REFUSAL_PAUSE).await;
        wait.map_or(refusal, problem::rate_limited)
    }
}

impl<K: Kind, P: Purpose> FromRequestParts<Api> for Caller<K, P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let deadline = parts.extensions.get::<Deadline>().copied();
        let deadline = deadline.unwrap_or_else(|| Deadline::after(api.request_timeout));
        let source = parts.extensions.get::<ClientAddress>().copied();
        let bearer = http_edge::bearer(&parts.headers).map_err(problem::from_bearer_fault)?;
        let credential = Credential::new(bearer);
        let key = (api.presented_key_id)(&credential, &api.key_prefix);
        let (other, name) = K::OTHER;
        if credential.kind(&api.key_prefix) == other {
            let refusal = problem::wrong_credential_type(name, P::elsewhere(K::IS_TOKEN));
            return Err(api.guard.denied(refusal, source, key.as_ref()).await);
        }
        let authenticated =
            timeout_at(deadline.instant().into(), K::authenticator(api).authenticate(&credential));
        let principal = match authenticated.await {
            Ok(Ok(principal)) => principal,
            Ok(Err(error)) => {
                return Err(refused(api, error, K::INVALID, source, key.as_ref()).await);
            }
            Err(_) => return Err(K::authenticator_too_slow(api.request_timeout)),
        };
        if let Some(limiter) = &api.guard.rate {
            let decision = match &principal.method {
                AuthMethod::AccessToken => {
                    limiter.check(&("user", principal.owner.as_str()), Moment::now())
                }
                AuthMethod::ApiKey(id) => limiter.check(&("key", id.as_str()), Moment::now()),
            };
            decision.announce(&parts.extensions);
            if let Some(wait) = decision.retry_after {
                return Err(problem::rate_limited(wait));
            }
        }
        let needed = P::permission();
        if !principal.may(&needed) {
            let text = source.map(|source| source.network().to_string());
            api.guard.denials.count(
                ErrorCode::InsufficientPermission.as_str(),
                text.as_deref(),
                key.as_ref(),
            );
            return Err(problem::permission_denied(&needed, K::IS_TOKEN));
        }
        let origin = RequestOrigin {
            request_id: parts.extensions.get::<RequestId>().map(ToString::to_string),
            source: source.map(|source| source.ip().to_string()),
        };
        Ok(Self { principal, deadline, origin, route: PhantomData })
    }
}

/// The answer to a credential that was not accepted; counted where that is the credential's fault.
async fn refused(
    api: &Api,
    error: AuthError,
    invalid: ErrorCode,
    source: Option<ClientAddress>,
    key: Option<&ApiKeyId>,
) -> Problem {
    let (failed, expired) =
        (matches!(error, AuthError::Invalid { .. }), matches!(error, AuthError::Expired));
    let refusal = problem::from_auth_error(error, invalid);
    if failed {
        return api.guard.denied(refusal, source, key).await;
    }
    if expired {
        // Its signature held, so it is no guess: clients behind one address that refresh late must not lock it.
        let source = source.map(|source| source.network().to_string());
        api.guard.denials.count(refusal.code, source.as_deref(), key);
    }
    refusal
}
