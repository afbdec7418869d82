//! [`Proofs`]: caches which presented keys argon2 verified within the last minute.

use billing_domain::{ApiKeyId, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use secrecy::zeroize::Zeroize;
use sha2::Sha256;

use crate::hasher::{SecretHasher, VerifyError};
use crate::lru_cache::LruCache;
use crate::random::{RandomError, RandomSource};

/// TTL of a proof, in milliseconds. It starts before the argon2 run.
const TTL_MS: i64 = 60_000;

/// Cache key for a secret, its key id and its stored verifier. It is useless outside this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 32]);

/// Runs argon2 at most once a minute per presented key. The cache key is a MAC under a seed drawn
/// at start. The MAC covers the row's verifier, so a changed verifier misses the cache.
pub(crate) struct Proofs {
    seed: Hmac<Sha256>,
    /// When argon2 verified each fingerprint.
    proven: LruCache<Fingerprint, Timestamp>,
    hasher: SecretHasher,
}

impl Proofs {
    pub(crate) fn new(
        hasher: SecretHasher,
        random: &dyn RandomSource,
    ) -> Result<Self, RandomError> {
        let mut seed = [0; 32];
        random.fill(&mut seed)?;
        // Cannot fail: HMAC accepts keys of any length (RFC 2104, section 3).
        let keyed = Hmac::new_from_slice(&seed).map_err(|error| RandomError(error.to_string()));
        seed.zeroize();
        Ok(Self { seed: keyed?, proven: LruCache::new(), hasher })
    }

    /// Returns the fingerprint of a key's secret with this verifier in this epoch of the settings.
    pub(crate) fn fingerprint(
        &self,
        epoch: u64,
        verifier_digest: &[u8; 32],
        id: &ApiKeyId,
        secret: &str,
    ) -> Fingerprint {
        let mut mac = self.seed.clone();
        // Unambiguous: the first two parts have fixed lengths, and an id contains no NUL.
        for part in [
            &epoch.to_be_bytes(),
            verifier_digest.as_slice(),
            id.as_str().as_bytes(),
            b"\0",
            secret.as_bytes(),
        ] {
            mac.update(part);
        }
        Fingerprint(mac.finalize().into_bytes().into())
    }

    /// Returns whether argon2 verified this less than a minute before `now`.
    pub(crate) async fn contains(&self, fingerprint: &Fingerprint, now: Timestamp) -> bool {
        self.proven.get(fingerprint).await.is_some_and(|at| is_recent(at, now))
    }

    /// Caches that argon2 verified this at `at`.
    pub(crate) async fn remember(&self, fingerprint: Fingerprint, at: Timestamp) {
        self.proven.insert(fingerprint, at).await;
    }

    /// Copies the proof of `from`, with its time, to `to`.
    pub(crate) async fn carry_over(&self, from: &Fingerprint, to: Fingerprint) {
        if let Some(at) = self.proven.get(from).await {
            self.remember(to, at).await;
        }
    }

    /// Verifies a secret that passed the gate. Concurrent callers share one run; if the running
    /// caller is cancelled, a waiting one runs it again. Only successes are cached.
    pub(crate) async fn prove(
        &self,
        fingerprint: Fingerprint,
        secret: &str,
        hash: &SecretString,
        now: Timestamp,
    ) -> Result<bool, VerifyError> {
        // `try_get_with` would return the expired proof. A slow caller may remove a fresh one here,
        // which costs one more run.
        if self.proven.get(&fingerprint).await.is_some_and(|at| !is_recent(at, now)) {
            self.proven.invalidate(&fingerprint).await;
        }
        let run = async {
            match self.hasher.verify(SecretString::from(secret), hash).await {
                Ok(true) => Ok(now),
                other => Err(other),
            }
        };
        self.proven.try_get_with(fingerprint, run).await.map_or_else(|error| *error, |_| Ok(true))
    }

    #[cfg(test)]
    pub(crate) async fn count(&self) -> u64 {
        self.proven.run_pending_tasks().await;
        self.proven.entry_count()
    }
}

/// Returns whether a proof is within its TTL. A clock that was set back makes the age negative;
/// such a proof counts as expired.
fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    (0..TTL_MS).contains(&now.as_millis().saturating_sub(at.as_millis()))
}

impl std::fmt::Debug for Proofs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proofs").finish_non_exhaustive()
    }
}
