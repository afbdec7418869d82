//! [`InMemoryAuditLog`].

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use billing_domain::ports::{AuditLog, RepoError};
use billing_domain::{AuditEntry, AuditEvent, AuditQuery, AuditRecord, Denials, RequestOrigin, Timestamp, UserId};

use super::{InMemoryApiKeyRepo, InMemoryCustomerRepo, Reachability};

/// Records in a list that is gone with the process.
#[derive(Debug, Default)]
pub struct InMemoryAuditLog {
    log: Mutex<Log>,
    customers: Arc<InMemoryCustomerRepo>,
    keys: Arc<InMemoryApiKeyRepo>,
    reachability: Reachability,
}

#[derive(Debug, Default)]
struct Log {
    records: Vec<AuditRecord>,
    last_sequence: i64,
}

impl Log {
    fn add(&mut self, entry: AuditEntry) {
        self.last_sequence += 1;
        self.records.push(AuditRecord { sequence: self.last_sequence, entry });
    }
}

impl InMemoryAuditLog {
    /// An empty log that this switch takes out of reach.
    #[must_use]
    pub fn with(reachability: Reachability) -> Self {
        Self { reachability, ..Self::default() }
    }

    /// An empty log in one database with these: who is forgotten, is forgotten there too.
    #[must_use]
    pub fn beside(customers: Arc<InMemoryCustomerRepo>, keys: Arc<InMemoryApiKeyRepo>) -> Self {
        Self { customers, keys, ..Self::default() }
    }

    /// All events, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<AuditEvent> {
        let log = self.log.lock().unwrap();
        let events = log.records.iter().filter_map(|record| match &record.entry {
            AuditEntry::Event(event) => Some(event.clone()),
            AuditEntry::Denials(_) => None,
        });
        events.collect()
    }

    /// All counts of denied attempts, oldest first.
    #[must_use]
    pub fn denials(&self) -> Vec<Denials> {
        let log = self.log.lock().unwrap();
        let denials = log.records.iter().filter_map(|record| match &record.entry {
            AuditEntry::Event(_) => None,
            AuditEntry::Denials(denials) => Some(denials.clone()),
        });
        denials.collect()
    }

    fn reach(&self) -> Result<MutexGuard<'_, Log>, RepoError> {
        self.reachability.check()?;
        Ok(self.log.lock().unwrap())
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
        let mut log = self.reach()?;
        let forgotten: UserId = "forgotten".parse().unwrap();
        let keys = self.keys.forget(user)?;
        let mut touched = self.customers.forget(user)? + keys.len() as u64;
        for record in &mut log.records {
            match &mut record.entry {
                AuditEntry::Event(event) if event.owner.as_ref() == Some(user) && *user != forgotten => {
                    event.owner = Some(forgotten.clone());
                    if let Some((_, customer)) = &mut event.customer {
                        *customer = "forgotten".parse().unwrap();
                    }
                    event.origin = RequestOrigin::default();
                    touched += 1;
                }
                AuditEntry::Denials(denials)
                    if denials.source.is_some() && denials.key.as_ref().is_some_and(|key| keys.contains(key)) =>
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
    use crate::audit_log_contract::AuditPorts;

    async fn empty() -> (Arc<AuditPorts>, ()) {
        let (customers, keys) = <(Arc<InMemoryCustomerRepo>, Arc<InMemoryApiKeyRepo>)>::default();
        let audit = Arc::new(InMemoryAuditLog::beside(Arc::clone(&customers), Arc::clone(&keys)));
        (Arc::new(AuditPorts { audit, customers, keys }), ())
    }

    crate::audit_log_contract!(empty);

    #[tokio::test]
    async fn it_shows_what_it_was_told() {
        let log = InMemoryAuditLog::default();
        let event = crate::samples::audit_event(&crate::samples::user("ann"), Timestamp::from_seconds(1));
        log.append(&event).await.unwrap();
        assert_eq!(log.events(), [event]);
        assert_eq!(log.denials(), []);
    }
}
