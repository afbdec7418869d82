//! The one place where an error becomes an answer: public text and status here, the cause to the
//! log and nowhere else.

use std::time::Duration;

use billing_domain::ports::{AuthError, MintError, ProviderError, RepoError, WebhookError};
use billing_domain::{
    ApiKeyError, CheckoutError, CheckoutUrlKind, CurrentSubscriptionError, FlowKind, IntakeError,
    LocaleError, Permission, PortalError, ReturnUrlError, error_chain,
};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use http_edge::{BearerFault, Fault, Problem};

use crate::error_code::ErrorCode;

/// How long callers wait where nothing better is known.
const RETRY_SOON: Duration = Duration::from_secs(1);

/// An answer with this code. 401, 403, 429 and 503 get the headers that the contract asks for.
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

/// What the edge found wrong with a request.
#[must_use]
pub fn from_fault(fault: &Fault) -> Problem {
    match fault {
        Fault::BadRequestHead { detail } => problem(ErrorCode::InvalidRequest, detail.clone()),
        Fault::InvalidBody { detail } => problem(ErrorCode::InvalidRequest, detail.clone()),
        Fault::UriTooLong => {
            problem(ErrorCode::UriTooLong, "Shorten the request's URI to at most 8 KiB.")
        }
        Fault::HeadersTooLarge => problem(
            ErrorCode::HeadersTooLarge,
            "Send at most 64 headers with at most 16 KiB in all.",
        ),
        Fault::PayloadTooLarge => problem(
            ErrorCode::PayloadTooLarge,
            "Send a smaller body: 16 KiB at most, 1 MiB on the webhook route.",
        ),
        Fault::UnsupportedMediaType => problem(
            ErrorCode::UnsupportedMediaType,
            "Send the body as `Content-Type: application/json` in UTF-8, without a content coding.",
        ),
        Fault::RequestTimeout => {
            problem(ErrorCode::RequestTimeout, "Send the whole body within 5 seconds.")
        }
        Fault::NotFound => problem(
            ErrorCode::NotFound,
            "Check the path: case, slashes and percent-encoding count.",
        ),
        Fault::MethodNotAllowed => {
            problem(ErrorCode::MethodNotAllowed, "Use a method that the `Allow` header lists.")
        }
        Fault::Panic => internal_error(),
    }
}

/// The request's time was up while its body was still arriving.
pub(crate) fn body_too_slow() -> Problem {
    problem(ErrorCode::RequestTimeout, "Send the whole body faster.")
}

/// The request's time was up while our own store was at work.
pub(crate) fn database_too_slow(limit: Duration) -> Problem {
    tracing::error!(limit_seconds = limit.as_secs(), "the database did not answer in time");
    problem(ErrorCode::DatabaseUnavailable, "Repeat the request after `Retry-After`.")
}

/// What is wrong with the `Authorization` header's form.
pub(crate) fn from_bearer_fault(fault: BearerFault) -> Problem {
    match fault {
        BearerFault::Missing => problem(
            ErrorCode::MissingCredential,
            "Send the credential as `Authorization: Bearer <credential>`.",
        ),
        BearerFault::Several => {
            problem(ErrorCode::InvalidRequest, "Send one `Authorization` header, not several.")
        }
        BearerFault::Malformed => problem(
            ErrorCode::InvalidRequest,
            "Send one credential in `Authorization`, without white space or commas inside it.",
        ),
    }
}

/// The request is not what the route takes; `detail` is the correction.
pub(crate) fn invalid_request(detail: impl Into<String>) -> Problem {
    problem(ErrorCode::InvalidRequest, detail)
}

/// A credential of the other type. `right_route` takes that type; without it no route for the same
/// purpose does.
pub(crate) fn wrong_credential_type(sent: &str, taken: &str, right_route: Option<&str>) -> Problem {
    let detail = match right_route {
        Some(route) => format!("This is {sent}: send it to {route}."),
        None => format!("This is {sent}: this route takes {taken}."),
    };
    problem(ErrorCode::WrongCredentialType, detail)
}

/// A page that cannot be rendered.
pub(crate) fn unrendered(error: &askama::Error) -> Problem {
    tracing::error!(%error, "a page cannot be rendered");
    internal_error()
}

