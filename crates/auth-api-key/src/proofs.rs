//! Which presented keys argon2 has proven lately.

use billing_domain::{ApiKeyId, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use secrecy::zeroize::Zeroize;
use sha2::Sha256;

use crate::hasher::{SecretHasher, VerifyError};
use crate::lru_cache::LruCache;
use crate::random::{RandomError, RandomSource};

/// How long a proof holds, in milliseconds, from before it was made.
const HOLDS_MS: i64 = 60_000;

/// Stands for a secret presented under a key id, and for what proves it: of no use outside this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 32]);

/// Runs argon2 at most once a minute for each presented key. What it remembers is a MAC under a key that is drawn at start, and
/// covers the row's proof: where that changes, nothing is remembered.
pub(crate) struct Proofs {
    seed: Hmac<Sha256>,
    /// When each was proven.
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
        // HMAC takes keys of any length (RFC 2104, section 3); the error is of the trait, for MACs that do not.
        let keyed = Hmac::new_from_slice(&seed).map_err(|error| RandomError(error.to_string()));
        seed.zeroize();
        Ok(Self { seed: keyed?, proven: LruCache::new(), hasher })
    }

    /// What stands for this secret of this key, under this proof, in this epoch of the settings.
    pub(crate) fn fingerprint(
        &self,
        epoch: u64,
        verifier_digest: &[u8; 32],
        id: &ApiKeyId,
        secret: &str,
    ) -> Fingerprint {
        let mut mac = self.seed.clone();
        // The first two have fixed lengths, and an id cannot hold the NUL that ends it.
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

    /// Whether this was proven less than a minute before `now`.
    pub(crate) async fn hold(&self, fingerprint: &Fingerprint, now: Timestamp) -> bool {
        self.proven.get(fingerprint).await.is_some_and(|at| is_recent(at, now))
    }

    /// Remembers that argon2 was run over this.
    pub(crate) async fn remember(&self, fingerprint: Fingerprint, at: Timestamp) {
        self.proven.insert(fingerprint, at).await;
    }

    /// What was proven of one is proven of the other, from the same moment on.
    pub(crate) async fn carry_over(&self, from: &Fingerprint, to: Fingerprint) {
        if let Some(at) = self.proven.get(from).await {
            self.remember(to, at).await;
        }
    }

    /// Proves a secret that has passed the gate. Those who present the same one at once share a run; where the one who does it
    /// goes away, one of those who wait does it anew. Only a proof is remembered.
    pub(crate) async fn prove(
        &self,
        fingerprint: Fingerprint,
        secret: &str,
        hash: &SecretString,
        now: Timestamp,
    ) -> Result<bool, VerifyError> {
        // It would be taken for a new one. A caller that was slow to get here may remove a new one: that costs a run.
        if self.proven.get(&fingerprint).await.is_some_and(|at| !is_recent(at, now)) {
            self.proven.invalidate(&fingerprint).await;
        }
        let run = async {
            match self.hasher.verify(SecretString::from(secret), hash).await {
                Ok(true) => Ok(now),
                other => Err(other),
            }
        };
        self.proven
            .try_get_with(fingerprint, run)
            .await
            .map_or_else(|verdict| *verdict, |_| Ok(true))
    }

    #[cfg(test)]
    pub(crate) async fn count(&self) -> u64 {
        self.proven.run_pending_tasks().await;
        self.proven.entry_count()
    }
}

/// A clock that was set back makes ages negative: such a proof does not hold either.
fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    (0..HOLDS_MS).contains(&now.as_millis().saturating_sub(at.as_millis()))
}

impl std::fmt::Debug for Proofs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proofs").finish_non_exhaustive()
    }
}
