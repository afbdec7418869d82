//! [`classify`] maps an attempt to a value or a failure by status, code and parameter, never by
//! message (P3, P4).

use std::time::Duration;

use billing_domain::Mode;
use billing_domain::ports::ProviderError;
use outbound_http::{Body, StatusCode, TransportError};
use secrecy::SecretString;

use crate::attempt::Attempt;
use crate::call::Call;
use crate::operation::ById;
use crate::redact::REDACTOR;
use crate::stripe_error::StripeError;
use crate::{hint, retry};

/// Default `Retry-After` for clients.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// Maximum `Retry-After` for clients.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);
const MAX_FIELD: usize = 100;
const MAX_MESSAGE: usize = 500;

/// The call of an attempt, with values for its classification.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallContext<'a> {
    pub(crate) call: &'a Call<'a>,
    pub(crate) mode: Mode,
    /// The service's key, masked in all texts from Stripe.
    pub(crate) secret: &'a SecretString,
}

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The error, if this is the last attempt.
    pub(crate) error: ProviderError,
    /// Whether Stripe has no object with the id in the path.
    pub(crate) not_found: bool,
    pub(crate) retry: bool,
    /// Whether Stripe may replay this response for the idempotency key (P1).
    pub(crate) invalidates_key: bool,
    /// Whether Stripe reports a conflict, for example with a running attempt of the same key.
    pub(crate) conflict: bool,
    pub(crate) retry_after: Option<Duration>,
}

