//! The store of customer claims.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::{CustomerClaim, CustomerId, ProviderAccount, ProviderKey, Timestamp, UserId};

/// Stores customer claims. A database constraint allows one claim per user, provider and mode.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait CustomerClaims: Debug + Send + Sync + 'static {
    /// Returns the user's claim, if there is one.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] if the database did not respond within 3 s, and
    /// [`RepoError::Corrupt`] for an invalid row.
    async fn find(
        &self,
        owner: &UserId,
        account: &ProviderAccount,
    ) -> Result<Option<CustomerClaim>, RepoError>;

    /// Returns the user's claim, or creates one with this key. Concurrent calls create one claim
    /// and all return it.
    ///
    /// # Errors
    /// Same as [`find`](Self::find).
    async fn claim(
        &self,
        owner: &UserId,
        account: &ProviderAccount,
        key: &ProviderKey,
        now: Timestamp,
    ) -> Result<CustomerClaim, RepoError>;

    /// Sets the customer, if the claim has this key and no customer. Returns the stored claim, or
    /// `None` if the claim was deleted.
    ///
    /// # Errors
    /// Same as [`find`](Self::find).
    async fn fulfil(
        &self,
        owner: &UserId,
        account: &ProviderAccount,
        key: &ProviderKey,
        customer: &CustomerId,
    ) -> Result<Option<CustomerClaim>, RepoError>;

    /// Replaces the key, if the claim has the key `old` and no customer. Returns the stored claim,
    /// or `None` if the claim was deleted.
    ///
    /// # Errors
    /// Same as [`find`](Self::find).
    async fn replace_key(
        &self,
        owner: &UserId,
        account: &ProviderAccount,
        old: &ProviderKey,
        fresh: &ProviderKey,
        now: Timestamp,
    ) -> Result<Option<CustomerClaim>, RepoError>;
}
