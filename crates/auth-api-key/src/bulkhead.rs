//! Keeps reads of unknown keys from taking all of the store's connections.

use std::time::Duration;

use billing_domain::ports::AuthError;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Unknown keys that are read at once: fewer than the smallest pool of a store of ours has connections, so that made-up ids
/// leave some for everybody else.
const AT_ONCE: usize = 3;
/// Callers who may wait. It takes hundreds of good keys presented at once for the first time; a read takes milliseconds.
const WAITING: usize = 512;
/// How long each may wait: well below the time that a request has.
const PATIENCE: Duration = Duration::from_secs(2);
/// When to come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// So many at once, a bounded number who wait for a bounded time, and nobody beyond.
#[derive(Debug)]
pub(crate) struct Bulkhead {
    permits: Semaphore,
    places: Semaphore,
}

impl Bulkhead {
    pub(crate) fn new() -> Self {
        Self { permits: Semaphore::new(AT_ONCE), places: Semaphore::new(WAITING) }
    }

    /// The right to read, until it is dropped. First come, first served.
    ///
    /// # Errors
    /// [`AuthError::Overloaded`] where too many wait, or nobody left in time.
    pub(crate) async fn enter(&self) -> Result<SemaphorePermit<'_>, AuthError> {
        let _place = self.places.try_acquire().map_err(|_| overloaded("too many wait"))?;
        let permit = timeout(PATIENCE, self.permits.acquire())
            .await
            .map_err(|_| overloaded("waited for too long"))?;
        // Nobody closes it.
        permit.map_err(|_| overloaded("closed"))
    }
}

fn overloaded(cause: &'static str) -> AuthError {
    tracing::debug!(cause, "no room to look up another unknown API key");
    AuthError::Overloaded { retry_after: RETRY_AFTER }
}
