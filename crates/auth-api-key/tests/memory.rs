//! What argon2 costs in memory, seen from outside: alone in its process, for nothing else may allocate meanwhile.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::HashMap;
use std::fs;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use auth_api_key::{ApiKeyPorts, ApiKeySettings, ApiKeys, Argon2Pool, OsRandom, PoolLimits};
use billing_domain::ports::{ApiKeyRepo, Authenticator, KeyMinter};
use billing_domain::{ApiKey, Credential, Permission, StoredApiKey, Timestamp};
use secrecy::ExposeSecret;
use tokio::task::JoinSet;

const MIB: u64 = 1024 * 1024;

#[derive(Debug, Default)]
struct Rows(Mutex<HashMap<ApiKeyId, StoredApiKey>>);

#[async_trait]
impl ApiKeyRepo for Rows {
    async fn insert(&self, key: &StoredApiKey) -> Result<InsertOutcome, RepoError> {
        self.0.lock().unwrap().insert(key.key.id.clone(), key.clone());
        Ok(InsertOutcome::Inserted)
    }

    async fn find(&self, id: &ApiKeyId) -> Result<Option<StoredApiKey>, RepoError> {
        Ok(self.0.lock().unwrap().get(id).cloned())
    }

    async fn list<'a>(&self, _owner: Option<&'a UserId>) -> Result<Vec<ApiKey>, RepoError> {
        unreachable!("nothing here lists keys")
    }

    async fn revoke(&self, _id: &ApiKeyId, _at: Timestamp) -> Result<RevokeOutcome, RepoError> {
        unreachable!("nothing here revokes keys")
    }
}

#[derive(Debug)]
struct NoTime;

impl Clock for NoTime {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }
}

/// A figure of proc_pid_status(5), which counts in KiB.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn c7_64_good_keys_at_once_stay_under_200_mib_and_idle_memory_comes_back() {
    let limits =
        PoolLimits { linger: Duration::from_millis(50), ..PoolLimits::for_cores(NonZeroUsize::new(64).unwrap()) };
    let pool = Arc::new(Argon2Pool::new(limits));
    let settings = ApiKeySettings::read(&mut |name| (name == "API_KEY_PEPPER").then(|| "p".repeat(32))).unwrap();
    let (repo, clock) = (Arc::new(Rows::default()), Arc::new(NoTime));
    let issuer = Arc::new(ApiKeyIssuer::new(&settings, repo.clone(), clock.clone(), Arc::new(OsRandom), pool.clone()));
    let authenticator = Arc::new(ApiKeyAuthenticator::new(&settings, repo, clock, pool.clone()));
    let before = memory("VmRSS:");

    // Twice: an allocator that keeps what it got once would show in the second round.
    for round in 1..=2 {
        let mut issuing = JoinSet::new();
        for n in 0..64 {
            let issuer = Arc::clone(&issuer);
            let wanted = NewApiKey {
                owner: format!("user-{n}").parse().unwrap(),
                name: "ci".parse().unwrap(),
                permissions: None,
                return_origins: Vec::new(),
                expires_at: None,
            };
            issuing.spawn(async move { issuer.issue(wanted).await.unwrap() });
        }
        let mut presenting = JoinSet::new();
        for key in issuing.join_all().await {
            let (authenticator, presented) = (Arc::clone(&authenticator), Credential::new(key.text.expose_secret()));
            presenting.spawn(async move { authenticator.authenticate(&presented).await.is_ok() });
        }
        assert_eq!(presenting.join_all().await, [true; 64]);
        assert_eq!(pool.runs(), round * 128);
        assert!(memory("VmHWM:") < 200 * MIB, "{} MiB at most", memory("VmHWM:") / MIB);

        let deadline = Instant::now() + Duration::from_secs(60);
        while memory("VmRSS:") > before + 8 * MIB {
            let now = memory("VmRSS:") / MIB;
            assert!(Instant::now() < deadline, "{now} MiB while idle, {} before the first key", before / MIB);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
