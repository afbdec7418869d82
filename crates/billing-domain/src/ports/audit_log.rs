//! The port of the audit log.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::{AuditEvent, AuditQuery, AuditRecord, Denials, Timestamp, UserId};

/// An append-only log of actions and their actors. It contains no secrets and no portal URLs.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AuditLog: Debug + Send + Sync + 'static {
    /// Adds an event. The event is committed when this returns. Concurrent calls share a commit.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] if the database did not respond within 3 s. The event may or may
    /// not be stored.
    async fn append(&self, event: &AuditEvent) -> Result<(), RepoError>;

    /// Adds the counts of denied attempts of one minute, in one commit.
    ///
    /// # Errors
    /// Same as [`append`](Self::append).
    async fn append_denials(&self, denials: &[Denials]) -> Result<(), RepoError>;

    /// Reads a page of records after the query's cursor, oldest first.
    ///
    /// # Errors
    /// Same as [`append`](Self::append), and [`RepoError::Corrupt`] for an invalid row.
    async fn read(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, RepoError>;

    /// Deletes records older than `before`, in batches. Returns their number.
    ///
    /// # Errors
    /// Same as [`append`](Self::append).
    async fn prune(&self, before: Timestamp) -> Result<u64, RepoError>;

    /// Erases a user's data from the whole database. Returns the number of changed rows.
    ///
    /// - Deletes the user's links, claims, checkout requests and keys.
    /// - Replaces the user's id and the customer ids in audit records with `forgotten`.
    /// - Deletes mirror, subscriptions and events of customers that only this user is or was linked
    ///   to, has claimed or has purchased as.
    ///
    /// # Errors
    /// Same as [`append`](Self::append).
    async fn forget(&self, user: &UserId) -> Result<u64, RepoError>;
}
