//! Hashing and verifying secrets on the argon2 pool.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::pool::{Argon2Pool, PoolError};
use crate::random::{RandomError, RandomSource};
use crate::secret_hash::{self, HashFailure, SALT_BYTES, SecretHash, Unusable};

/// Hashes and verifies secrets with argon2id. The pool's threads do the work; the caller awaits.
#[derive(Clone, Debug)]
pub(crate) struct SecretHasher {
    pool: Arc<Argon2Pool>,
}

/// Why a secret could not be verified.
#[derive(Clone, Copy, Debug)]
pub(crate) enum VerifyError {
    /// The pool returned no result.
    Pool(PoolError),
    /// The stored hash cannot be used.
    Unusable(Unusable),
}

/// Why a secret could not be hashed.
#[derive(Debug)]
pub(crate) enum HashError {
    /// The pool returned no result.
    Pool(PoolError),
    /// The random source returned no salt.
    Random(RandomError),
    /// Argon2 returned an error.
    Refused(HashFailure),
}

impl SecretHasher {
    pub(crate) const fn new(pool: Arc<Argon2Pool>) -> Self {
        Self { pool }
    }

    /// Hashes a secret with a new salt and returns the PHC string.
    pub(crate) async fn hash(
        &self,
        secret: SecretString,
        random: &dyn RandomSource,
    ) -> Result<SecretString, HashError> {
        let salt = new_salt(random)?;
        let hashed = self.pool.run(move |memory| secret_hash::hash(&secret, &salt, memory)).await;
        hashed.map_err(HashError::Pool)?.map_err(HashError::Refused)
    }

    /// Like [`hash`](Self::hash), but returns an overload error unless a thread is idle.
    pub(crate) async fn hash_if_idle(
        &self,
        secret: SecretString,
        random: &dyn RandomSource,
    ) -> Result<SecretString, HashError> {
        let salt = new_salt(random)?;
        let hashed =
            self.pool.run_if_idle(move |memory| secret_hash::hash(&secret, &salt, memory)).await;
        hashed.map_err(HashError::Pool)?.map_err(HashError::Refused)
    }

    /// Returns whether `stored` is the hash of `secret`. An unusable hash fails before argon2 runs.
    pub(crate) async fn verify(
        &self,
        secret: SecretString,
        stored: &SecretString,
    ) -> Result<bool, VerifyError> {
        let stored = SecretHash::parse(stored.expose_secret()).map_err(VerifyError::Unusable)?;
        let verified = self.pool.run(move |memory| stored.verify(&secret, memory)).await;
        verified
            .map_err(VerifyError::Pool)?
            .map_err(|_| VerifyError::Unusable("argon2 rejected its parameters"))
    }
}

fn new_salt(random: &dyn RandomSource) -> Result<[u8; SALT_BYTES], HashError> {
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt).map_err(HashError::Random)?;
    Ok(salt)
}
