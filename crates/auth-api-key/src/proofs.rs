//! Which presented keys argon2 has proven lately.

use std::sync::{Mutex, MutexGuard, PoisonError};

use billing_domain::{ApiKeyId, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use secrecy::zeroize::Zeroize;
use sha2::Sha256;

use crate::bounded_map::BoundedMap;
use crate::flights::Flights;
use crate::hasher::{SecretHasher, VerifyError};
use crate::random::{RandomError, RandomSource};

/// How long a proof holds, in milliseconds, from before it was made.
const HOLDS_MS: i64 = 60_000;

/// Proofs kept.
const ROOM: usize = 10_000;

/// Stands for a secret presented under a key id, and for what proves it: of no use outside this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 32]);

/// Runs argon2 at most once a minute for each presented key. What it remembers is a MAC under a key that is drawn at start, and
/// covers the row's proof: where that changes, nothing is remembered.
pub(crate) struct Proofs {
    seed: Hmac<Sha256>,
    proven: Mutex<BoundedMap<Fingerprint, Timestamp>>,
    running: Flights<Fingerprint, Result<bool, VerifyError>>,
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
        Ok(Self {
            seed: keyed?,
            proven: Mutex::new(BoundedMap::new(ROOM)),
            running: Flights::new(),
            hasher,
        })
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
    pub(crate) fn hold(&self, fingerprint: &Fingerprint, now: Timestamp) -> bool {
        let proven = self.lock().get(fingerprint).copied();
        // A clock that was set back makes ages negative: such a proof does not hold either.
        proven.is_some_and(|at| {
            (0..HOLDS_MS).contains(&now.as_millis().saturating_sub(at.as_millis()))
        })
    }

    /// Remembers that argon2 was run over this.
    pub(crate) fn remember(&self, fingerprint: Fingerprint, at: Timestamp) {
        self.lock().insert(fingerprint, at);
    }

    /// What was proven of one is proven of the other, from the same moment on.
    pub(crate) fn carry_over(&self, from: &Fingerprint, to: Fingerprint) {
        let mut proven = self.lock();
        if let Some(at) = proven.get(from).copied() {
            proven.insert(to, at);
        }
    }

    /// Proves a secret that has passed the gate. Those who present the same one at once share a run; only a proof is remembered.
    pub(crate) async fn prove(
        &self,
        fingerprint: Fingerprint,
        secret: &str,
        hash: &SecretString,
        now: Timestamp,
    ) -> Result<bool, VerifyError> {
        let work = async || {
            // Another one may have come to its end between the caller's look and this one.
            if self.hold(&fingerprint, now) {
                return Ok(true);
            }
            let proven = self.hasher.verify(SecretString::from(secret), hash).await;
            if matches!(proven, Ok(true)) {
                self.remember(fingerprint, now);
            }
            proven
        };
        self.running.share(fingerprint, work).await
    }

    /// Nothing panics under the lock, so that a poisoned one holds a sound state.
    fn lock(&self) -> MutexGuard<'_, BoundedMap<Fingerprint, Timestamp>> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }
}

impl std::fmt::Debug for Proofs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proofs").finish_non_exhaustive()
    }
}
