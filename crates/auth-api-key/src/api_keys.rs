//! [`ApiKeys`]: the API key services of a running process and their background tasks.

use std::sync::Arc;

use billing_domain::ports::{ApiKeyRepo, ApiKeyUsage, BackgroundTask, Clock};
use tokio::sync::watch;

use crate::authenticator::ApiKeyAuthenticator;
use crate::changes;
use crate::hasher::SecretHasher;
use crate::live::LiveSettings;
use crate::minter::ApiKeyMinter;
use crate::pool::Argon2Pool;
use crate::proofs::Proofs;
use crate::random::{RandomError, RandomSource};
use crate::renewal::{Renewals, Renewer};
use crate::rows::KeyRows;
use crate::settings::ApiKeySettings;
use crate::uses::Uses;

/// Ports that the API key services use.
#[derive(Clone, Debug)]
pub struct ApiKeyPorts {
    /// The store.
    pub repo: Arc<dyn ApiKeyRepo>,
    /// The same store, for background work.
    pub usage: Arc<dyn ApiKeyUsage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The source of random bytes.
    pub random: Arc<dyn RandomSource>,
}

/// Authenticates and creates keys. The tasks returned by [`start`](Self::start) process change
/// notifications, renew verifiers and write last uses.
#[derive(Debug)]
pub struct ApiKeys {
    live: Arc<LiveSettings>,
    authenticator: Arc<ApiKeyAuthenticator>,
    minter: Arc<ApiKeyMinter>,
    uses: Arc<Uses>,
    /// Ends the tasks when it is dropped.
    _in_use: watch::Sender<()>,
}

impl ApiKeys {
    /// Creates authenticator, minter and their tasks. The tasks run until `Self` is dropped. `pool`
    /// is the process's only pool.
    ///
    /// # Errors
    /// [`RandomError`] if no random bytes are available for the cache's seed.
    pub fn start(
        settings: &ApiKeySettings,
        ports: ApiKeyPorts,
        pool: Arc<Argon2Pool>,
    ) -> Result<(Self, Vec<BackgroundTask>), RandomError> {
        let ApiKeyPorts { repo, usage, clock, random } = ports;
        let live = Arc::new(LiveSettings::new(settings));
        let hasher = SecretHasher::new(pool);
        let proofs = Arc::new(Proofs::new(hasher.clone(), random.as_ref())?);
        let rows = Arc::new(KeyRows::new(repo, clock.clone()));
        let uses = Arc::new(Uses::new(usage.clone()));

        let (renewals, queue) = Renewals::new();
        let renewer = Renewer {
            live: live.clone(),
            usage: usage.clone(),
            clock: clock.clone(),
            random: random.clone(),
            hasher: hasher.clone(),
            rows: rows.clone(),
            proofs: proofs.clone(),
        };

        let (in_use, dropped) = watch::channel(());
        let tasks = vec![
            task("API key use writer", &dropped, uses.clone().write()),
            task("API key change listener", &dropped, changes::follow(usage, rows.clone())),
            task("API key renewer", &dropped, renewer.work(queue)),
        ];

        let minter = Arc::new(ApiKeyMinter::over(live.clone(), random, hasher));
        let authenticator = Arc::new(ApiKeyAuthenticator {
            live: live.clone(),
            rows,
            proofs,
            clock,
            uses: uses.clone(),
            renewals,
        });
        Ok((Self { live, authenticator, minter, uses, _in_use: in_use }, tasks))
    }

    /// Returns the authenticator.
    #[must_use]
    pub const fn authenticator(&self) -> &Arc<ApiKeyAuthenticator> {
        &self.authenticator
    }

    /// Returns the minter.
    #[must_use]
    pub const fn minter(&self) -> &Arc<ApiKeyMinter> {
        &self.minter
    }

    /// Applies new settings to authenticator and minter atomically. Running requests finish with
    /// the old settings. From the next request on, keys under a removed pepper are refused.
    pub fn reload(&self, settings: &ApiKeySettings) {
        self.live.replace(settings);
    }

    /// Writes the recorded uses; on failure they stay for the next flush. Call it before closing
    /// the store, because the tasks may have ended.
    pub async fn flush(&self) {
        self.uses.flush().await;
    }
}

/// Wraps `work` in a task that ends when the sender of `in_use` is dropped.
fn task(
    name: &'static str,
    in_use: &watch::Receiver<()>,
    work: impl Future<Output = ()> + Send + 'static,
) -> BackgroundTask {
    let mut in_use = in_use.clone();
    BackgroundTask::new(name, async move {
        tokio::select! {
            _ = in_use.changed() => {}
            () = work => {}
        }
    })
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod use_tests;
