//! [`InMemoryApiKeyRepo`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use billing_domain::ports::{ApiKeyRepo, InsertOutcome, RepoError, RevokeOutcome, RotateOutcome};
use billing_domain::{ApiKey, ApiKeyId, AuditEvent, StoredApiKey, Timestamp, UserId};
use tokio::sync::watch;

use super::Reachability;
use super::audit_records::AuditRecords;

pub(super) type Keys = BTreeMap<ApiKeyId, StoredApiKey>;

/// Maximum keys in the list of one owner.
const MAX_LISTED: usize = 1000;

/// An in-memory repo of API keys.
#[derive(Debug, Default)]
pub struct InMemoryApiKeyRepo {
    keys: Mutex<Keys>,
    /// Ids of changed keys, oldest change first.
    changes: watch::Sender<Vec<ApiKeyId>>,
    records: Arc<AuditRecords>,
    reachability: Reachability,
}

impl InMemoryApiKeyRepo {
    /// Creates an empty repo controlled by this switch.
    #[must_use]
    pub fn with(reachability: Reachability) -> Self {
        Self { reachability, ..Self::default() }
    }

    /// Returns a stored key.
    ///
    /// # Panics
    /// If the key does not exist.
    #[must_use]
    pub fn stored(&self, id: &ApiKeyId) -> StoredApiKey {
        self.keys.lock().unwrap()[id].clone()
    }

    /// Changes a key without a notification, as if the notification was lost.
    ///
    /// # Panics
    /// If the key does not exist.
    pub fn change(&self, id: &ApiKeyId, change: impl FnOnce(&mut StoredApiKey)) {
        change(self.keys.lock().unwrap().get_mut(id).unwrap());
    }

    /// Deletes a key without a notification.
    pub fn remove(&self, id: &ApiKeyId) {
        self.keys.lock().unwrap().remove(id);
    }

    /// Returns the number of keys.
    #[must_use]
    pub fn count(&self) -> usize {
        self.keys.lock().unwrap().len()
    }

    /// Creates an empty repo that shares a database with this audit log.
    pub(super) fn with_records(records: Arc<AuditRecords>, reachability: Reachability) -> Self {
        Self { records, reachability, ..Self::default() }
    }

    /// Returns the keys, if the store is reachable.
    pub(super) fn reach(&self) -> Result<MutexGuard<'_, Keys>, RepoError> {
        self.reachability.check()?;
        Ok(self.keys.lock().unwrap())
    }

    pub(super) fn changes(&self) -> watch::Receiver<Vec<ApiKeyId>> {
        self.changes.subscribe()
    }

    pub(super) fn notify(&self, changed: impl IntoIterator<Item = ApiKeyId>) {
        self.changes.send_modify(|changes| changes.extend(changed));
    }

    /// Deletes a user's keys and returns their ids.
    pub(super) fn forget(&self, owner: &UserId) -> Result<Vec<ApiKeyId>, RepoError> {
        let gone: Vec<_> =
            self.reach()?.extract_if(.., |_, stored| stored.key.owner == *owner).collect();
        let ids: Vec<_> = gone.into_iter().map(|(id, _)| id).collect();
        self.notify(ids.clone());
        Ok(ids)
    }
}

#[async_trait]
impl ApiKeyRepo for InMemoryApiKeyRepo {
    async fn insert(
        &self,
        key: &StoredApiKey,
        at_most: Option<u32>,
        record: &AuditEvent,
    ) -> Result<InsertOutcome, RepoError> {
        let mut keys = self.reach()?;
        let StoredApiKey { key: new, .. } = key;
        if keys.contains_key(&new.id) {
            return Ok(InsertOutcome::IdTaken);
        }
        if at_most.is_some_and(|at_most| active(&keys, new) >= at_most as usize) {
            return Ok(InsertOutcome::TooMany);
        }
        keys.insert(new.id.clone(), key.clone());
        self.records.add(std::slice::from_ref(record));
        self.notify([new.id.clone()]);
        Ok(InsertOutcome::Inserted)
    }

