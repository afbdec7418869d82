//! [`Drain`]: the graceful-shutdown handle that all listeners share.

use std::sync::Arc;

use tokio::sync::watch;

/// Signals a graceful shutdown to listeners, connections and readiness probes. Clones share one
/// state.
#[derive(Clone, Debug)]
pub struct Drain {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    begun: watch::Sender<bool>,
    /// Requests that were received completely and not yet answered completely, on all listeners.
    running: watch::Sender<usize>,
}

impl Default for Drain {
    fn default() -> Self {
        Self::new()
    }
}

impl Drain {
    /// Creates a handle in the state before the drain.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                begun: watch::Sender::new(false),
                running: watch::Sender::new(0),
            }),
        }
    }

    /// Begins the drain. Further calls have no effect.
    pub fn begin(&self) {
        self.shared.begun.send_replace(true);
    }

    /// Returns whether the drain has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.shared.begun.borrow()
    }

    /// Returns once the drain has begun.
    pub async fn wait(&self) {
        // `self` keeps the sender alive, so waiting cannot fail.
        let _ = self.shared.begun.subscribe().wait_for(|begun| *begun).await;
    }

    pub(crate) fn request_started(&self) {
        self.shared.running.send_modify(|running| *running += 1);
    }

    pub(crate) fn request_ended(&self) {
        self.shared.running.send_modify(|running| *running = running.saturating_sub(1));
    }

    /// Returns once no listener has a running request.
    pub(crate) async fn no_running_requests(&self) {
        let _ = self.shared.running.subscribe().wait_for(|running| *running == 0).await;
    }
}
