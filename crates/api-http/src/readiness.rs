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
            database_down: AtomicBool::new(false),
            provider_failed_at: AtomicI64::new(i64::MIN),
            clock,
        }
    }

    /// The database was reached and fits: ready from now on, whatever goes away later.
    pub fn database_is_up(&self) {
        self.database_down.store(false, Ordering::Relaxed);
        metrics::gauge!("dependency_up", "dependency" => "database").set(1.0);
        self.ready.send_if_modified(|ready| !std::mem::replace(ready, true));
    }

    /// The database cannot be used now.
    pub fn database_is_down(&self) {
        self.database_down.store(true, Ordering::Relaxed);
        metrics::gauge!("dependency_up", "dependency" => "database").set(0.0);
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
        if !*self.ready.borrow() {
            failing.push("database");
        }
        if self.drain.is_draining() {
            failing.push("draining");
        }
        if !failing.is_empty() {
            return State::NotReady(failing);
        }
        if self.database_down.load(Ordering::Relaxed) {
            failing.push("database");
        }
        let since = Timestamp::from_millis(self.provider_failed_at.load(Ordering::Relaxed));
        if self.clock.now().as_millis().saturating_sub(since.as_millis()) < PROVIDER_MEMORY_MILLIS {
            failing.push("provider");
        }
        if failing.is_empty() { State::Ready } else { State::Degraded(failing) }
    }
}
