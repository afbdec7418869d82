//! When keys were last used: noted in memory, written in batches, at most once a minute a key.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use billing_domain::ports::ApiKeyUsage;
use billing_domain::{ApiKey, ApiKeyId, Timestamp};
use tokio::time::sleep;

use crate::lru_cache::LruCache;

/// How often what was noted is written.
const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// How much older than now the last use of a key must be to be noted again.
const NOTED_EVERY: Duration = Duration::from_secs(60);
/// Rows in a statement.
const BATCH: usize = 500;
/// Uses noted and not yet written. Beyond it uses get lost, in a store that is down.
const ROOM: usize = 10_000;

/// Uses on their way to the store.
#[derive(Debug)]
pub(crate) struct Uses {
    usage: Arc<dyn ApiKeyUsage>,
    /// When a key was last noted, written or not: rows read before the write don't show it yet.
    noted: LruCache<ApiKeyId, Timestamp>,
    unwritten: Mutex<Vec<(ApiKeyId, Timestamp)>>,
    /// One flush at a time, so that each removes what it has written.
    flushing: tokio::sync::Mutex<()>,
}

impl Uses {
    pub(crate) fn new(usage: Arc<dyn ApiKeyUsage>) -> Self {
        Self {
            usage,
            noted: LruCache::new(),
            unwritten: Mutex::default(),
            flushing: tokio::sync::Mutex::default(),
        }
    }

    /// Notes that this key was accepted. Costs a comparison, or a look into memory.
    pub(crate) async fn note(&self, key: &ApiKey, now: Timestamp) {
        let is_recent = |at: Timestamp| now < at.plus(NOTED_EVERY);
        if key.last_used_at.is_some_and(is_recent) || self.lock().len() >= ROOM {
            return;
        }
        let noted = self.noted.entry_by_ref(&key.id);
        if noted.or_insert_with_if(async { now }, |at| !is_recent(*at)).await.is_fresh() {
            self.lock().push((key.id.clone(), now));
        }
    }

    /// Writes what was noted before the call. What the store does not take, or a cancelled flush
    /// has not written, is kept for the next time.
    pub(crate) async fn flush(&self) {
        let _flushing = self.flushing.lock().await;
        let mut left = self.lock().len();
        while left > 0 {
            let batch = self.lock()[..left.min(BATCH)].to_vec();
            if let Err(error) = self.usage.record_use(&batch).await {
                tracing::warn!(%error, keys = left, "the last uses of API keys could not be written; they are kept");
                return;
            }
            self.lock().drain(..batch.len());
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
    fn lock(&self) -> MutexGuard<'_, Vec<(ApiKeyId, Timestamp)>> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
