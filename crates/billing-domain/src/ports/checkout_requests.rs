//! The store of checkout requests with an `Idempotency-Key`.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::{
    CheckoutSessionId, CustomerId, IdempotencyKey, ProviderAccount, ProviderKey, Timestamp, UserId,
};

/// Stores checkout requests by `Idempotency-Key`.
///
/// The store does not contain the session's URL. The provider returns it again for the same
/// provider key.
#[async_trait]
pub trait CheckoutRequests: Debug + Send + Sync + 'static {
    /// Stores a request, or returns the earlier request with the caller's key. Of concurrent calls,
    /// one stores its request.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] if the database did not respond within 3 s, and
    /// [`RepoError::Corrupt`] for an invalid row.
    async fn begin(
        &self,
        request: &CheckoutRequest,
        now: Timestamp,
    ) -> Result<StoredCheckoutRequest, RepoError>;

    /// Stores the customer and the id of the created session.
    ///
    /// # Errors
    /// Same as [`begin`](Self::begin).
    async fn complete(
        &self,
        request: &CheckoutRequest,
        customer: &CustomerId,
        session: &CheckoutSessionId,
    ) -> Result<(), RepoError>;

    /// Deletes requests stored before `before`, in batches. Returns their number.
    ///
    /// # Errors
    /// Same as [`begin`](Self::begin).
    async fn prune(&self, before: Timestamp) -> Result<u64, RepoError>;
}

/// A checkout request with a caller's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutRequest {
    /// The caller. Each user has separate keys.
    pub owner: UserId,
    /// The provider and the mode.
    pub account: ProviderAccount,
    /// The caller's key.
    pub key: IdempotencyKey,
    /// The request's parameters in one line. Equal requests have equal text.
    pub content: String,
    /// The idempotency key for the provider.
    pub provider_key: ProviderKey,
}

/// The stored request of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCheckoutRequest {
    /// The request's parameters.
    pub content: String,
    /// The idempotency key for the provider.
    pub provider_key: ProviderKey,
    /// The customer and the id of the created session, if there is one.
    pub session: Option<(CustomerId, CheckoutSessionId)>,
}
