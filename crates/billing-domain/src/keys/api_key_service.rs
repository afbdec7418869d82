//! [`ApiKeyService`] lists and revokes API keys; [`ApiKeyIssuer`] creates and rotates them.
//!
//! The store commits each change together with its audit records.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::ports::{
    ApiKeyRepo, Clock, InsertOutcome, KeyMinter, MintError, RepoError, RevokeOutcome, RotateOutcome,
};
use crate::{
    Actor, ApiKey, ApiKeyId, AuditAction, AuditEvent, BroadOriginError, KeyDescription, KeyName,
    Mode, OriginPattern, Permission, RequestOrigin, StoredApiKey, Timestamp, UserId,
};

/// Attempts to generate a free key id. Random ids of 16 characters collide once in about 2^48 keys,
/// so repeated collisions indicate a broken random number generator.
const ID_ATTEMPTS: usize = 3;

/// Lists and revokes API keys, for their owners and for operators.
#[derive(Clone, Debug)]
pub struct ApiKeyService {
    keys: Arc<dyn ApiKeyRepo>,
    clock: Arc<dyn Clock>,
}

/// Creates and rotates API keys, for their owners and for operators.
#[derive(Clone, Debug)]
pub struct ApiKeyIssuer {
    service: ApiKeyService,
    minter: Arc<dyn KeyMinter>,
    mode: Mode,
}

/// The limits for owners. They do not apply to operators.
#[derive(Clone, Debug)]
pub struct KeyRules {
    /// Maximum active keys per user.
    pub max_active_keys: u32,
    /// The patterns that must cover a key's return origins.
    pub return_origins: Vec<OriginPattern>,
}

/// The parameters of a new key.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// The owner.
    pub owner: UserId,
    /// The name.
    pub name: KeyName,
    /// The description.
    pub description: Option<KeyDescription>,
    /// The permissions. `None` grants all permissions of this version; an empty set grants none.
    pub permissions: Option<BTreeSet<Permission>>,
    /// Allowed return origins, in addition to the deployment's.
    pub return_origins: Vec<OriginPattern>,
    /// The expiry time.
    pub expires_at: Option<Timestamp>,
}

/// A new key. Its `Debug` is redacted.
#[derive(Debug)]
pub struct CreatedKey {
    /// The whole key. Only the owner may see it, once: the service does not store it.
    pub text: SecretString,
    /// The stored part.
    pub key: ApiKey,
}

/// The reasons why an operation on a key fails.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// The expiry time is in the past.
    #[error("the expiry time of the key is in the past")]
    AlreadyExpired,
    /// Live mode does not allow a return origin.
    #[error(transparent)]
    BroadOrigin(#[from] BroadOriginError),
    /// The rules for owners do not allow a return origin.
    #[error("the return origin {0} is not allowed for API keys")]
    OriginNotAllowed(OriginPattern),
    /// The owner has the maximum number of active keys.
    #[error("the user has the maximum of {0} active keys")]
    TooMany(u32),
    /// The key does not exist or belongs to another owner.
    #[error("there is no such key")]
    NotFound,
    /// The key is revoked, has expired or has a successor.
    #[error("the key is revoked or expired, or has a successor already")]
    NotActive,
    /// All generated ids are taken. The random number generator is broken.
    #[error("all generated key ids are taken")]
    NoFreeId,
    /// Key generation failed.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepoError),
}

impl ApiKeyService {
    /// Creates a service on these ports.
    #[must_use]
    pub fn new(keys: Arc<dyn ApiKeyRepo>, clock: Arc<dyn Clock>) -> Self {
        Self { keys, clock }
    }

    /// Lists one user's keys, or all keys: oldest first.
    ///
    /// # Errors
    /// [`ApiKeyError::Store`].
    pub async fn list(&self, owner: Option<&UserId>) -> Result<Vec<ApiKey>, ApiKeyError> {
        Ok(self.keys.list(owner).await?)
    }

