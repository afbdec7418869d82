//! [`RequestLimits`]: rate limits, limits on failed credentials, and the counter of denied
//! requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use billing_domain::{ApiKeyId, AuthMethod, DenialCounter, Principal};
use http::Extensions;
use http_edge::{ClientAddress, FailedAttempt, FailureLimiter, Moment, Problem, RateLimiter};

use crate::problem;

/// Delay of the response to a refused credential (20 ms). It slows clients that guess credentials
/// one after the other and frees CPU time for other clients (`docs/benchmarks.md`).
const REFUSAL_DELAY: Duration = Duration::from_millis(20);

/// Limits that apply before a request reaches a service.
#[derive(Debug)]
pub struct RequestLimits {
    /// Requests per principal. `None` disables the limit.
    pub rate: Option<RateLimiter>,
    /// Failed credentials per source and key. `None` disables the limit.
    pub failures: Option<FailureLimiter>,
    /// Denied requests, for the audit log.
    pub denials: Arc<DenialCounter>,
}

/// Origin of a request: the source address and the id of the presented API key.
#[derive(Debug)]
pub(crate) struct RequestSource {
    pub(crate) source: Option<ClientAddress>,
    pub(crate) key: Option<ApiKeyId>,
}

impl RequestLimits {
    /// Counts a refused credential. Returns the refusal, or 429 if its source or key exceeds the
    /// limit. Only failures are counted here, so a valid credential always passes.
    pub(crate) async fn refuse(&self, refusal: Problem, request_source: &RequestSource) -> Problem {
        self.count_denial(&refusal, request_source);
        let attempt = FailedAttempt {
            source: request_source.source.map(ClientAddress::network),
            name: request_source.key.as_ref().map(ApiKeyId::as_str),
        };
        let wait =
            self.failures.as_ref().and_then(|limiter| limiter.count(attempt, Instant::now()));
        tokio::time::sleep(REFUSAL_DELAY).await;
        wait.map_or(refusal, problem::rate_limited)
    }

    /// Counts a denied request for the audit log.
    pub(crate) fn count_denial(&self, refusal: &Problem, request_source: &RequestSource) {
        let source = request_source.source.map(|source| source.network().to_string());
        self.denials.count(refusal.code, source.as_deref(), request_source.key.as_ref());
    }

    /// Counts a request of an authenticated caller and adds the limit headers to the response.
    /// Returns the time to wait if the caller exceeds the limit.
    pub(crate) fn over_limit(
        &self,
        principal: &Principal,
        request: &Extensions,
    ) -> Option<Duration> {
        let limiter = self.rate.as_ref()?;
        let principal = match &principal.method {
            AuthMethod::AccessToken => ("user", principal.owner.as_str()),
            AuthMethod::ApiKey(id) => ("key", id.as_str()),
        };
        let decision = limiter.check(&principal, Moment::now());
        decision.attach_to(request);
        decision.retry_after
    }
}
