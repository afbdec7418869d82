//! The store of API keys.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::{ApiKey, ApiKeyId, AuditEvent, KeyVerifier, PepperId, StoredApiKey, Timestamp, UserId};

/// Stores API keys: their permissions and verifiers, never their text.
///
/// Each method commits a change and its audit records in one transaction. A call that changes
/// nothing adds no record.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ApiKeyRepo: Debug + Send + Sync + 'static {
    /// Adds a key, if its owner has fewer active keys than `max_active` at the key's `created_at`.
    ///
    /// Concurrent calls cannot exceed the limit.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] if the database did not respond within 3 s. A duplicate id and a
    /// reached limit are outcomes, not errors.
    async fn insert(
        &self,
        key: &StoredApiKey,
        max_active: Option<u32>,
        record: &AuditEvent,
    ) -> Result<InsertOutcome, RepoError>;

    /// Finds the key with this id, also if it is revoked or expired. Uses one indexed read.
    ///
    /// # Errors
    /// Same as [`insert`](Self::insert), and [`RepoError::Corrupt`] for an invalid row.
    async fn find(&self, id: &ApiKeyId) -> Result<Option<StoredApiKey>, RepoError>;

    /// Lists all keys, or one user's keys, including revoked and expired ones: oldest first, then
    /// by id.
    ///
    /// # Errors
    /// Same as [`find`](Self::find).
    async fn list<'a>(&self, owner: Option<&'a UserId>) -> Result<Vec<ApiKey>, RepoError>;

    /// Revokes a key at time `at`. Does not change an earlier revocation.
    ///
    /// # Errors
    /// Same as [`find`](Self::find).
    async fn revoke(
        &self,
        id: &ApiKeyId,
        at: Timestamp,
        record: &AuditEvent,
    ) -> Result<RevokeOutcome, RepoError>;

    /// Revokes all keys of a user that are not revoked before `at`. Returns their ids, oldest key
    /// first, and adds a copy of `record` with the key's id for each of them, in the same order.
    ///
    /// # Errors
    /// Same as [`find`](Self::find).
    async fn revoke_all(
        &self,
        owner: &UserId,
        at: Timestamp,
        record: &AuditEvent,
    ) -> Result<Vec<ApiKeyId>, RepoError>;

    /// Adds a successor of a key and revokes the key at time `until`, in one transaction.
    ///
    /// The key must be active at the successor's `created_at` and must have no successor. Of two
    /// concurrent rotations, one succeeds. The owner may have at most `max_active` active keys
    /// before the call, so one rotation is possible at the limit. The records describe the key and
    /// its successor.
    ///
    /// # Errors
    /// Same as [`find`](Self::find).
    async fn rotate(
        &self,
        id: &ApiKeyId,
        successor: &StoredApiKey,
        until: Timestamp,
        max_active: Option<u32>,
        records: &[AuditEvent; 2],
    ) -> Result<RotateOutcome, RepoError>;
}

/// Stores data about the use of keys and reports changes of keys. Not on the request path.
#[async_trait]
pub trait ApiKeyUsage: Debug + Send + Sync + 'static {
    /// Records when keys were last accepted. Ignores times before the stored time and unknown ids.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] if the database did not respond within 3 s.
    async fn record_use(&self, uses: &[(ApiKeyId, Timestamp)]) -> Result<(), RepoError>;

    /// Replaces the verifier `old`. Returns `false` if the stored verifier is not `old`.
    ///
    /// # Errors
    /// Same as [`record_use`](Self::record_use).
    async fn replace_verifier(
        &self,
        id: &ApiKeyId,
        old: &KeyVerifier,
        new: &KeyVerifier,
    ) -> Result<bool, RepoError>;

    /// Counts the keys that are active at `now`, by pepper.
    ///
    /// # Errors
    /// Same as [`record_use`](Self::record_use), and [`RepoError::Corrupt`].
    async fn count_by_pepper(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(Option<PepperId>, u64)>, RepoError>;

    /// Waits until any process creates, revokes, rotates or edits a key.
    ///
    /// One report may cover several changes, and a report without a change is possible. A call also
    /// reports changes since the previous call.
    ///
    /// # Errors
    /// The listening connection was lost. Changes may have been missed.
    async fn next_change(&self) -> Result<KeyChange, RepoError>;
}

/// The key that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// This key.
    Key(ApiKeyId),
    /// One or more unknown keys.
    Unknown,
}

/// The result of inserting a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertOutcome {
    /// The key was stored.
    Inserted,
    /// Another key has this id. Nothing was changed.
    IdTaken,
    /// The owner has the maximum number of active keys. Nothing was changed.
    TooMany,
}

/// The result of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotateOutcome {
    /// The successor was stored, and the key got an end.
    Rotated,
    /// The key is revoked, has expired or has a successor. Nothing was changed.
    NotActive,
    /// The owner has more active keys than the maximum. Nothing was changed.
    TooMany,
    /// The key does not exist. Nothing was changed.
    NotFound,
    /// Another key has the successor's id. Nothing was changed.
    IdTaken,
}

/// The result of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeOutcome {
    /// The key was revoked.
    Revoked,
    /// The key had been revoked earlier.
    AlreadyRevoked,
    /// The key does not exist.
    NotFound,
}
