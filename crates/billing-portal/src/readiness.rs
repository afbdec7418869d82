//! [`Readiness`]: the state of the database, the keys and the provider, for the probe routes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use api_http::readiness::{ReadinessProbe, State};
use billing_domain::Timestamp;
use billing_domain::ports::Clock;
use http_edge::Drain;
use tokio::sync::watch;

/// Duration of an outage after a failed provider call (60 s). A later success ends it earlier.
const PROVIDER_OUTAGE_MILLIS: i64 = 60_000;

/// Whether the service is ready. It becomes ready when database and keys are available for the
/// first time, and stays ready until the drain begins.
#[derive(Debug)]
pub(crate) struct Readiness {
    drain: Drain,
    ready: watch::Sender<bool>,
    database_was_up: watch::Sender<bool>,
    database_down: AtomicBool,
    keys_missing: AtomicBool,
    provider_failed_at: AtomicI64,
    clock: Arc<dyn Clock>,
}

impl Readiness {
    /// Creates a state that is not ready.
    pub(crate) fn new(drain: Drain, clock: Arc<dyn Clock>) -> Self {
        Self {
            drain,
            ready: watch::Sender::new(false),
            database_was_up: watch::Sender::new(false),
            database_down: AtomicBool::new(true),
            keys_missing: AtomicBool::new(true),
            provider_failed_at: AtomicI64::new(i64::MIN),
            clock,
        }
    }

    /// Records whether the database is usable and whether the keys for access tokens are loaded.
    /// The service becomes ready when both are true for the first time. Later outages do not change
    /// that.
    pub(crate) fn observe(&self, database_is_up: bool, keys_are_loaded: bool) {
        self.database_down.store(!database_is_up, Ordering::Relaxed);
        self.keys_missing.store(!keys_are_loaded, Ordering::Relaxed);
        for (name, up) in [("database", database_is_up), ("keys", keys_are_loaded)] {
            metrics::gauge!("dependency_up", "dependency" => name).set(if up { 1.0 } else { 0.0 });
        }
        if database_is_up {
            set(&self.database_was_up);
        }
        if database_is_up && keys_are_loaded {
            set(&self.ready);
        }
    }

    /// Records that the provider responded to a call.
    pub(crate) fn provider_is_up(&self) {
        self.provider_failed_at.store(i64::MIN, Ordering::Relaxed);
        metrics::gauge!("dependency_up", "dependency" => "provider").set(1.0);
    }

    /// Records that a call to the provider failed after its retries.
    pub(crate) fn provider_is_down(&self) {
        self.provider_failed_at.store(self.clock.now().as_millis(), Ordering::Relaxed);
        metrics::gauge!("dependency_up", "dependency" => "provider").set(0.0);
    }

    /// Waits until the service has been ready once.
    pub(crate) async fn wait_until_ready(&self) {
        wait_for(&self.ready).await;
    }

    /// Waits until the database has been reachable and migrated once, with or without the keys for
    /// access tokens.
    pub(crate) async fn wait_for_database(&self) {
        wait_for(&self.database_was_up).await;
    }
}

fn set(flag: &watch::Sender<bool>) {
    flag.send_if_modified(|value| !std::mem::replace(value, true));
}

async fn wait_for(flag: &watch::Sender<bool>) {
    // The caller keeps the sender alive, so waiting cannot fail.
    let _ = flag.subscribe().wait_for(|value| *value).await;
}

impl ReadinessProbe for Readiness {
    fn state(&self) -> State {
        let mut failing = Vec::new();
        if self.database_down.load(Ordering::Relaxed) {
            failing.push("database");
        }
        if self.keys_missing.load(Ordering::Relaxed) {
            failing.push("keys");
        }
        let draining = self.drain.is_draining();
        if draining || !*self.ready.borrow() {
            failing.extend(draining.then_some("draining"));
            return State::NotReady(failing);
        }
        let since = Timestamp::from_millis(self.provider_failed_at.load(Ordering::Relaxed));
        if self.clock.now().as_millis().saturating_sub(since.as_millis()) < PROVIDER_OUTAGE_MILLIS {
            failing.push("provider");
        }
        if failing.is_empty() { State::Ready } else { State::Degraded(failing) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use billing_testkit::FixedClock;

    use super::*;

    fn readiness() -> (Readiness, Drain, Arc<FixedClock>) {
        let drain = Drain::new();
        let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1_000)));
        (Readiness::new(drain.clone(), clock.clone()), drain, clock)
    }

    #[test]
    fn first_readiness_requires_database_and_keys_at_the_same_time() {
        let (readiness, ..) = readiness();
        assert_eq!(readiness.state(), State::NotReady(vec!["database", "keys"]));
        readiness.observe(true, false);
        assert_eq!(readiness.state(), State::NotReady(vec!["keys"]));
        readiness.observe(false, true);
        assert_eq!(readiness.state(), State::NotReady(vec!["database"]));
        readiness.observe(true, true);
        assert_eq!(readiness.state(), State::Ready);
    }

    #[test]
    fn outage_after_readiness_is_degraded() {
        let (readiness, ..) = readiness();
        readiness.observe(true, true);
        readiness.observe(false, true);
        assert_eq!(readiness.state(), State::Degraded(vec!["database"]));
    }

    #[tokio::test]
    async fn wait_ends_once_the_service_has_been_ready() {
        let (readiness, ..) = readiness();
        let waited = || tokio::time::timeout(Duration::ZERO, readiness.wait_until_ready());
        assert!(waited().await.is_err());
        readiness.observe(true, true);
        readiness.observe(false, true);
        assert!(waited().await.is_ok());
    }

    #[tokio::test]
    async fn wait_for_the_database_does_not_require_keys() {
        let (readiness, ..) = readiness();
        let waited = || tokio::time::timeout(Duration::ZERO, readiness.wait_for_database());
        assert!(waited().await.is_err());
        readiness.observe(true, false);
        assert!(waited().await.is_ok());
        let ready = tokio::time::timeout(Duration::ZERO, readiness.wait_until_ready());
        assert!(ready.await.is_err());
    }

    #[test]
    fn provider_outage_ends_after_a_minute_or_a_success() {
        let (readiness, _, clock) = readiness();
        readiness.observe(true, true);
        readiness.provider_is_down();
        assert_eq!(readiness.state(), State::Degraded(vec!["provider"]));
        readiness.provider_is_up();
        assert_eq!(readiness.state(), State::Ready);
        readiness.provider_is_down();
        clock.advance(Duration::from_secs(60));
        assert_eq!(readiness.state(), State::Ready);
    }

    #[test]
    fn draining_service_is_not_ready() {
        let (readiness, drain, _) = readiness();
        readiness.observe(true, true);
        drain.begin();
        assert_eq!(readiness.state(), State::NotReady(vec!["draining"]));
    }
}
