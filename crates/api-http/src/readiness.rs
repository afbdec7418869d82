//! Whether the service can work: not before the database was reached and fits, nor while draining.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use billing_domain::Timestamp;
use http_edge::Drain;
use tokio::sync::watch;

/// For how long the provider's last failure counts, where no call has shown since that it is back.
const PROVIDER_MEMORY_MILLIS: i64 = 60_000;

/// What the probes tell. The background tasks write it, probes read it: a flood of probes costs the database nothing.
#[derive(Debug)]
pub struct Readiness {
    drain: Drain,
    ready: watch::Sender<bool>,
    database_down: AtomicBool,
    keys_missing: AtomicBool,
    provider_failed_at: AtomicI64,
    clock: std::sync::Arc<dyn billing_domain::ports::Clock>,
}

/// A probe's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// All is well.
    Ready,
    /// The service works as far as it can; these are gone.
    Degraded(Vec<&'static str>),
    /// No requests, please: these checks fail.
    NotReady(Vec<&'static str>),
}

impl Readiness {
    /// Not ready yet.
    #[must_use]
    pub fn new(drain: Drain, clock: std::sync::Arc<dyn billing_domain::ports::Clock>) -> Self {
        Self {
            drain,
            ready: watch::Sender::new(false),
            database_down: AtomicBool::new(true),
            keys_missing: AtomicBool::new(true),
            provider_failed_at: AtomicI64::new(i64::MIN),
            clock,
        }
    }

    /// Whether the database can be used now, and whether there are keys to judge access tokens by. The first time that both
    /// hold the service is ready: from then on, whatever goes away.
    pub fn observe(&self, database_is_up: bool, keys_are_loaded: bool) {
        self.database_down.store(!database_is_up, Ordering::Relaxed);
        self.keys_missing.store(!keys_are_loaded, Ordering::Relaxed);
        for (name, up) in [("database", database_is_up), ("keys", keys_are_loaded)] {
            metrics::gauge!("dependency_up", "dependency" => name).set(if up { 1.0 } else { 0.0 });
        }
        if database_is_up && keys_are_loaded {
            self.ready.send_if_modified(|ready| !std::mem::replace(ready, true));
        }
    }

    /// A call to the provider was answered.
    pub fn provider_is_up(&self) {
        self.provider_failed_at.store(i64::MIN, Ordering::Relaxed);
        metrics::gauge!("dependency_up", "dependency" => "provider").set(1.0);
    }

    /// A call to the provider came to nothing, after its retries.
    pub fn provider_is_down(&self) {
        self.provider_failed_at.store(self.clock.now().as_millis(), Ordering::Relaxed);
        metrics::gauge!("dependency_up", "dependency" => "provider").set(0.0);
    }

    /// Waits until the service has been ready once.
    pub async fn wait_until_ready(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.ready.subscribe().wait_for(|ready| *ready).await;
    }

    /// What a probe should say now.
    #[must_use]
    pub fn state(&self) -> State {
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
        if self.clock.now().as_millis().saturating_sub(since.as_millis()) < PROVIDER_MEMORY_MILLIS {
            failing.push("provider");
        }
        if failing.is_empty() { State::Ready } else { State::Degraded(failing) }
    }
}
