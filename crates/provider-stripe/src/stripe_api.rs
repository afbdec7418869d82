//! [`StripeApi`]: the call path to Stripe. Every call goes through [`StripeApi::call`], with
//! attempts, retries, metrics and traces.

use std::time::{Duration, Instant};

use billing_domain::ports::ProviderError;
use outbound_http::Client;
use outbound_http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tracing::{debug, info};

use crate::attempt::Attempt;
use crate::call::{AttemptKey, Call, Payload};
use crate::classify::{self, CallContext, Failure};
use crate::{ClientError, StripeSettings, client, retry};

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// Settings, HTTP client and headers for Stripe. A running port call keeps its instance across a
/// reload.
pub(crate) struct StripeApi {
    pub(crate) settings: StripeSettings,
    client: Client,
    headers: HeaderMap,
}

impl StripeApi {
    pub(crate) fn new(settings: StripeSettings) -> Result<Self, ClientError> {
        Ok(Self {
            client: client::build(settings.api_base())?,
            headers: client::headers(settings.key())?,
            settings,
        })
    }

    /// Calls Stripe, with retries, until `read` accepts a response or the attempts are used up.
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

    /// Reads an object by its id. Returns `None` if Stripe does not have it.
    pub(crate) async fn find<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<Option<T>, ProviderError> {
        match self.call(call, read).await {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.not_found => Ok(None),
            Err(failure) => Err(failure.error),
        }
    }

    async fn attempts<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let call_context = CallContext {
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
            let limit = retry::attempt_limit(retries, remaining, call.operation.attempt_timeout());
            let attempt = self.attempt(call, &key, retries, limit).await;
            let failure = match classify::classify(&attempt, call_context, &read) {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            let remaining = call.deadline.remaining(Instant::now());
            let pause = pauses
                .next()
                .filter(|_| failure.retry)
                .and_then(|backoff| retry::pause(backoff, failure.retry_after, retries, remaining));
            let Some(pause) = pause else { return Err(final_failure(failure, timed_out, retries)) };
            info!(
                retry = retries + 1,
                pause_ms = pause.as_millis(),
                cause = %failure.error,
                "retrying the provider call"
            );
            metrics::counter!("provider_retries_total").increment(1);
            timed_out |= matches!(failure.error, ProviderError::Timeout { .. });
            if failure.invalidates_key {
                key = key.renewed();
            }
            tokio::time::sleep(pause).await;
        }
        let context = format!("{}: the deadline passed before an attempt", call.operation);
        Err(Failure::permanent(ProviderError::Timeout { context }))
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
        let request = match &call.payload {
            Payload::Empty => request,
            Payload::Form { body, .. } => request.header(CONTENT_TYPE, FORM).body(body.clone()),
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

/// Returns the failure of a call from the failure of its last attempt.
fn final_failure(failure: Failure, timed_out: bool, retries: usize) -> Failure {
    let with_attempts = |context: String| match retries {
        0 => context,
        _ => format!("{context}; {} attempts", retries + 1),
    };
    let error = match failure.error {
        // The conflict is with our first attempt, which Stripe still processes, so it is too slow.
        ProviderError::Refused { context } | ProviderError::Unavailable { context, .. }
            if failure.conflict && timed_out =>
        {
            ProviderError::Timeout { context: with_attempts(context) }
        }
        ProviderError::Refused { context } => {
            ProviderError::Refused { context: with_attempts(context) }
        }
        ProviderError::Unavailable { context, retry_after } => {
            ProviderError::Unavailable { context: with_attempts(context), retry_after }
        }
        ProviderError::Timeout { context } => {
            ProviderError::Timeout { context: with_attempts(context) }
        }
        other => other,
    };
    Failure { error, ..failure }
}

/// Returns the outcome label for metrics.
fn outcome<T>(result: &Result<T, Failure>) -> &'static str {
    match result.as_ref().map_err(|failure| (&failure.error, failure.not_found)) {
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
