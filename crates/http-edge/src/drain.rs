//! The handle that ends a service politely, shared by all its listeners.

use std::sync::Arc;

use tokio::sync::watch;

/// Tells listeners, connections and readiness probes that the service is about to end. Clones are one handle.
#[derive(Clone, Debug)]
pub struct Drain {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    begun: watch::Sender<bool>,
    /// Requests that have arrived in full and are not answered in full, on all listeners together.
    running: watch::Sender<usize>,
}

impl Default for Drain {
    fn default() -> Self {
        Self::new()
    }
}

impl Drain {
    /// A handle on which nothing has begun.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                begun: watch::Sender::new(false),
                running: watch::Sender::new(0),
            }),
        }
    }

    /// Begins the drain. Beginning twice is the same as once.
    pub fn begin(&self) {
        self.shared.begun.send_replace(true);
    }

    /// Whether the drain has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.shared.begun.borrow()
    }

    /// Returns once the drain has begun.
    pub async fn wait(&self) {
        // The sender lives as long as `self`, so that waiting cannot fail.
        let _ = self.shared.begun.subscribe().wait_for(|begun| *begun).await;
    }

    pub(crate) fn request_started(&self) {
        self.shared.running.send_modify(|running| *running += 1);
    }

    pub(crate) fn request_ended(&self) {
        self.shared.running.send_modify(|running| *running = running.saturating_sub(1));
    }

    /// Returns once no request runs on any listener.
    pub(crate) async fn nothing_runs(&self) {
        let _ = self.shared.running.subscribe().wait_for(|running| *running == 0).await;
    }
}
