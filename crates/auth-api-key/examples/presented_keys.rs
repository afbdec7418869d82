//! Measures how many keys one core authenticates per second: cached keys and wrong secrets.
//!
//! `cargo run --release -p auth-api-key --example presented_keys`
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement, not part of the service"
)]

#[path = "../tests/support/rows.rs"]
mod rows;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use auth_api_key::{ApiKeyPorts, ApiKeySettings, ApiKeys, Argon2Pool, OsRandom, PoolLimits};
use billing_domain::ports::{Authenticator, Clock};
use billing_domain::{Credential, Timestamp};
use billing_testkit::{InMemoryApiKeyRepo, InMemoryApiKeyUsage};
use secrecy::ExposeSecret;

const KEYS: usize = 64;
const MEASURED: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
    }
}

/// Returns a key with a known id, the secret of another key and a correct checksum.
fn with_secret_of(id_of: &str, secret_of: &str) -> Credential {
    let (head, _) = id_of.rsplit_once('_').unwrap();
    let (_, tail) = secret_of.rsplit_once('_').unwrap();
    let body = format!("{head}_{}", &tail[..tail.len() - 6]);
    let mut number = crc32fast::hash(body.as_bytes());
    let mut digits = [0_u8; 6];
    for place in digits.iter_mut().rev() {
        *place = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
            [(number % 62) as usize];
        number /= 62;
    }
    Credential::new(body + std::str::from_utf8(&digits).unwrap())
}

async fn measure(what: &str, keys: &ApiKeys, presented: &[Credential], accepted: bool) {
    let start = Instant::now();
    let mut checked = 0_u64;
    while start.elapsed() < MEASURED {
        for credential in presented {
            assert_eq!(keys.authenticator().authenticate(credential).await.is_ok(), accepted);
            checked += 1;
        }
    }
    let each = start.elapsed().as_nanos() / u128::from(checked);
    println!("{what}: {each} ns each, {} per second and core", 1_000_000_000 / each);
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let pool = Arc::new(Argon2Pool::new(PoolLimits::for_cores(NonZeroUsize::MIN)));
    let settings =
        ApiKeySettings::read(&mut |name| (name == "API_KEY_PEPPER").then(|| "p".repeat(32)))
            .unwrap();
    let repo = Arc::new(InMemoryApiKeyRepo::default());
    let ports = ApiKeyPorts {
        repo: repo.clone(),
        usage: Arc::new(InMemoryApiKeyUsage::of(repo.clone())),
        clock: Arc::new(SystemClock),
        random: Arc::new(OsRandom),
    };
    let (keys, tasks) = ApiKeys::start(&settings, ports, pool.clone()).unwrap();
    tasks.into_iter().for_each(|task| drop(tokio::spawn(task.run)));
    let mut texts = Vec::new();
    for n in 0..KEYS {
        texts.push(rows::issue(&repo, keys.minter().as_ref(), &format!("user-{n}")).await);
    }
    let good: Vec<_> = texts.iter().map(|text| Credential::new(text.expose_secret())).collect();
    let shifted = texts.iter().cycle().skip(1);
    let wrong: Vec<_> = texts
        .iter()
        .zip(shifted)
        .map(|(id, secret)| with_secret_of(id.expose_secret(), secret.expose_secret()))
        .collect();
    let runs = pool.runs();
    measure("wrong secrets under known ids", &keys, &wrong, false).await;
    println!("argon2 runs for them: {}", pool.runs() - runs);
    for credential in &good {
        keys.authenticator().authenticate(credential).await.unwrap();
    }
    measure("cached keys", &keys, &good, true).await;
    println!("argon2 runs for {KEYS} keys: {}", pool.runs() - runs);
    keys.flush().await;
}
