//! The store of links from users to customers.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::{CustomerId, CustomerLink, ProviderAccount, Timestamp, UserId};

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

    /// Links a user to a customer. One statement: of two that race, one wins and the other is told.
    ///
    /// # Errors
    /// As [`find`](Self::find). A conflict is an outcome, not an error.
    async fn link(
        &self,
        link: &CustomerLink,
        on_conflict: OnConflict,
        now: Timestamp,
    ) -> Result<LinkOutcome, RepoError>;

    /// Removes the user's link there; gives the customer that it named, or `None` if there was no link.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn unlink(
        &self,
        owner: &UserId,
        at: &ProviderAccount,
    ) -> Result<Option<CustomerId>, RepoError>;

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

/// What to do where the user already has another customer there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// Leave the existing link.
    Keep,
    /// Put the new customer in its place.
    Replace,
}

/// What became of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkOutcome {
    /// The user had none there, and has this one now.
    Created,
    /// The user had this very customer already.
    Unchanged,
    /// The user had another customer, which this one replaced.
    Replaced(CustomerId),
    /// The user has another customer, which was left.
    Conflict(CustomerId),
}
