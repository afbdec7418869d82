//! The store of events that the provider sent.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::{
    ClaimToken, ClaimedEvents, CustomerId, InboxCounts, InboxEvent, InboxQuery, ProviderAccount,
    ProviderEvent, ReplayScope, Timestamp,
};

/// Keeps events until they are applied, and for a while after. An event's id is unique per provider and mode, held by a
/// constraint of the database.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait EventInbox: Debug + Send + Sync + 'static {
    /// Keeps an event, due at `now`, committed when this returns; concurrent events share a commit. One that is known already
    /// changes nothing.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] where the database gave no answer within 3 s: the event may or may not be kept.
    async fn accept(
        &self,
        at: &ProviderAccount,
        event: &ProviderEvent,
        now: Timestamp,
    ) -> Result<(), RepoError>;

    /// Hands out at most `limit` pending events that are due at `now`, those due first, to this token until that moment; each
    /// counts an attempt. Nobody else gets them before it, and no event twice in a row under one token. A claim that ran out holds
    /// until somebody else has the events.
    ///
    /// # Errors
    /// As [`accept`](Self::accept), and [`RepoError::Corrupt`] for a row that does not parse.
    async fn claim(
        &self,
        at: &ProviderAccount,
        token: &ClaimToken,
        limit: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<InboxEvent>, RepoError>;

    /// Ends the claim of events: ignored from `now` on, pending again from a moment on, or dead, with the error that led
    /// there. Those that are no longer this claim's are left. Gives how many were this claim's.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    async fn release(
        &self,
        at: &ProviderAccount,
        claimed: &ClaimedEvents,
        disposition: &Disposition,
    ) -> Result<u64, RepoError>;

    /// Makes events pending again, due at `now`, as if they had never been tried; an event that is handed out is taken back.
    /// Gives how many.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    async fn replay(
        &self,
        at: &ProviderAccount,
        which: &ReplayScope,
        now: Timestamp,
    ) -> Result<u64, RepoError>;

    /// Lists events, the last received first, then by id.
    ///
    /// # Errors
    /// As [`claim`](Self::claim).
    async fn list(
        &self,
        at: &ProviderAccount,
        query: &InboxQuery,
    ) -> Result<Vec<InboxEvent>, RepoError>;

    /// How full it is.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    async fn counts(&self, at: &ProviderAccount) -> Result<InboxCounts, RepoError>;

    /// Whether an event about this customer, or about a subscription that is the customer's as far as the mirror knows, is
    /// pending, due or not.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    async fn has_pending(
        &self,
        at: &ProviderAccount,
        customer: &CustomerId,
    ) -> Result<bool, RepoError>;

    /// Deletes events that were applied or ignored before that, some thousands at a time; gives how many.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    async fn prune(&self, before: Timestamp) -> Result<u64, RepoError>;
}

/// What becomes of events whose claim ends without their being applied. Of an error the first 500 characters are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// They are about nobody that counts here, as of this moment.
    Ignored(Timestamp),
    /// They are tried again from this moment on.
    Retry(Timestamp, String),
    /// They wait for an operator, as of this moment.
    Dead(Timestamp, String),
}
