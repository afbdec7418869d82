//! Maps every error to a problem response. The response has the public text and the status. Only
//! the log has the cause.

mod edge;

use std::time::Duration;

use billing_domain::ports::{AuthError, MintError, ProviderError, RepoError, WebhookError};
use billing_domain::{
    ApiKeyError, CheckoutError, CheckoutUrlKind, CurrentSubscriptionError, FlowKind, IntakeError,
    LocaleError, Permission, PortalError, ReturnUrlError, error_chain,
};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use http_edge::Problem;

use crate::error_code::ErrorCode;

pub(crate) use edge::{from_bearer_fault, from_fault};

/// Default `Retry-After`.
const RETRY_SOON: Duration = Duration::from_secs(1);

/// Creates a problem with this code. 401, 403, 429 and 503 get the headers that the contract
/// requires.
#[must_use]
pub fn problem(code: ErrorCode, detail: impl Into<String>) -> Problem {
    let problem = Problem::new(code.status(), code.as_str(), code.title(), detail);
    match code {
        ErrorCode::MissingCredential => {
            problem.with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        }
        ErrorCode::InvalidToken
        | ErrorCode::ExpiredToken
        | ErrorCode::InvalidApiKey
        | ErrorCode::WrongCredentialType => problem.with_header(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer error=\"invalid_token\""),
        ),
        ErrorCode::InsufficientPermission => problem.with_header(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer error=\"insufficient_scope\""),
        ),
        _ if code.status() == StatusCode::SERVICE_UNAVAILABLE => retry_after(problem, RETRY_SOON),
        _ => problem,
    }
}

/// The request deadline passed while the body was still arriving.
pub(crate) fn body_too_slow() -> Problem {
    problem(ErrorCode::RequestTimeout, "Send the complete body faster.")
}

/// The request deadline passed while the database was working.
pub(crate) fn database_too_slow(limit: Duration) -> Problem {
    tracing::error!(limit_seconds = limit.as_secs(), "the database did not respond in time");
    retry_later(ErrorCode::DatabaseUnavailable, RETRY_SOON)
}

/// The request is invalid. `detail` is the instruction for the client.
pub(crate) fn invalid_request(detail: impl Into<String>) -> Problem {
    problem(ErrorCode::InvalidRequest, detail)
}

/// The credential has the other type. `right_route` accepts that type, if there is such a route.
pub(crate) fn wrong_credential_type(sent: &str, taken: &str, right_route: Option<&str>) -> Problem {
    let detail = match right_route {
        Some(route) => format!("This route does not accept {sent}. Send it to `{route}`."),
        None => format!("This route does not accept {sent}. Send {taken}."),
    };
    problem(ErrorCode::WrongCredentialType, detail)
}

/// A page failed to render.
pub(crate) fn unrendered(error: &askama::Error) -> Problem {
    tracing::error!(%error, "failed to render a page");
    internal_error()
}

/// Maps an authentication error. `invalid` is the code of the route for an invalid credential.
pub(crate) fn from_auth_error(error: AuthError, invalid: ErrorCode) -> Problem {
    match error {
        AuthError::Invalid { reason } => {
            tracing::info!(code = invalid.as_str(), %reason, "credential refused");
            let detail = match invalid {
                ErrorCode::InvalidApiKey => {
                    "The API key is unknown, mistyped, revoked or expired. Send a valid key."
                }
                _ => "Get a new access token and send it unchanged.",
            };
            problem(invalid, detail)
        }
        AuthError::Expired => {
            tracing::info!(code = "expired_token", "credential refused");
            problem(ErrorCode::ExpiredToken, "Refresh the access token and retry.")
        }
        AuthError::Overloaded { retry_after } => overloaded(retry_after),
        AuthError::NotReady { reason } => {
            tracing::warn!(%reason, "credentials cannot be verified");
            retry_later(ErrorCode::Overloaded, RETRY_SOON)
        }
        AuthError::Store(error) => from_repo_error(&error),
    }
}

/// Maps an error of opening the portal. `token`: the caller sent an access token and not an API
/// key.
pub(crate) fn from_portal_error(error: PortalError, token: bool) -> Problem {
    match error {
        PortalError::PermissionDenied(permission) => permission_denied(&permission, token),
        PortalError::Locale(LocaleError::Malformed) => problem(
            ErrorCode::InvalidRequest,
            "Send `locale` as a BCP 47 language tag such as `ko-KR`, or as `auto`.",
        ),
        PortalError::Locale(LocaleError::Unsupported) => problem(
            ErrorCode::InvalidRequest,
            "The provider's portal does not support this `locale`. Send another one, or omit it.",
        ),
        PortalError::UnsupportedFlow(kind) => unsupported_flow(kind),
        PortalError::ReturnUrl(error) => return_url("returnUrl", error),
        PortalError::NoBillingAccount { context } => no_billing_account(&context),
        PortalError::UnknownSubscription { context } => {
            tracing::info!(%context, "unknown subscription");
            problem(
                ErrorCode::InvalidRequest,
                "Send the id of one of this customer's subscriptions as `flow.subscriptionId`.",
            )
        }
        PortalError::Provider { context } => provider_error(&context),
        PortalError::ProviderUnavailable { context, retry_after } => {
            provider_unavailable(&context, retry_after)
        }
        PortalError::ProviderTimeout { context } => provider_timeout(&context),
        PortalError::Overloaded { retry_after } => overloaded(retry_after),
        PortalError::Store(error) => from_repo_error(&error),
    }
}

