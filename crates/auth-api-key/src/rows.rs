//! The rows of keys, read when they are needed and trusted for three seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use billing_domain::ports::{ApiKeyRepo, AuthError, Clock, RepoError};
use billing_domain::{ApiKeyId, KeyVerifier, StoredApiKey, Timestamp};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use crate::bulkhead::Bulkhead;
use crate::lru_cache::LruCache;
use crate::secret_hash;

/// How long a row is used without another look, in milliseconds. The contract (C7) allows five seconds until a change is seen;
/// the rest is for what a request takes after its look. Reports of changes make it faster, and nothing depends on them.
const TRUSTED_MS: i64 = 3_000;
/// From this age on, one request looks again while the others go on: a busy key is never read by many at once.
const RENEWED_MS: i64 = 2_000;

/// A key's row, as it was at one moment.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) stored: StoredApiKey,
    /// Stands for what proves the key: another one where any of it changes.
    pub(crate) verifier_digest: [u8; 32],
    /// Whether the hash was made with today's parameters.
    pub(crate) hash_is_current: bool,
    read_at: Timestamp,
    renewal_claimed: AtomicBool,
    /// Whether it may have been changed since.
    is_outdated: AtomicBool,
}

/// The store of keys, and what it said lately. Only keys that exist are remembered, so that made-up ids push out nothing.
#[derive(Debug)]
pub(crate) struct KeyRows {
    repo: Arc<dyn ApiKeyRepo>,
    clock: Arc<dyn Clock>,
    known: LruCache<ApiKeyId, Arc<Row>>,
    /// What ids that are not known pass. Known ones stay outside: a flood of made-up ids does not keep them from being read again.
    unknown: Bulkhead,
}

impl KeyRows {
    pub(crate) fn new(repo: Arc<dyn ApiKeyRepo>, clock: Arc<dyn Clock>) -> Self {
        Self { repo, clock, known: LruCache::new(), unknown: Bulkhead::new() }
    }

    /// The key's row, as it was at most three seconds before `now`, or later.
    pub(crate) async fn find(
        &self,
        id: &ApiKeyId,
        now: Timestamp,
    ) -> Result<Option<Arc<Row>>, AuthError> {
        let Some(known) = self.known.get(id).await else { return self.find_unknown(id).await };
        if !known.is_trusted(now) {
            return Ok(self.read(id, now).await?);
        }
        if !known.wants_renewal(now) {
            return Ok(Some(known));
        }
        match self.read(id, now).await {
            // A store that hangs takes seconds to say so.
            Err(error) if known.is_trusted(self.clock.now()) => {
                tracing::debug!(key_id = %id, %error, "an API key's row could not be read again; the last one is trusted yet");
                Ok(Some(known))
            }
            renewed => Ok(renewed?),
        }
    }

    async fn find_unknown(&self, id: &ApiKeyId) -> Result<Option<Arc<Row>>, AuthError> {
        let _permit = self.unknown.enter().await?;
        let now = self.clock.now();
        // Another caller may have read it while this one waited.
        match self.known.get(id).await.filter(|row| row.is_trusted(now)) {
            Some(known) => Ok(Some(known)),
            None => Ok(self.read(id, now).await?),
        }
    }

    /// Looks again when this key is presented the next time.
    pub(crate) async fn outdate(&self, id: &ApiKeyId) {
        if let Some(row) = self.known.get(id).await {
            row.is_outdated.store(true, Ordering::Relaxed);
        }
    }

    /// Looks again for every key.
    pub(crate) fn outdate_all(&self) {
        self.known.iter().for_each(|(_, row)| row.is_outdated.store(true, Ordering::Relaxed));
    }

    async fn read(&self, id: &ApiKeyId, now: Timestamp) -> Result<Option<Arc<Row>>, RepoError> {
        // Its age counts from before the read: what changes meanwhile may not be in it.
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
        let [renewal_claimed, is_outdated] = [const { AtomicBool::new(false) }; 2];
        Self { stored, verifier_digest, hash_is_current, read_at, renewal_claimed, is_outdated }
    }

    /// A clock that was set back makes ages negative: such a row is not trusted either.
    fn is_trusted(&self, now: Timestamp) -> bool {
        !self.is_outdated.load(Ordering::Relaxed) && (0..TRUSTED_MS).contains(&self.age(now))
    }

    /// Whether the caller shall look again: true for one of all those who ask.
    fn wants_renewal(&self, now: Timestamp) -> bool {
        self.age(now) >= RENEWED_MS && !self.renewal_claimed.swap(true, Ordering::Relaxed)
    }

    const fn age(&self, now: Timestamp) -> i64 {
        now.as_millis().saturating_sub(self.read_at.as_millis())
    }
}

/// The pepper's id proves nothing and does not count: a key that only gets it keeps its proof.
pub(crate) fn verifier_digest(verifier: &KeyVerifier) -> [u8; 32] {
    let mut digest = Sha256::new();
    // Neither text can hold the NUL that parts them: the gate is hex, the hash is ASCII.
    digest.update(verifier.gate.expose_secret());
    digest.update(b"\0");
    digest.update(verifier.hash.expose_secret());
    digest.finalize().into()
}
