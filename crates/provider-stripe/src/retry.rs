//! When an attempt is repeated, and how the caller's time is shared out among attempts (P2).

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use outbound_http::StatusCode;

use crate::attempt::Attempt;

const MAX_RETRIES: usize = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// A `Retry-After` beyond this is not waited for: the caller is a person in front of a button.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Less than this is no time for a second retry.
const SHORTEST_ATTEMPT: Duration = Duration::from_millis(100);

/// The pauses before the retries, growing and jittered: one for each retry that may be made.
pub(crate) fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_times(MAX_RETRIES)
        .with_jitter()
        .build()
}

/// How long an attempt may take. The first leaves at least half of the time, so that a retry is always affordable.
pub(crate) fn attempt_limit(retries: usize, remaining: Duration, patience: Duration) -> Duration {
    let share = if retries == 0 { remaining / 2 } else { remaining };
    share.min(patience)
}

/// How long to wait before the next attempt: as long as Stripe asks, within reason, and never more than half of what is left.
/// `None` where no time is left for another one.
pub(crate) fn pause(
    backoff: Duration,
    asked: Option<Duration>,
    retries: usize,
    remaining: Duration,
) -> Option<Duration> {
    let pause = backoff.max(asked.unwrap_or_default().min(LONGEST_PAUSE)).min(remaining / 2);
    let enough =
        if retries == 0 { !remaining.is_zero() } else { remaining - pause >= SHORTEST_ATTEMPT };
    enough.then_some(pause)
}

/// Whether a failed attempt may be repeated: no (complete) answer, 409, 5xx, or 429 because of a lock; Stripe's header says
/// otherwise, both ways (<https://docs.stripe.com/error-low-level>).
pub(crate) fn is_worthwhile(attempt: &Attempt, code: Option<&str>) -> bool {
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
    fn p2_two_jittered_growing_pauses() {
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
    fn p2_the_usual_attempt_has_three_seconds() {
        let patience = Operation::CreatePortalSession.patience();
        assert_eq!(attempt_limit(0, Duration::from_secs(15), patience), Duration::from_secs(3));
        assert_eq!(attempt_limit(2, Duration::from_secs(8), patience), Duration::from_secs(3));
    }

    #[test]
    fn p2_a_retry_is_always_affordable() {
        let patience = Operation::ListCustomers.patience();
        for budget in [1, 10, 100, 1000, 3000, 6000, 60_000].map(Duration::from_millis) {
            let after_first = budget - attempt_limit(0, budget, patience);
            let pause =
                pause(Duration::from_millis(200), Some(Duration::from_secs(60)), 0, after_first)
                    .unwrap();
            assert!(attempt_limit(1, after_first - pause, patience) > Duration::ZERO, "{budget:?}");
        }
    }

    #[test]
    fn a_second_retry_needs_time() {
        assert_eq!(pause(FIRST_PAUSE, None, 1, Duration::from_millis(150)), None);
        assert_eq!(pause(FIRST_PAUSE, None, 1, Duration::from_secs(1)), Some(FIRST_PAUSE));
        assert_eq!(pause(FIRST_PAUSE, None, 0, Duration::ZERO), None);
    }
}
