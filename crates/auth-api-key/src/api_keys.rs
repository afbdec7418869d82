//! [`ApiKeys`]: everything about API keys in a service that runs, and the work behind the requests.

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

/// What API keys need of the world outside.
#[derive(Clone, Debug)]
pub struct ApiKeyPorts {
    /// The store.
    pub repo: Arc<dyn ApiKeyRepo>,
    /// The same store, off the request path.
    pub usage: Arc<dyn ApiKeyUsage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn RandomSource>,
}

/// Judges and makes keys. The tasks that [`start`](Self::start) returns follow their changes, renew
/// their proofs and write their uses.
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
    /// Judge, minter and the tasks that they need. The tasks run until `Self` is dropped. The pool
    /// is the process's only one.
    ///
    /// # Errors
    /// [`RandomError`] where there is no randomness for the cache's seed.
    pub fn start(
        settings: &ApiKeySettings,
        ports: ApiKeyPorts,
        pool: Arc<Argon2Pool>,
    ) -> Result<(Self, Vec<BackgroundTask>), RandomError> {
        let ApiKeyPorts { repo, usage, clock, random } = ports;
        let (live, hasher) = (Arc::new(LiveSettings::new(settings)), SecretHasher::new(pool));
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

    /// Judges presented keys.
    #[must_use]
    pub const fn authenticator(&self) -> &Arc<ApiKeyAuthenticator> {
        &self.authenticator
    }

    /// Makes keys.
    #[must_use]
    pub const fn minter(&self) -> &Arc<ApiKeyMinter> {
        &self.minter
    }

    /// Puts these settings in force for authenticator and minter at once. Requests that run end under those they began with;
    /// keys under a pepper that is gone hold no more from the next request on.
    pub fn reload(&self, settings: &ApiKeySettings) {
        self.live.replace(settings);
    }

    /// Writes the uses noted so far. What the store refuses is kept for the next time. Call it
    /// before the store is closed; the tasks may have ended by then.
    pub async fn flush(&self) {
        self.uses.flush().await;
    }
}

/// Work that ends when the sender of `in_use` is dropped.
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
