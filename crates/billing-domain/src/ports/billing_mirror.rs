//! The store of what the provider said last about its customers.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::{
    CustomerId, Effect, MirrorOutcome, MirrorUpdate, MirroredCustomer, ProviderAccount,
    SubscriptionId,
};

/// Keeps the mirror. What a reading changes (the mirror itself, links, claims, events that it settles, audit records) is decided
/// by the domain, and one transaction here.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait BillingMirror: Debug + Send + Sync + 'static {
    /// The customer as it was read last, or `None` if it never was.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] where the database gave no answer within 3 s, [`RepoError::Corrupt`] for a row that does not
    /// parse.
    async fn find(
        &self,
        at: &ProviderAccount,
        customer: &CustomerId,
    ) -> Result<Option<MirroredCustomer>, RepoError>;

    /// Applies an update and its effects in one transaction, all or nothing:
    ///
    /// - the mirror's row, if its version still is the expected one, with the version counted up; its subscriptions are
    ///   exactly the update's;
    /// - the effects, in their order, each if what it expects is so; see [`Effect`].
    ///
    /// The first expectation that fails decides the outcome, and nothing of all this happens.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn apply(
        &self,
        update: &MirrorUpdate,
        effects: &[Effect],
    ) -> Result<MirrorOutcome, RepoError>;

    /// A page of customers who are in the mirror, are linked to a user or claimed by one, after this id: ascending, at most
    /// `limit`. One that was never read has version 0, is read at 0 and has no subscription.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn list<'a>(
        &self,
        at: &ProviderAccount,
        after: Option<&'a CustomerId>,
        limit: u32,
    ) -> Result<Vec<MirroredCustomer>, RepoError>;

    /// Who has this subscription, as far as the mirror knows.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn customer_of(
        &self,
        at: &ProviderAccount,
        subscription: &SubscriptionId,
    ) -> Result<Option<CustomerId>, RepoError>;
}
