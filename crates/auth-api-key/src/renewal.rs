//! Renewal: stores an accepted key under the current pepper and argon2 parameters, in the
//! background.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::{ApiKeyUsage, Clock};
use billing_domain::{ApiKeyId, KeyVerifier, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;

use crate::hasher::{HashError, SecretHasher};
use crate::key_text::KeyText;
use crate::live::{LiveSettings, Snapshot};
use crate::lru_cache::LruCache;
use crate::proofs::Proofs;
use crate::random::RandomSource;
use crate::rows::{KeyRows, Row, verifier_digest};

/// Minimum interval between two renewal attempts for one key.
const ATTEMPT_INTERVAL: Duration = Duration::from_secs(60);
/// Queued keys. A key that does not fit is offered again by its next request.
const QUEUE: usize = 64;

/// The bounded queue of keys to renew.
#[derive(Debug)]
pub(crate) struct Renewals {
    queue: mpsc::Sender<Renewal>,
    attempted: LruCache<ApiKeyId, Timestamp>,
}

/// A key to renew, with its verified secret.
#[derive(Debug)]
pub(crate) struct Renewal {
    secret: SecretString,
    row: Arc<Row>,
}

/// Renews keys one at a time. It hashes only while a thread of the pool is idle.
#[derive(Debug)]
pub(crate) struct Renewer {
    pub(crate) live: Arc<LiveSettings>,
    pub(crate) usage: Arc<dyn ApiKeyUsage>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn RandomSource>,
    pub(crate) hasher: SecretHasher,
    pub(crate) rows: Arc<KeyRows>,
    pub(crate) proofs: Arc<Proofs>,
}

impl Renewals {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Renewal>) {
        let (queue, renewals) = mpsc::channel(QUEUE);
        (Self { queue, attempted: LruCache::new() }, renewals)
    }

    /// Queues this key for renewal, unless it is current or was attempted within the last minute.
    pub(crate) async fn offer(
        &self,
        live: &Snapshot,
        row: &Arc<Row>,
        presented: &KeyText<'_>,
        now: Timestamp,
    ) {
        if is_current(live, row) {
            return;
        }
        let is_due = |at: &Timestamp| now >= at.plus(ATTEMPT_INTERVAL);
        let attempted = self.attempted.entry_by_ref(&presented.id);
        if !attempted.or_insert_with_if(async { now }, is_due).await.is_fresh() {
            return;
        }
        let renewal =
            Renewal { secret: SecretString::from(presented.secret), row: Arc::clone(row) };
        if self.queue.try_send(renewal).is_err() {
            self.attempted.invalidate(&presented.id).await;
        }
    }
}

impl Renewer {
    pub(crate) async fn work(self, mut renewals: mpsc::Receiver<Renewal>) {
        while let Some(renewal) = renewals.recv().await {
            self.renew(&renewal).await;
        }
    }

    async fn renew(&self, Renewal { secret, row }: &Renewal) {
        let id = &row.stored.key.id;
        let live = self.live.get();
        let now = self.clock.now();
        if is_current(&live, row) {
            return;
        }

        let verifier = match self.verifier(&live, row, secret).await {
            Ok(verifier) => verifier,
            Err(error) => {
                return tracing::debug!(
                    key_id = %id, ?error,
                    "an API key's verifier was not renewed; a later request retries"
                );
            }
        };

        match self.usage.replace_verifier(id, &row.stored.verifier, &verifier).await {
            Ok(true) => {
                tracing::debug!(key_id = %id, "renewed an API key's verifier");
                self.keep_proof(&live, row, &verifier, secret, now).await;
            }
            Ok(false) => {
                tracing::debug!(
                    key_id = %id,
                    "another replica changed the API key's verifier first"
                )
            }
            Err(error) => {
                tracing::warn!(
                    key_id = %id, %error,
                    "failed to store an API key's renewed verifier"
                )
            }
        }
        self.rows.mark_stale(id).await;
    }

    /// Caches the proof for the new verifier. The secret is already verified, so the next request
    /// needs no argon2 run.
    async fn keep_proof(
        &self,
        live: &Snapshot,
        old: &Row,
        new: &KeyVerifier,
        secret: &SecretString,
        now: Timestamp,
    ) {
        let id = &old.stored.key.id;
        let fingerprint = |digest: &[u8; 32]| {
            self.proofs.fingerprint(live.epoch, digest, id, secret.expose_secret())
        };
        let renewed = fingerprint(&verifier_digest(new));
        if old.hash_is_current {
            self.proofs.carry_over(&fingerprint(&old.verifier_digest), renewed).await;
        } else {
            self.proofs.remember(renewed, now).await;
        }
    }

    /// Returns the new verifier. It keeps a hash with the current parameters, so a new pepper alone
    /// runs no argon2.
    async fn verifier(
        &self,
        live: &Snapshot,
        row: &Row,
        secret: &SecretString,
    ) -> Result<KeyVerifier, HashError> {
        let hash = if row.hash_is_current {
            row.stored.verifier.hash.clone()
        } else {
            self.hasher.hash_if_idle(secret.clone(), self.random.as_ref()).await?
        };
        Ok(live.gate.verifier(&row.stored.key.id, secret, hash))
    }
}

/// Returns whether a key has the current pepper and the current argon2 parameters.
fn is_current(live: &Snapshot, row: &Row) -> bool {
    row.hash_is_current && row.stored.verifier.pepper.as_ref() == Some(live.gate.current_id())
}
