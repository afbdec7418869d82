//! [`RateLimiter`] limits requests per minute for each principal.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::windows::Windows;

/// Capacity of the table. A full table takes about 10 MB.
const PRINCIPALS: usize = 100_000;

/// Requests that a principal may make in a window.
pub(crate) const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
/// Requests left in the window.
pub(crate) const X_RATELIMIT_REMAINING: HeaderName =
    HeaderName::from_static("x-ratelimit-remaining");
/// End of the window, in seconds since the Unix epoch.
pub(crate) const X_RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Counts requests per principal in windows of a minute.
///
/// A principal's window begins with its first request and ends 60 s later. It grants `limit`
/// requests, and refused requests do not count. `X-RateLimit-Remaining` therefore decreases by one
/// per request until `X-RateLimit-Reset`. The cost: twice the limit fits around the border of two
/// windows.
///
/// Each replica counts on its own, so several replicas grant several times the limit. Memory is
/// bounded: beyond 100,000 authenticated principals in one minute the oldest windows are evicted
/// early. The metric `limit_windows_forgotten_total` counts evictions. An attacker cannot choose
/// which window is evicted.
#[derive(Debug)]
pub struct RateLimiter {
    limit: NonZeroU32,
    windows: Windows,
}

/// One moment on both clocks. Windows use the monotonic clock, headers use UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The monotonic clock.
    pub steady: Instant,
    /// The wall clock.
    pub utc: SystemTime,
}

/// Whether a request is granted, with the values of the rate-limit headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Requests in a window.
    pub limit: u32,
    /// Requests left in this window.
    pub remaining: u32,
    /// End of the window in seconds since the Unix epoch, rounded up.
    pub reset_at: u64,
    /// Time until the next window, if the request is refused.
    pub retry_after: Option<Duration>,
}

impl Moment {
    /// Reads both clocks.
    #[must_use]
    pub fn now() -> Self {
        Self { steady: Instant::now(), utc: SystemTime::now() }
    }
}

impl RateLimiter {
    /// Creates a limiter with `limit` requests a minute for each principal.
    #[must_use]
    pub fn per_minute(limit: NonZeroU32) -> Self {
        Self { limit, windows: Windows::new("rate", PRINCIPALS) }
    }

    /// Grants or refuses one request of the principal. Call it once per authenticated request, then
    /// [`attach_to`](Decision::attach_to) the request.
    pub fn check(&self, principal: &(impl Hash + ?Sized), now: Moment) -> Decision {
        let usage = self.windows.record(principal, self.limit, now.steady);
        Decision {
            limit: self.limit.get(),
            remaining: usage.remaining,
            reset_at: epoch_seconds(now.utc + usage.resets_in),
            retry_after: (!usage.granted).then_some(usage.resets_in),
        }
    }
}

impl Decision {
    /// Returns whether the request is granted.
    #[must_use]
    pub const fn is_granted(&self) -> bool {
        self.retry_after.is_none()
    }

    /// Writes the three `X-RateLimit-*` headers.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        headers.insert(X_RATELIMIT_LIMIT, HeaderValue::from(self.limit));
        headers.insert(X_RATELIMIT_REMAINING, HeaderValue::from(self.remaining));
        headers.insert(X_RATELIMIT_RESET, HeaderValue::from(self.reset_at));
    }
}

/// Rounds up, so that a client that waits until then does not retry too early.
fn epoch_seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_secs() + u64::from(since.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limiter(limit: u32) -> RateLimiter {
        RateLimiter::per_minute(NonZeroU32::new(limit).unwrap())
    }

    fn at(start: Instant, millis: u64) -> Moment {
        let millis = Duration::from_millis(millis);
        Moment {
            steady: start + millis,
            utc: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000) + millis,
        }
    }

    #[test]
    fn q1_remaining_decreases_by_one_and_is_restored_at_reset() {
        let (limiter, start) = (limiter(3), Instant::now());
        let check = |millis| limiter.check("ann", at(start, millis));
        for (millis, remaining) in [(0, 2), (999, 1), (30_000, 0)] {
            let expected = Decision { limit: 3, remaining, reset_at: 1_060, retry_after: None };
            assert_eq!(check(millis), expected);
        }
        let refused = check(30_001);
        assert_eq!((refused.remaining, refused.reset_at), (0, 1_060));
        assert_eq!(refused.retry_after, Some(Duration::from_millis(29_999)));
        assert!(!refused.is_granted());
        let again = check(60_000);
        assert!(again.is_granted());
        assert_eq!((again.remaining, again.reset_at), (2, 1_120));
    }

    #[test]
    fn q1_principals_do_not_share_a_window() {
        let (limiter, start) = (limiter(1), Instant::now());
        for principal in [("user", "ann"), ("key", "ann"), ("user", "bob")] {
            assert!(limiter.check(&principal, at(start, 0)).is_granted());
            assert!(!limiter.check(&principal, at(start, 0)).is_granted());
        }
    }

    #[test]
    fn q1_wall_clock_change_moves_reset_but_not_the_window() {
        let (limiter, start) = (limiter(1), Instant::now());
        limiter.check("ann", at(start, 0));
        let set_back = Moment { utc: SystemTime::UNIX_EPOCH, ..at(start, 59_000) };
        let refused = limiter.check("ann", set_back);
        assert_eq!((refused.reset_at, refused.retry_after), (1, Some(Duration::from_secs(1))));
        let set_back = Moment { utc: SystemTime::UNIX_EPOCH, ..at(start, 60_000) };
        assert!(limiter.check("ann", set_back).is_granted());
    }

    proptest! {
        #[test]
        fn q1_later_decisions_match_earlier_headers(limit in 1..6_u32, pauses in proptest::collection::vec(0..30_000_u64, 1..80)) {
            let (limiter, start) = (limiter(limit), Instant::now());
            let mut now = 250;
            let mut promised: Option<(u32, u64)> = None;
            for pause in pauses {
                now += pause;
                let decision = limiter.check("ann", at(start, now));
                let present = 1_000_000 + now;
                match promised {
                    // In the last second before `reset` a new window may already have begun.
                    Some((left, reset)) if present < (reset - 1) * 1000 => {
                        prop_assert_eq!(decision.is_granted(), left > 0);
                        prop_assert_eq!(decision.remaining, left.saturating_sub(1));
                        prop_assert_eq!(decision.reset_at, reset);
                    }
                    Some((left, reset)) if present < reset * 1000 => {
                        prop_assert!(decision.remaining == left.saturating_sub(1) || decision.remaining == limit - 1);
                    }
                    _ => prop_assert_eq!((decision.is_granted(), decision.remaining), (true, limit - 1)),
                }
                if let Some(wait) = decision.retry_after {
                    let waited = present + wait.as_millis().div_ceil(1000) as u64 * 1000;
                    prop_assert!(waited >= (decision.reset_at - 1) * 1000 && wait <= Duration::from_secs(60));
                }
                promised = Some((decision.remaining, decision.reset_at));
            }
        }
    }
}