    /// Revokes a key now. With an owner, the key must belong to this owner.
    ///
    /// # Errors
    /// [`ApiKeyError::NotFound`], [`ApiKeyError::Store`].
    pub async fn revoke(
        &self,
        id: &ApiKeyId,
        owner: Option<&UserId>,
        actor: Actor,
        origin: RequestOrigin,
    ) -> Result<RevokeOutcome, ApiKeyError> {
        let key = self.find(id, owner).await?;
        let now = self.clock.now();
        let record = record(AuditAction::KeyRevoked, now, &key.owner, Some(id), (actor, &origin));
        match self.keys.revoke(id, now, &record).await? {
            RevokeOutcome::NotFound => Err(ApiKeyError::NotFound),
            outcome => Ok(outcome),
        }
    }

    /// Revokes all of a user's keys. Returns the ids of the keys that were not revoked before.
    ///
    /// # Errors
    /// [`ApiKeyError::Store`].
    pub async fn revoke_all(
        &self,
        owner: &UserId,
        actor: Actor,
        origin: RequestOrigin,
    ) -> Result<Vec<ApiKeyId>, ApiKeyError> {
        let now = self.clock.now();
        let record = record(AuditAction::KeyRevoked, now, owner, None, (actor, &origin));
        Ok(self.keys.revoke_all(owner, now, &record).await?)
    }

    async fn find(&self, id: &ApiKeyId, owner: Option<&UserId>) -> Result<ApiKey, ApiKeyError> {
        let found = self.keys.find(id).await?.map(|stored| stored.key);
        found
            .filter(|key| owner.is_none_or(|owner| *owner == key.owner))
            .ok_or(ApiKeyError::NotFound)
    }
}

fn record(
    action: AuditAction,
    at: Timestamp,
    owner: &UserId,
    key: Option<&ApiKeyId>,
    (actor, origin): (Actor, &RequestOrigin),
) -> AuditEvent {
    AuditEvent {
        at,
        action,
        actor,
        owner: Some(owner.clone()),
        key: key.cloned(),
        customer: None,
        origin: origin.clone(),
    }
}

impl ApiKeyIssuer {
    /// Creates an issuer for this mode of the provider.
    #[must_use]
    pub fn new(service: ApiKeyService, minter: Arc<dyn KeyMinter>, mode: Mode) -> Self {
        Self { service, minter, mode }
    }

    /// Creates a key. Owners pass their `rules`; operators pass none.
    ///
    /// # Errors
    /// See [`ApiKeyError`].
    pub async fn create(
        &self,
        new_key: NewApiKey,
        rules: Option<&KeyRules>,
        actor: Actor,
        origin: RequestOrigin,
    ) -> Result<CreatedKey, ApiKeyError> {
        let now = self.service.clock.now();
        if new_key.expires_at.is_some_and(|expiry| expiry <= now) {
            return Err(ApiKeyError::AlreadyExpired);
        }
        self.check_origins(&new_key.return_origins, rules)?;

        // This check avoids an expensive hash. The store checks again, for concurrent calls.
        let active = self.count_active(&new_key.owner, rules, now).await?;
        let max_active = rules.map(|rules| rules.max_active_keys);
        if let Some(limit) = max_active.filter(|limit| active >= *limit) {
            return Err(ApiKeyError::TooMany(limit));
        }

        for _ in 0..ID_ATTEMPTS {
            let minted = self.minter.mint().await?;
            let key = ApiKey {
                id: minted.id,
                owner: new_key.owner.clone(),
                name: new_key.name.clone(),
                description: new_key.description.clone(),
                permissions: new_key.permissions.clone().unwrap_or_else(Permission::all_for_keys),
                return_origins: new_key.return_origins.clone(),
                created_at: now,
                expires_at: new_key.expires_at,
                revoked_at: None,
                last_used_at: None,
            };
            let stored = StoredApiKey { key, verifier: minted.verifier };
            let (owner, id) = (&stored.key.owner, &stored.key.id);
            let created = record(AuditAction::KeyCreated, now, owner, Some(id), (actor, &origin));
            match self.service.keys.insert(&stored, max_active, &created).await? {
                InsertOutcome::Inserted => {
                    return Ok(CreatedKey { text: minted.text, key: stored.key });
                }
                InsertOutcome::TooMany => {
                    return Err(ApiKeyError::TooMany(max_active.unwrap_or_default()));
                }
                InsertOutcome::IdTaken => {}
            }
        }
        Err(ApiKeyError::NoFreeId)
    }

