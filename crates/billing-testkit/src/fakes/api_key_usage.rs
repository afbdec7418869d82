//! [`InMemoryApiKeyUsage`].

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use billing_domain::ports::{ApiKeyUsage, KeyChange, RepoError};
use billing_domain::{ApiKeyId, KeyVerifier, PepperId, Timestamp};
use secrecy::ExposeSecret;
use tokio::sync::{Mutex, watch};

use super::InMemoryApiKeyRepo;

/// One replica's view of an [`InMemoryApiKeyRepo`]: writes to it and reports its changes.
#[derive(Debug)]
pub struct InMemoryApiKeyUsage {
    repo: Arc<InMemoryApiKeyRepo>,
    listener: Mutex<Listener>,
}

#[derive(Debug)]
struct Listener {
    changes: watch::Receiver<Vec<ApiKeyId>>,
    /// Number of reported changes; `None` before the first call and after a failure.
    reported: Option<usize>,
}

impl InMemoryApiKeyUsage {
    /// Creates a replica's view of this repo. It is unreachable when the repo is.
    #[must_use]
    pub fn of(repo: Arc<InMemoryApiKeyRepo>) -> Self {
        let listener = Mutex::new(Listener { changes: repo.changes(), reported: None });
        Self { repo, listener }
    }
}

#[async_trait]
impl ApiKeyUsage for InMemoryApiKeyUsage {
    async fn record_use(&self, uses: &[(ApiKeyId, Timestamp)]) -> Result<(), RepoError> {
        let mut keys = self.repo.reach()?;
        for (id, at) in uses {
            if let Some(stored) = keys.get_mut(id) {
                stored.key.last_used_at = stored.key.last_used_at.max(Some(*at));
            }
        }
        Ok(())
    }

    async fn replace_verifier(
        &self,
        id: &ApiKeyId,
        old: &KeyVerifier,
        new: &KeyVerifier,
    ) -> Result<bool, RepoError> {
        let mut keys = self.repo.reach()?;
        let is_old = |verifier: &KeyVerifier| {
            verifier.gate.expose_secret() == old.gate.expose_secret()
                && verifier.hash.expose_secret() == old.hash.expose_secret()
        };
        let Some(stored) = keys.get_mut(id).filter(|stored| is_old(&stored.verifier)) else {
            return Ok(false);
        };
        stored.verifier = new.clone();
        self.repo.notify([id.clone()]);
        Ok(true)
    }

    async fn count_by_pepper(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(Option<PepperId>, u64)>, RepoError> {
        let mut counts: BTreeMap<Option<PepperId>, u64> = BTreeMap::new();
        for stored in self.repo.reach()?.values().filter(|stored| stored.key.is_active(now)) {
            *counts.entry(stored.verifier.pepper.clone()).or_default() += 1;
        }
        Ok(counts.into_iter().collect())
    }

    async fn next_change(&self) -> Result<KeyChange, RepoError> {
        let mut listener = self.listener.lock().await;
        if let Err(error) = self.repo.reach().map(drop) {
            listener.reported = None;
            return Err(error);
        }
        let Some(reported) = listener.reported else {
            let so_far = listener.changes.borrow_and_update().len();
            listener.reported = Some(so_far);
            return Ok(KeyChange::Unknown);
        };
        // `self` keeps the repo and its sender alive.
        let id = listener.changes.wait_for(|changes| changes.len() > reported).await.unwrap()
            [reported]
            .clone();
        listener.reported = Some(reported + 1);
        Ok(KeyChange::Key(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reachability;
    use crate::api_key_usage_contract::ApiKeyPorts;

    async fn empty() -> (Arc<ApiKeyPorts>, ()) {
        let repo = Arc::new(InMemoryApiKeyRepo::default());
        let usage = Arc::new(InMemoryApiKeyUsage::of(Arc::clone(&repo)));
        let other_replica = Arc::new(InMemoryApiKeyUsage::of(Arc::clone(&repo)));
        (Arc::new(ApiKeyPorts { keys: repo, usage, other_replica }), ())
    }

    crate::api_key_usage_contract!(empty);

    #[tokio::test]
    async fn missed_changes_are_reported_as_an_error_and_an_unknown_change() {
        let switch = Reachability::default();
        let usage = InMemoryApiKeyUsage::of(Arc::new(InMemoryApiKeyRepo::with(switch.clone())));
        assert_eq!(usage.next_change().await.unwrap(), KeyChange::Unknown);
        switch.go_down();
        assert!(matches!(usage.next_change().await, Err(RepoError::Unavailable(_))));
        switch.come_back();
        assert_eq!(usage.next_change().await.unwrap(), KeyChange::Unknown);
    }
}