    async fn find(&self, id: &ApiKeyId) -> Result<Option<StoredApiKey>, RepoError> {
        Ok(self.reach()?.get(id).cloned())
    }

    /// Lists at most the newest thousand keys of one user.
    async fn list<'a>(&self, owner: Option<&'a UserId>) -> Result<Vec<ApiKey>, RepoError> {
        let keys = self.reach()?;
        let mut own: Vec<ApiKey> = keys
            .values()
            .map(|stored| &stored.key)
            .filter(|key| owner.is_none_or(|owner| *owner == key.owner))
            .cloned()
            .collect();
        own.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        if owner.is_some() {
            own.drain(..own.len().saturating_sub(MAX_LISTED));
        }
        Ok(own)
    }

    async fn revoke(
        &self,
        id: &ApiKeyId,
        at: Timestamp,
        record: &AuditEvent,
    ) -> Result<RevokeOutcome, RepoError> {
        match self.reach()?.get_mut(id).map(|stored| &mut stored.key.revoked_at) {
            None => Ok(RevokeOutcome::NotFound),
            Some(Some(earlier)) if *earlier <= at => Ok(RevokeOutcome::AlreadyRevoked),
            Some(later) => {
                *later = Some(at);
                self.records.add(std::slice::from_ref(record));
                self.notify([id.clone()]);
                Ok(RevokeOutcome::Revoked)
            }
        }
    }

    async fn revoke_all(
        &self,
        owner: &UserId,
        at: Timestamp,
        record: &AuditEvent,
    ) -> Result<Vec<ApiKeyId>, RepoError> {
        let mut keys = self.reach()?;
        let own = keys.values_mut().map(|stored| &mut stored.key);
        let mut revoked: Vec<_> = own
            .filter(|key| key.owner == *owner && key.revoked_at.is_none_or(|later| later > at))
            .map(|key| {
                key.revoked_at = Some(at);
                (key.created_at, key.id.clone())
            })
            .collect();
        revoked.sort_unstable();
        let ids: Vec<_> = revoked.into_iter().map(|(_, id)| id).collect();
        for id in &ids {
            self.records.add(&[AuditEvent { key: Some(id.clone()), ..record.clone() }]);
        }
        self.notify(ids.clone());
        Ok(ids)
    }

    async fn rotate(
        &self,
        id: &ApiKeyId,
        successor: &StoredApiKey,
        until: Timestamp,
        at_most: Option<u32>,
        records: &[AuditEvent; 2],
    ) -> Result<RotateOutcome, RepoError> {
        let mut keys = self.reach()?;
        let taken = keys.contains_key(&successor.key.id);
        let active = active(&keys, &successor.key);
        let Some(StoredApiKey { key: old, .. }) = keys.get_mut(id) else {
            return Ok(RotateOutcome::NotFound);
        };
        if old.revoked_at.is_some() || !old.is_active(successor.key.created_at) {
            return Ok(RotateOutcome::NotActive);
        }
        if at_most.is_some_and(|at_most| active > at_most as usize) {
            return Ok(RotateOutcome::TooMany);
        }
        if taken {
            return Ok(RotateOutcome::IdTaken);
        }
        old.revoked_at = Some(until);
        keys.insert(successor.key.id.clone(), successor.clone());
        self.records.add(records);
        self.notify([id.clone(), successor.key.id.clone()]);
        Ok(RotateOutcome::Rotated)
    }
}

/// Returns the number of keys of the new key's owner that are active at its creation.
fn active(keys: &Keys, new: &ApiKey) -> usize {
    keys.values()
        .filter(|other| other.key.owner == new.owner && other.key.is_active(new.created_at))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn empty() -> (Arc<dyn ApiKeyRepo>, ()) {
        (Arc::new(InMemoryApiKeyRepo::default()), ())
    }

    crate::api_key_repo_contract!(empty);
}
