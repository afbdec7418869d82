//! From an attempt to an answer or a failure: by status, code and parameter, never by message (P3, P4).

use std::time::Duration;

use billing_domain::Mode;
use billing_domain::ports::ProviderError;
use outbound_http::{Body, NoAnswer, StatusCode};
use secrecy::SecretString;

use crate::attempt::Attempt;
use crate::call::Call;
use crate::operation::ById;
use crate::redact::REDACTOR;
use crate::stripe_error::StripeError;
use crate::{hint, retry};

/// When callers come back if Stripe does not say: about when a breaker would probe.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// A `Retry-After` beyond this is not passed on.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);
const LONGEST_FIELD: usize = 100;
const LONGEST_MESSAGE: usize = 500;

/// What an attempt is judged against, beside what it was to give.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order<'a> {
    pub(crate) call: &'a Call<'a>,
    pub(crate) mode: Mode,
    /// Our key, to be masked in whatever Stripe says.
    pub(crate) secret: &'a SecretString,
}

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What it is, if it is the last one.
    pub(crate) error: ProviderError,
    /// Whether Stripe knows no object of the id in the path.
    pub(crate) unknown: bool,
    pub(crate) retry: bool,
    /// Whether Stripe may have stored this answer under the idempotency key, to be replayed (P1).
    pub(crate) spoils_key: bool,
    /// Whether Stripe says that an earlier attempt under this key still runs, or something like it.
    pub(crate) conflict: bool,
    pub(crate) retry_after: Option<Duration>,
}

/// Judges an attempt: `read` makes of the body of a 200 what was asked for, or says why it cannot.
pub(crate) fn judge<T>(
    attempt: &Attempt,
    order: Order<'_>,
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
            format!("{} status=200{}: {reason}", order.call.operation, request_id(attempt));
        return Err(Failure::last(ProviderError::Unusable { context }));
    }
    let said = attempt.json().map(StripeError::parse).unwrap_or_default();
    let retry_after = attempt.head.as_ref().and_then(|head| head.retry_after);
    let spoils_key = status.is_some_and(|status| status.is_server_error());
    let asked_to_retry = attempt.head.as_ref().and_then(|head| head.should_retry) == Some(true);
    Err(Failure {
        error: error(attempt, &said, order, retry_after),
        unknown: order.call.operation.by_id().is_some() && is_missing(attempt, &said),
        // Under a key that stays, another attempt is likely to get what is stored.
        retry: retry::is_worthwhile(attempt, said.code.as_deref())
            && (asked_to_retry || !(spoils_key && order.call.key_stays())),
        spoils_key,
        conflict: status == Some(StatusCode::CONFLICT),
        retry_after,
    })
}

