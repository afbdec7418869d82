//! [`ApiKeyAuthenticator`]: from a presented key to its owner.

use std::sync::Arc;

use async_trait::async_trait;
use billing_domain::ports::{ApiKeyRepo, AuthError, Authenticator, Clock, RepoError};
use billing_domain::{ApiKey, AuthMethod, Credential, KeyPrefix, Permissions, Principal, StoredApiKey, Timestamp};
use secrecy::SecretString;

use crate::gate::Gate;
use crate::hasher::{SecretHasher, VerifyError};
use crate::key_text::KeyText;
use crate::pool::{Argon2Pool, PoolError};
use crate::settings::ApiKeySettings;

/// Judges API keys: form and checksum, one indexed read, the gate, revoked or expired, argon2id. The first that fails ends it.
#[derive(Debug)]
pub struct ApiKeyAuthenticator {
    prefix: KeyPrefix,
    gate: Gate,
    repo: Arc<dyn ApiKeyRepo>,
    clock: Arc<dyn Clock>,
    hasher: SecretHasher,
}

impl ApiKeyAuthenticator {
    /// An authenticator over this store. The pool is the process's only one.
    #[must_use]
    pub fn new(
        settings: &ApiKeySettings,
        repo: Arc<dyn ApiKeyRepo>,
        clock: Arc<dyn Clock>,
        pool: Arc<Argon2Pool>,
    ) -> Self {
        let (prefix, gate) = (settings.prefix().clone(), settings.gate().clone());
        Self { prefix, gate, repo, clock, hasher: SecretHasher::new(pool) }
    }

    /// The key's row, once the secret has passed the gate. Costs microseconds and one read.
    async fn find(&self, presented: &KeyText<'_>) -> Result<StoredApiKey, AuthError> {
        let KeyText { id, secret } = presented;
        let Some(stored) = self.repo.find(id).await? else {
            self.gate.admits_nobody(id, secret);
            return Err(AuthError::invalid(format!("API key {id}: unknown")));
        };
        match self.gate.admits(id, secret, &stored.verifier.gate) {
            Ok(true) => Ok(stored),
            Ok(false) => Err(AuthError::invalid(format!("API key {id}: wrong secret"))),
            Err(_) => Err(corrupt("secret_gate", "it is not 64 lower-case hex digits")),
        }
    }

    /// The expensive proof, for a key that has passed everything else.
    async fn prove(&self, presented: &KeyText<'_>, hash: &SecretString) -> Result<(), AuthError> {
        match self.hasher.verify(SecretString::from(presented.secret), hash).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                // Nobody passes the gate without the pepper: the row's two columns do not belong together.
                tracing::warn!(key_id = %presented.id, "an API key fits its gate and not its hash: its row was tampered with");
                Err(AuthError::invalid(format!("API key {}: fits its gate and not its hash", presented.id)))
            }
            Err(VerifyError::Unusable(reason)) => Err(corrupt("secret_hash", reason)),
            Err(VerifyError::Pool(PoolError::Overloaded { retry_after })) => Err(AuthError::Overloaded { retry_after }),
            Err(VerifyError::Pool(PoolError::Failed)) => {
                Err(AuthError::NotReady { reason: "argon2 gave no result; see the log before this".to_owned() })
            }
        }
    }
}

#[async_trait]
impl Authenticator for ApiKeyAuthenticator {
    async fn authenticate(&self, credential: &Credential) -> Result<Principal, AuthError> {
        let presented = KeyText::parse(credential.expose(), &self.prefix)
            .map_err(|error| AuthError::invalid(format!("no API key: {error}")))?;
        let StoredApiKey { key, verifier } = self.find(&presented).await?;
        check_validity(&key, self.clock.now())?;
        self.prove(&presented, &verifier.hash).await?;
        Ok(Principal {
            owner: key.owner,
            method: AuthMethod::ApiKey(key.id),
            permissions: Permissions::Only(key.permissions),
            return_origins: key.return_origins,
        })
    }
}

fn check_validity(key: &ApiKey, now: Timestamp) -> Result<(), AuthError> {
    if key.is_active(now) {
        return Ok(());
    }
    let why = if key.revoked_at.is_some() { "revoked" } else { "expired" };
    Err(AuthError::invalid(format!("API key {}: {why}", key.id)))
}

fn corrupt(column: &'static str, reason: &str) -> AuthError {
    AuthError::Store(RepoError::Corrupt { table: "api_keys", column, reason: reason.to_owned() })
}

#[cfg(test)]
mod tests;
