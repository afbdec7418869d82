//! [`Access`]: how Stripe is reached. Every call goes through [`Access::call`]: attempts, retries, and what is counted and
//! traced about them.

use std::time::{Duration, Instant};

use billing_domain::ports::ProviderError;
use outbound_http::Client;
use outbound_http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tracing::{debug, info};

use crate::attempt::Attempt;
use crate::call::{AttemptKey, Call, Sent};
use crate::classify::{self, Failure, Order};
use crate::{ClientError, StripeSettings, client, retry};

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// How Stripe is reached, and as whom. What a port is asked for is answered with the one that it began with.
pub(crate) struct Access {
    pub(crate) settings: StripeSettings,
    client: Client,
    headers: HeaderMap,
}

impl Access {
    pub(crate) fn new(settings: StripeSettings) -> Result<Self, ClientError> {
        Ok(Self {
            client: client::build(settings.api_base())?,
            headers: client::headers(settings.key())?,
            settings,
        })
    }

    /// Makes attempts until `read` takes an answer or no retry is left.
    pub(crate) async fn call<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let started = Instant::now();
        let result = self.attempts(call, read).await;
        let operation = call.operation.as_str();
        metrics::counter!("provider_requests_total", "operation" => operation, "outcome" => outcome(&result))
            .increment(1);
        metrics::histogram!("provider_request_duration_seconds", "operation" => operation)
            .record(started.elapsed().as_secs_f64());
        result
    }

    /// The same for an object that is read by its id; `None` where Stripe knows none of it.
    pub(crate) async fn find<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<Option<T>, ProviderError> {
        match self.call(call, read).await {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.unknown => Ok(None),
            Err(failure) => Err(failure.error),
        }
    }

    async fn attempts<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let order = Order {
            call,
            mode: self.settings.account().mode(),
            secret: self.settings.key().secret(),
        };
        let mut pauses = retry::pauses();
        let mut key = call.first_key();
        let mut timed_out = false;
        for retries in 0.. {
            let remaining = call.deadline.remaining(Instant::now());
            if remaining.is_zero() {
                break;
            }
            let limit = retry::attempt_limit(retries, remaining, call.operation.patience());
            let attempt = self.attempt(call, &key, retries, limit).await;
            let failure = match classify::judge(&attempt, order, &read) {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let remaining = call.deadline.remaining(Instant::now());
            let pause = pauses
                .next()
                .filter(|_| failure.retry)
                .and_then(|backoff| retry::pause(backoff, failure.retry_after, retries, remaining));
            let Some(pause) = pause else { return Err(last_word(failure, timed_out, retries)) };
            info!(retry = retries + 1, pause_ms = pause.as_millis(), cause = %failure.error, "the provider's answer is retried");
            metrics::counter!("provider_retries_total").increment(1);
            timed_out |= matches!(failure.error, ProviderError::Timeout { .. });
            if failure.spoils_key {
                key = key.renewed();
            }
            tokio::time::sleep(pause).await;
        }
        let context = format!(
            "{}: the request's time was up before an attempt could be made",
            call.operation
        );
        Err(Failure::last(ProviderError::Timeout { context }))
    }

    async fn attempt(
        &self,
        call: &Call<'_>,
        key: &AttemptKey<'_>,
        retries: usize,
        limit: Duration,
    ) -> Attempt {
        let started = Instant::now();
        let request =
            self.client.request(call.method(), call.url.clone()).headers(self.headers.clone());
        let request = match &call.sent {
            Sent::Nothing => request,
            Sent::Form { body, .. } => request.header(CONTENT_TYPE, FORM).body(body.clone()),
        };
        let request = match key.header() {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        };
        let attempt = Attempt::make(request, limit).await;
        debug!(
            operation = call.operation.as_str(),
            attempt = retries + 1,
            status = attempt.status().map(|status| status.as_u16()),
            provider_request_id = attempt.request_id(),
            latency_ms = started.elapsed().as_millis(),
            complete = attempt.body.is_ok(),
            "called the provider"
        );
        attempt
    }
}

/// The failure of a call whose last attempt failed so.
fn last_word(failure: Failure, timed_out: bool, retries: usize) -> Failure {
    let told = |context: String| match retries {
        0 => context,
        _ => format!("{context}; {} attempts", retries + 1),
    };
    let error = match failure.error {
        // The conflict is with our own first attempt, which Stripe still works on: it is Stripe that takes too long.
        ProviderError::Refused { context } | ProviderError::Unavailable { context, .. }
            if failure.conflict && timed_out =>
        {
            ProviderError::Timeout { context: told(context) }
        }
        ProviderError::Refused { context } => ProviderError::Refused { context: told(context) },
        ProviderError::Unavailable { context, retry_after } => {
            ProviderError::Unavailable { context: told(context), retry_after }
        }
        ProviderError::Timeout { context } => ProviderError::Timeout { context: told(context) },
        other => other,
    };
    Failure { error, ..failure }
}

/// The label of a call in the metrics.
fn outcome<T>(result: &Result<T, Failure>) -> &'static str {
    match result.as_ref().map_err(|failure| (&failure.error, failure.unknown)) {
        Ok(_) => "ok",
        Err((_, true)) => "not_found",
        Err((ProviderError::CustomerNotFound { .. }, _)) => "customer_not_found",
        Err((ProviderError::SubscriptionNotFound { .. }, _)) => "subscription_not_found",
        Err((ProviderError::Refused { .. }, _)) => "refused",
        Err((ProviderError::Unusable { .. }, _)) => "unusable",
        Err((ProviderError::Unavailable { .. }, _)) => "unavailable",
        Err((ProviderError::Timeout { .. }, _)) => "timeout",
        Err((ProviderError::Overloaded { .. }, _)) => "overloaded",
    }
}
