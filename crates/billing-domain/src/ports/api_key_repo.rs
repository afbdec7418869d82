//! The store of API keys.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::{ApiKey, ApiKeyId, StoredApiKey, Timestamp, UserId};

/// Keeps API keys: what they may do, and what proves them. Never the keys.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ApiKeyRepo: Debug + Send + Sync + 'static {
    /// Adds a key.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] where the database gave no answer within 3 s. A taken id is an outcome, not an error.
    async fn insert(&self, key: &StoredApiKey) -> Result<InsertOutcome, RepoError>;

    /// The key with this id, revoked and expired ones too, or `None`. One indexed read.
    ///
    /// # Errors
    /// As [`insert`](Self::insert), and [`RepoError::Corrupt`] for a row that does not parse.
    async fn find(&self, id: &ApiKeyId) -> Result<Option<StoredApiKey>, RepoError>;

    /// All keys, or one user's, revoked and expired ones too; oldest first, then by id.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn list<'a>(&self, owner: Option<&'a UserId>) -> Result<Vec<ApiKey>, RepoError>;

    /// Revokes a key from `at` on. The first revocation stands: a second one changes nothing.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn revoke(&self, id: &ApiKeyId, at: Timestamp) -> Result<RevokeOutcome, RepoError>;
}

/// What became of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertOutcome {
    /// It is kept.
    Inserted,
    /// Another key has this id; nothing was changed.
    IdTaken,
}

/// What became of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeOutcome {
    /// The key held until now.
    Revoked,
    /// It was revoked before.
    AlreadyRevoked,
    /// No key has this id.
    NotFound,
}
