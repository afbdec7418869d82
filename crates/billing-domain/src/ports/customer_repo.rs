//! The store of links from users to customers.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::{AuditEvent, CustomerId, CustomerLink, ProviderAccount, Timestamp, UserId};

/// Stores the links from users to customers.
///
/// A database constraint allows one link per user, provider and mode. Several users may share a
/// customer.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait CustomerRepo: Debug + Send + Sync + 'static {
    /// Returns the customer that the user is linked to, if there is one.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] if the database did not respond within 3 s, and
    /// [`RepoError::Corrupt`] for an invalid stored id.
    async fn find(
        &self,
        owner: &UserId,
        account: &ProviderAccount,
    ) -> Result<Option<CustomerId>, RepoError>;

    /// Applies a link change and adds its audit records in one transaction, if the precondition of
    /// the change is met. Returns whether it was.
    ///
    /// Of two concurrent changes, one succeeds. A failed change adds no record.
    ///
    /// # Errors
    /// Same as [`find`](Self::find).
    async fn change(
        &self,
        change: &LinkChange,
        now: Timestamp,
        records: &[AuditEvent],
    ) -> Result<bool, RepoError>;

    /// Lists a user's links in all providers and modes, sorted by provider, then mode.
    ///
    /// # Errors
    /// Same as [`find`](Self::find).
    async fn list(&self, owner: &UserId) -> Result<Vec<CustomerLink>, RepoError>;

    /// Lists the users that are linked to this customer, in ascending order. Uses one indexed read.
    ///
    /// # Errors
    /// Same as [`find`](Self::find).
    async fn owners(
        &self,
        account: &ProviderAccount,
        customer: &CustomerId,
    ) -> Result<Vec<UserId>, RepoError>;
}

/// A change of a user's link, with a precondition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkChange {
    /// Adds this link. Precondition: the user has no link.
    Add(CustomerLink),
    /// Replaces the user's link. Precondition: the user is linked to `old`.
    Replace {
        /// The customer before the change.
        old: CustomerId,
        /// The link after it.
        new: CustomerLink,
    },
    /// Removes this link. Precondition: the user has this link.
    Remove(CustomerLink),
}
