//! [`FailureLimiter`]: when failed credentials are answered with 429.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use super::windows::Windows;
use crate::client_address::SourceNetwork;

/// Sources, and credentials' names, that are told apart within one minute. Each of the two tables takes some 10 MB when full.
const KEYS: usize = 100_000;

/// Counts failed attempts per source, and per name of the credential that was tried, in windows of a minute.
///
/// It is told of failures and of nothing else, so it cannot refuse a credential that holds, whatever others do from the
/// same address or under the same name: judge the credential first, whatever it costs (make it cost little), and ask here
/// which answer a failure gets. A window begins with the first failure and ends a minute later; failures beyond the limit
/// do not prolong it.
///
/// A failure costs the same however many there are. Memory is bounded: beyond 100,000 sources, or names, in one minute
/// the oldest windows are forgotten early, so that some failures are answered as if they were the first; nothing else
/// depends on it. Made-up names take no room from sources.
#[derive(Debug)]
pub struct FailureLimiter {
    limit: NonZeroU32,
    sources: Windows,
    names: Windows,
}

/// What is known of an attempt whose credential did not hold.
#[derive(Clone, Copy, Debug)]
pub struct FailedAttempt<'a> {
    /// Where it came from, if that is known.
    pub source: Option<SourceNetwork>,
    /// The public part of the credential, if it has one. Give it whether such a credential exists or not: what differed
    /// would tell.
    pub name: Option<&'a str>,
}

impl FailureLimiter {
    /// So many failures a minute for each source, and for each name.
    #[must_use]
    pub fn per_minute(limit: NonZeroU32) -> Self {
        let windows = |what| Windows::new(what, KEYS);
        Self { limit, sources: windows("failures_by_source"), names: windows("failures_by_name") }
    }

    /// Counts the failure. Where its source or its name has used up its failures, gives how long it should wait.
    #[must_use = "it says which answer the failure gets"]
    pub fn count(&self, attempt: FailedAttempt<'_>, at: Instant) -> Option<Duration> {
        let source = attempt.source.map(|source| self.sources.take(&source, self.limit, at));
        let name = attempt.name.map(|name| self.names.take(name, self.limit, at));
        let refused = [source, name].into_iter().flatten().filter(|turn| !turn.granted);
        refused.map(|turn| turn.rest).max()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv6Addr};

    use http::HeaderMap;

    use super::*;
    use crate::client_address::ClientAddress;
    use crate::trusted_proxies::TrustedProxies;

    fn limiter(limit: u32) -> FailureLimiter {
        FailureLimiter::per_minute(NonZeroU32::new(limit).unwrap())
    }

    fn source(address: impl Into<IpAddr>) -> Option<SourceNetwork> {
        Some(
            ClientAddress::of(address.into(), &HeaderMap::new(), &TrustedProxies::default())
                .network(),
        )
    }

    #[test]
    fn q2_failures_beyond_the_limit_wait_for_the_window_to_end() {
        let (limiter, start) = (limiter(2), Instant::now());
        let attempt = FailedAttempt { source: source([192, 0, 2, 7]), name: None };
        let count = |seconds| limiter.count(attempt, start + Duration::from_secs(seconds));
        assert_eq!((count(0), count(10)), (None, None));
        assert_eq!(
            (count(20), count(59)),
            (Some(Duration::from_secs(40)), Some(Duration::from_secs(1)))
        );
        assert_eq!(count(60), None);
    }

    #[test]
    fn q2_sources_and_names_are_counted_apart() {
        let (limiter, at) = (limiter(1), Instant::now());
        let count = |source, name| limiter.count(FailedAttempt { source, name }, at).is_some();
        let (here, there) = (source([192, 0, 2, 7]), source([192, 0, 2, 8]));
        assert!(!count(here, Some("a")));
        assert!(count(here, None));
        assert!(count(there, Some("a")), "the name has failed before");
        assert!(count(there, Some("b")), "the source has failed before");
        assert!(count(source([192, 0, 2, 9]), Some("b")));
        assert!(!count(None, None));

        // Who is beyond both limits waits for both windows.
        let later = at + Duration::from_secs(20);
        let elsewhere = source([192, 0, 2, 10]);
        assert_eq!(limiter.count(FailedAttempt { source: elsewhere, name: None }, later), None);
        let both = FailedAttempt { source: elsewhere, name: Some("a") };
        assert_eq!(limiter.count(both, later), Some(Duration::from_secs(60)));
    }

    #[test]
    fn q2_neighbours_in_an_ipv6_network_are_one_source() {
        let (limiter, at) = (limiter(3), Instant::now());
        let refused = (0..100_u128).filter(|host| {
            let address = Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | (host << 40));
            limiter.count(FailedAttempt { source: source(address), name: None }, at).is_some()
        });
        assert_eq!(refused.count(), 97);
    }

    #[test]
    fn q2_made_up_names_take_no_room_from_sources() {
        let (limiter, at) = (limiter(1), Instant::now());
        let here = source([192, 0, 2, 7]);
        assert_eq!(limiter.count(FailedAttempt { source: here, name: None }, at), None);
        for name in 0..150_000_u32 {
            let _ =
                limiter.count(FailedAttempt { source: None, name: Some(&name.to_string()) }, at);
        }
        assert!(limiter.count(FailedAttempt { source: here, name: None }, at).is_some());
    }
}
