//! The store of links from users to customers.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::{AuditEvent, CustomerId, CustomerLink, ProviderAccount, Timestamp, UserId};

/// Keeps which customer a user is, per provider and mode.
///
/// At most one customer per (user, provider, mode), held by a constraint of the database; several users may share a customer.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait CustomerRepo: Debug + Send + Sync + 'static {
    /// The user's customer there, or `None` if nobody linked one.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] where the database gave no answer within 3 s, [`RepoError::Corrupt`] for a stored id that
    /// is none.
    async fn find(
        &self,
        owner: &UserId,
        at: &ProviderAccount,
    ) -> Result<Option<CustomerId>, RepoError>;

    /// Changes a user's link if it still is as the change expects, and commits the audit records with it. Says whether it did:
    /// of two changes that race, one is made. A change that is not made leaves no record.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn change(
        &self,
        change: &LinkChange,
        now: Timestamp,
        records: &[AuditEvent],
    ) -> Result<bool, RepoError>;

    /// All of a user's links, in every provider and mode, ordered by provider, then mode.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn list(&self, owner: &UserId) -> Result<Vec<CustomerLink>, RepoError>;

    /// The users who are linked to this customer there, ascending. One indexed read.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn owners(
        &self,
        at: &ProviderAccount,
        customer: &CustomerId,
    ) -> Result<Vec<UserId>, RepoError>;
}

/// A change of one user's link, with what it expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkChange {
    /// The user has no link there, and gets this one.
    Add(CustomerLink),
    /// The user's link there names `old`, and becomes this one.
    Replace {
        /// The customer before the change.
        old: CustomerId,
        /// The link after it.
        new: CustomerLink,
    },
    /// The user has exactly this link, and loses it.
    Remove(CustomerLink),
}
