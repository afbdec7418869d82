//! [`FailureLimiter`] decides when a failed authentication gets 429.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use super::windows::Windows;
use crate::client_address::SourceNetwork;

/// Capacity of each of the two tables (sources, credential names). A full table takes about 10 MB.
const KEYS: usize = 100_000;

/// Counts failed attempts per source, and per name of the credential that was tried, in windows of
/// a minute.
///
/// Call it only after a failure, so that a valid credential always passes. Verify the credential
/// first, at a low cost. A window begins with the first failure and ends a minute later. Failures
/// beyond the limit do not extend it.
///
/// Counting takes constant time. Memory is bounded: beyond 100,000 sources or names in one minute
/// the oldest windows are evicted early, and their next failure counts as the first. Sources and
/// names have separate tables, so invented names cannot evict sources.
#[derive(Debug)]
pub struct FailureLimiter {
    limit: NonZeroU32,
    sources: Windows,
    names: Windows,
}

/// A failed authentication attempt.
#[derive(Clone, Copy, Debug)]
pub struct FailedAttempt<'a> {
    /// Network of the client, if known.
    pub source: Option<SourceNetwork>,
    /// Public part of the credential, if it has one. Pass it for unknown credentials too, because a
    /// different response would reveal which credentials exist.
    pub name: Option<&'a str>,
}

impl FailureLimiter {
    /// Creates a limiter with `limit` failures a minute for each source and each name.
    #[must_use]
    pub fn per_minute(limit: NonZeroU32) -> Self {
        let windows = |label| Windows::new(label, KEYS);
        Self { limit, sources: windows("failures_by_source"), names: windows("failures_by_name") }
    }

    /// Counts the failure. Returns how long the client should wait if its source or its name
    /// exceeds the limit.
    #[must_use = "the result decides between 401 and 429"]
    pub fn count(&self, attempt: FailedAttempt<'_>, at: Instant) -> Option<Duration> {
        let source = attempt.source.map(|source| self.sources.record(&source, self.limit, at));
        let name = attempt.name.map(|name| self.names.record(name, self.limit, at));
        let refused = [source, name].into_iter().flatten().filter(|usage| !usage.granted);
        refused.map(|usage| usage.resets_in).max()
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
    fn q2_sources_and_names_are_counted_separately() {
        let (limiter, at) = (limiter(1), Instant::now());
        let count = |source, name| limiter.count(FailedAttempt { source, name }, at).is_some();
        let (here, there) = (source([192, 0, 2, 7]), source([192, 0, 2, 8]));
        assert!(!count(here, Some("a")));
        assert!(count(here, None));
        assert!(count(there, Some("a")), "the name has failed before");
        assert!(count(there, Some("b")), "the source has failed before");
        assert!(count(source([192, 0, 2, 9]), Some("b")));
        assert!(!count(None, None));

        // A client over both limits waits for the longer window.
        let later = at + Duration::from_secs(20);
        let elsewhere = source([192, 0, 2, 10]);
        assert_eq!(limiter.count(FailedAttempt { source: elsewhere, name: None }, later), None);
        let both = FailedAttempt { source: elsewhere, name: Some("a") };
        assert_eq!(limiter.count(both, later), Some(Duration::from_secs(60)));
    }

    #[test]
    fn q2_hosts_of_one_ipv6_network_are_one_source() {
        let (limiter, at) = (limiter(3), Instant::now());
        let refused = (0..100_u128).filter(|host| {
            let address = Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | (host << 40));
            limiter.count(FailedAttempt { source: source(address), name: None }, at).is_some()
        });
        assert_eq!(refused.count(), 97);
    }

    #[test]
    fn q2_invented_names_do_not_evict_sources() {
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
