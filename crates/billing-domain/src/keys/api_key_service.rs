//! [`ApiKeyService`] lists and revokes API keys, [`ApiKeyIssuer`] creates and rotates them. The store commits each change
//! together with its audit records.

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

/// Ids of 16 random characters meet by chance once in about 2^48 keys; more often than this in a row is no chance.
const ID_ATTEMPTS: usize = 3;

/// Lists and revokes API keys, for their owners and for operators.
#[derive(Clone, Debug)]
pub struct ApiKeyService {
    keys: Arc<dyn ApiKeyRepo>,
    clock: Arc<dyn Clock>,
}

/// Makes and rotates API keys, for their owners and for operators.
#[derive(Clone, Debug)]
pub struct ApiKeyIssuer {
    service: ApiKeyService,
    minter: Arc<dyn KeyMinter>,
    mode: Mode,
}

/// What owners, unlike operators, are held to.
#[derive(Clone, Debug)]
pub struct KeyRules {
    /// Active keys a user.
    pub max_active_keys: u32,
    /// A key's return origins lie within these.
    pub return_origins: Vec<OriginPattern>,
}

/// What a new key shall be.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Whose key it is.
    pub owner: UserId,
    /// What the owner calls it.
    pub name: KeyName,
    /// What the owner says about it.
    pub description: Option<KeyDescription>,
    /// What it may do. `None`: all that exists today, and nothing that comes later. An empty set: nothing.
    pub permissions: Option<BTreeSet<Permission>>,
    /// Return origins beside the deployment's.
    pub return_origins: Vec<OriginPattern>,
    /// From when on it no longer holds.
    pub expires_at: Option<Timestamp>,
}

/// A key just made. Its `Debug` shows no secret.
#[derive(Debug)]
pub struct CreatedKey {
    /// The whole key, for its owner and nobody else. It stands nowhere else: what is lost is lost.
    pub text: SecretString,
    /// What is kept of it.
    pub key: ApiKey,
}

/// Why a key was not made, rotated or revoked.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// It would never hold.
    #[error("the key would have expired before it is made")]
    AlreadyExpired,
    /// A return origin that live mode refuses.
    #[error(transparent)]
    BroadOrigin(#[from] BroadOriginError),
    /// A return origin that owners may not give their keys.
    #[error("the return origin {0} is not within those allowed for API keys")]
    OriginNotAllowed(OriginPattern),
    /// The owner has as many active keys as may be.
    #[error("there are {0} active keys already")]
    TooMany(u32),
    /// No such key, or none of this owner's.
    #[error("there is no such key")]
    NotFound,
    /// The key is revoked or expired, or has a successor already.
    #[error("the key is revoked or expired, or has a successor already")]
    NotActive,
    /// Every id that was drawn is taken: the source of randomness repeats itself.
    #[error("every key id that was drawn is taken already")]
    NoFreeId,
    /// No key could be made.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepoError),
}

impl ApiKeyService {
    /// A service over these ports.
    #[must_use]
    pub fn new(keys: Arc<dyn ApiKeyRepo>, clock: Arc<dyn Clock>) -> Self {
        Self { keys, clock }
    }

    /// All of a user's keys, or everybody's; oldest first.
    ///
    /// # Errors
    /// [`ApiKeyError::Store`].
    pub async fn list(&self, owner: Option<&UserId>) -> Result<Vec<ApiKey>, ApiKeyError> {
        Ok(self.keys.list(owner).await?)
    }

    /// Revokes a key, from now on. With an owner: only a key of this owner's. Says whether it was revoked before.
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

    /// Revokes all of a user's keys; gives the ids of those that were not revoked before.
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
    /// An issuer over what keeps keys and what makes them. `mode`: whether money is real.
    #[must_use]
    pub fn new(service: ApiKeyService, minter: Arc<dyn KeyMinter>, mode: Mode) -> Self {
        Self { service, minter, mode }
    }

    /// Makes a key. Its text is in the answer and nowhere else. Owners are held to `rules`, operators to none.
    ///
    /// # Errors
    /// See [`ApiKeyError`].
    pub async fn create(
        &self,
        wanted: NewApiKey,
        rules: Option<&KeyRules>,
        actor: Actor,
        origin: RequestOrigin,
    ) -> Result<CreatedKey, ApiKeyError> {
        let now = self.service.clock.now();
        if wanted.expires_at.is_some_and(|expiry| expiry <= now) {
            return Err(ApiKeyError::AlreadyExpired);
        }
        self.check_origins(&wanted.return_origins, rules)?;
        // Found before the costly minting; the store finds it again, for those that race.
        let active = self.active(&wanted.owner, rules, now).await?;
        let at_most = rules.map(|rules| rules.max_active_keys);
        if let Some(limit) = at_most.filter(|limit| active >= *limit) {
            return Err(ApiKeyError::TooMany(limit));
        }
        for _ in 0..ID_ATTEMPTS {
            let minted = self.minter.mint().await?;
            let key = ApiKey {
                id: minted.id,
                owner: wanted.owner.clone(),
                name: wanted.name.clone(),
                description: wanted.description.clone(),
                permissions: wanted.permissions.clone().unwrap_or_else(Permission::all_for_keys),
                return_origins: wanted.return_origins.clone(),
                created_at: now,
                expires_at: wanted.expires_at,
                revoked_at: None,
                last_used_at: None,
            };
            let stored = StoredApiKey { key, verifier: minted.verifier };
            let (owner, id) = (&stored.key.owner, &stored.key.id);
            let created = record(AuditAction::KeyCreated, now, owner, Some(id), (actor, &origin));
            match self.service.keys.insert(&stored, at_most, &created).await? {
                InsertOutcome::Inserted => {
                    return Ok(CreatedKey { text: minted.text, key: stored.key });
                }
                InsertOutcome::TooMany => {
                    return Err(ApiKeyError::TooMany(at_most.unwrap_or_default()));
                }
                InsertOutcome::IdTaken => {}
            }
        }
        Err(ApiKeyError::NoFreeId)
    }

    /// Makes a successor that inherits everything, and lets the key itself hold for `overlap` longer at the most. A key has
    /// one successor. With an owner: only a key of this owner's, and held to the rules.
    ///
    /// # Errors
    /// [`ApiKeyError::NotFound`], [`ApiKeyError::NotActive`], and those of minting and storing.
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
        let at_most = rules.map(|rules| rules.max_active_keys);
        let active = self.active(&old.owner, rules, now).await?;
        if let Some(limit) = at_most.filter(|limit| active > *limit) {
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
            match self.service.keys.rotate(id, &stored, until, at_most, &records).await? {
                RotateOutcome::Rotated => {
                    return Ok(CreatedKey { text: minted.text, key: stored.key });
                }
                RotateOutcome::TooMany => {
                    return Err(ApiKeyError::TooMany(at_most.unwrap_or_default()));
                }
                RotateOutcome::NotFound => return Err(ApiKeyError::NotFound),
                RotateOutcome::NotActive => return Err(ApiKeyError::NotActive),
                RotateOutcome::IdTaken => {}
            }
        }
        Err(ApiKeyError::NoFreeId)
    }

    /// What everybody may see of a key's text.
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
        let within = |origin: &&OriginPattern| {
            rules.is_none_or(|rules| {
                rules.return_origins.iter().any(|allowed| allowed.covers(origin))
            })
        };
        match origins.iter().find(|origin| !within(origin)) {
            Some(outside) => Err(ApiKeyError::OriginNotAllowed(outside.clone())),
            None => Ok(()),
        }
    }

    /// How many active keys the owner has, where that counts.
    async fn active(
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
