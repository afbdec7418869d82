//! Last uses of keys: recorded in memory, written in batches, at most once a minute per key.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use billing_domain::ports::ApiKeyUsage;
use billing_domain::{ApiKey, ApiKeyId, Timestamp};
use tokio::time::sleep;

use crate::lru_cache::LruCache;

/// Interval between two flushes.
const FLUSH_INTERVAL: Duration = Duration::from_secs(5);
/// Minimum interval between two recorded uses of a key.
const RECORD_INTERVAL: Duration = Duration::from_secs(60);
/// Rows per statement.
const BATCH: usize = 500;
/// Maximum unwritten uses. Further uses are dropped while the store is down.
const MAX_UNWRITTEN: usize = 10_000;

/// Buffer of uses that are not yet written to the store.
#[derive(Debug)]
pub(crate) struct Uses {
    usage: Arc<dyn ApiKeyUsage>,
    /// When each key's use was last recorded. Rows read before the flush do not contain it yet.
    recorded: LruCache<ApiKeyId, Timestamp>,
    unwritten: Mutex<Vec<(ApiKeyId, Timestamp)>>,
    /// Serialises flushes, so that each removes exactly the uses that it wrote.
    flushing: tokio::sync::Mutex<()>,
}

impl Uses {
    pub(crate) fn new(usage: Arc<dyn ApiKeyUsage>) -> Self {
        Self {
            usage,
            recorded: LruCache::new(),
            unwritten: Mutex::default(),
            flushing: tokio::sync::Mutex::default(),
        }
    }

    /// Records that this key was accepted. Costs a comparison or a cache lookup.
    pub(crate) async fn record(&self, key: &ApiKey, now: Timestamp) {
        let is_recent = |at: Timestamp| now < at.plus(RECORD_INTERVAL);
        if key.last_used_at.is_some_and(is_recent) || self.lock().len() >= MAX_UNWRITTEN {
            return;
        }
        let recorded = self.recorded.entry_by_ref(&key.id);
        if recorded.or_insert_with_if(async { now }, |at| !is_recent(*at)).await.is_fresh() {
            self.lock().push((key.id.clone(), now));
        }
    }

    /// Writes the uses recorded before the call. Uses that were not written, because the store
    /// failed or the flush was cancelled, stay for the next flush.
    pub(crate) async fn flush(&self) {
        let _flushing = self.flushing.lock().await;
        let mut left = self.lock().len();
        while left > 0 {
            let batch = self.lock()[..left.min(BATCH)].to_vec();
            if let Err(error) = self.usage.record_use(&batch).await {
                tracing::warn!(
                    %error, keys = left,
                    "failed to write the last uses of API keys; the next flush retries"
                );
                return;
            }
            self.lock().drain(..batch.len());
            left -= batch.len();
        }
    }

    /// Flushes every five seconds.
    pub(crate) async fn write(self: Arc<Self>) {
        loop {
            sleep(FLUSH_INTERVAL).await;
            self.flush().await;
        }
    }

    /// Locks the buffer. No code panics under the lock, so the data is valid even if it is
    /// poisoned.
    fn lock(&self) -> MutexGuard<'_, Vec<(ApiKeyId, Timestamp)>> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
