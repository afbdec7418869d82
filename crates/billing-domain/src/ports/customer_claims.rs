//! The store of claims to customers.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::{CustomerClaim, CustomerId, ProviderAccount, ProviderKey, Timestamp, UserId};

/// Keeps at most one claim per (user, provider, mode), held by a constraint of the database.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait CustomerClaims: Debug + Send + Sync + 'static {
    /// The user's claim there, or `None`.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] where the database gave no answer within 3 s, [`RepoError::Corrupt`] for a row that does not
    /// parse.
    async fn find(
        &self,
        owner: &UserId,
        at: &ProviderAccount,
    ) -> Result<Option<CustomerClaim>, RepoError>;

    /// The user's claim there: the one that stands, or a new one under this key. One statement decides: of many at once, one
    /// makes it and all are given it.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn claim(
        &self,
        owner: &UserId,
        at: &ProviderAccount,
        key: &ProviderKey,
        now: Timestamp,
    ) -> Result<CustomerClaim, RepoError>;

    /// Notes the customer that the provider gave under this key, if the claim still has the key and no customer. Gives the
    /// claim that stands after it; `None` where there is none any more.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn fulfil(
        &self,
        owner: &UserId,
        at: &ProviderAccount,
        key: &ProviderKey,
        customer: &CustomerId,
    ) -> Result<Option<CustomerClaim>, RepoError>;

    /// Puts a fresh key in the place of an old one, if the claim still has that and no customer. Gives the claim that stands
    /// after it; `None` where there is none any more.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn replace_key(
        &self,
        owner: &UserId,
        at: &ProviderAccount,
        old: &ProviderKey,
        fresh: &ProviderKey,
        now: Timestamp,
    ) -> Result<Option<CustomerClaim>, RepoError>;
}
