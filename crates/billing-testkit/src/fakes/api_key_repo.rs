//! [`InMemoryApiKeyRepo`].

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Mutex;

use async_trait::async_trait;
use billing_domain::ports::{ApiKeyRepo, InsertOutcome, RepoError, RevokeOutcome};
use billing_domain::{ApiKey, ApiKeyId, StoredApiKey, Timestamp, UserId};

use super::Reachability;

/// Keys in a map that is gone with the process.
#[derive(Debug, Default)]
pub struct InMemoryApiKeyRepo {
    keys: Mutex<BTreeMap<ApiKeyId, StoredApiKey>>,
    reachability: Reachability,
}

impl InMemoryApiKeyRepo {
    /// An empty repo that this switch takes out of reach.
    #[must_use]
    pub fn with(reachability: Reachability) -> Self {
        Self { reachability, ..Self::default() }
    }
}

#[async_trait]
impl ApiKeyRepo for InMemoryApiKeyRepo {
    async fn insert(&self, key: &StoredApiKey) -> Result<InsertOutcome, RepoError> {
        self.reachability.check()?;
        match self.keys.lock().unwrap().entry(key.key.id.clone()) {
            Entry::Occupied(_) => Ok(InsertOutcome::IdTaken),
            Entry::Vacant(vacant) => {
                vacant.insert(key.clone());
                Ok(InsertOutcome::Inserted)
            }
        }
    }

    async fn find(&self, id: &ApiKeyId) -> Result<Option<StoredApiKey>, RepoError> {
        self.reachability.check()?;
        Ok(self.keys.lock().unwrap().get(id).cloned())
    }

    async fn list<'a>(&self, owner: Option<&'a UserId>) -> Result<Vec<ApiKey>, RepoError> {
        self.reachability.check()?;
        let keys = self.keys.lock().unwrap();
        let mut own: Vec<ApiKey> = keys
            .values()
            .map(|stored| &stored.key)
            .filter(|key| owner.is_none_or(|owner| *owner == key.owner))
            .cloned()
            .collect();
        own.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(own)
    }

    async fn revoke(&self, id: &ApiKeyId, at: Timestamp) -> Result<RevokeOutcome, RepoError> {
        self.reachability.check()?;
        match self.keys.lock().unwrap().get_mut(id).map(|stored| &mut stored.key.revoked_at) {
            None => Ok(RevokeOutcome::NotFound),
            Some(Some(_)) => Ok(RevokeOutcome::AlreadyRevoked),
            Some(unset) => {
                *unset = Some(at);
                Ok(RevokeOutcome::Revoked)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    async fn empty() -> (Arc<dyn ApiKeyRepo>, ()) {
        (Arc::new(InMemoryApiKeyRepo::default()), ())
    }

    crate::api_key_repo_contract!(empty);
}