/// Classifies an attempt. `read` parses the body of a 200.
pub(crate) fn classify<T>(
    attempt: &Attempt,
    call_context: CallContext<'_>,
    read: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Result<T, Failure> {
    let status = attempt.status();
    if let (Some(StatusCode::OK), Ok(body)) = (status, &attempt.body) {
        let reason = match (body, attempt.json()) {
            (Body::TooLarge, _) => "the body is longer than 1 MiB".to_owned(),
            (Body::Whole(_), None) => "the content type is not application/json".to_owned(),
            (Body::Whole(_), Some(json)) => match read(json) {
                Ok(answer) => return Ok(answer),
                Err(reason) => reason,
            },
        };
        let context =
            format!("{} status=200{}: {reason}", call_context.call.operation, request_id(attempt));
        return Err(Failure::permanent(ProviderError::Unusable { context }));
    }
    let stripe_error = attempt.json().map(StripeError::parse).unwrap_or_default();
    let retry_after = attempt.head.as_ref().and_then(|head| head.retry_after);
    let invalidates_key = status.is_some_and(|status| status.is_server_error());
    let asked_to_retry = attempt.head.as_ref().and_then(|head| head.should_retry) == Some(true);
    Err(Failure {
        error: error(attempt, &stripe_error, call_context, retry_after),
        not_found: call_context.call.operation.by_id().is_some()
            && is_missing(attempt, &stripe_error),
        // With a shared key, another attempt probably gets the stored failure again.
        retry: retry::is_retryable(attempt, stripe_error.code.as_deref())
            && (asked_to_retry || !(invalidates_key && call_context.call.has_shared_key())),
        invalidates_key,
        conflict: status == Some(StatusCode::CONFLICT),
        retry_after,
    })
}

impl Failure {
    /// Creates a failure that is not retried.
    pub(crate) const fn permanent(error: ProviderError) -> Self {
        Self {
            error,
            not_found: false,
            retry: false,
            invalidates_key: false,
            conflict: false,
            retry_after: None,
        }
    }
}

impl From<Failure> for ProviderError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// Returns whether Stripe reports a missing object. A 404 without this code proves nothing.
fn is_missing(attempt: &Attempt, stripe_error: &StripeError) -> bool {
    matches!(attempt.status(), Some(StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND))
        && stripe_error.code.as_deref() == Some("resource_missing")
}

/// Maps responses of Stripe, as documented or reported:
///
/// | status, code, param | cause | error |
/// |---|---|---|
/// | 400 or 404 `resource_missing`, an object read by its id | missing, or of the other mode | depends on the type |
/// | 400 or 404 `resource_missing` `customer` | unknown or deleted customer, or one of the other mode | `CustomerNotFound` |
/// | 400 or 404 `resource_missing` `flow_data[<flow>][subscription]` | unknown subscription, or of another customer | `SubscriptionNotFound` |
/// | 400, no code, `flow_data[subscription_cancel][subscription]` | the subscription is already cancelled | `Refused` |
/// | 400, no code | no portal configuration saved; the flow's feature is off in it | `Refused`, with a hint |
/// | 400 `resource_missing` `configuration` | the configured `bpc_…` is unknown | `Refused`, with a hint |
/// | 400 `resource_missing` `line_items[…]` | the catalogue's price is unknown | `Refused`, with a hint |
/// | 401, 403 | wrong key; a restricted key without the permission | `Refused`, with a hint |
/// | 409 | a request with the same key still runs | `Refused` after the retries; `Unavailable` with a shared key |
/// | 429 `lock_timeout` | the customer is being changed | `Unavailable` after the retries |
/// | 429 | rate limit | `Unavailable` without a retry |
/// | 5xx | outage of Stripe | `Unavailable` after the retries |
/// | 1xx, 2xx except 200, 3xx | not Stripe | `Unusable` |
fn error(
    attempt: &Attempt,
    stripe_error: &StripeError,
    call_context: CallContext<'_>,
    retry_after: Option<Duration>,
) -> ProviderError {
    let context = context(attempt, stripe_error, call_context);
    let retry_after =
        retry_after.unwrap_or(RETRY_AFTER).clamp(Duration::from_secs(1), MAX_RETRY_AFTER);
    match &attempt.body {
        Err(TransportError::Timeout) => return ProviderError::Timeout { context },
        Err(TransportError::NotConnected(_) | TransportError::Broken(_)) => {
            return ProviderError::Unavailable { context, retry_after };
        }
        Ok(_) => {}
    }
    let param = stripe_error.param.as_deref();
    let by_id =
        if is_missing(attempt, stripe_error) { call_context.call.operation.by_id() } else { None };
    let subscription_param = call_context.call.subscription_param.as_deref();
    match attempt.status() {
        _ if by_id == Some(ById::Customer) => ProviderError::CustomerNotFound { context },
        _ if by_id == Some(ById::Subscription) => ProviderError::SubscriptionNotFound { context },
        _ if is_missing(attempt, stripe_error) && param == Some("customer") => {
            ProviderError::CustomerNotFound { context }
        }
        _ if is_missing(attempt, stripe_error)
            && param.is_some()
            && param == subscription_param =>
        {
            ProviderError::SubscriptionNotFound { context }
        }
        // Another replica may be using the key and will finish soon.
        Some(StatusCode::CONFLICT) if call_context.call.has_shared_key() => {
            ProviderError::Unavailable { context, retry_after }
        }
        Some(StatusCode::TOO_MANY_REQUESTS) => ProviderError::Unavailable { context, retry_after },
        Some(status) if status.is_server_error() => {
            ProviderError::Unavailable { context, retry_after }
        }
        Some(status) if status.is_client_error() => ProviderError::Refused { context },
        _ => ProviderError::Unusable { context },
    }
}

/// Describes a failed attempt for the log, on one line of bounded length without secrets.
fn context(attempt: &Attempt, stripe_error: &StripeError, call_context: CallContext<'_>) -> String {
    let operation = call_context.call.operation;
    let mut text = match &attempt.body {
        Err(TransportError::Timeout) => format!("{operation}: the attempt timed out"),
        Err(TransportError::NotConnected(cause)) => {
            format!(
                "{operation}: no connection: {}",
                REDACTOR.clean(cause, call_context.secret, MAX_FIELD)
            )
        }
        Err(TransportError::Broken(cause)) => {
            format!(
                "{operation}: the response is incomplete: {}",
                REDACTOR.clean(cause, call_context.secret, MAX_FIELD)
            )
        }
        Ok(_) => operation.to_string(),
    };
    if let Some(status) = attempt.status() {
        text = format!("{text} status={}", status.as_u16());
    }
    for (name, value) in
        [("type", &stripe_error.kind), ("code", &stripe_error.code), ("param", &stripe_error.param)]
    {
        if let Some(value) = value {
            text =
                format!("{text} {name}={}", REDACTOR.clean(value, call_context.secret, MAX_FIELD));
        }
    }
    text.push_str(&request_id(attempt));
    if let Some(message) = &stripe_error.message {
        text = format!("{text}: {}", REDACTOR.clean(message, call_context.secret, MAX_MESSAGE));
    }
    let hint = attempt.status().and_then(|status| {
        hint::for_refusal(call_context.call.operation, status, stripe_error, call_context.mode)
    });
    match hint {
        Some(hint) => format!("{text} ({hint})"),
        None => text,
    }
}

fn request_id(attempt: &Attempt) -> String {
    attempt.request_id().map(|id| format!(" request={id}")).unwrap_or_default()
}
