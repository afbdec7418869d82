//! Retry rules and the time budget of attempts (P2).

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use outbound_http::StatusCode;

use crate::attempt::Attempt;

const MAX_RETRIES: usize = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Maximum pause. A user is waiting for the response.
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// Minimum time for a second retry.
const MIN_ATTEMPT: Duration = Duration::from_millis(100);

/// Returns the backoff before each retry, exponential with jitter.
pub(crate) fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_times(MAX_RETRIES)
        .with_jitter()
        .build()
}

/// Returns the timeout of an attempt. The first attempt uses at most half of the time, so that a
/// retry is always possible.
pub(crate) fn attempt_limit(
    retries: usize,
    remaining: Duration,
    attempt_timeout: Duration,
) -> Duration {
    let share = if retries == 0 { remaining / 2 } else { remaining };
    share.min(attempt_timeout)
}

/// Returns the pause before the next attempt: the backoff or `Retry-After`, at most [`MAX_PAUSE`]
/// and half of the remaining time. Returns `None` if there is no time for another attempt.
pub(crate) fn pause(
    backoff: Duration,
    retry_after: Option<Duration>,
    retries: usize,
    remaining: Duration,
) -> Option<Duration> {
    let pause = backoff.max(retry_after.unwrap_or_default().min(MAX_PAUSE)).min(remaining / 2);
    let has_time =
        if retries == 0 { !remaining.is_zero() } else { remaining - pause >= MIN_ATTEMPT };
    has_time.then_some(pause)
}

/// Returns whether a failed attempt may be retried: no complete response, 409, 5xx, or 429 because
/// of a lock. Stripe's header overrides this in both directions
/// (<https://docs.stripe.com/error-low-level>).
pub(crate) fn is_retryable(attempt: &Attempt, code: Option<&str>) -> bool {
    if let Some(should) = attempt.head.as_ref().and_then(|head| head.should_retry) {
        return should;
    }
    match attempt.status() {
        _ if attempt.body.is_err() => true,
        Some(StatusCode::CONFLICT) => true,
        Some(StatusCode::TOO_MANY_REQUESTS) => code == Some("lock_timeout"),
        Some(status) => status.is_server_error(),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Operation;

    #[test]
    fn p2_backoff_grows_with_jitter_for_two_retries() {
        let pauses: Vec<Duration> = pauses().collect();
        assert_eq!(pauses.len(), MAX_RETRIES);
        assert!(pauses[0] >= FIRST_PAUSE && pauses[0] <= FIRST_PAUSE * 2);
        assert!(pauses[1] >= FIRST_PAUSE * 2 && pauses[1] <= FIRST_PAUSE * 4);
        let first = || pauses_first();
        assert!((0..64).any(|_| first() != first()), "no jitter");
    }

    fn pauses_first() -> Duration {
        pauses().next().unwrap()
    }

    #[test]
    fn p2_attempt_timeout_is_3_s() {
        let attempt_timeout = Operation::CreatePortalSession.attempt_timeout();
        assert_eq!(
            attempt_limit(0, Duration::from_secs(15), attempt_timeout),
            Duration::from_secs(3)
        );
        assert_eq!(
            attempt_limit(2, Duration::from_secs(8), attempt_timeout),
            Duration::from_secs(3)
        );
    }

    #[test]
    fn p2_first_retry_always_has_time() {
        let attempt_timeout = Operation::ListCustomers.attempt_timeout();
        for budget in [1, 10, 100, 1000, 3000, 6000, 60_000].map(Duration::from_millis) {
            let after_first = budget - attempt_limit(0, budget, attempt_timeout);
            let pause =
                pause(Duration::from_millis(200), Some(Duration::from_secs(60)), 0, after_first)
                    .unwrap();
            assert!(
                attempt_limit(1, after_first - pause, attempt_timeout) > Duration::ZERO,
                "{budget:?}"
            );
        }
    }

    #[test]
    fn second_retry_needs_minimum_time() {
        assert_eq!(pause(FIRST_PAUSE, None, 1, Duration::from_millis(150)), None);
        assert_eq!(pause(FIRST_PAUSE, None, 1, Duration::from_secs(1)), Some(FIRST_PAUSE));
        assert_eq!(pause(FIRST_PAUSE, None, 0, Duration::ZERO), None);
    }
}
