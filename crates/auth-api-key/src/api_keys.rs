//! [`ApiKeys`]: everything about API keys in a service that runs, with what goes on behind the requests.

use std::sync::{Arc, Mutex, PoisonError};

use billing_domain::ports::{ApiKeyRepo, ApiKeyUsage, Clock};
use tokio::sync::watch;
use tokio::task::JoinHandle;

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

/// Judges and makes keys, follows their changes, renews their proofs and writes down their uses. Dropped, it stops at once;
/// [`shutdown`](Self::shutdown) writes first.
#[derive(Debug)]
pub struct ApiKeys {
    live: Arc<LiveSettings>,
    authenticator: Arc<ApiKeyAuthenticator>,
    minter: Arc<ApiKeyMinter>,
    stop: watch::Sender<bool>,
    writer: Mutex<Option<JoinHandle<()>>>,
    others: [JoinHandle<()>; 2],
}

impl ApiKeys {
    /// Starts what goes on behind the requests, in the tokio runtime that calls it. The pool is the process's only one.
    ///
    /// # Errors
    /// [`RandomError`] where there is no randomness for the cache's seed.
    pub fn start(
        settings: &ApiKeySettings,
        ports: ApiKeyPorts,
        pool: Arc<Argon2Pool>,
    ) -> Result<Self, RandomError> {
        let ApiKeyPorts { repo, usage, clock, random } = ports;
        let (live, hasher) = (Arc::new(LiveSettings::new(settings)), SecretHasher::new(pool));
        let proofs = Arc::new(Proofs::new(hasher.clone(), random.as_ref())?);
        let (rows, uses) =
            (Arc::new(KeyRows::new(repo, clock.clone())), Arc::new(Uses::new(usage.clone())));
        let (renewals, queue) = Renewals::new();
        let (stop, stopped) = watch::channel(false);
        let renewer = Renewer {
            live: live.clone(),
            usage: usage.clone(),
            clock: clock.clone(),
            random: random.clone(),
            hasher: hasher.clone(),
            rows: rows.clone(),
            proofs: proofs.clone(),
        };
        Ok(Self {
            writer: Mutex::new(Some(tokio::spawn(uses.clone().write(stopped)))),
            others: [
                tokio::spawn(changes::follow(usage, rows.clone())),
                tokio::spawn(renewer.work(queue)),
            ],
            authenticator: Arc::new(ApiKeyAuthenticator {
                live: live.clone(),
                rows,
                proofs,
                clock,
                uses,
                renewals,
            }),
            minter: Arc::new(ApiKeyMinter::over(live.clone(), random, hasher)),
            live,
            stop,
        })
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

    /// Stops, once the uses noted so far are written or the store has refused them. A second call does nothing.
    pub async fn shutdown(&self) {
        self.others.iter().for_each(JoinHandle::abort);
        self.stop.send_replace(true);
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // It fails only where it panicked, and then there is nothing more to write.
            let _ = writer.await;
        }
    }
}

impl Drop for ApiKeys {
    fn drop(&mut self) {
        self.others.iter().for_each(JoinHandle::abort);
        if let Some(writer) = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner) {
            writer.abort();
        }
    }
}

#[cfg(test)]
mod tests;