/// Maps an error of starting a checkout. `token`: see [`from_portal_error`].
pub(crate) fn from_checkout_error(error: CheckoutError, token: bool) -> Problem {
    match error {
        CheckoutError::PermissionDenied(permission) => permission_denied(&permission, token),
        CheckoutError::UnknownPlan => problem(
            ErrorCode::UnknownPlan,
            "Send a `planId` and a `billingCycle` from `GET /api/v1/subscriptions/plans`.",
        ),
        CheckoutError::ReturnUrl { which: CheckoutUrlKind::Success, error } => {
            return_url("successUrl", error)
        }
        CheckoutError::ReturnUrl { which: CheckoutUrlKind::Cancel, error } => {
            return_url("cancelUrl", error)
        }
        CheckoutError::AlreadySubscribed => problem(
            ErrorCode::AlreadySubscribed,
            "The user already has a subscription. Open the portal to change it.",
        ),
        CheckoutError::IdempotencyConflict => problem(
            ErrorCode::IdempotencyConflict,
            "This `Idempotency-Key` was already used for another request. Send a new key.",
        ),
        CheckoutError::Catalogue(mismatch) => provider_error(&mismatch.to_string()),
        CheckoutError::Provider(error) => from_provider_error(error),
        CheckoutError::Store(error) => from_repo_error(&error),
        CheckoutError::Contended => overloaded(RETRY_SOON),
    }
}

/// Maps an error of reading the current subscription. `token`: see [`from_portal_error`].
pub(crate) fn from_current_error(error: CurrentSubscriptionError, token: bool) -> Problem {
    match error {
        CurrentSubscriptionError::PermissionDenied(permission) => {
            permission_denied(&permission, token)
        }
        CurrentSubscriptionError::Provider(error) => from_provider_error(error),
        CurrentSubscriptionError::Store(error) => from_repo_error(&error),
        CurrentSubscriptionError::Contended => overloaded(RETRY_SOON),
    }
}

/// Maps an error of storing a webhook delivery.
pub(crate) fn from_intake_error(error: IntakeError) -> Problem {
    match error {
        IntakeError::Webhook(WebhookError::Signature(reason)) => {
            tracing::warn!(reason, "invalid webhook signature");
            problem(
                ErrorCode::InvalidSignature,
                "Sign the raw body with a configured secret, within 300 seconds of the service's \
                 time.",
            )
        }
        IntakeError::Webhook(WebhookError::Body(reason)) => {
            tracing::warn!(reason, "a signed webhook delivery is not an event");
            problem(ErrorCode::InvalidRequest, "Send a Stripe event as one JSON object.")
        }
        IntakeError::Store(error) => from_repo_error(&error),
    }
}

/// Maps an error of the provider.
fn from_provider_error(error: ProviderError) -> Problem {
    match error {
        ProviderError::CustomerNotFound { context } => no_billing_account(&context),
        ProviderError::SubscriptionNotFound { context }
        | ProviderError::Refused { context }
        | ProviderError::Unusable { context } => provider_error(&context),
        ProviderError::Unavailable { context, retry_after } => {
            provider_unavailable(&context, retry_after)
        }
        ProviderError::Timeout { context } => provider_timeout(&context),
        ProviderError::Overloaded { retry_after } => overloaded(retry_after),
    }
}

fn no_billing_account(context: &str) -> Problem {
    tracing::info!(%context, "no billing account");
    problem(
        ErrorCode::BillingAccountNotFound,
        "The user has no billing account yet. Send the user through checkout first.",
    )
}

fn provider_error(context: &str) -> Problem {
    tracing::error!(%context, "the provider rejected the request");
    problem(
        ErrorCode::ProviderError,
        "Retrying won't help. Contact the operator and quote the request id.",
    )
}

fn provider_unavailable(context: &str, wait: Duration) -> Problem {
    tracing::error!(%context, "the provider is unavailable");
    retry_later(ErrorCode::ProviderUnavailable, wait)
}

