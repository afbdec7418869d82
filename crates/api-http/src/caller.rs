//! [`Caller`]: the extractor that authenticates and authorizes, in the contract's order, before a body is looked at.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::FromRequestParts;
use billing_domain::ports::Authenticator;
use billing_domain::{Credential, CredentialKind, Deadline, Principal};
use http::request::Parts;
use http_edge::Problem;

use crate::error_code::ErrorCode;
use crate::{Api, problem};

/// An authenticated caller who may open the portal, on a route that takes credentials of kind `K`.
#[derive(Debug)]
pub(crate) struct Caller<K> {
    pub(crate) principal: Principal,
    pub(crate) deadline: Deadline,
    kind: PhantomData<K>,
}

/// One kind of credential: each route takes its own and no other.
pub(crate) trait Kind: Send + Sync + 'static {
    /// The form of credential that belongs on the other route.
    const OTHER: CredentialKind;
    /// What such a credential is called.
    const OTHER_NAME: &'static str;
    /// Where it belongs.
    const OTHER_ROUTE: &'static str;
    /// The answer to a credential that does not hold.
    const INVALID: ErrorCode;
    /// Whether this is the access token's kind.
    const IS_TOKEN: bool;

    /// Who judges this kind.
    fn authenticator(api: &Api) -> &Arc<dyn Authenticator>;
}

/// JWT access tokens.
#[derive(Debug)]
pub(crate) struct AccessToken;

/// API keys.
#[derive(Debug)]
pub(crate) struct ApiKey;

impl Kind for AccessToken {
    const OTHER: CredentialKind = CredentialKind::ApiKey;
    const OTHER_NAME: &'static str = "an API key";
    const OTHER_ROUTE: &'static str = crate::routes::PORTAL_BY_API_KEY;
    const INVALID: ErrorCode = ErrorCode::InvalidToken;
    const IS_TOKEN: bool = true;

    fn authenticator(api: &Api) -> &Arc<dyn Authenticator> {
        &api.access_tokens
    }
}

impl Kind for ApiKey {
    const OTHER: CredentialKind = CredentialKind::AccessToken;
    const OTHER_NAME: &'static str = "an access token";
    const OTHER_ROUTE: &'static str = crate::routes::PORTAL;
    const INVALID: ErrorCode = ErrorCode::InvalidApiKey;
    const IS_TOKEN: bool = false;

    fn authenticator(api: &Api) -> &Arc<dyn Authenticator> {
        &api.api_keys
    }
}

impl<K: Kind> FromRequestParts<Api> for Caller<K> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let deadline = Deadline::at(Instant::now() + api.request_timeout);
        let bearer = http_edge::bearer(&parts.headers).map_err(problem::from_bearer_fault)?;
        let credential = Credential::new(bearer);
        if credential.kind(&api.key_prefix) == K::OTHER {
            return Err(problem::wrong_credential_type(K::OTHER_NAME, K::OTHER_ROUTE));
        }
        let principal = K::authenticator(api)
            .authenticate(&credential)
            .await
            .map_err(|error| problem::from_auth_error(error, K::INVALID))?;
        api.portal.authorize(&principal).map_err(|error| problem::from_portal_error(error, K::IS_TOKEN))?;
        Ok(Self { principal, deadline, kind: PhantomData })
    }
}