    /// Creates the successor of a key, with the same properties, and revokes the key after
    /// `overlap`.
    ///
    /// A key has at most one successor. With an owner, the key must belong to this owner, and the
    /// rules apply.
    ///
    /// # Errors
    /// [`ApiKeyError::NotFound`], [`ApiKeyError::NotActive`], [`ApiKeyError::TooMany`], and errors of
    /// key generation and of the store.
    pub async fn rotate(
        &self,
        id: &ApiKeyId,
        owner: Option<(&UserId, &KeyRules)>,
        overlap: Duration,
        actor: Actor,
        origin: RequestOrigin,
    ) -> Result<CreatedKey, ApiKeyError> {
        let (owner, rules) = owner.unzip();
        let old = self.service.find(id, owner).await?;
        let now = self.service.clock.now();
        if !old.is_active(now) || old.revoked_at.is_some() {
            return Err(ApiKeyError::NotActive);
        }

        let max_active = rules.map(|rules| rules.max_active_keys);
        let active = self.count_active(&old.owner, rules, now).await?;
        if let Some(limit) = max_active.filter(|limit| active > *limit) {
            return Err(ApiKeyError::TooMany(limit));
        }

        for _ in 0..ID_ATTEMPTS {
            let minted = self.minter.mint().await?;
            let key = ApiKey { id: minted.id, created_at: now, last_used_at: None, ..old.clone() };
            let stored = StoredApiKey { key, verifier: minted.verifier };
            let records =
                [(AuditAction::KeyRotated, id), (AuditAction::KeyCreated, &stored.key.id)].map(
                    |(action, id)| record(action, now, &old.owner, Some(id), (actor, &origin)),
                );
            let until = now.plus(overlap);
            match self.service.keys.rotate(id, &stored, until, max_active, &records).await? {
                RotateOutcome::Rotated => {
                    return Ok(CreatedKey { text: minted.text, key: stored.key });
                }
                RotateOutcome::TooMany => {
                    return Err(ApiKeyError::TooMany(max_active.unwrap_or_default()));
                }
                RotateOutcome::NotFound => return Err(ApiKeyError::NotFound),
                RotateOutcome::NotActive => return Err(ApiKeyError::NotActive),
                RotateOutcome::IdTaken => {}
            }
        }
        Err(ApiKeyError::NoFreeId)
    }

    /// Returns the public part of a key's text.
    #[must_use]
    pub fn preview(&self, id: &ApiKeyId) -> String {
        self.minter.preview(id)
    }

    fn check_origins(
        &self,
        origins: &[OriginPattern],
        rules: Option<&KeyRules>,
    ) -> Result<(), ApiKeyError> {
        if let Some(broad) =
            origins.iter().find(|origin| self.mode == Mode::Live && origin.is_broad())
        {
            return Err(BroadOriginError(broad.clone()).into());
        }
        let is_covered = |origin: &&OriginPattern| {
            rules.is_none_or(|rules| {
                rules.return_origins.iter().any(|allowed| allowed.covers(origin))
            })
        };
        match origins.iter().find(|origin| !is_covered(origin)) {
            Some(outside) => Err(ApiKeyError::OriginNotAllowed(outside.clone())),
            None => Ok(()),
        }
    }

    /// Counts the owner's active keys; returns 0 without rules.
    async fn count_active(
        &self,
        owner: &UserId,
        rules: Option<&KeyRules>,
        now: Timestamp,
    ) -> Result<u32, ApiKeyError> {
        if rules.is_none() {
            return Ok(0);
        }
        let keys = self.service.keys.list(Some(owner)).await?;
        Ok(u32::try_from(keys.iter().filter(|key| key.is_active(now)).count()).unwrap_or(u32::MAX))
    }
}
