//! Hashing and verifying secrets on the argon2 pool.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::pool::{Argon2Pool, PoolError};
use crate::random::{RandomError, RandomSource};
use crate::secret_hash::{self, HashFailure, SALT_BYTES, SecretHash, Unusable};

/// Argon2id for secrets. The work is the pool's; a caller only waits.
#[derive(Clone, Debug)]
pub(crate) struct SecretHasher {
    pool: Arc<Argon2Pool>,
}

/// Why a secret was not judged.
#[derive(Clone, Copy, Debug)]
pub(crate) enum VerifyError {
    /// The pool gave no result.
    Pool(PoolError),
    /// The stored hash cannot be used.
    Unusable(Unusable),
}

/// Why a secret was not hashed.
#[derive(Debug)]
pub(crate) enum HashError {
    /// The pool gave no result.
    Pool(PoolError),
    /// There is no salt.
    Random(RandomError),
    /// Argon2 refused.
    Refused(HashFailure),
}

impl SecretHasher {
    pub(crate) const fn new(pool: Arc<Argon2Pool>) -> Self {
        Self { pool }
    }

    /// The PHC string of a secret, with a fresh salt.
    pub(crate) async fn hash(
        &self,
        secret: SecretString,
        random: &dyn RandomSource,
    ) -> Result<SecretString, HashError> {
        let salt = new_salt(random)?;
        let hashed = self.pool.run(move |memory| secret_hash::hash(&secret, &salt, memory)).await;
        hashed.map_err(HashError::Pool)?.map_err(HashError::Refused)
    }

    /// The same, where a thread has nothing else to do; else there is no room.
    pub(crate) async fn hash_in_spare_time(
        &self,
        secret: SecretString,
        random: &dyn RandomSource,
    ) -> Result<SecretString, HashError> {
        let salt = new_salt(random)?;
        let hashed = self
            .pool
            .run_in_spare_time(move |memory| secret_hash::hash(&secret, &salt, memory))
            .await;
        hashed.map_err(HashError::Pool)?.map_err(HashError::Refused)
    }

    /// Whether `stored` is the hash of `secret`. One that cannot be used is found before it costs a run.
    pub(crate) async fn verify(
        &self,
        secret: SecretString,
        stored: &SecretString,
    ) -> Result<bool, VerifyError> {
        let stored = SecretHash::parse(stored.expose_secret()).map_err(VerifyError::Unusable)?;
        let verified = self.pool.run(move |memory| stored.verify(&secret, memory)).await;
        verified
            .map_err(VerifyError::Pool)?
            .map_err(|_| VerifyError::Unusable("argon2 refuses its parameters"))
    }
}

fn new_salt(random: &dyn RandomSource) -> Result<[u8; SALT_BYTES], HashError> {
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt).map_err(HashError::Random)?;
    Ok(salt)
}
