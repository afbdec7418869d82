//! [`Caller`]: the extractor that authenticates, limits and authorizes before a body is read (H5).

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use billing_domain::ports::{AuthError, Authenticator};
use billing_domain::{Credential, CredentialKind, Deadline, Operation, Principal, RequestOrigin};
use http::request::Parts;
use http_edge::{ClientAddress, Problem, RequestId};
use tokio::time::timeout_at;

use crate::error_code::ErrorCode;
use crate::guard::Sender;
use crate::problem;
use crate::state::AppState;

/// An authenticated caller with the permission that purpose `P` needs, on a route that takes
/// credentials of type `C`.
#[derive(Debug)]
pub(crate) struct Caller<C, P> {
    pub(crate) principal: Principal,
    pub(crate) deadline: Deadline,
    pub(crate) origin: RequestOrigin,
    route: PhantomData<(C, P)>,
}

/// A credential type. Each route takes one type.
pub(crate) trait CredentialType: Send + Sync + 'static {
    /// Name in sentences.
    const NAME: &'static str;
    /// Name of the security scheme in the OpenAPI document.
    const SCHEME: &'static str;
    /// The other type, and its name in sentences.
    const OTHER: (CredentialKind, &'static str);
    /// Answer to an invalid credential.
    const INVALID: ErrorCode;
    /// All answers to an invalid credential.
    const ERRORS: &'static [ErrorCode];
    /// Whether this is the access token.
    const IS_TOKEN: bool;

    /// The port that verifies this type.
    fn authenticator(app: &AppState) -> &Arc<dyn Authenticator>;
    /// The answer if verifying a credential took all of the request's time.
    fn authenticator_too_slow(limit: Duration) -> Problem;

    /// The first value on routes for access tokens, the second one on routes for API keys.
    fn pick<T>(token: T, key: T) -> T {
        if Self::IS_TOKEN { token } else { key }
    }
}

/// The operation behind a pair of routes.
pub(crate) trait Purpose: Send + Sync + 'static {
    /// The operation; it decides the permission.
    const OPERATION: Operation;
    /// The route that takes access tokens.
    const ACCESS_TOKEN_ROUTE: &'static str;
    /// The route that takes API keys, if API keys may do this.
    const API_KEY_ROUTE: Option<&'static str>;
}

/// JWT access tokens.
#[derive(Debug)]
pub(crate) struct AccessToken;

/// API keys.
#[derive(Debug)]
pub(crate) struct ApiKey;

impl CredentialType for AccessToken {
    const NAME: &'static str = "an access token";
    const SCHEME: &'static str = "accessToken";
    const OTHER: (CredentialKind, &'static str) = (CredentialKind::ApiKey, ApiKey::NAME);
    const INVALID: ErrorCode = ErrorCode::InvalidToken;
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::InvalidToken, ErrorCode::ExpiredToken];
    const IS_TOKEN: bool = true;

    fn authenticator(app: &AppState) -> &Arc<dyn Authenticator> {
        &app.access_tokens
    }

    fn authenticator_too_slow(_limit: Duration) -> Problem {
        let reason = "the key set did not arrive in time".to_owned();
        problem::from_auth_error(AuthError::NotReady { reason }, Self::INVALID)
    }
}

impl CredentialType for ApiKey {
    const NAME: &'static str = "an API key";
    const SCHEME: &'static str = "apiKey";
    const OTHER: (CredentialKind, &'static str) = (CredentialKind::AccessToken, AccessToken::NAME);
    const INVALID: ErrorCode = ErrorCode::InvalidApiKey;
    const ERRORS: &'static [ErrorCode] = &[ErrorCode::InvalidApiKey];
    const IS_TOKEN: bool = false;

    fn authenticator(app: &AppState) -> &Arc<dyn Authenticator> {
        &app.api_keys
    }

    fn authenticator_too_slow(limit: Duration) -> Problem {
        problem::database_too_slow(limit)
    }
}

impl<C: CredentialType, P: Purpose> FromRequestParts<Arc<AppState>> for Caller<C, P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<AppState>) -> Result<Self, Problem> {
        let deadline = parts.extensions.get::<Deadline>().copied();
        let deadline = deadline.unwrap_or_else(|| Deadline::after(app.request_timeout));
        let bearer = http_edge::bearer(&parts.headers).map_err(problem::from_bearer_fault)?;
        let credential = Credential::new(bearer);
        let source = parts.extensions.get::<ClientAddress>().copied();
        let sender = Sender { source, key: app.api_keys.presented_key_id(&credential) };

        let (other, name) = C::OTHER;
        if credential.kind(&app.key_prefix) == other {
            let right_route = C::pick(P::API_KEY_ROUTE, Some(P::ACCESS_TOKEN_ROUTE));
            let refusal = problem::wrong_credential_type(name, C::NAME, right_route);
            return Err(app.guard.refuse(refusal, &sender).await);
        }
        let authenticated = C::authenticator(app).authenticate(&credential);
        let principal = match timeout_at(deadline.instant().into(), authenticated).await {
            Ok(Ok(principal)) => principal,
            Ok(Err(error)) => return Err(refused(app, error, C::INVALID, &sender).await),
            Err(_) => return Err(C::authenticator_too_slow(app.request_timeout)),
        };
        if let Some(wait) = app.guard.over_limit(&principal, &parts.extensions) {
            return Err(problem::rate_limited(wait));
        }
        if let Err(needed) = principal.authorize(P::OPERATION) {
            let refusal = problem::permission_denied(&needed, C::IS_TOKEN);
            app.guard.count_denial(&refusal, &sender);
            return Err(refusal);
        }

        let origin = RequestOrigin {
            request_id: parts.extensions.get::<RequestId>().map(ToString::to_string),
            source: source.map(|source| source.ip().to_string()),
        };
        Ok(Self { principal, deadline, origin, route: PhantomData })
    }
}

/// The answer to a credential that was not accepted. Only the client's failures are counted.
async fn refused(app: &AppState, error: AuthError, invalid: ErrorCode, sender: &Sender) -> Problem {
    let is_invalid = matches!(error, AuthError::Invalid { .. });
    let is_expired = matches!(error, AuthError::Expired);
    let refusal = problem::from_auth_error(error, invalid);
    if is_invalid {
        return app.guard.refuse(refusal, sender).await;
    }
    if is_expired {
        // The signature was valid, so this is not a guess: clients behind one address that refresh
        // late must not use up the address's failures.
        app.guard.count_denial(&refusal, sender);
    }
    refusal
}
