//! What this crate's tests stand on: a store that counts, a clock that stands still, and keys to judge.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use billing_domain::ports::{ApiKeyRepo, AuthError, Authenticator, Clock, InsertOutcome, RepoError, RevokeOutcome};
use billing_domain::{ApiKey, ApiKeyId, Credential, Principal, StoredApiKey, Timestamp, UserId};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    ApiKeyAuthenticator, ApiKeyIssuer, ApiKeySettings, Argon2Pool, IssuedKey, NewApiKey, OsRandom, PoolLimits,
    RandomSource,
};

/// Keys in memory; counts the reads.
#[derive(Debug, Default)]
pub(crate) struct CountingRepo {
    rows: Mutex<BTreeMap<ApiKeyId, StoredApiKey>>,
    pub(crate) finds: AtomicUsize,
    pub(crate) down: std::sync::atomic::AtomicBool,
}

impl CountingRepo {
    pub(crate) fn change(&self, id: &ApiKeyId, change: impl FnOnce(&mut StoredApiKey)) {
        change(self.rows.lock().unwrap().get_mut(id).unwrap());
    }

    pub(crate) fn row(&self, id: &ApiKeyId) -> StoredApiKey {
        self.rows.lock().unwrap()[id].clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.lock().unwrap().len()
    }

    fn answer(&self) -> Result<(), RepoError> {
        if self.down.load(Ordering::SeqCst) { Err(RepoError::Unavailable("down".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl ApiKeyRepo for CountingRepo {
    async fn insert(&self, key: &StoredApiKey) -> Result<InsertOutcome, RepoError> {
        self.answer()?;
        let mut rows = self.rows.lock().unwrap();
        if rows.contains_key(&key.key.id) {
            return Ok(InsertOutcome::IdTaken);
        }
        rows.insert(key.key.id.clone(), key.clone());
        Ok(InsertOutcome::Inserted)
    }

    async fn find(&self, id: &ApiKeyId) -> Result<Option<StoredApiKey>, RepoError> {
        self.finds.fetch_add(1, Ordering::SeqCst);
        self.answer()?;
        Ok(self.rows.lock().unwrap().get(id).cloned())
    }

    async fn list<'a>(&self, _owner: Option<&'a UserId>) -> Result<Vec<ApiKey>, RepoError> {
        unreachable!("nothing here lists keys")
    }

    async fn revoke(&self, _id: &ApiKeyId, _at: Timestamp) -> Result<RevokeOutcome, RepoError> {
        unreachable!("nothing here revokes keys")
    }
}

/// A clock that shows what it was set to, in milliseconds.
#[derive(Debug)]
pub(crate) struct SetClock(pub(crate) AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// An issuer and an authenticator over one store.
pub(crate) struct Desk {
    pub(crate) repo: Arc<CountingRepo>,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) pool: Arc<Argon2Pool>,
    pub(crate) issuer: ApiKeyIssuer,
    pub(crate) authenticator: ApiKeyAuthenticator,
}

pub(crate) const START: i64 = 1_800_000_000_000;

pub(crate) fn settings(pepper: &str) -> ApiKeySettings {
    ApiKeySettings::read(&mut |name| (name == "API_KEY_PEPPER").then(|| pepper.to_owned())).unwrap()
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with(&settings(&"p".repeat(32)), Arc::default(), Arc::new(OsRandom), limits())
    }

    pub(crate) fn with(
        settings: &ApiKeySettings,
        repo: Arc<CountingRepo>,
        random: Arc<dyn RandomSource>,
        limits: PoolLimits,
    ) -> Self {
        let clock = Arc::new(SetClock(AtomicI64::new(START)));
        let pool = Arc::new(Argon2Pool::new(limits));
        Self {
            issuer: ApiKeyIssuer::new(settings, repo.clone(), clock.clone(), random, pool.clone()),
            authenticator: ApiKeyAuthenticator::new(settings, repo.clone(), clock.clone(), pool.clone()),
            repo,
            clock,
            pool,
        }
    }

    pub(crate) async fn issue(&self) -> IssuedKey {
        self.issuer.issue(new_key()).await.unwrap()
    }

    pub(crate) async fn present(&self, text: &str) -> Result<Principal, AuthError> {
        self.authenticator.authenticate(&Credential::new(text)).await
    }

    /// The log's reason for refusing this text.
    pub(crate) async fn refusal(&self, text: &str) -> String {
        match self.present(text).await {
            Err(AuthError::Invalid { reason }) => reason,
            other => panic!("not refused as invalid: {other:?}"),
        }
    }

    pub(crate) fn reads(&self) -> usize {
        self.repo.finds.load(Ordering::SeqCst)
    }
}

pub(crate) fn limits() -> PoolLimits {
    PoolLimits::for_cores(NonZeroUsize::new(2).unwrap())
}

pub(crate) fn new_key() -> NewApiKey {
    NewApiKey {
        owner: "user-1".parse().unwrap(),
        name: "ci".parse().unwrap(),
        permissions: None,
        return_origins: Vec::new(),
        expires_at: None,
    }
}

/// The same key with another secret and a checksum that fits.
pub(crate) fn with_wrong_secret(issued: &IssuedKey) -> String {
    let secret = SecretString::from("w".repeat(43));
    crate::key_text::compose(&billing_domain::KeyPrefix::default(), &issued.key.id, &secret).expose_secret().to_owned()
}
