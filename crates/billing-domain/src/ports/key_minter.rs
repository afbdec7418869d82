//! What makes API keys' texts and proofs.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{ApiKeyId, KeyVerifier};

/// Makes fresh keys; keeps nothing.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait KeyMinter: Debug + Send + Sync + 'static {
    /// A fresh key: nobody has had its id or secret before, but for a chance that does not matter.
    ///
    /// # Errors
    /// See [`MintError`].
    async fn mint(&self) -> Result<MintedKey, MintError>;

    /// What everybody may see of a key with this id: the prefix, the id and dots for the rest.
    fn preview(&self, id: &ApiKeyId) -> String;
}

/// A key's parts. Its `Debug` shows no secret.
#[derive(Debug)]
pub struct MintedKey {
    /// The public part.
    pub id: ApiKeyId,
    /// The whole key, for its owner and nobody else. It stands nowhere else: what is lost is lost.
    pub text: SecretString,
    /// What proves it.
    pub verifier: KeyVerifier,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// No room for another argon2 run.
    #[error("no room to hash another key now")]
    Overloaded {
        /// When to come back.
        retry_after: Duration,
    },
    /// No randomness, or argon2 failed: a bug, or a broken system.
    #[error("no key can be made: {reason}")]
    Failed {
        /// For the log.
        reason: String,
    },
}

impl MintError {
    /// Whether the same call may succeed later without anybody mending anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Overloaded { .. } => true,
            Self::Failed { .. } => false,
        }
    }
}
