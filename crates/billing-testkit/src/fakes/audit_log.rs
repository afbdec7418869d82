//! [`InMemoryAuditLog`].

use std::collections::BTreeSet;
use std::sync::{Arc, MutexGuard};

use async_trait::async_trait;
use billing_domain::ports::{AuditLog, RepoError};
use billing_domain::{
    ApiKeyId, AuditEntry, AuditEvent, AuditQuery, AuditRecord, CustomerId, Denials, EventSubject,
    ProviderAccount, RequestOrigin, Timestamp, UserId,
};

use super::audit_records::{AuditRecords, Records};
use super::mirrored::Mirrored;
use super::{
    InMemoryApiKeyRepo, InMemoryCheckoutRequests, InMemoryCustomerClaims, InMemoryCustomerRepo,
    InMemoryEventInbox, Reachability,
};

/// An in-memory audit log.
#[derive(Debug, Default)]
pub struct InMemoryAuditLog {
    pub(super) log: Arc<AuditRecords>,
    pub(super) customers: Arc<InMemoryCustomerRepo>,
    pub(super) keys: Arc<InMemoryApiKeyRepo>,
    pub(super) claims: Arc<InMemoryCustomerClaims>,
    pub(super) checkouts: Arc<InMemoryCheckoutRequests>,
    pub(super) mirrored: Arc<Mirrored>,
    pub(super) inbox: Arc<InMemoryEventInbox>,
    reachability: Reachability,
}

impl InMemoryAuditLog {
    /// Creates an empty log controlled by this switch.
    #[must_use]
    pub fn with(reachability: Reachability) -> Self {
        Self { reachability, ..Self::default() }
    }

    /// Returns all events, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<AuditEvent> {
        let log = self.log.lock();
        let events = log.records.iter().filter_map(|record| match &record.entry {
            AuditEntry::Event(event) => Some(event.clone()),
            AuditEntry::Denials(_) => None,
        });
        events.collect()
    }

    /// Returns all counts of denied attempts, oldest first.
    #[must_use]
    pub fn denials(&self) -> Vec<Denials> {
        let log = self.log.lock();
        let denials = log.records.iter().filter_map(|record| match &record.entry {
            AuditEntry::Event(_) => None,
            AuditEntry::Denials(denials) => Some(denials.clone()),
        });
        denials.collect()
    }

    fn reach(&self) -> Result<MutexGuard<'_, Records>, RepoError> {
        self.reachability.check()?;
        Ok(self.log.lock())
    }

    /// Returns the customers of this user's links, claims, checkouts and records, without those
    /// that another user links or claims.
    fn own_customers(
        &self,
        user: &UserId,
    ) -> Result<BTreeSet<(ProviderAccount, CustomerId)>, RepoError> {
        let links = self
            .customers
            .links()?
            .into_iter()
            .map(|link| (link.owner, link.account, link.customer));
        let claims: Vec<_> = self.claims.reach()?.clone().into_iter().collect();
        let claimed = claims
            .into_iter()
            .filter_map(|((owner, account), claim)| Some((owner, account, claim.customer?)));
        let (own, others): (Vec<_>, Vec<_>) =
            links.chain(claimed).partition(|(owner, ..)| owner == user);
        let mut own: BTreeSet<_> =
            own.into_iter().map(|(_, account, customer)| (account, customer)).collect();
        let requests = self.checkouts.reach()?;
        let of_user = requests.iter().filter(|((owner, ..), _)| owner == user);
        own.extend(of_user.filter_map(|((_, account, _), (request, _))| {
            Some((account.clone(), request.session.as_ref()?.0.clone()))
        }));
        let events = self.events().into_iter().filter(|event| event.owner.as_ref() == Some(user));
        own.extend(events.filter_map(|event| event.customer));
        for (_, account, customer) in others {
            own.remove(&(account, customer));
        }
        Ok(own)
    }

    /// Deletes the user's data. Returns the number of rows and the ids of the keys.
    fn forget_account(&self, user: &UserId) -> Result<(u64, Vec<ApiKeyId>), RepoError> {
        let mut deleted = 0;
        for (account, customer) in self.own_customers(user)? {
            let mut subjects = vec![EventSubject::Customer(customer.clone())];
            if let Some(known) = self.mirrored.lock().unwrap().remove(&(account.clone(), customer))
            {
                let subscriptions = known.state.subscriptions();
                subjects.extend(
                    subscriptions.iter().map(|one| EventSubject::Subscription(one.id.clone())),
                );
                deleted += 1 + subscriptions.len() as u64;
            }
            deleted += self.inbox.forget(&account, &subjects)?;
        }
        deleted +=
            self.claims.reach()?.extract_if(.., |(owner, _), _| owner == user).count() as u64;
        deleted +=
            self.checkouts.reach()?.extract_if(.., |(owner, ..), _| owner == user).count() as u64;
        let keys = self.keys.forget(user)?;
        Ok((deleted + self.customers.forget(user)? + keys.len() as u64, keys))
    }
}

