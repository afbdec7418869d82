//! [`State`]: the cached key set and the time of its next fetch. All decisions depend on the clock.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::Timestamp;
use billing_domain::ports::AuthError;

use super::http_source::FetchFault;
use super::jwk_set::JwkSet;

/// Interval between fetches without failures. It is below 5 minutes, so that a key published 5
/// minutes before its first use is loaded in time, even if the fetch times out once.
pub(crate) const REFRESH_INTERVAL: Duration = Duration::from_secs(285);
/// TTL of the last valid set while fetches fail.
pub(crate) const SET_TTL: Duration = Duration::from_secs(24 * 60 * 60);
/// Minimum interval between two fetches for unknown key ids.
pub(crate) const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(30);
/// Backoff after a failed fetch: doubles from the first to the last of these.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// The state of a key set.
#[derive(Debug)]
pub(crate) struct State {
    cached: Option<CachedSet>,
    /// Whether a fetch runs or was requested.
    refreshing: bool,
    /// Number of finished fetches.
    refreshes: u64,
    /// Failures since the last successful fetch, and the cause of the last one.
    failures: u32,
    fault: Option<String>,
    /// Time of the last fetch for an unknown key id.
    unknown_key_fetch_at: Option<Timestamp>,
    due_at: Timestamp,
}

#[derive(Debug)]
struct CachedSet {
    set: Arc<JwkSet>,
    /// Start of the fetch. The set may lack keys published later.
    since: Timestamp,
}

/// Decision for a request with an unknown key id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefreshRequest {
    /// It starts a fetch and waits for it.
    Start,
    /// It waits for the running fetch.
    Join,
    /// It is refused: the last fetch for an unknown key id was less than 30 s ago.
    Refused,
}

impl State {
    /// Creates a state without a set. A fetch is due immediately.
    pub(crate) const fn new(now: Timestamp) -> Self {
        Self {
            cached: None,
            refreshing: false,
            refreshes: 0,
            failures: 0,
            fault: None,
            unknown_key_fetch_at: None,
            due_at: now,
        }
    }

    /// Returns the set to verify tokens with.
    ///
    /// # Errors
    /// [`AuthError::NotReady`] before the first successful fetch, and when the set's TTL is over.
    pub(crate) fn usable(&self, now: Timestamp) -> Result<Arc<JwkSet>, AuthError> {
        match &self.cached {
            Some(cached) if now < cached.since.plus(SET_TTL) => Ok(Arc::clone(&cached.set)),
            Some(_) => Err(self.not_ready("the key set is older than 24 h")),
            None => Err(self.not_ready("the key set is not loaded yet")),
        }
    }

    /// Returns the error for a token with an unknown key id. `in_time` states whether the awaited
    /// fetch ended. The token is invalid only if the published keys are known.
    pub(crate) fn unknown_key(&self, in_time: bool) -> AuthError {
        if !in_time {
            self.not_ready(
                "the token's key is unknown, and the refresh of the key set takes too long",
            )
        } else if self.fault.is_some() {
            self.not_ready("the token's key is unknown, and the key set cannot be refreshed")
        } else {
            AuthError::invalid("no published key has the token's `kid`")
        }
    }

    fn not_ready(&self, context: &str) -> AuthError {
        let reason = match &self.fault {
            Some(fault) => format!("{context}: {fault}"),
            None => context.to_owned(),
        };
        AuthError::NotReady { reason }
    }

    /// Requests a newer set for an unknown key id.
    pub(crate) fn request_refresh(&mut self, now: Timestamp) -> RefreshRequest {
        if self.refreshing {
            return RefreshRequest::Join;
        }
        // A clock that was set back must not refuse requests for long.
        if self
            .unknown_key_fetch_at
            .is_some_and(|at| at <= now && now < at.plus(UNKNOWN_KEY_INTERVAL))
        {
            return RefreshRequest::Refused;
        }
        self.unknown_key_fetch_at = Some(now);
        self.refreshing = true;
        RefreshRequest::Start
    }

    /// Returns the number of finished fetches. Requests wait until it grows.
    pub(crate) const fn refreshes(&self) -> u64 {
        self.refreshes
    }

    /// Returns whether to start a fetch: it is due or requested, or the clock was set back.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.refreshing || self.due_at <= now || now.plus(REFRESH_INTERVAL) < self.due_at
    }

    /// Records the start of a fetch.
    pub(crate) const fn begin(&mut self) {
        self.refreshing = true;
    }

    /// Records the set of the fetch that began at `began`.
    pub(crate) fn succeed(&mut self, set: JwkSet, began: Timestamp) {
        self.end();
        (self.failures, self.fault) = (0, None);
        self.cached = Some(CachedSet { set: Arc::new(set), since: began });
        self.due_at = began.plus(REFRESH_INTERVAL);
    }

    /// Records a failed fetch. The cached set stays.
    pub(crate) fn fail(&mut self, fault: &FetchFault, now: Timestamp) {
        self.end();
        self.due_at =
            now.plus(FIRST_PAUSE.saturating_mul(1 << self.failures.min(16)).min(LAST_PAUSE));
        self.failures = self.failures.saturating_add(1);
        self.fault = Some(fault.to_string());
    }

    const fn end(&mut self) {
        self.refreshing = false;
        self.refreshes += 1;
    }

    /// Returns the number and age of the cached keys.
    pub(crate) fn cached(&self, now: Timestamp) -> Option<(usize, Duration)> {
        let cached = self.cached.as_ref()?;
        let millis = now.as_millis().saturating_sub(cached.since.as_millis());
        Some((cached.set.len(), Duration::from_millis(u64::try_from(millis).unwrap_or(0))))
    }

    /// Returns the cause of the last fetch's failure, if it failed.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }
}
