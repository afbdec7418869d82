//! What this crate's tests stand on: a store that counts and obeys, a clock that stands still, and keys to judge.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
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
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{mpsc, watch};

use crate::{ApiKeyPorts, ApiKeySettings, ApiKeys, Argon2Pool, OsRandom, PoolLimits, RandomSource};

/// Keys in memory; counts what it is asked, and reports the changes that a test tells it of.
#[derive(Debug)]
pub(crate) struct CountingRepo {
    rows: Mutex<BTreeMap<ApiKeyId, StoredApiKey>>,
    pub(crate) finds: AtomicUsize,
    pub(crate) down: AtomicBool,
    /// Whether reads hang.
    pub(crate) stalled: watch::Sender<bool>,
    /// The batches of uses that were written.
    pub(crate) uses: Mutex<Vec<Vec<(ApiKeyId, Timestamp)>>>,
    pub(crate) replaced: AtomicUsize,
    pub(crate) reports: mpsc::UnboundedSender<Result<KeyChange, ()>>,
    reported: tokio::sync::Mutex<mpsc::UnboundedReceiver<Result<KeyChange, ()>>>,
    pub(crate) listened: AtomicUsize,
}

impl Default for CountingRepo {
    fn default() -> Self {
        let (reports, reported) = mpsc::unbounded_channel();
        Self {
            rows: Mutex::default(),
            finds: AtomicUsize::default(),
            down: AtomicBool::default(),
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
    /// Changes a row behind everybody's back: nothing is reported.
    pub(crate) fn change(&self, id: &ApiKeyId, change: impl FnOnce(&mut StoredApiKey)) {
        change(self.rows.lock().unwrap().get_mut(id).unwrap());
    }

    pub(crate) fn remove(&self, id: &ApiKeyId) {
        self.rows.lock().unwrap().remove(id);
    }

    pub(crate) fn row(&self, id: &ApiKeyId) -> StoredApiKey {
        self.rows.lock().unwrap()[id].clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.lock().unwrap().len()
    }

    pub(crate) fn uses(&self) -> Vec<(ApiKeyId, Timestamp)> {
        self.uses.lock().unwrap().concat()
    }

    fn answer(&self) -> Result<(), RepoError> {
        if self.down.load(Ordering::SeqCst) {
            Err(RepoError::Unavailable("down".into()))
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl ApiKeyRepo for CountingRepo {
    async fn insert(
        &self,
        _key: &StoredApiKey,
        _at_most: Option<u32>,
        _record: &AuditEvent,
    ) -> Result<InsertOutcome, RepoError> {
        unreachable!("nothing here inserts keys")
    }

    async fn find(&self, id: &ApiKeyId) -> Result<Option<StoredApiKey>, RepoError> {
        self.finds.fetch_add(1, Ordering::SeqCst);
        self.stalled.subscribe().wait_for(|stalled| !stalled).await.unwrap();
        self.answer()?;
        Ok(self.rows.lock().unwrap().get(id).cloned())
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
impl ApiKeyUsage for CountingRepo {
    async fn record_use(&self, uses: &[(ApiKeyId, Timestamp)]) -> Result<(), RepoError> {
        self.answer()?;
        for (id, at) in uses {
            self.change(id, |row| row.key.last_used_at = Some(*at));
        }
        self.uses.lock().unwrap().push(uses.to_vec());
        Ok(())
    }

    async fn replace_verifier(
        &self,
        id: &ApiKeyId,
        old: &KeyVerifier,
        new: &KeyVerifier,
    ) -> Result<bool, RepoError> {
        self.answer()?;
        let mut rows = self.rows.lock().unwrap();
        let stored = &mut rows.get_mut(id).unwrap().verifier;
        let texts = |verifier: &KeyVerifier| {
            let [gate, hash] =
                [&verifier.gate, &verifier.hash].map(|text| text.expose_secret().to_owned());
            (verifier.pepper.clone(), gate, hash)
        };
        let fits = texts(stored) == texts(old);
        if fits {
            *stored = new.clone();
            self.replaced.fetch_add(1, Ordering::SeqCst);
        }
        Ok(fits)
    }

    async fn peppers(&self, _now: Timestamp) -> Result<Vec<(Option<PepperId>, u64)>, RepoError> {
        unreachable!("nothing here counts peppers")
    }

    async fn changed(&self) -> Result<KeyChange, RepoError> {
        self.listened.fetch_add(1, Ordering::SeqCst);
        let report = self.reported.lock().await.recv().await.unwrap();
        report.map_err(|()| RepoError::Unavailable("the connection that listened was lost".into()))
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

/// A key that was made, and what is kept of it.
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

/// A minter and an authenticator over one store.
pub(crate) struct Desk {
    pub(crate) repo: Arc<CountingRepo>,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) pool: Arc<Argon2Pool>,
    pub(crate) keys: ApiKeys,
}

pub(crate) const START: i64 = 1_800_000_000_000;

/// Settings with these peppers: one letter each, the current one first.
pub(crate) fn settings(letters: &str) -> ApiKeySettings {
    let peppers: Vec<String> =
        letters.chars().map(|letter| letter.to_string().repeat(32)).collect();
    ApiKeySettings::read(&mut |name| (name == "API_KEY_PEPPER").then(|| peppers.join(","))).unwrap()
}

impl Desk {
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
        let clock = Arc::new(SetClock(AtomicI64::new(START)));
        let pool = Arc::new(Argon2Pool::new(limits));
        let ports =
            ApiKeyPorts { repo: repo.clone(), usage: repo.clone(), clock: clock.clone(), random };
        Self { keys: ApiKeys::start(settings, ports, pool.clone()).unwrap(), repo, clock, pool }
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
            permissions: Permission::known(),
            return_origins: Vec::new(),
            created_at: self.clock.now(),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        change(&mut key);
        let stored = StoredApiKey { key: key.clone(), verifier: minted.verifier };
        assert!(self.repo.rows.lock().unwrap().insert(key.id.clone(), stored).is_none());
        Issued { text: minted.text, key }
    }

    pub(crate) async fn present(&self, text: &str) -> Result<Principal, AuthError> {
        self.keys.authenticator().authenticate(&Credential::new(text)).await
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

    pub(crate) fn pass(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }
}

pub(crate) fn limits() -> PoolLimits {
    // A machine that does much else at once must not decide a test: only those about patience shorten it.
    let patience = Duration::from_secs(60);
    PoolLimits { patience, ..PoolLimits::for_cores(NonZeroUsize::new(2).unwrap()) }
}

/// The same key with another secret and a checksum that fits.
pub(crate) fn with_wrong_secret(issued: &Issued) -> String {
    let secret = SecretString::from("w".repeat(43));
    crate::key_text::compose(&billing_domain::KeyPrefix::default(), &issued.key.id, &secret)
        .expose_secret()
        .to_owned()
}

/// A well-formed key of which nothing is stored.
pub(crate) fn made_up(n: usize) -> String {
    let (id, secret) = (format!("{n:0>12}").parse().unwrap(), SecretString::from("w".repeat(43)));
    crate::key_text::compose(&billing_domain::KeyPrefix::default(), &id, &secret)
        .expose_secret()
        .to_owned()
}

/// Waits, with a generous deadline, for what happens behind the requests.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "never seen: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
