//! Test fixtures: the testkit's store with counters, a fixed clock, and issued keys.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use billing_domain::ports::{
    ApiKeyRepo, ApiKeyUsage, AuthError, Authenticator, Clock, InsertOutcome, KeyChange, KeyMinter,
    RepoError, RevokeOutcome, RotateOutcome,
};
use billing_domain::{
    ApiKey, ApiKeyId, AuditEvent, Credential, KeyVerifier, PepperId, Permission, Principal,
    StoredApiKey, Timestamp, UserId,
};
use billing_testkit::{FixedClock, InMemoryApiKeyRepo, InMemoryApiKeyUsage, Reachability, samples};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::{ApiKeyPorts, ApiKeySettings, ApiKeys, Argon2Pool, OsRandom, PoolLimits, RandomSource};

/// The testkit's store. It counts calls, hangs on demand, and reports only the changes that a test
/// sends.
#[derive(Debug)]
pub(crate) struct CountingRepo {
    pub(crate) keys: Arc<InMemoryApiKeyRepo>,
    usage: InMemoryApiKeyUsage,
    pub(crate) reachability: Reachability,
    pub(crate) finds: AtomicUsize,
    /// Whether reads hang.
    pub(crate) stalled: watch::Sender<bool>,
    /// Batches of uses written to the store.
    pub(crate) uses: Mutex<Vec<Vec<(ApiKeyId, Timestamp)>>>,
    pub(crate) replaced: AtomicUsize,
    pub(crate) reports: mpsc::UnboundedSender<Result<KeyChange, ()>>,
    reported: tokio::sync::Mutex<mpsc::UnboundedReceiver<Result<KeyChange, ()>>>,
    pub(crate) listened: AtomicUsize,
}

impl Default for CountingRepo {
    fn default() -> Self {
        let (reports, reported) = mpsc::unbounded_channel();
        let reachability = Reachability::default();
        let keys = Arc::new(InMemoryApiKeyRepo::with(reachability.clone()));
        Self {
            usage: InMemoryApiKeyUsage::of(keys.clone()),
            keys,
            reachability,
            finds: AtomicUsize::default(),
            stalled: watch::Sender::default(),
            uses: Mutex::default(),
            replaced: AtomicUsize::default(),
            reports,
            reported: tokio::sync::Mutex::new(reported),
            listened: AtomicUsize::default(),
        }
    }
}

impl CountingRepo {
    pub(crate) fn uses(&self) -> Vec<(ApiKeyId, Timestamp)> {
        self.uses.lock().unwrap().concat()
    }
}

#[async_trait]
impl ApiKeyRepo for CountingRepo {
    async fn insert(
        &self,
        key: &StoredApiKey,
        at_most: Option<u32>,
        record: &AuditEvent,
    ) -> Result<InsertOutcome, RepoError> {
        self.keys.insert(key, at_most, record).await
    }

    async fn find(&self, id: &ApiKeyId) -> Result<Option<StoredApiKey>, RepoError> {
        self.finds.fetch_add(1, Ordering::SeqCst);
        self.stalled.subscribe().wait_for(|stalled| !stalled).await.unwrap();
        self.keys.find(id).await
    }

    async fn list<'a>(&self, owner: Option<&'a UserId>) -> Result<Vec<ApiKey>, RepoError> {
        self.keys.list(owner).await
    }

    async fn revoke(
        &self,
        id: &ApiKeyId,
        at: Timestamp,
        record: &AuditEvent,
    ) -> Result<RevokeOutcome, RepoError> {
        self.keys.revoke(id, at, record).await
    }

    async fn revoke_all(
        &self,
        owner: &UserId,
        at: Timestamp,
        record: &AuditEvent,
    ) -> Result<Vec<ApiKeyId>, RepoError> {
        self.keys.revoke_all(owner, at, record).await
    }

    async fn rotate(
        &self,
        id: &ApiKeyId,
        successor: &StoredApiKey,
        until: Timestamp,
        at_most: Option<u32>,
        records: &[AuditEvent; 2],
    ) -> Result<RotateOutcome, RepoError> {
        self.keys.rotate(id, successor, until, at_most, records).await
    }
}

#[async_trait]
impl ApiKeyUsage for CountingRepo {
    async fn record_use(&self, uses: &[(ApiKeyId, Timestamp)]) -> Result<(), RepoError> {
        self.usage.record_use(uses).await?;
        self.uses.lock().unwrap().push(uses.to_vec());
        Ok(())
    }

    async fn replace_verifier(
        &self,
        id: &ApiKeyId,
        old: &KeyVerifier,
        new: &KeyVerifier,
    ) -> Result<bool, RepoError> {
        let replaced = self.usage.replace_verifier(id, old, new).await?;
        self.replaced.fetch_add(usize::from(replaced), Ordering::SeqCst);
        Ok(replaced)
    }

