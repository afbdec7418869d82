//! [`KeyRows`]: reads the rows of keys and caches each for three seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use billing_domain::ports::{ApiKeyRepo, AuthError, Clock, RepoError};
use billing_domain::{ApiKeyId, KeyVerifier, StoredApiKey, Timestamp};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use crate::bulkhead::Bulkhead;
use crate::lru_cache::LruCache;
use crate::secret_hash;

/// TTL of a cached row, in milliseconds. The contract (C7) allows five seconds until a change takes
/// effect; the rest covers the request after its lookup. Change notifications only make this
/// faster.
const TTL_MS: i64 = 3_000;
/// Age from which one request refreshes the row while others use it. This avoids concurrent reads
/// of a busy key.
const REFRESH_MS: i64 = 2_000;

/// A key's row as read at one moment.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) stored: StoredApiKey,
    /// Digest of the gate and the hash. It changes when either changes.
    pub(crate) verifier_digest: [u8; 32],
    /// Whether the hash has the current argon2 parameters.
    pub(crate) hash_is_current: bool,
    read_at: Timestamp,
    refresh_claimed: AtomicBool,
    /// Whether the row may have changed since it was read.
    is_stale: AtomicBool,
}

/// The store of keys with a cache. It caches only existing keys, so made-up ids evict nothing.
#[derive(Debug)]
pub(crate) struct KeyRows {
    repo: Arc<dyn ApiKeyRepo>,
    clock: Arc<dyn Clock>,
    known: LruCache<ApiKeyId, Arc<Row>>,
    /// Limits reads of ids that are not cached. Cached ids skip it, so a flood of made-up ids
    /// cannot delay their refresh.
    unknown: Bulkhead,
}

impl KeyRows {
    pub(crate) fn new(repo: Arc<dyn ApiKeyRepo>, clock: Arc<dyn Clock>) -> Self {
        Self { repo, clock, known: LruCache::new(), unknown: Bulkhead::new() }
    }

    /// Returns the key's row, at most three seconds older than `now`.
    pub(crate) async fn find(
        &self,
        id: &ApiKeyId,
        now: Timestamp,
    ) -> Result<Option<Arc<Row>>, AuthError> {
        let Some(known) = self.known.get(id).await else { return self.find_unknown(id).await };
        if !known.is_fresh(now) {
            return Ok(self.read(id, now).await?);
        }
        if !known.claims_refresh(now) {
            return Ok(Some(known));
        }
        match self.read(id, now).await {
            // A store that hangs takes seconds to fail, so the row's age is checked again.
            Err(error) if known.is_fresh(self.clock.now()) => {
                tracing::debug!(
                    key_id = %id, %error,
                    "failed to refresh an API key's row; the cached row is still fresh"
                );
                Ok(Some(known))
            }
            refreshed => Ok(refreshed?),
        }
    }

    async fn find_unknown(&self, id: &ApiKeyId) -> Result<Option<Arc<Row>>, AuthError> {
        let _permit = self.unknown.enter().await?;
        let now = self.clock.now();
        // Another caller may have cached the row while this one waited.
        match self.known.get(id).await.filter(|row| row.is_fresh(now)) {
            Some(known) => Ok(Some(known)),
            None => Ok(self.read(id, now).await?),
        }
    }

    /// Marks this key's row as stale. The next request reads it from the store.
    pub(crate) async fn mark_stale(&self, id: &ApiKeyId) {
        if let Some(row) = self.known.get(id).await {
            row.is_stale.store(true, Ordering::Relaxed);
        }
    }

    /// Marks all rows as stale.
    pub(crate) fn mark_all_stale(&self) {
        self.known.iter().for_each(|(_, row)| row.is_stale.store(true, Ordering::Relaxed));
    }

    async fn read(&self, id: &ApiKeyId, now: Timestamp) -> Result<Option<Arc<Row>>, RepoError> {
        // The age counts from before the read: the row may miss a change made during the read.
        let row = self.repo.find(id).await?.map(|stored| Arc::new(Row::new(stored, now)));
        match &row {
            Some(row) => self.known.insert(id.clone(), Arc::clone(row)).await,
            None => self.known.invalidate(id).await,
        }
        Ok(row)
    }
}

impl Row {
    fn new(stored: StoredApiKey, read_at: Timestamp) -> Self {
        let verifier_digest = verifier_digest(&stored.verifier);
        let hash_is_current = secret_hash::is_current(stored.verifier.hash.expose_secret());
        let [refresh_claimed, is_stale] = [const { AtomicBool::new(false) }; 2];
        Self { stored, verifier_digest, hash_is_current, read_at, refresh_claimed, is_stale }
    }

    /// Returns whether the row may be used. A clock that was set back makes the age negative; such
    /// a row counts as expired.
    fn is_fresh(&self, now: Timestamp) -> bool {
        !self.is_stale.load(Ordering::Relaxed) && (0..TTL_MS).contains(&self.age(now))
    }

    /// Returns whether the caller must refresh the row: true for one caller per row.
    fn claims_refresh(&self, now: Timestamp) -> bool {
        self.age(now) >= REFRESH_MS && !self.refresh_claimed.swap(true, Ordering::Relaxed)
    }

    const fn age(&self, now: Timestamp) -> i64 {
        now.as_millis().saturating_sub(self.read_at.as_millis())
    }
}

/// Returns the digest of gate and hash. The pepper's id is not part of it, so a row that only gains
/// the id keeps its cached proof.
pub(crate) fn verifier_digest(verifier: &KeyVerifier) -> [u8; 32] {
    let mut digest = Sha256::new();
    // Neither text can contain the NUL separator: the gate is hex, the hash is ASCII.
    digest.update(verifier.gate.expose_secret());
    digest.update(b"\0");
    digest.update(verifier.hash.expose_secret());
    digest.finalize().into()
}
