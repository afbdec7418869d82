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

pub(super) type Events = BTreeMap<(ProviderAccount, EventId), Kept>;

/// So many characters of an error are kept.
const ERROR_CHARS: usize = 500;

/// Events in a map that is gone with the process.
#[derive(Debug, Default)]
pub struct InMemoryEventInbox {
    events: Mutex<Events>,
    mirrored: Arc<Mirrored>,
    reachability: Reachability,
}

#[derive(Clone, Debug)]
pub(super) struct Kept {
    event: InboxEvent,
    /// To whom it was handed out last.
    token: Option<ClaimToken>,
    /// Until when it is theirs, unless they gave it back.
    until: Option<Timestamp>,
}

impl Kept {
    fn word(&self) -> InboxStatus {
        self.event.state.parts().0
    }

    fn is_due(&self, token: &ClaimToken, now: Timestamp) -> bool {
        matches!(self.event.state, InboxState::Pending(due) if due <= now)
            && self.until.is_none_or(|until| until <= now)
            && self.token.as_ref() != Some(token)
    }

    fn belongs_to(&self, token: &ClaimToken) -> bool {
        self.word() == InboxStatus::Pending
            && self.until.is_some()
            && self.token.as_ref() == Some(token)
    }

    fn lead_to(&mut self, state: InboxState, error: Option<String>) {
        self.event.state = state;
        self.event.error = error;
        self.until = None;
    }
}

impl InMemoryEventInbox {
    /// An empty inbox that this switch takes out of reach.
    #[must_use]
    pub fn with(reachability: Reachability) -> Self {
        Self { reachability, ..Self::default() }
    }

    /// An empty inbox in one database with this mirror.
    pub(super) fn beside(mirrored: Arc<Mirrored>, reachability: Reachability) -> Self {
        Self { mirrored, reachability, ..Self::default() }
    }

    /// The events, if the inbox can be reached.
    pub(super) fn reach(&self) -> Result<MutexGuard<'_, Events>, RepoError> {
        self.reachability.check()?;
        Ok(self.events.lock().unwrap())
    }

    /// Deletes events about some subjects; gives how many.
    pub(super) fn forget(
        &self,
        at: &ProviderAccount,
        subjects: &[EventSubject],
    ) -> Result<u64, RepoError> {
        let is_about = |place: &ProviderAccount, kept: &Kept| {
            place == at && subjects.contains(&kept.event.event.subject)
        };
        Ok(self.reach()?.extract_if(.., |(place, _), kept| is_about(place, kept)).count() as u64)
    }
}

/// Whether all these events were this claim's, and now are applied.
pub(super) fn settle(
    events: &mut Events,
    at: &ProviderAccount,
    claimed: &ClaimedEvents,
    now: Timestamp,
) -> bool {
    let keys: BTreeSet<_> = claimed.events.iter().map(|id| (at.clone(), id.clone())).collect();
    let mut settled = 0;
    for key in &keys {
        if let Some(kept) = events.get_mut(key).filter(|kept| kept.belongs_to(&claimed.token)) {
            kept.lead_to(InboxState::Applied(now), None);
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
        at: &ProviderAccount,
        event: &ProviderEvent,
        now: Timestamp,
    ) -> Result<(), RepoError> {
        let fresh = || Kept {
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
        self.reach()?.entry((at.clone(), event.id.clone())).or_insert_with(fresh);
        Ok(())
    }

    async fn claim(
        &self,
        at: &ProviderAccount,
        token: &ClaimToken,
        limit: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<InboxEvent>, RepoError> {
        let mut events = self.reach()?;
        let mut due: Vec<&mut Kept> = events
            .iter_mut()
            .filter(|((place, _), kept)| place == at && kept.is_due(token, now))
            .map(|(_, kept)| kept)
            .collect();
        due.sort_by_key(|kept| kept.event.state.parts().1);
        let handed_out = due.into_iter().take(limit as usize).map(|kept| {
            kept.token = Some(token.clone());
            kept.until = Some(until);
            kept.event.attempts += 1;
            kept.event.clone()
        });
        Ok(handed_out.collect())
    }

    async fn release(
        &self,
        at: &ProviderAccount,
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
            let kept = events.get_mut(&(at.clone(), id.clone()));
            if let Some(kept) = kept.filter(|kept| kept.belongs_to(&claimed.token)) {
                kept.lead_to(state, error.clone());
                released += 1;
            }
        }
        Ok(released)
    }

    async fn replay(
        &self,
        at: &ProviderAccount,
        which: &ReplayScope,
        now: Timestamp,
    ) -> Result<u64, RepoError> {
        let mut events = self.reach()?;
        let is_meant = |id: &EventId, kept: &Kept| match which {
            ReplayScope::Event(one) => one == id,
            ReplayScope::AllDead => kept.word() == InboxStatus::Dead,
        };
        let mut replayed = 0;
        for ((_, _), kept) in
            events.iter_mut().filter(|((place, id), kept)| place == at && is_meant(id, kept))
        {
            kept.lead_to(InboxState::Pending(now), None);
            kept.event.attempts = 0;
            replayed += 1;
        }
        Ok(replayed)
    }

    async fn list(
        &self,
        at: &ProviderAccount,
        query: &InboxQuery,
    ) -> Result<Vec<InboxEvent>, RepoError> {
        let events = self.reach()?;
        let wanted = events.iter().filter(|((place, _), kept)| {
            place == at && query.state.is_none_or(|word| word == kept.word())
        });
        let mut listed: Vec<InboxEvent> = wanted.map(|(_, kept)| kept.event.clone()).collect();
        listed.sort_by_key(|event| std::cmp::Reverse(event.received));
        listed.truncate(query.limit as usize);
        Ok(listed)
    }

    async fn counts(&self, at: &ProviderAccount) -> Result<InboxCounts, RepoError> {
        let events = self.reach()?;
        let mut counts = InboxCounts::default();
        for (_, kept) in events.iter().filter(|((place, _), _)| place == at) {
            match kept.word() {
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
        at: &ProviderAccount,
        customer: &CustomerId,
    ) -> Result<bool, RepoError> {
        let mirrored = self.mirrored.lock().unwrap();
        let own = mirrored
            .get(&(at.clone(), customer.clone()))
            .map_or(&[][..], |known| known.state.subscriptions());
        let is_about = |subject: &EventSubject| match subject {
            EventSubject::Customer(id) => id == customer,
            EventSubject::Subscription(id) => own.iter().any(|subscription| subscription.id == *id),
            EventSubject::Unrelated => false,
        };
        Ok(self.reach()?.iter().any(|((place, _), kept)| {
            place == at
                && kept.word() == InboxStatus::Pending
                && is_about(&kept.event.event.subject)
        }))
    }

    async fn prune(&self, before: Timestamp) -> Result<u64, RepoError> {
        let is_old = |kept: &Kept| match kept.event.state {
            InboxState::Applied(at) | InboxState::Ignored(at) => at < before,
            InboxState::Pending(_) | InboxState::Dead(_) => false,
        };
        Ok(self.reach()?.extract_if(.., |_, kept| is_old(kept)).count() as u64)
    }
}