    async fn count_by_pepper(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(Option<PepperId>, u64)>, RepoError> {
        self.usage.count_by_pepper(now).await
    }

    async fn next_change(&self) -> Result<KeyChange, RepoError> {
        self.listened.fetch_add(1, Ordering::SeqCst);
        let report = self.reported.lock().await.recv().await.unwrap();
        report.map_err(|()| RepoError::Unavailable("the listening connection was lost".into()))
    }
}

/// An issued key with its text.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) text: SecretString,
    pub(crate) key: ApiKey,
}

impl Issued {
    pub(crate) fn text(&self) -> &str {
        self.text.expose_secret()
    }
}

/// Minter and authenticator with one store.
pub(crate) struct Setup {
    pub(crate) repo: Arc<CountingRepo>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) pool: Arc<Argon2Pool>,
    pub(crate) keys: ApiKeys,
    /// Background tasks. They end when the fixture is dropped.
    pub(crate) tasks: JoinSet<()>,
}

pub(crate) const START: i64 = 1_800_000_000_000;

/// Returns settings with one pepper per letter, the current one first.
pub(crate) fn settings(letters: &str) -> ApiKeySettings {
    let peppers: Vec<String> =
        letters.chars().map(|letter| letter.to_string().repeat(32)).collect();
    ApiKeySettings::read(&mut |name| (name == "API_KEY_PEPPER").then(|| peppers.join(","))).unwrap()
}

impl Setup {
    pub(crate) fn new() -> Self {
        Self::with(&settings("p"), Arc::default(), Arc::new(OsRandom), limits())
    }

    pub(crate) fn over(repo: &Arc<CountingRepo>, peppers: &str) -> Self {
        Self::with(&settings(peppers), repo.clone(), Arc::new(OsRandom), limits())
    }

    pub(crate) fn with(
        settings: &ApiKeySettings,
        repo: Arc<CountingRepo>,
        random: Arc<dyn RandomSource>,
        limits: PoolLimits,
    ) -> Self {
        let clock = Arc::new(FixedClock::at(Timestamp::from_millis(START)));
        let pool = Arc::new(Argon2Pool::new(limits));
        let ports =
            ApiKeyPorts { repo: repo.clone(), usage: repo.clone(), clock: clock.clone(), random };
        let (keys, tasks) = ApiKeys::start(settings, ports, pool.clone()).unwrap();
        let tasks = tasks.into_iter().map(|task| task.run).collect();
        Self { keys, tasks, repo, clock, pool }
    }

    pub(crate) async fn issue(&self) -> Issued {
        self.issue_with(|_| {}).await
    }

    pub(crate) async fn issue_with(&self, change: impl FnOnce(&mut ApiKey)) -> Issued {
        let minted = self.keys.minter().mint().await.unwrap();
        let mut key = ApiKey {
            id: minted.id,
            owner: "user-1".parse().unwrap(),
            name: "ci".parse().unwrap(),
            description: None,
            permissions: Permission::all_for_keys(),
            return_origins: Vec::new(),
            created_at: self.clock.now(),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        change(&mut key);
        let stored = StoredApiKey { key: key.clone(), verifier: minted.verifier };
        let inserted = self.repo.insert(&stored, None, samples::record()).await;
        assert_eq!(inserted.unwrap(), InsertOutcome::Inserted);
        Issued { text: minted.text, key }
    }

    pub(crate) async fn present(&self, text: &str) -> Result<Principal, AuthError> {
        self.keys.authenticator().authenticate(&Credential::new(text)).await
    }

    /// Returns the logged reason for refusing this text.
    pub(crate) async fn refusal(&self, text: &str) -> String {
        match self.present(text).await {
            Err(AuthError::Invalid { reason }) => reason,
            other => panic!("not refused as invalid: {other:?}"),
        }
    }

    pub(crate) fn reads(&self) -> usize {
        self.repo.finds.load(Ordering::SeqCst)
    }

    pub(crate) fn advance(&self, millis: i64) {
        self.clock.set(Timestamp::from_millis(self.clock.now().as_millis() + millis));
    }
}

pub(crate) fn limits() -> PoolLimits {
    // Long, so that a busy machine fails no test. Tests of the timeout use a shorter one.
    let timeout = Duration::from_secs(60);
    PoolLimits { timeout, ..PoolLimits::for_cores(NonZeroUsize::new(2).unwrap()) }
}

/// Returns the same key with another secret and a correct checksum.
pub(crate) fn with_wrong_secret(issued: &Issued) -> String {
    let secret = SecretString::from("w".repeat(43));
    crate::key_text::compose(&billing_domain::KeyPrefix::default(), &issued.key.id, &secret)
        .expose_secret()
        .to_owned()
}

/// Returns a well-formed key that is not stored.
pub(crate) fn made_up(n: usize) -> String {
    let id = format!("{n:0>12}").parse().unwrap();
    let secret = SecretString::from("w".repeat(43));
    crate::key_text::compose(&billing_domain::KeyPrefix::default(), &id, &secret)
        .expose_secret()
        .to_owned()
}

/// Waits up to 60 s for an effect of a background task.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "timed out waiting for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