impl Failure {
    /// One that no retry mends.
    pub(crate) const fn last(error: ProviderError) -> Self {
        Self {
            error,
            unknown: false,
            retry: false,
            spoils_key: false,
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

/// Whether Stripe says that it does not know something. A 404 of anything else says nothing.
fn is_missing(attempt: &Attempt, said: &StripeError) -> bool {
    matches!(attempt.status(), Some(StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND))
        && said.code.as_deref() == Some("resource_missing")
}

/// What Stripe answers, as far as it is documented or reported, and what it means here:
///
/// | status, code, param | when | here |
/// |---|---|---|
/// | 400 or 404 `resource_missing`, an object read by its id | there is none, or one of the other mode | by what it is |
/// | 400 or 404 `resource_missing` `customer` | unknown or deleted customer, or one of the other mode | `CustomerNotFound` |
/// | 400 or 404 `resource_missing` `flow_data[<flow>][subscription]` | unknown subscription, or another customer's | `SubscriptionNotFound` |
/// | 400, no code, `flow_data[subscription_cancel][subscription]` | the subscription is cancelled already | `Refused` |
/// | 400, no code | no portal configuration saved; the flow's feature is off in it | `Refused`, with a hint |
/// | 400 `resource_missing` `configuration` | the configured `bpc_…` is unknown | `Refused`, with a hint |
/// | 400 `resource_missing` `line_items[…]` | the catalogue's price is unknown | `Refused`, with a hint |
/// | 401, 403 | wrong key; a restricted key without the permission | `Refused`, with a hint |
/// | 409 | a request with the same key still runs | `Refused` after the retries; `Unavailable` where the key is the order's |
/// | 429 `lock_timeout` | the customer is being changed | `Unavailable` after the retries |
/// | 429 | rate limit | `Unavailable` at once |
/// | 5xx | Stripe is in trouble | `Unavailable` after the retries |
/// | 1xx, 2xx but 200, 3xx | not Stripe | `Unusable` |
fn error(
    attempt: &Attempt,
    said: &StripeError,
    order: Order<'_>,
    retry_after: Option<Duration>,
) -> ProviderError {
    let context = context(attempt, said, order);
    let retry_after =
        retry_after.unwrap_or(RETRY_AFTER).clamp(Duration::from_secs(1), LONGEST_RETRY_AFTER);
    match &attempt.body {
        Err(NoAnswer::Timeout) => return ProviderError::Timeout { context },
        Err(NoAnswer::NotConnected(_) | NoAnswer::Broken(_)) => {
            return ProviderError::Unavailable { context, retry_after };
        }
        Ok(_) => {}
    }
    let param = said.param.as_deref();
    let by_id = if is_missing(attempt, said) { order.call.operation.by_id() } else { None };
    let subscription_param = order.call.subscription_param.as_deref();
    match attempt.status() {
        _ if by_id == Some(ById::Customer) => ProviderError::CustomerNotFound { context },
        _ if by_id == Some(ById::Subscription) => ProviderError::SubscriptionNotFound { context },
        _ if is_missing(attempt, said) && param == Some("customer") => {
            ProviderError::CustomerNotFound { context }
        }
        _ if is_missing(attempt, said) && param.is_some() && param == subscription_param => {
            ProviderError::SubscriptionNotFound { context }
        }
        // Whoever holds the key now may be another replica, which will be done soon.
        Some(StatusCode::CONFLICT) if order.call.key_stays() => {
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

/// What the log says about a failed attempt, in one line of bounded length without secrets.
fn context(attempt: &Attempt, said: &StripeError, order: Order<'_>) -> String {
    let operation = order.call.operation;
    let mut text = match &attempt.body {
        Err(NoAnswer::Timeout) => format!("{operation}: no answer within the attempt's time"),
        Err(NoAnswer::NotConnected(cause)) => {
            format!(
                "{operation}: no connection: {}",
                REDACTOR.clean(cause, order.secret, LONGEST_FIELD)
            )
        }
        Err(NoAnswer::Broken(cause)) => {
            format!(
                "{operation}: the answer broke off: {}",
                REDACTOR.clean(cause, order.secret, LONGEST_FIELD)
            )
        }
        Ok(_) => operation.to_string(),
    };
    if let Some(status) = attempt.status() {
        text = format!("{text} status={}", status.as_u16());
    }
    for (name, value) in [("type", &said.kind), ("code", &said.code), ("param", &said.param)] {
        if let Some(value) = value {
            text = format!("{text} {name}={}", REDACTOR.clean(value, order.secret, LONGEST_FIELD));
        }
    }
    text.push_str(&request_id(attempt));
    if let Some(message) = &said.message {
        text = format!("{text}: {}", REDACTOR.clean(message, order.secret, LONGEST_MESSAGE));
    }
    let hint = attempt
        .status()
        .and_then(|status| hint::for_refusal(order.call.operation, status, said, order.mode));
    match hint {
        Some(hint) => format!("{text} ({hint})"),
        None => text,
    }
}

fn request_id(attempt: &Attempt) -> String {
    attempt.request_id().map(|id| format!(" request={id}")).unwrap_or_default()
}
