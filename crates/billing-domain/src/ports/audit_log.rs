//! The audit log.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::{AuditEvent, AuditQuery, AuditRecord, Denials};
use crate::{Timestamp, UserId};

/// Keeps what was done, by whom, in rows that are only ever added. Never a secret, never a portal URL.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AuditLog: Debug + Send + Sync + 'static {
    /// Adds an event, committed when this returns. Concurrent events share a commit.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] where the database gave no answer within 3 s: the event may or may not be kept.
    async fn append(&self, event: &AuditEvent) -> Result<(), RepoError>;

    /// Adds a minute's counts of denied attempts, in one commit.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    async fn append_denials(&self, denials: &[Denials]) -> Result<(), RepoError>;

    /// A page of records, oldest first, after the query's cursor.
    ///
    /// # Errors
    /// As [`append`](Self::append), and [`RepoError::Corrupt`] for a row that does not parse.
    async fn read(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, RepoError>;

    /// Deletes records older than that, some thousands at a time; gives how many.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    async fn prune(&self, before: Timestamp) -> Result<u64, RepoError>;

    /// Erases what names this person, everywhere in the database: links, claims, checkout requests and keys are deleted, in
    /// audit records the user's id and customer ids give way to `forgotten`. Of customers whom only this user is or was linked
    /// to, claims or bought as, mirror, subscriptions and events are deleted, too. Gives how many rows were touched.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    async fn forget(&self, user: &UserId) -> Result<u64, RepoError>;
}
