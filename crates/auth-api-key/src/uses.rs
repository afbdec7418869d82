//! When keys were last used: noted in memory, written in batches, at most once a minute a key.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use billing_domain::ports::ApiKeyUsage;
use billing_domain::{ApiKey, ApiKeyId, Timestamp};
use tokio::time::sleep;

use crate::bounded_map::BoundedMap;

/// How often what was noted is written.
const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// How much older than now the last use of a key must be to be noted again.
const NOTED_EVERY: Duration = Duration::from_secs(60);
/// Rows in a statement.
const BATCH: usize = 500;
/// Uses noted and not yet written, and keys whose last use is remembered. Beyond it uses get lost, in a store that is down.
const ROOM: usize = 10_000;

/// Uses on their way to the store.
#[derive(Debug)]
pub(crate) struct Uses {
    usage: Arc<dyn ApiKeyUsage>,
    notes: Mutex<Notes>,
    /// One flush at a time, so that each removes what it has written.
    flushing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Notes {
    /// When a key was last noted, written or not: rows read before the write don't show it yet.
    noted: BoundedMap<ApiKeyId, Timestamp>,
    unwritten: Vec<(ApiKeyId, Timestamp)>,
}

impl Uses {
    pub(crate) fn new(usage: Arc<dyn ApiKeyUsage>) -> Self {
        Self {
            usage,
            notes: Mutex::new(Notes { noted: BoundedMap::new(ROOM), unwritten: Vec::new() }),
            flushing: tokio::sync::Mutex::default(),
        }
    }

    /// Notes that this key was accepted. Costs a comparison, or a lock held for a moment.
    pub(crate) fn note(&self, key: &ApiKey, now: Timestamp) {
        let is_recent = |at: Timestamp| now < at.plus(NOTED_EVERY);
        if key.last_used_at.is_some_and(is_recent) {
            return;
        }
        let mut notes = self.lock();
        if notes.unwritten.len() >= ROOM || notes.noted.get(&key.id).copied().is_some_and(is_recent)
        {
            return;
        }
        notes.noted.insert(key.id.clone(), now);
        notes.unwritten.push((key.id.clone(), now));
    }

    /// Writes what was noted before the call. What the store does not take, or a cancelled flush
    /// has not written, is kept for the next time.
    pub(crate) async fn flush(&self) {
        let _flushing = self.flushing.lock().await;
        let mut left = self.lock().unwritten.len();
        while left > 0 {
            let batch = self.lock().unwritten[..left.min(BATCH)].to_vec();
            if let Err(error) = self.usage.record_use(&batch).await {
                tracing::warn!(%error, keys = left, "the last uses of API keys could not be written; they are kept");
                return;
            }
            self.lock().unwritten.drain(..batch.len());
            left -= batch.len();
        }
    }

    /// Writes every few seconds.
    pub(crate) async fn write(self: Arc<Self>) {
        loop {
            sleep(FLUSH_EVERY).await;
            self.flush().await;
        }
    }

    /// Nothing panics under the lock, so that a poisoned one holds a sound state.
    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
