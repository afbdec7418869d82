//! [`ApiKeyIssuer`]: makes keys, and shows each once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::{ApiKeyRepo, Clock, InsertOutcome, RepoError};
use billing_domain::{
    ApiKey, ApiKeyId, KeyName, KeyPrefix, KeyVerifier, OriginPattern, Permission, StoredApiKey, Timestamp, UserId,
};
use secrecy::SecretString;

use crate::gate::Gate;
use crate::hasher::{HashError, SecretHasher};
use crate::key_text;
use crate::pool::{Argon2Pool, PoolError};
use crate::random::{RandomError, RandomSource};
use crate::secret_hash::SALT_BYTES;
use crate::settings::ApiKeySettings;

/// Ids of 16 random characters meet by chance once in about 2^48 keys; more often than this in a row is no chance.
const ID_ATTEMPTS: usize = 3;

/// Makes API keys.
#[derive(Debug)]
pub struct ApiKeyIssuer {
    prefix: KeyPrefix,
    gate: Gate,
    repo: Arc<dyn ApiKeyRepo>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn RandomSource>,
    hasher: SecretHasher,
}

/// What a new key shall be.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Whose key it is.
    pub owner: UserId,
    /// What the owner calls it.
    pub name: KeyName,
    /// What it may do. `None`: all that exists today, and nothing that comes later. An empty set: nothing.
    pub permissions: Option<BTreeSet<Permission>>,
    /// Return origins beside the deployment's.
    pub return_origins: Vec<OriginPattern>,
    /// From when on it no longer holds.
    pub expires_at: Option<Timestamp>,
}

/// A key just made. Its `Debug` shows no secret.
#[derive(Debug)]
pub struct IssuedKey {
    /// The key itself, for its owner and nobody else. It stands nowhere else: what is lost is lost.
    pub text: SecretString,
    /// What is kept of it.
    pub key: ApiKey,
}

/// Why no key was made. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// It would never hold.
    #[error("the key would have expired before it is made")]
    AlreadyExpired,
    /// No secret can be drawn.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// No room for another argon2 run.
    #[error("no room to hash another key now")]
    Overloaded {
        /// When to come back.
        retry_after: Duration,
    },
    /// Argon2 gave no hash: a bug, or no thread could be started.
    #[error("the key's secret could not be hashed: {reason}")]
    Hash {
        /// For the log.
        reason: String,
    },
    /// Every id that was drawn is taken: the source of randomness repeats itself.
    #[error("every key id that was drawn is taken already")]
    NoFreeId,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepoError),
}

impl ApiKeyIssuer {
    /// An issuer into this store. The pool is the process's only one.
    #[must_use]
    pub fn new(
        settings: &ApiKeySettings,
        repo: Arc<dyn ApiKeyRepo>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn RandomSource>,
        pool: Arc<Argon2Pool>,
    ) -> Self {
        let (prefix, gate) = (settings.prefix().clone(), settings.gate().clone());
        Self { prefix, gate, repo, clock, random, hasher: SecretHasher::new(pool) }
    }

    /// Makes a key and keeps what proves it. The text is in the answer and nowhere else.
    ///
    /// # Errors
    /// See [`IssueError`].
    pub async fn issue(&self, wanted: NewApiKey) -> Result<IssuedKey, IssueError> {
        let now = self.clock.now();
        if wanted.expires_at.is_some_and(|expiry| expiry <= now) {
            return Err(IssueError::AlreadyExpired);
        }
        let secret = key_text::new_secret(self.random.as_ref())?;
        let hash = self.hash(&secret).await?;
        for _ in 0..ID_ATTEMPTS {
            let id = self.new_id()?;
            let verifier = KeyVerifier { gate: self.gate.value(&id, &secret), hash: hash.clone() };
            let stored = StoredApiKey { key: describe(id, wanted.clone(), now), verifier };
            match self.repo.insert(&stored).await? {
                InsertOutcome::Inserted => {
                    let text = key_text::compose(&self.prefix, &stored.key.id, &secret);
                    return Ok(IssuedKey { text, key: stored.key });
                }
                InsertOutcome::IdTaken => {}
            }
        }
        Err(IssueError::NoFreeId)
    }

    fn new_id(&self) -> Result<ApiKeyId, IssueError> {
        let text = key_text::new_id(self.random.as_ref())?;
        text.parse().map_err(|_| IssueError::Random(RandomError("the drawn text is no key id".to_owned())))
    }

    async fn hash(&self, secret: &SecretString) -> Result<SecretString, IssueError> {
        let mut salt = [0; SALT_BYTES];
        self.random.fill(&mut salt)?;
        self.hasher.hash(secret.clone(), salt).await.map_err(|error| match error {
            HashError::Pool(PoolError::Overloaded { retry_after }) => IssueError::Overloaded { retry_after },
            HashError::Pool(PoolError::Failed) => {
                IssueError::Hash { reason: "argon2 gave no result; see the log before this".to_owned() }
            }
            HashError::Refused(failure) => IssueError::Hash { reason: failure.to_string() },
        })
    }
}

fn describe(id: ApiKeyId, wanted: NewApiKey, now: Timestamp) -> ApiKey {
    ApiKey {
        id,
        owner: wanted.owner,
        name: wanted.name,
        permissions: wanted.permissions.unwrap_or_else(Permission::known),
        return_origins: wanted.return_origins,
        created_at: now,
        expires_at: wanted.expires_at,
        revoked_at: None,
    }
}

#[cfg(test)]
mod tests;
