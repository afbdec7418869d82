//! [`InMemoryEventInbox`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use billing_domain::ports::{Disposition, EventInbox, RepoError};
use billing_domain::{
    ClaimToken, ClaimedEvents, CustomerId, EventId, EventSubject, InboxCounts, InboxEvent,
    InboxQuery, InboxState, InboxStatus, ProviderAccount, ProviderEvent, ReplayScope, Timestamp,
};

use super::Reachability;
use super::mirrored::Mirrored;

pub(super) type Events = BTreeMap<(ProviderAccount, EventId), StoredEvent>;

/// Maximum stored characters of an error.
const ERROR_CHARS: usize = 500;

/// An in-memory inbox.
#[derive(Debug, Default)]
pub struct InMemoryEventInbox {
    events: Mutex<Events>,
    mirrored: Arc<Mirrored>,
    reachability: Reachability,
}

#[derive(Clone, Debug)]
pub(super) struct StoredEvent {
    event: InboxEvent,
    /// Token of the last claim.
    token: Option<ClaimToken>,
    /// End of the lease, unless released.
    until: Option<Timestamp>,
}

impl StoredEvent {
    fn status(&self) -> InboxStatus {
        self.event.state.parts().0
    }

    fn is_due(&self, token: &ClaimToken, now: Timestamp) -> bool {
        matches!(self.event.state, InboxState::Pending(due) if due <= now)
            && self.until.is_none_or(|until| until <= now)
            && self.token.as_ref() != Some(token)
    }

    fn belongs_to(&self, token: &ClaimToken) -> bool {
        self.status() == InboxStatus::Pending
            && self.until.is_some()
            && self.token.as_ref() == Some(token)
    }

    fn set_state(&mut self, state: InboxState, error: Option<String>) {
        self.event.state = state;
        self.event.error = error;
        self.until = None;
    }
}

impl InMemoryEventInbox {
    /// Creates an empty inbox controlled by this switch.
    #[must_use]
    pub fn with(reachability: Reachability) -> Self {
        Self { reachability, ..Self::default() }
    }

    /// Creates an empty inbox that shares a database with this mirror.
    pub(super) fn with_mirror(mirrored: Arc<Mirrored>, reachability: Reachability) -> Self {
        Self { mirrored, reachability, ..Self::default() }
    }

    /// Returns the events, if the store is reachable.
    pub(super) fn reach(&self) -> Result<MutexGuard<'_, Events>, RepoError> {
        self.reachability.check()?;
        Ok(self.events.lock().unwrap())
    }

    /// Deletes events about these subjects and returns their number.
    pub(super) fn forget(
        &self,
        account: &ProviderAccount,
        subjects: &[EventSubject],
    ) -> Result<u64, RepoError> {
        let is_about = |other: &ProviderAccount, kept: &StoredEvent| {
            other == account && subjects.contains(&kept.event.event.subject)
        };
        Ok(self.reach()?.extract_if(.., |(other, _), kept| is_about(other, kept)).count() as u64)
    }
}

/// Marks claimed events as applied. Returns whether all of them belonged to the claim.
pub(super) fn settle(
    events: &mut Events,
    account: &ProviderAccount,
    claimed: &ClaimedEvents,
    now: Timestamp,
) -> bool {
    let keys: BTreeSet<_> = claimed.events.iter().map(|id| (account.clone(), id.clone())).collect();
    let mut settled = 0;
    for key in &keys {
        if let Some(kept) = events.get_mut(key).filter(|kept| kept.belongs_to(&claimed.token)) {
            kept.set_state(InboxState::Applied(now), None);
            settled += 1;
        }
    }
    settled == keys.len()
}

fn error_text(error: &str) -> String {
    error.chars().filter(|c| *c != '\0').take(ERROR_CHARS).collect()
}

#[async_trait]
impl EventInbox for InMemoryEventInbox {
    async fn accept(
        &self,
        account: &ProviderAccount,
        event: &ProviderEvent,
        now: Timestamp,
    ) -> Result<(), RepoError> {
        let new = || StoredEvent {
            event: InboxEvent {
                event: event.clone(),
                received: now,
                state: InboxState::Pending(now),
                attempts: 0,
                error: None,
            },
            token: None,
            until: None,
        };
        self.reach()?.entry((account.clone(), event.id.clone())).or_insert_with(new);
        Ok(())
    }

