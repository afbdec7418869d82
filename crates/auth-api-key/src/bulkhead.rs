//! [`Bulkhead`]: limits concurrent reads of unknown keys, so that they cannot use every connection.

use std::time::Duration;

use billing_domain::ports::AuthError;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Concurrent reads of unknown keys. Fewer than the connections of a store's smallest pool, so that
/// made-up ids leave connections for other requests.
const MAX_READS: usize = 3;
/// Waiting callers. Enough for hundreds of valid keys first used at the same time; a read
/// takes milliseconds.
const MAX_WAITING: usize = 512;
/// Maximum wait of a caller: well below the request timeout.
const WAIT_TIMEOUT: Duration = Duration::from_secs(2);
/// Retry delay sent to a refused caller.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A semaphore with a bounded number of waiting callers and a bounded wait.
#[derive(Debug)]
pub(crate) struct Bulkhead {
    permits: Semaphore,
    queue_slots: Semaphore,
}

impl Bulkhead {
    pub(crate) fn new() -> Self {
        Self { permits: Semaphore::new(MAX_READS), queue_slots: Semaphore::new(MAX_WAITING) }
    }

    /// Returns a permit to read, in arrival order. Dropping the permit releases it.
    ///
    /// # Errors
    /// [`AuthError::Overloaded`] if too many callers wait or the wait times out.
    pub(crate) async fn enter(&self) -> Result<SemaphorePermit<'_>, AuthError> {
        let _slot = self.queue_slots.try_acquire().map_err(|_| overloaded("queue_full"))?;
        let permit = timeout(WAIT_TIMEOUT, self.permits.acquire())
            .await
            .map_err(|_| overloaded("timeout"))?;
        // The semaphore is never closed.
        permit.map_err(|_| overloaded("closed"))
    }
}

fn overloaded(cause: &'static str) -> AuthError {
    tracing::debug!(cause, "too many concurrent reads of unknown API keys");
    AuthError::Overloaded { retry_after: RETRY_AFTER }
}
