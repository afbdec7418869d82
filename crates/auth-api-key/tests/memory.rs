//! Measures argon2's memory. It has its own test binary, because no other test may allocate at the
//! same time.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "support/rows.rs"]
mod rows;

use std::fs;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth_api_key::{ApiKeyPorts, ApiKeySettings, ApiKeys, Argon2Pool, OsRandom, PoolLimits};
use billing_domain::ports::Authenticator;
use billing_domain::{Credential, Timestamp};
use billing_testkit::{FixedClock, InMemoryApiKeyRepo, InMemoryApiKeyUsage};
use secrecy::ExposeSecret;
use tokio::task::JoinSet;

const MIB: u64 = 1024 * 1024;

/// Returns a value of proc_pid_status(5) in bytes.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn c7_64_simultaneous_valid_keys_use_under_200_mib_and_idle_threads_free_it() {
    // Long, so that a busy machine does not fail the test.
    let timeout = Duration::from_secs(60);
    let limits = PoolLimits {
        idle_timeout: Duration::from_millis(50),
        timeout,
        ..PoolLimits::for_cores(NonZeroUsize::new(64).unwrap())
    };
    let pool = Arc::new(Argon2Pool::new(limits));
    let settings =
        ApiKeySettings::read(&mut |name| (name == "API_KEY_PEPPER").then(|| "p".repeat(32)))
            .unwrap();
    let repo = Arc::new(InMemoryApiKeyRepo::default());
    let ports = ApiKeyPorts {
        repo: repo.clone(),
        usage: Arc::new(InMemoryApiKeyUsage::of(repo.clone())),
        clock: Arc::new(FixedClock::at(Timestamp::from_millis(0))),
        random: Arc::new(OsRandom),
    };
    let (keys, tasks) = ApiKeys::start(&settings, ports, pool.clone()).unwrap();
    tasks.into_iter().for_each(|task| drop(tokio::spawn(task.run)));
    let before = memory("VmRSS:");

    // Two rounds: the second shows whether the allocator keeps freed memory.
    for round in 1..=2 {
        let mut issuing = JoinSet::new();
        for n in 0..64 {
            let (repo, minter) = (Arc::clone(&repo), Arc::clone(keys.minter()));
            issuing.spawn(async move {
                rows::issue(&repo, minter.as_ref(), &format!("user-{n}")).await
            });
        }
        let mut presenting = JoinSet::new();
        for text in issuing.join_all().await {
            let authenticator = Arc::clone(keys.authenticator());
            let presented = Credential::new(text.expose_secret());
            presenting.spawn(async move { authenticator.authenticate(&presented).await.is_ok() });
        }
        assert_eq!(presenting.join_all().await, [true; 64]);
        assert_eq!(pool.runs(), round * 128);
        assert!(memory("VmHWM:") < 200 * MIB, "{} MiB at most", memory("VmHWM:") / MIB);

        let deadline = Instant::now() + Duration::from_secs(60);
        while memory("VmRSS:") > before + 8 * MIB {
            let now = memory("VmRSS:") / MIB;
            assert!(
                Instant::now() < deadline,
                "{now} MiB while idle, {} before the first key",
                before / MIB
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
