//! [`Guard`]: rate limits, limits on failed credentials, and the count of denied requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use billing_domain::{ApiKeyId, AuthMethod, DenialCounter, Principal};
use http::Extensions;
use http_edge::{ClientAddress, FailedAttempt, FailureLimiter, Moment, Problem, RateLimiter};

use crate::problem;

/// Delay of the answer to a refused credential (20 ms). Clients that send one guess after the other
/// leave the processors to others meanwhile (`docs/benchmarks.md`).
const REFUSAL_DELAY: Duration = Duration::from_millis(20);

/// The limits that stand between callers and the services.
#[derive(Debug)]
pub struct Guard {
    /// Requests per principal; `None` is off.
    pub rate: Option<RateLimiter>,
    /// Failed credentials per source and key; `None` is off.
    pub failures: Option<FailureLimiter>,
    /// Denied requests, for the audit log.
    pub denials: Arc<DenialCounter>,
}

/// Where a request comes from: its source address, and the id of the API key that it presents.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) source: Option<ClientAddress>,
    pub(crate) key: Option<ApiKeyId>,
}

impl Guard {
    /// Counts a refused credential. Returns the refusal, or 429 if its source or key has failed too
    /// often. Only failures come here, so a valid credential is never refused because of others.
    pub(crate) async fn refuse(&self, refusal: Problem, sender: &Sender) -> Problem {
        self.count_denial(&refusal, sender);
        let attempt = FailedAttempt {
            source: sender.source.map(ClientAddress::network),
            name: sender.key.as_ref().map(ApiKeyId::as_str),
        };
        let wait =
            self.failures.as_ref().and_then(|limiter| limiter.count(attempt, Instant::now()));
        tokio::time::sleep(REFUSAL_DELAY).await;
        wait.map_or(refusal, problem::rate_limited)
    }

    /// Counts a denied request for the audit log.
    pub(crate) fn count_denial(&self, refusal: &Problem, sender: &Sender) {
        let source = sender.source.map(|source| source.network().to_string());
        self.denials.count(refusal.code, source.as_deref(), sender.key.as_ref());
    }

    /// Counts a request of an authenticated caller, and announces the limit in the answer's
    /// headers. Beyond the limit: how long the caller must wait.
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
