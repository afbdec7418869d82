//! [`Caller`]: the extractor that authenticates, rate-limits and authorizes before a body is read
//! (H5).

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
use crate::problem;
use crate::request_limits::RequestSource;
use crate::state::AppState;

/// An authenticated caller with the permission for purpose `P`, on a route for credentials of
/// type `C`.
#[derive(Debug)]
pub(crate) struct Caller<C, P> {
    pub(crate) principal: Principal,
    pub(crate) deadline: Deadline,
    pub(crate) origin: RequestOrigin,
    route: PhantomData<(C, P)>,
}

/// A credential type. Each route accepts one type.
pub(crate) trait CredentialType: Send + Sync + 'static {
    /// Name for messages.
    const NAME: &'static str;
    /// Name of the security scheme in the OpenAPI document.
    const SCHEME: &'static str;
    /// The other type and its name for messages.
    const OTHER: (CredentialKind, &'static str);
    /// Error code of an invalid credential.
    const INVALID: ErrorCode;
    /// All error codes of a failed authentication.
    const ERRORS: &'static [ErrorCode];
    /// Whether this type is the access token.
    const IS_TOKEN: bool;

    /// Returns the port that verifies this type.
    fn authenticator(app: &AppState) -> &Arc<dyn Authenticator>;
    /// Returns the problem for a verification that exceeds the request deadline.
    fn authenticator_too_slow(limit: Duration) -> Problem;

    /// Returns `token` on routes for access tokens and `key` on routes for API keys.
    fn pick<T>(token: T, key: T) -> T {
        if Self::IS_TOKEN { token } else { key }
    }
}

/// The operation behind a pair of routes.
pub(crate) trait Purpose: Send + Sync + 'static {
    /// The operation. It determines the permission.
    const OPERATION: Operation;
    /// The route for access tokens.
    const ACCESS_TOKEN_ROUTE: &'static str;
    /// The route for API keys, if API keys may perform the operation.
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
        let request_source =
            RequestSource { source, key: app.api_keys.presented_key_id(&credential) };

        let (other, name) = C::OTHER;
        if credential.kind(&app.key_prefix) == other {
            let right_route = C::pick(P::API_KEY_ROUTE, Some(P::ACCESS_TOKEN_ROUTE));
            let refusal = problem::wrong_credential_type(name, C::NAME, right_route);
            return Err(app.limits.refuse(refusal, &request_source).await);
        }
        let authenticated = C::authenticator(app).authenticate(&credential);
        let principal = match timeout_at(deadline.instant().into(), authenticated).await {
            Ok(Ok(principal)) => principal,
            Ok(Err(error)) => return Err(refused(app, error, C::INVALID, &request_source).await),
            Err(_) => return Err(C::authenticator_too_slow(app.request_timeout)),
        };
        if let Some(wait) = app.limits.over_limit(&principal, &parts.extensions) {
            return Err(problem::rate_limited(wait));
        }
        if let Err(needed) = principal.authorize(P::OPERATION) {
            let refusal = problem::permission_denied(&needed, C::IS_TOKEN);
            app.limits.count_denial(&refusal, &request_source);
            return Err(refusal);
        }

        let origin = RequestOrigin {
            request_id: parts.extensions.get::<RequestId>().map(ToString::to_string),
            source: source.map(|source| source.ip().to_string()),
        };
        Ok(Self { principal, deadline, origin, route: PhantomData })
    }
}

/// Returns the problem for a rejected credential. Only failures of the client are counted.
async fn refused(
    app: &AppState,
    error: AuthError,
    invalid: ErrorCode,
    request_source: &RequestSource,
) -> Problem {
    let is_invalid = matches!(error, AuthError::Invalid { .. });
    let is_expired = matches!(error, AuthError::Expired);
    let refusal = problem::from_auth_error(error, invalid);
    if is_invalid {
        return app.limits.refuse(refusal, request_source).await;
    }
    if is_expired {
        // The signature was valid, so this is not a guess. Clients that refresh late must not use
        // up the failure limit of their address.
        app.limits.count_denial(&refusal, request_source);
    }
    refusal
}