fn provider_timeout(context: &str) -> Problem {
    tracing::error!(%context, "the provider did not respond in time");
    problem(ErrorCode::ProviderTimeout, "Retry the request.")
}

/// The memory limit for webhook bodies is reached.
pub(crate) fn intake_full() -> Problem {
    overloaded(RETRY_SOON)
}

/// A valid credential lacks the permission. `token`: see [`from_portal_error`].
pub(crate) fn permission_denied(permission: &Permission, token: bool) -> Problem {
    tracing::info!(%permission, "permission refused");
    let detail = if token {
        "Use an access token with the claims that this service requires for billing.".to_owned()
    } else {
        format!("Use an API key with the permission `{permission}`.")
    };
    problem(ErrorCode::InsufficientPermission, detail)
}

/// Maps an error of creating, rotating or revoking an API key.
pub(crate) fn from_api_key_error(error: ApiKeyError) -> Problem {
    match error {
        ApiKeyError::AlreadyExpired => {
            problem(ErrorCode::InvalidRequest, "Send an `expiresAt` in the future.")
        }
        ApiKeyError::BroadOrigin(error) => {
            problem(ErrorCode::InvalidReturnUrl, format!("`returnOrigins` is invalid: {error}."))
        }
        ApiKeyError::OriginNotAllowed(_) => problem(
            ErrorCode::InvalidReturnUrl,
            "Send only `returnOrigins` that this service allows for API keys.",
        ),
        ApiKeyError::TooMany(limit) => problem(
            ErrorCode::TooManyApiKeys,
            format!("Revoke an API key first. A user can have at most {limit} active keys."),
        ),
        ApiKeyError::NotFound => {
            problem(ErrorCode::NotFound, "Send the id of one of the user's API keys.")
        }
        ApiKeyError::NotActive => problem(
            ErrorCode::InvalidRequest,
            "This API key is revoked, expired or already rotated. Create a new key.",
        ),
        ApiKeyError::Mint(MintError::Overloaded { retry_after }) => overloaded(retry_after),
        error @ (ApiKeyError::NoFreeId | ApiKeyError::Mint(MintError::Failed { .. })) => {
            tracing::error!(cause = error_chain(&error), "cannot create an API key");
            internal_error()
        }
        ApiKeyError::Store(error) => from_repo_error(&error),
    }
}

/// The principal sent too many requests, or the source had too many failures.
pub(crate) fn rate_limited(wait: Duration) -> Problem {
    retry_later(ErrorCode::RateLimited, wait)
}

/// The service is not ready because of these checks.
pub(crate) fn not_ready(failing: &[&str]) -> Problem {
    problem(ErrorCode::NotReady, format!("Wait until these checks pass: {}.", failing.join(", ")))
}

fn from_repo_error(error: &RepoError) -> Problem {
    let cause = error_chain(error);
    match error {
        RepoError::Unavailable(_) | RepoError::Schema(_) => {
            tracing::error!(%cause, "the database is unavailable");
            retry_later(ErrorCode::DatabaseUnavailable, RETRY_SOON)
        }
        RepoError::Corrupt { .. } | RepoError::Refused(_) => {
            tracing::error!(%cause, "the database failed");
            internal_error()
        }
    }
}

fn unsupported_flow(kind: FlowKind) -> Problem {
    problem(
        ErrorCode::UnsupportedFlow,
        format!("The payment provider does not support `{kind}`. Omit `flow`."),
    )
}

fn return_url(field: &str, error: ReturnUrlError) -> Problem {
    let detail = match error {
        ReturnUrlError::OriginNotAllowed => {
            format!(
                "The origin of `{field}` is not allowed. Send a URL of an allowed origin, or omit \
                 it."
            )
        }
        ReturnUrlError::TooLong
        | ReturnUrlError::Scheme
        | ReturnUrlError::Character
        | ReturnUrlError::Host
        | ReturnUrlError::Port
        | ReturnUrlError::Unparsable
        | ReturnUrlError::Unsupported => {
            format!("`{field}` is invalid: {error}. Send an absolute https URL, or omit it.")
        }
    };
    problem(ErrorCode::InvalidReturnUrl, detail)
}

fn internal_error() -> Problem {
    problem(ErrorCode::InternalError, "Contact the operator and quote the request id.")
}

fn overloaded(wait: Duration) -> Problem {
    tracing::warn!("overloaded");
    retry_later(ErrorCode::Overloaded, wait)
}

/// Creates a problem that asks the client to retry after `wait`.
fn retry_later(code: ErrorCode, wait: Duration) -> Problem {
    retry_after(problem(code, "Retry after the delay in the `Retry-After` header."), wait)
}

/// Sets `Retry-After` in whole seconds, rounded up, at least one.
fn retry_after(mut problem: Problem, wait: Duration) -> Problem {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    problem.headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    problem
}
