//! A store of keys in memory, for what looks at this crate from outside.

use std::collections::HashMap;
use std::future;
use std::sync::Mutex;

use async_trait::async_trait;
use billing_domain::ports::{
    ApiKeyRepo, ApiKeyUsage, InsertOutcome, KeyChange, KeyMinter, RepoError, RevokeOutcome,
    RotateOutcome,
};
use billing_domain::{
    ApiKey, ApiKeyId, AuditEvent, KeyVerifier, PepperId, Permission, StoredApiKey, Timestamp,
    UserId,
};
use secrecy::SecretString;

/// Keys in a map. Nobody else changes them.
#[derive(Debug, Default)]
pub(crate) struct Rows(Mutex<HashMap<ApiKeyId, StoredApiKey>>);

impl Rows {
    /// Makes a key that holds for ever, keeps it, and gives its text.
    pub(crate) async fn issue(&self, minter: &dyn KeyMinter, owner: &str) -> SecretString {
        let minted = minter.mint().await.unwrap();
        let key = ApiKey {
            id: minted.id,
            owner: owner.parse().unwrap(),
            name: "ci".parse().unwrap(),
            description: None,
            permissions: Permission::known(),
            return_origins: Vec::new(),
            created_at: Timestamp::from_millis(0),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        let stored = StoredApiKey { key, verifier: minted.verifier };
        self.0.lock().unwrap().insert(stored.key.id.clone(), stored);
        minted.text
    }
}

#[async_trait]
impl ApiKeyRepo for Rows {
    async fn insert(
        &self,
        key: &StoredApiKey,
        _at_most: Option<u32>,
        _record: &AuditEvent,
    ) -> Result<InsertOutcome, RepoError> {
        self.0.lock().unwrap().insert(key.key.id.clone(), key.clone());
        Ok(InsertOutcome::Inserted)
    }

    async fn find(&self, id: &ApiKeyId) -> Result<Option<StoredApiKey>, RepoError> {
        Ok(self.0.lock().unwrap().get(id).cloned())
    }

    async fn list<'a>(&self, _owner: Option<&'a UserId>) -> Result<Vec<ApiKey>, RepoError> {
        unreachable!("nothing here lists keys")
    }

    async fn revoke(
        &self,
        _id: &ApiKeyId,
        _at: Timestamp,
        _record: &AuditEvent,
    ) -> Result<RevokeOutcome, RepoError> {
        unreachable!("nothing here revokes keys")
    }

    async fn revoke_all(
        &self,
        _owner: &UserId,
        _at: Timestamp,
        _record: &AuditEvent,
    ) -> Result<Vec<ApiKeyId>, RepoError> {
        unreachable!("nothing here revokes keys")
    }

    async fn rotate(
        &self,
        _id: &ApiKeyId,
        _successor: &StoredApiKey,
        _until: Timestamp,
        _at_most: Option<u32>,
        _records: &[AuditEvent; 2],
    ) -> Result<RotateOutcome, RepoError> {
        unreachable!("nothing here rotates keys")
    }
}

#[async_trait]
impl ApiKeyUsage for Rows {
    async fn record_use(&self, uses: &[(ApiKeyId, Timestamp)]) -> Result<(), RepoError> {
        for (id, at) in uses {
            if let Some(row) = self.0.lock().unwrap().get_mut(id) {
                row.key.last_used_at = Some(*at);
            }
        }
        Ok(())
    }

    async fn replace_verifier(
        &self,
        _id: &ApiKeyId,
        _old: &KeyVerifier,
        _new: &KeyVerifier,
    ) -> Result<bool, RepoError> {
        Ok(false)
    }

    async fn peppers(&self, _now: Timestamp) -> Result<Vec<(Option<PepperId>, u64)>, RepoError> {
        unreachable!("nothing here counts peppers")
    }

    async fn changed(&self) -> Result<KeyChange, RepoError> {
        future::pending().await
    }
}
