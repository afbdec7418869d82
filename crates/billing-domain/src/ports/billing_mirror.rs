//! The store of the mirror.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::{
    CustomerId, Effect, MirrorOutcome, MirrorUpdate, MirroredCustomer, ProviderAccount,
    SubscriptionId,
};

/// Stores the last reading of each customer.
///
/// The domain decides the effects of a reading on links, claims, events and audit records. The
/// store applies them in one transaction.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait BillingMirror: Debug + Send + Sync + 'static {
    /// Returns the last reading of a customer, if there is one.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] if the database did not respond within 3 s, and
    /// [`RepoError::Corrupt`] for an invalid row.
    async fn find(
        &self,
        account: &ProviderAccount,
        customer: &CustomerId,
    ) -> Result<Option<MirroredCustomer>, RepoError>;

    /// Applies an update and its effects in one transaction:
    ///
    /// - If the mirror's row has the expected version, replaces its state and subscriptions and
    ///   increments the version.
    /// - Applies the effects in their order; see [`Effect`] for their preconditions.
    ///
    /// If a precondition fails, the store rolls back and returns its outcome.
    ///
    /// # Errors
    /// Same as [`find`](Self::find).
    async fn apply(
        &self,
        update: &MirrorUpdate,
        effects: &[Effect],
    ) -> Result<MirrorOutcome, RepoError>;

    /// Lists up to `limit` customers after this id, in ascending order: all customers in the
    /// mirror, in a link or in a claim.
    ///
    /// A customer that was never read has version 0, `read_at` 0 and no subscriptions.
    ///
    /// # Errors
    /// Same as [`find`](Self::find).
    async fn list<'a>(
        &self,
        account: &ProviderAccount,
        after: Option<&'a CustomerId>,
        limit: u32,
    ) -> Result<Vec<MirroredCustomer>, RepoError>;

    /// Returns the customer of a subscription, if the mirror has the subscription.
    ///
    /// # Errors
    /// Same as [`find`](Self::find).
    async fn customer_of(
        &self,
        account: &ProviderAccount,
        subscription: &SubscriptionId,
    ) -> Result<Option<CustomerId>, RepoError>;
}
