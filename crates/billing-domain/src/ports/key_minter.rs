//! The port that generates API keys.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{ApiKeyId, KeyVerifier};

/// Generates API keys and their verifiers. It stores nothing.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait KeyMinter: Debug + Send + Sync + 'static {
    /// Generates a key with a random id and a random secret.
    ///
    /// # Errors
    /// See [`MintError`].
    async fn mint(&self) -> Result<MintedKey, MintError>;

    /// Returns the public part of a key's text: the prefix and the id, then dots.
    fn preview(&self, id: &ApiKeyId) -> String;
}

/// A generated key. Its `Debug` is redacted.
#[derive(Debug)]
pub struct MintedKey {
    /// The public id.
    pub id: ApiKeyId,
    /// The whole key. Only the owner may see it, once: the service does not store it.
    pub text: SecretString,
    /// The verifier of the secret.
    pub verifier: KeyVerifier,
}

/// The reasons why key generation fails.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// The argon2 pool has no free capacity.
    #[error("no capacity to hash another key")]
    Overloaded {
        /// The delay before a retry.
        retry_after: Duration,
    },
    /// The random number generator or argon2 failed.
    #[error("key generation failed: {reason}")]
    Failed {
        /// For the log.
        reason: String,
    },
}

impl MintError {
    /// Returns whether a retry can succeed without a change by the operator.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Overloaded { .. } => true,
            Self::Failed { .. } => false,
        }
    }
}