fn moment(entry: &AuditEntry) -> Timestamp {
    match entry {
        AuditEntry::Event(event) => event.at,
        AuditEntry::Denials(denials) => denials.at,
    }
}

fn owner(entry: &AuditEntry) -> Option<&UserId> {
    match entry {
        AuditEntry::Event(event) => event.owner.as_ref(),
        AuditEntry::Denials(_) => None,
    }
}

#[async_trait]
impl AuditLog for InMemoryAuditLog {
    async fn append(&self, event: &AuditEvent) -> Result<(), RepoError> {
        self.reach()?.add(AuditEntry::Event(event.clone()));
        Ok(())
    }

    async fn append_denials(&self, denials: &[Denials]) -> Result<(), RepoError> {
        let mut log = self.reach()?;
        denials.iter().for_each(|one| log.add(AuditEntry::Denials(one.clone())));
        Ok(())
    }

    async fn read(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, RepoError> {
        let log = self.reach()?;
        let wanted = log.records.iter().filter(|record| {
            query.owner.as_ref().is_none_or(|wanted| owner(&record.entry) == Some(wanted))
                && query.since.is_none_or(|since| moment(&record.entry) >= since)
                && query.after.is_none_or(|after| record.sequence > after)
        });
        Ok(wanted.take(query.limit as usize).cloned().collect())
    }

    async fn prune(&self, before: Timestamp) -> Result<u64, RepoError> {
        let mut log = self.reach()?;
        Ok(log.records.extract_if(.., |record| moment(&record.entry) < before).count() as u64)
    }

    async fn forget(&self, user: &UserId) -> Result<u64, RepoError> {
        let forgotten: UserId = "forgotten".parse().unwrap();
        let (mut touched, keys) = self.forget_account(user)?;
        let mut log = self.reach()?;
        for record in &mut log.records {
            match &mut record.entry {
                AuditEntry::Event(event)
                    if event.owner.as_ref() == Some(user) && *user != forgotten =>
                {
                    event.owner = Some(forgotten.clone());
                    if let Some((_, customer)) = &mut event.customer {
                        *customer = "forgotten".parse().unwrap();
                    }
                    event.origin = RequestOrigin::default();
                    touched += 1;
                }
                AuditEntry::Denials(denials)
                    if denials.source.is_some()
                        && denials.key.as_ref().is_some_and(|key| keys.contains(key)) =>
                {
                    denials.source = None;
                    touched += 1;
                }
                AuditEntry::Event(_) | AuditEntry::Denials(_) => {}
            }
        }
        Ok(touched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn events_returns_the_appended_events() {
        let log = InMemoryAuditLog::default();
        let event =
            crate::samples::audit_event(&crate::samples::user("ann"), Timestamp::from_seconds(1));
        log.append(&event).await.unwrap();
        assert_eq!(log.events(), [event]);
        assert_eq!(log.denials(), []);
    }
}
