//! What is held of a key set and when it is fetched again: decisions by the clock alone.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::Timestamp;
use billing_domain::ports::AuthError;

use super::http_source::FetchFault;
use super::jwk_set::JwkSet;

/// From one fetch to the next while all is well. Somewhat under 5 minutes, so that a key published 5 minutes before its first
/// use is there in time also where the fetch takes its whole time and must be repeated.
pub(crate) const REFRESH_EVERY: Duration = Duration::from_secs(285);
/// How long the last good set counts while no newer one comes.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How long unknown key ids cause no second fetch.
pub(crate) const ASKED_AT_MOST_EVERY: Duration = Duration::from_secs(30);
/// The pause after a failed fetch doubles from the first of these to the last.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// What is known about a key set.
#[derive(Debug)]
pub(crate) struct State {
    held: Option<Held>,
    /// Whether a fetch runs, or somebody asked for one that is about to.
    refreshing: bool,
    /// How many fetches have ended.
    refreshes: u64,
    /// How many of them failed since the last good one, and why the last one did.
    failures: u32,
    fault: Option<String>,
    /// When an unknown key id last caused a fetch.
    asked_at: Option<Timestamp>,
    due_at: Timestamp,
}

#[derive(Debug)]
struct Held {
    set: Arc<JwkSet>,
    /// When its fetch began: what was published later may be missing in it.
    since: Timestamp,
}

/// What becomes of a request whose key id is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// It has a fetch made, and waits for it.
    Start,
    /// It waits for the one that runs.
    Join,
    /// There was a fetch for an unknown key id just now.
    Refused,
}

impl State {
    /// Nothing is held, and a fetch is due.
    pub(crate) const fn new(now: Timestamp) -> Self {
        Self {
            held: None,
            refreshing: false,
            refreshes: 0,
            failures: 0,
            fault: None,
            asked_at: None,
            due_at: now,
        }
    }

    /// The set by which tokens are judged now.
    ///
    /// # Errors
    /// [`AuthError::NotReady`] before the first good fetch, and when the last one is too long ago.
    pub(crate) fn usable(&self, now: Timestamp) -> Result<Arc<JwkSet>, AuthError> {
        match &self.held {
            Some(held) if now < held.since.plus(KEPT_FOR) => Ok(Arc::clone(&held.set)),
            Some(_) => Err(self.not_ready("the key set is older than 24 h")),
            None => Err(self.not_ready("the key set is not loaded yet")),
        }
    }

    /// Why a token whose key id is in no set that is held cannot be accepted; `in_time` says whether the fetch that it waited
    /// for has ended. It is the token's fault only where we know what is published.
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

    fn not_ready(&self, what: &str) -> AuthError {
        let reason = match &self.fault {
            Some(fault) => format!("{what}: {fault}"),
            None => what.to_owned(),
        };
        AuthError::NotReady { reason }
    }

    /// A request with an unknown key id wants a newer set.
    pub(crate) fn ask(&mut self, now: Timestamp) -> Ask {
        if self.refreshing {
            return Ask::Join;
        }
        // A clock that was set back must not lock the door for long.
        if self.asked_at.is_some_and(|asked| asked <= now && now < asked.plus(ASKED_AT_MOST_EVERY))
        {
            return Ask::Refused;
        }
        self.asked_at = Some(now);
        self.refreshing = true;
        Ask::Start
    }

    /// How many fetches have ended: who waits for one waits until this grows.
    pub(crate) const fn refreshes(&self) -> u64 {
        self.refreshes
    }

    /// Whether a fetch should begin: it is time, somebody asked, or the clock was set back.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.refreshing || self.due_at <= now || now.plus(REFRESH_EVERY) < self.due_at
    }

    /// A fetch begins.
    pub(crate) const fn begin(&mut self) {
        self.refreshing = true;
    }

    /// The fetch that began at `began` brought this set.
    pub(crate) fn succeed(&mut self, set: JwkSet, began: Timestamp) {
        self.end();
        (self.failures, self.fault) = (0, None);
        self.held = Some(Held { set: Arc::new(set), since: began });
        self.due_at = began.plus(REFRESH_EVERY);
    }

    /// The fetch brought no set. What is held stays.
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

    /// How many keys are held, and how old they are.
    pub(crate) fn held(&self, now: Timestamp) -> Option<(usize, Duration)> {
        let held = self.held.as_ref()?;
        let millis = now.as_millis().saturating_sub(held.since.as_millis());
        Some((held.set.len(), Duration::from_millis(u64::try_from(millis).unwrap_or(0))))
    }

    /// Why the last fetch failed, if it did.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }
}
