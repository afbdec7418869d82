//! Renewal: a key that was just accepted gets today's pepper and argon2 parameters, off the request path.

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

/// How often one key is tried.
const TRIED_EVERY: Duration = Duration::from_secs(60);
/// Keys that may wait for it. Who finds no room comes back with the next request.
const QUEUE: usize = 64;

/// Where requests leave keys to renew.
#[derive(Debug)]
pub(crate) struct Renewals {
    queue: mpsc::Sender<Renewal>,
    tried: LruCache<ApiKeyId, Timestamp>,
}

/// A key to renew, with its secret, which is proven.
#[derive(Debug)]
pub(crate) struct Renewal {
    secret: SecretString,
    row: Arc<Row>,
}

/// Renews one key after the other, and hashes only where the pool has nothing else to do.
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
        (Self { queue, tried: LruCache::new() }, renewals)
    }

    /// Leaves this key to be renewed, where it needs to be and was not tried within the last minute.
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
        let is_due = |at: &Timestamp| now >= at.plus(TRIED_EVERY);
        let tried = self.tried.entry_by_ref(&presented.id);
        if !tried.or_insert_with_if(async { now }, is_due).await.is_fresh() {
            return;
        }
        let renewal =
            Renewal { secret: SecretString::from(presented.secret), row: Arc::clone(row) };
        if self.queue.try_send(renewal).is_err() {
            self.tried.invalidate(&presented.id).await;
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
        let (live, now, id) = (self.live.get(), self.clock.now(), &row.stored.key.id);
        if is_current(&live, row) {
            return;
        }
        let verifier = match self.verifier(&live, row, secret).await {
            Ok(verifier) => verifier,
            Err(error) => {
                return tracing::debug!(key_id = %id, ?error, "an API key's proof is not renewed now");
            }
        };
        match self.usage.replace_verifier(id, &row.stored.verifier, &verifier).await {
            Ok(true) => {
                tracing::debug!(key_id = %id, "an API key's proof was renewed");
                self.keep_proof(&live, row, &verifier, secret, now).await;
            }
            Ok(false) => {
                tracing::debug!(key_id = %id, "another replica changed an API key's proof meanwhile")
            }
            Err(error) => {
                tracing::warn!(key_id = %id, %error, "an API key's renewed proof could not be stored")
            }
        }
        self.rows.outdate(id).await;
    }

    /// The secret was proven, and the new proof was made of it: the next request need not prove it again.
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

    /// A hash with today's parameters is kept: a new pepper alone costs no argon2.
    async fn verifier(
        &self,
        live: &Snapshot,
        row: &Row,
        secret: &SecretString,
    ) -> Result<KeyVerifier, HashError> {
        let hash = if row.hash_is_current {
            row.stored.verifier.hash.clone()
        } else {
            self.hasher.hash_in_spare_time(secret.clone(), self.random.as_ref()).await?
        };
        Ok(live.gate.verifier(&row.stored.key.id, secret, hash))
    }
}

/// Whether a key stands under the current pepper and today's parameters.
fn is_current(live: &Snapshot, row: &Row) -> bool {
    row.hash_is_current && row.stored.verifier.pepper.as_ref() == Some(live.gate.current_id())
}
