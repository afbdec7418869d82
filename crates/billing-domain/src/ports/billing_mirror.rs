//! The store of what the provider said last about its customers.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::{
    CustomerId, MirrorOutcome, MirrorUpdate, MirroredCustomer, ProviderAccount, SubscriptionId,
};

/// Keeps the mirror. What a reading changes (the mirror itself, links, claims, events that it settles, audit records) is one
/// transaction.
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

    /// Writes a reading, in one transaction:
    ///
    /// - the mirror's row, if its version still is the expected one, with the version counted up; its subscriptions are
    ///   exactly the reading's;
    /// - for [`MirrorUpdate::links`]: the user's link, unless the user has one there (an audit record `customer.linked` by the
    ///   provider, where one is made);
    /// - for [`MirrorUpdate::fulfils`]: the customer, in the user's claim, if it has none yet;
    /// - for a customer who is gone: all links to it are removed (an audit record `customer.unlinked` each) and all claims
    ///   that name it, so that the next purchase makes a new one; the mirror's row stays, as a tombstone;
    /// - the events that it settles are applied. If one of them is no longer claimed by the token, nothing of all this happens.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn write(&self, update: &MirrorUpdate) -> Result<MirrorOutcome, RepoError>;

    /// A page of customers who are in the mirror, are linked to a user or claimed by one, after this id: ascending, at most
    /// `limit`. One that was never read has version 0, is read at 0 and has no subscription.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn page<'a>(
        &self,
        at: &ProviderAccount,
        after: Option<&'a CustomerId>,
        limit: u32,
    ) -> Result<Vec<MirroredCustomer>, RepoError>;

    /// Who has this subscription, as far as the mirror knows.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn holder(
        &self,
        at: &ProviderAccount,
        subscription: &SubscriptionId,
    ) -> Result<Option<CustomerId>, RepoError>;
}