/// Why nobody was authenticated. `invalid` is the route's own code for a credential that does not
/// hold.
pub(crate) fn from_auth_error(error: AuthError, invalid: ErrorCode) -> Problem {
    match error {
        AuthError::Invalid { reason } => {
            tracing::info!(code = invalid.as_str(), %reason, "credential refused");
            let detail = match invalid {
                ErrorCode::InvalidApiKey => {
                    "Send a valid API key: this one is unknown, mistyped, revoked or expired."
                }
                _ => "Get a fresh access token and send it unchanged.",
            };
            problem(invalid, detail)
        }
        AuthError::Expired => {
            tracing::info!(code = "expired_token", "credential refused");
            problem(ErrorCode::ExpiredToken, "Refresh the access token and repeat the request.")
        }
        AuthError::Overloaded { retry_after } => overloaded(retry_after),
        AuthError::NotReady { reason } => {
            tracing::warn!(%reason, "credentials cannot be verified");
            problem(ErrorCode::Overloaded, "Repeat the request in a moment.")
        }
        AuthError::Store(error) => from_repo_error(&error),
    }
}

/// Why the portal does not open. `token` says whether the caller came with an access token rather
/// than an API key.
pub(crate) fn from_portal_error(error: PortalError, token: bool) -> Problem {
    match error {
        PortalError::PermissionDenied(permission) => permission_denied(&permission, token),
        PortalError::Locale(LocaleError::Malformed) => problem(
            ErrorCode::InvalidRequest,
            "Send `locale` as a BCP 47 language tag such as `ko-KR`, or as `auto`.",
        ),
        PortalError::Locale(LocaleError::Unsupported) => problem(
            ErrorCode::InvalidRequest,
            "Send a `locale` that the provider's portal speaks, or leave it out.",
        ),
        PortalError::UnsupportedFlow(kind) => unsupported_flow(kind),
        PortalError::ReturnUrl(error) => return_url("returnUrl", error),
        PortalError::NoBillingAccount { context } => no_billing_account(&context),
        PortalError::UnknownSubscription { context } => {
            tracing::info!(%context, "unknown subscription");
            problem(
                ErrorCode::InvalidRequest,
                "Send a `flow.subscriptionId` of one of this customer's subscriptions.",
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

/// Why there is no checkout. `token` is as above.
pub(crate) fn from_checkout_error(error: CheckoutError, token: bool) -> Problem {
    match error {
        CheckoutError::PermissionDenied(permission) => permission_denied(&permission, token),
        CheckoutError::UnknownPlan => problem(
            ErrorCode::UnknownPlan,
            "Send a `planId` and `billingCycle` that `/api/v1/subscriptions/plans` lists.",
        ),
        CheckoutError::ReturnUrl { which: CheckoutUrlKind::Success, error } => {
            return_url("successUrl", error)
        }
        CheckoutError::ReturnUrl { which: CheckoutUrlKind::Cancel, error } => {
            return_url("cancelUrl", error)
        }
        CheckoutError::AlreadySubscribed => problem(
            ErrorCode::AlreadySubscribed,
            "Open the portal instead: the user has a subscription, which is changed there.",
        ),
        CheckoutError::IdempotencyConflict => problem(
            ErrorCode::IdempotencyConflict,
            "Send a fresh `Idempotency-Key`: this one stands for another request.",
        ),
        CheckoutError::Catalogue(mismatch) => provider_error(&mismatch.to_string()),
        CheckoutError::Provider(error) => from_provider_error(error),
        CheckoutError::Store(error) => from_repo_error(&error),
        CheckoutError::Contended => overloaded(RETRY_SOON),
    }
}

/// Why the current subscription is not told. `token` is as above.
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

/// Why a delivery was not taken in.
pub(crate) fn from_intake_error(error: IntakeError) -> Problem {
    match error {
        IntakeError::Webhook(WebhookError::Signature(reason)) => {
            tracing::warn!(reason, "a delivery's signature does not hold");
            problem(
                ErrorCode::InvalidSignature,
                "Sign the raw body with a configured secret, within 300 seconds of this service's time.",
            )
        }
        IntakeError::Webhook(WebhookError::Body(reason)) => {
            tracing::warn!(reason, "a signed delivery is no event");
            problem(ErrorCode::InvalidRequest, "Send an event of Stripe's, as one JSON object.")
        }
        IntakeError::Store(error) => from_repo_error(&error),
    }
}

/// What the provider's refusal or silence means to a caller.
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
        "There is no billing account yet: let the user make a purchase through checkout first.",
    )
}

fn provider_error(context: &str) -> Problem {
    tracing::error!(%context, "the provider refused us");
    problem(ErrorCode::ProviderError, "Report this to the service's operator with the request id.")
}

fn provider_unavailable(context: &str, wait: Duration) -> Problem {
    tracing::error!(%context, "the provider is unavailable");
    retry_after(
        problem(ErrorCode::ProviderUnavailable, "Repeat the request after `Retry-After`."),
        wait,
    )
}

fn provider_timeout(context: &str) -> Problem {
    tracing::error!(%context, "the provider did not answer in time");
    problem(ErrorCode::ProviderTimeout, "Repeat the request.")
}

/// No room for another delivery's body.
pub(crate) fn no_room() -> Problem {
    overloaded(RETRY_SOON)
}

/// A credential that holds, and does not allow this. `token` is as above.
pub(crate) fn permission_denied(permission: &Permission, token: bool) -> Problem {
    tracing::info!(%permission, "permission refused");
    let detail = if token {
        "Ask for an access token with the claims that billing requires.".to_owned()
    } else {
        format!("Use an API key that has the permission `{permission}`.")
    };
    problem(ErrorCode::InsufficientPermission, detail)
}

/// Why a key was not made, rotated or revoked.
pub(crate) fn from_api_key_error(error: ApiKeyError) -> Problem {
    match error {
        ApiKeyError::AlreadyExpired => {
            problem(ErrorCode::InvalidRequest, "Send an `expiresAt` in the future.")
        }
        ApiKeyError::BroadOrigin(error) => {
            problem(ErrorCode::InvalidReturnUrl, format!("Correct `returnOrigins`: {error}."))
        }
        ApiKeyError::OriginNotAllowed(_) => problem(
            ErrorCode::InvalidReturnUrl,
            "Send `returnOrigins` within those that this service allows for API keys.",
        ),
        ApiKeyError::TooMany(limit) => problem(
            ErrorCode::TooManyApiKeys,
            format!("Revoke an API key first: a user has at most {limit} active ones."),
        ),
        ApiKeyError::NotFound => {
            problem(ErrorCode::NotFound, "Send the id of one of your own API keys.")
        }
        ApiKeyError::NotActive => problem(
            ErrorCode::InvalidRequest,
            "Create a new API key: this one is revoked or expired, or has a successor.",
        ),
        ApiKeyError::Mint(MintError::Overloaded { retry_after }) => overloaded(retry_after),
        error @ (ApiKeyError::NoFreeId | ApiKeyError::Mint(MintError::Failed { .. })) => {
            tracing::error!(cause = error_chain(&error), "no API key can be made");
            internal_error()
        }
        ApiKeyError::Store(error) => from_repo_error(&error),
    }
}

/// Too many requests of one principal, or failures from one source.
pub(crate) fn rate_limited(wait: Duration) -> Problem {
    retry_after(problem(ErrorCode::RateLimited, "Repeat the request after `Retry-After`."), wait)
}

/// The checks that keep the service from working, by name.
pub(crate) fn not_ready(failing: &[&str]) -> Problem {
    problem(ErrorCode::NotReady, format!("Wait for these checks: {}.", failing.join(", ")))
}

fn from_repo_error(error: &RepoError) -> Problem {
    let cause = error_chain(error);
    match error {
        RepoError::Unavailable(_) | RepoError::Schema(_) => {
            tracing::error!(%cause, "the database is unavailable");
            problem(ErrorCode::DatabaseUnavailable, "Repeat the request after `Retry-After`.")
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
        format!("The payment provider cannot do `{kind}`: leave `flow` out."),
    )
}

fn return_url(field: &str, error: ReturnUrlError) -> Problem {
    let detail = match error {
        ReturnUrlError::OriginNotAllowed => {
            format!(
                "Send a `{field}` whose origin this service allows, or leave it out: its origin is not on the list."
            )
        }
        ReturnUrlError::TooLong
        | ReturnUrlError::Scheme
        | ReturnUrlError::Character
        | ReturnUrlError::Host
        | ReturnUrlError::Port
        | ReturnUrlError::Unparsable
        | ReturnUrlError::Unsupported => {
            format!("Send an absolute https URL as `{field}`, or leave it out: {error}.")
        }
    };
    problem(ErrorCode::InvalidReturnUrl, detail)
}

fn internal_error() -> Problem {
    problem(ErrorCode::InternalError, "Report this to the service's operator with the request id.")
}

fn overloaded(wait: Duration) -> Problem {
    tracing::warn!("overloaded");
    retry_after(problem(ErrorCode::Overloaded, "Repeat the request after `Retry-After`."), wait)
}

/// `Retry-After` in whole seconds, rounded up, at least one.
fn retry_after(mut problem: Problem, wait: Duration) -> Problem {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    problem.headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    problem
}
