//! [`ApiKeyAuthenticator`]: verifies a presented key and returns its owner.

use std::sync::Arc;

use async_trait::async_trait;
use billing_domain::ports::{AuthError, Authenticator, Clock, RepoError};
use billing_domain::{ApiKey, ApiKeyId, AuthMethod, Credential, Permissions, Principal, Timestamp};

use crate::hasher::VerifyError;
use crate::key_text::KeyText;
use crate::live::{LiveSettings, Snapshot};
use crate::pool::PoolError;
use crate::proofs::{Fingerprint, Proofs};
use crate::renewal::Renewals;
use crate::rows::{KeyRows, Row};
use crate::uses::Uses;

/// Authenticates API keys. It checks, in this order: format and checksum, row, gate, revocation and
/// expiry, argon2id. The first failed check refuses the key. A successful argon2id run is cached
/// for a minute. [`ApiKeys::start`](crate::ApiKeys::start) creates the authenticator.
#[derive(Debug)]
pub struct ApiKeyAuthenticator {
    pub(crate) live: Arc<LiveSettings>,
    pub(crate) rows: Arc<KeyRows>,
    pub(crate) proofs: Arc<Proofs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) uses: Arc<Uses>,
    pub(crate) renewals: Renewals,
}

impl ApiKeyAuthenticator {
    /// Verifies a key that is not in the proof cache: gate, revocation and expiry, then argon2.
    async fn prove(
        &self,
        live: &Snapshot,
        row: &Row,
        presented: &KeyText<'_>,
        fingerprint: Fingerprint,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        let KeyText { id, secret } = presented;
        let verifier = &row.stored.verifier;

        match live.gate.admits(id, secret, &verifier.gate) {
            Ok(true) => {}
            Ok(false)
                if verifier
                    .pepper
                    .as_ref()
                    .is_some_and(|own| live.gate.pepper_ids().all(|id| id != own)) =>
            {
                return Err(AuthError::invalid(format!(
                    "API key {id}: created under a pepper that is not configured"
                )));
            }
            Ok(false) => return Err(AuthError::invalid(format!("API key {id}: wrong secret"))),
            Err(_) => {
                return Err(corrupt("secret_gate", "the value is not 64 lower-case hex digits"));
            }
        }
        check_validity(&row.stored.key, now)?;

        match self.proofs.prove(fingerprint, secret, &verifier.hash, now).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                // The gate proves the secret, so the stored hash is the wrong one.
                tracing::warn!(
                    key_id = %id,
                    "an API key matches its gate but not its hash: the row was tampered with"
                );
                Err(AuthError::invalid(format!("API key {id}: matches its gate but not its hash")))
            }
            Err(VerifyError::Unusable(reason)) => Err(corrupt("secret_hash", reason)),
            Err(VerifyError::Pool(PoolError::Overloaded { retry_after })) => {
                Err(AuthError::Overloaded { retry_after })
            }
            Err(VerifyError::Pool(PoolError::Failed)) => Err(AuthError::NotReady {
                reason: "the argon2 run failed; an earlier log line has the cause".to_owned(),
            }),
        }
    }
}

#[async_trait]
impl Authenticator for ApiKeyAuthenticator {
    async fn authenticate(&self, credential: &Credential) -> Result<Principal, AuthError> {
        let live = self.live.get();
        let now = self.clock.now();

        let presented = KeyText::parse(credential.expose(), &live.prefix)
            .map_err(|error| AuthError::invalid(format!("not an API key: {error}")))?;
        let KeyText { id, secret } = &presented;
        let Some(row) = self.rows.find(id, now).await? else {
            live.gate.simulate_check(id, secret);
            return Err(unknown(id));
        };

        // Read the clock again: reading the row can take seconds.
        let now = self.clock.now();
        let fingerprint = self.proofs.fingerprint(live.epoch, &row.verifier_digest, id, secret);
        let (row, now) = if self.proofs.contains(&fingerprint, now).await {
            (row, now)
        } else {
            self.prove(&live, &row, &presented, fingerprint, now).await?;
            // The row may have expired while this request waited for argon2.
            let now = self.clock.now();
            (self.rows.find(id, now).await?.ok_or_else(|| unknown(id))?, now)
        };
        let key = &row.stored.key;
        check_validity(key, now)?;

        self.uses.record(key, now).await;
        self.renewals.offer(&live, &row, &presented, now).await;

        Ok(Principal {
            owner: key.owner.clone(),
            method: AuthMethod::ApiKey(key.id.clone()),
            permissions: Permissions::Only(key.permissions.clone()),
            return_origins: key.return_origins.clone(),
        })
    }

    fn presented_key_id(&self, credential: &Credential) -> Option<ApiKeyId> {
        let presented = KeyText::parse(credential.expose(), &self.live.get().prefix).ok()?;
        Some(presented.id)
    }
}

fn unknown(id: &ApiKeyId) -> AuthError {
    AuthError::invalid(format!("API key {id}: unknown"))
}

fn check_validity(key: &ApiKey, now: Timestamp) -> Result<(), AuthError> {
    if key.is_active(now) {
        return Ok(());
    }
    let why = if key.revoked_at.is_some_and(|at| at <= now) { "revoked" } else { "expired" };
    Err(AuthError::invalid(format!("API key {}: {why}", key.id)))
}

fn corrupt(column: &'static str, reason: &str) -> AuthError {
    AuthError::Store(RepoError::Corrupt { table: "api_keys", column, reason: reason.to_owned() })
}

#[cfg(test)]
mod floods;
#[cfg(test)]
mod tests;
