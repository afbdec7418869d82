//! The store of checkout requests that came with an `Idempotency-Key`.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::{
    CheckoutSessionId, CustomerId, IdempotencyKey, ProviderAccount, ProviderKey, Timestamp, UserId,
};

/// Remembers what a caller asked for under which `Idempotency-Key`. The answer's URL is kept nowhere: the provider gives the
/// same one again under the same key of its own.
#[async_trait]
pub trait CheckoutRequests: Debug + Send + Sync + 'static {
    /// Remembers a request, or gives the one that stands under the caller's key. Of many at once, one is remembered.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] where the database gave no answer within 3 s, [`RepoError::Corrupt`] for a row that does not
    /// parse.
    async fn begin(
        &self,
        request: &CheckoutRequest,
        now: Timestamp,
    ) -> Result<StoredCheckoutRequest, RepoError>;

    /// Notes for whom the session was made, and its id.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    async fn complete(
        &self,
        request: &CheckoutRequest,
        customer: &CustomerId,
        session: &CheckoutSessionId,
    ) -> Result<(), RepoError>;

    /// Forgets requests made before that, some thousands at a time; gives how many.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    async fn prune(&self, before: Timestamp) -> Result<u64, RepoError>;
}

/// A request under a caller's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutRequest {
    /// Whose request: keys of different users never meet.
    pub owner: UserId,
    /// Where.
    pub account: ProviderAccount,
    /// The caller's key.
    pub key: IdempotencyKey,
    /// What is asked for, in one line: the same request has the same text.
    pub content: String,
    /// The key under which the provider is to be asked.
    pub provider_key: ProviderKey,
}

/// The request that stands under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCheckoutRequest {
    /// What it asked for.
    pub content: String,
    /// The key under which the provider was asked, or is to be.
    pub provider_key: ProviderKey,
    /// For whom a session was made, and its id, if one was.
    pub session: Option<(CustomerId, CheckoutSessionId)>,
}
