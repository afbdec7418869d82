//! The store of API keys.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::{ApiKey, ApiKeyId, AuditEvent, KeyVerifier, PepperId, StoredApiKey, Timestamp, UserId};

/// Keeps API keys: what they may do, and what proves them. Never the keys.
///
/// A change and its audit records are one transaction: both are committed or neither is. An attempt that changes nothing
/// leaves no record.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ApiKeyRepo: Debug + Send + Sync + 'static {
    /// Adds a key. With a limit: unless its owner has so many active keys (at the key's `created_at`) already; of two that
    /// race for the last place, one gets it.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] where the database gave no answer within 3 s. A taken id and too many keys are outcomes,
    /// not errors.
    async fn insert(
        &self,
        key: &StoredApiKey,
        at_most: Option<u32>,
        record: &AuditEvent,
    ) -> Result<InsertOutcome, RepoError>;

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

    /// Revokes a key from `at` on. The earliest revocation stands: a later one changes nothing.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn revoke(
        &self,
        id: &ApiKeyId,
        at: Timestamp,
        record: &AuditEvent,
    ) -> Result<RevokeOutcome, RepoError>;

    /// Revokes all of a user's keys that are not revoked by then, from `at` on; gives their ids, oldest key first. Writes a
    /// copy of `record` for each of them, in this order, with the key's id in it.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn revoke_all(
        &self,
        owner: &UserId,
        at: Timestamp,
        record: &AuditEvent,
    ) -> Result<Vec<ApiKeyId>, RepoError>;

    /// Puts a successor beside a key that is active at the successor's `created_at` and has none yet, and revokes the key
    /// itself from `until` on. Both or neither: of two rotations that race, one gives a successor. With a limit: unless its
    /// owner has more active keys than that already, so that a rotation is possible at the limit, and not one after another.
    /// The records are about the key and about its successor.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn rotate(
        &self,
        id: &ApiKeyId,
        successor: &StoredApiKey,
        until: Timestamp,
        at_most: Option<u32>,
        records: &[AuditEvent; 2],
    ) -> Result<RotateOutcome, RepoError>;
}

/// What judging keys writes back, and hears from other replicas. Off the request path.
#[async_trait]
pub trait ApiKeyUsage: Debug + Send + Sync + 'static {
    /// Notes when keys were last accepted. A moment earlier than the stored one changes nothing; unknown ids neither.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] where the database gave no answer within 3 s.
    async fn record_use(&self, uses: &[(ApiKeyId, Timestamp)]) -> Result<(), RepoError>;

    /// Puts a new verifier in the place of `old`; `false` where the stored one is another by now.
    ///
    /// # Errors
    /// As [`record_use`](Self::record_use).
    async fn replace_verifier(
        &self,
        id: &ApiKeyId,
        old: &KeyVerifier,
        new: &KeyVerifier,
    ) -> Result<bool, RepoError>;

    /// How many keys are active at `now` under which pepper.
    ///
    /// # Errors
    /// As [`record_use`](Self::record_use), and [`RepoError::Corrupt`].
    async fn count_by_pepper(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(Option<PepperId>, u64)>, RepoError>;

    /// Waits until a key was changed (made, revoked, rotated, edited; uses do not count), by any process. May report a change
    /// that was none, and one report may stand for many. What happens between two calls is reported by the second.
    ///
    /// # Errors
    /// The connection that listens was lost: changes may have been missed.
    async fn next_change(&self) -> Result<KeyChange, RepoError>;
}

/// Which key was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// This one.
    Key(ApiKeyId),
    /// One or more unknown keys.
    Unknown,
}

/// What became of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertOutcome {
    /// It is kept.
    Inserted,
    /// Another key has this id; nothing was changed.
    IdTaken,
    /// The owner has as many active keys as may be; nothing was changed.
    TooMany,
}

/// What became of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotateOutcome {
    /// The successor is kept, and the key ends.
    Rotated,
    /// The key is revoked or expired, or has a successor; nothing was changed.
    NotActive,
    /// The owner has more active keys than may be; nothing was changed.
    TooMany,
    /// No key has this id; nothing was changed.
    NotFound,
    /// Another key has the successor's id; nothing was changed.
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