    async fn claim(
        &self,
        account: &ProviderAccount,
        token: &ClaimToken,
        limit: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<InboxEvent>, RepoError> {
        let mut events = self.reach()?;
        let mut due: Vec<&mut StoredEvent> = events
            .iter_mut()
            .filter(|((other, _), kept)| other == account && kept.is_due(token, now))
            .map(|(_, kept)| kept)
            .collect();
        due.sort_by_key(|kept| kept.event.state.parts().1);
        let claimed = due.into_iter().take(limit as usize).map(|kept| {
            kept.token = Some(token.clone());
            kept.until = Some(until);
            kept.event.attempts += 1;
            kept.event.clone()
        });
        Ok(claimed.collect())
    }

    async fn release(
        &self,
        account: &ProviderAccount,
        claimed: &ClaimedEvents,
        disposition: &Disposition,
    ) -> Result<u64, RepoError> {
        let (state, error) = match disposition {
            Disposition::Ignored(now) => (InboxState::Ignored(*now), None),
            Disposition::Retry(due, error) => (InboxState::Pending(*due), Some(error_text(error))),
            Disposition::Dead(now, error) => (InboxState::Dead(*now), Some(error_text(error))),
        };
        let mut events = self.reach()?;
        let mut released = 0;
        for id in &claimed.events {
            let kept = events.get_mut(&(account.clone(), id.clone()));
            if let Some(kept) = kept.filter(|kept| kept.belongs_to(&claimed.token)) {
                kept.set_state(state, error.clone());
                released += 1;
            }
        }
        Ok(released)
    }

    async fn replay(
        &self,
        account: &ProviderAccount,
        which: &ReplayScope,
        now: Timestamp,
    ) -> Result<u64, RepoError> {
        let mut events = self.reach()?;
        let is_in_scope = |id: &EventId, kept: &StoredEvent| match which {
            ReplayScope::Event(one) => one == id,
            ReplayScope::AllDead => kept.status() == InboxStatus::Dead,
        };
        let mut replayed = 0;
        for ((_, _), kept) in events
            .iter_mut()
            .filter(|((other, id), kept)| other == account && is_in_scope(id, kept))
        {
            kept.set_state(InboxState::Pending(now), None);
            kept.event.attempts = 0;
            replayed += 1;
        }
        Ok(replayed)
    }

    async fn list(
        &self,
        account: &ProviderAccount,
        query: &InboxQuery,
    ) -> Result<Vec<InboxEvent>, RepoError> {
        let events = self.reach()?;
        let wanted = events.iter().filter(|((other, _), kept)| {
            other == account && query.state.is_none_or(|status| status == kept.status())
        });
        let mut listed: Vec<InboxEvent> = wanted.map(|(_, kept)| kept.event.clone()).collect();
        listed.sort_by_key(|event| std::cmp::Reverse(event.received));
        listed.truncate(query.limit as usize);
        Ok(listed)
    }

    async fn counts(&self, account: &ProviderAccount) -> Result<InboxCounts, RepoError> {
        let events = self.reach()?;
        let mut counts = InboxCounts::default();
        for (_, kept) in events.iter().filter(|((other, _), _)| other == account) {
            match kept.status() {
                InboxStatus::Pending => {
                    counts.pending += 1;
                    let received = kept.event.received;
                    counts.oldest_pending =
                        Some(counts.oldest_pending.map_or(received, |oldest| oldest.min(received)));
                }
                InboxStatus::Dead => counts.dead += 1,
                InboxStatus::Applied | InboxStatus::Ignored => {}
            }
        }
        Ok(counts)
    }

    async fn has_pending(
        &self,
        account: &ProviderAccount,
        customer: &CustomerId,
    ) -> Result<bool, RepoError> {
        let mirrored = self.mirrored.lock().unwrap();
        let own = mirrored
            .get(&(account.clone(), customer.clone()))
            .map_or(&[][..], |known| known.state.subscriptions());
        let is_about = |subject: &EventSubject| match subject {
            EventSubject::Customer(id) => id == customer,
            EventSubject::Subscription(id) => own.iter().any(|subscription| subscription.id == *id),
            EventSubject::Unrelated => false,
        };
        Ok(self.reach()?.iter().any(|((other, _), kept)| {
            other == account
                && kept.status() == InboxStatus::Pending
                && is_about(&kept.event.event.subject)
        }))
    }

    async fn prune(&self, before: Timestamp) -> Result<u64, RepoError> {
        let is_old = |kept: &StoredEvent| match kept.event.state {
            InboxState::Applied(at) | InboxState::Ignored(at) => at < before,
            InboxState::Pending(_) | InboxState::Dead(_) => false,
        };
        Ok(self.reach()?.extract_if(.., |_, kept| is_old(kept)).count() as u64)
    }
}
