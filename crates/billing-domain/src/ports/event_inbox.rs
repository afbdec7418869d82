//! The store of the provider's events.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::{
    ClaimToken, ClaimedEvents, CustomerId, InboxCounts, InboxEvent, InboxQuery, ProviderAccount,
    ProviderEvent, ReplayScope, Timestamp,
};

/// Stores events until they are applied, and for a retention time afterwards. A database constraint
/// keeps event ids unique per provider and mode.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait EventInbox: Debug + Send + Sync + 'static {
    /// Stores an event, due at `now`. The event is committed when this returns. Concurrent calls
    /// share a commit. An event with a stored id changes nothing.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] if the database did not respond within 3 s. The event may or may
    /// not be stored.
    async fn accept(
        &self,
        account: &ProviderAccount,
        event: &ProviderEvent,
        now: Timestamp,
    ) -> Result<(), RepoError>;

    /// Claims up to `limit` pending events that are due at `now`, those due first, and counts an
    /// attempt for each of them.
    ///
    /// The lease ends at `until`. Before that, other tokens cannot claim the events. After that,
    /// the token keeps the events until another token claims them, and cannot claim them again
    /// itself.
    ///
    /// # Errors
    /// Same as [`accept`](Self::accept), and [`RepoError::Corrupt`] for an invalid row.
    async fn claim(
        &self,
        account: &ProviderAccount,
        token: &ClaimToken,
        limit: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<InboxEvent>, RepoError>;

    /// Ends a claim with this disposition. Skips events that another token has claimed. Returns the
    /// number of released events.
    ///
    /// # Errors
    /// Same as [`accept`](Self::accept).
    async fn release(
        &self,
        account: &ProviderAccount,
        claimed: &ClaimedEvents,
        disposition: &Disposition,
    ) -> Result<u64, RepoError>;

    /// Resets events to pending, due at `now`, without attempts. Ends claims of these events.
    /// Returns the number of events.
    ///
    /// # Errors
    /// Same as [`accept`](Self::accept).
    async fn replay(
        &self,
        account: &ProviderAccount,
        scope: &ReplayScope,
        now: Timestamp,
    ) -> Result<u64, RepoError>;

    /// Lists events: last received first, then by id.
    ///
    /// # Errors
    /// Same as [`claim`](Self::claim).
    async fn list(
        &self,
        account: &ProviderAccount,
        query: &InboxQuery,
    ) -> Result<Vec<InboxEvent>, RepoError>;

    /// Counts the events.
    ///
    /// # Errors
    /// Same as [`accept`](Self::accept).
    async fn counts(&self, account: &ProviderAccount) -> Result<InboxCounts, RepoError>;

    /// Returns whether an event is pending, due or not, for this customer or for one of its
    /// subscriptions in the mirror.
    ///
    /// # Errors
    /// Same as [`accept`](Self::accept).
    async fn has_pending(
        &self,
        account: &ProviderAccount,
        customer: &CustomerId,
    ) -> Result<bool, RepoError>;

    /// Deletes events that were applied or ignored before `before`, in batches. Returns their
    /// number.
    ///
    /// # Errors
    /// Same as [`accept`](Self::accept).
    async fn prune(&self, before: Timestamp) -> Result<u64, RepoError>;
}

/// The next state of released events. The store keeps the first 500 characters of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The events concern no customer of this service. Ignored at this time.
    Ignored(Timestamp),
    /// The events are due again at this time, after this error.
    Retry(Timestamp, String),
    /// The events are dead-lettered at this time, because of this error.
    Dead(Timestamp, String),
}
