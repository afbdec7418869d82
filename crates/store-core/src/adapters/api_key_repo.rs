//! [`SqlApiKeyRepo`]: the store of API keys.

use async_trait::async_trait;
use billing_domain::ports::{ApiKeyRepo, InsertOutcome, RepoError, RevokeOutcome, RotateOutcome};
use billing_domain::{
    ApiKey, ApiKeyId, AuditEvent, KeyDescription, PepperId, StoredApiKey, Timestamp, UserId,
};
use secrecy::ExposeSecret;
use store_core::audit_rows::AuditRow;
use store_core::error::StoreError;
use store_core::rows::{ApiKeyRow, api_key_id, origins_text, permissions_text};

use crate::engine::{Connection, Connections};
use crate::statements;

/// Maximum keys in one user's list.
const LIST_LIMIT: i64 = 1000;

/// API keys in the table `api_keys`.
#[derive(Clone, Debug)]
pub(crate) struct SqlApiKeyRepo(pub(crate) Connections);

#[async_trait]
impl ApiKeyRepo for SqlApiKeyRepo {
    /// With a limit, a lock on the owner keeps the count valid until the commit.
    async fn insert(
        &self,
        stored: &StoredApiKey,
        max_active: Option<u32>,
        record: &AuditEvent,
    ) -> Result<InsertOutcome, RepoError> {
        let key = &stored.key;
        let before_one_more = max_active.map(|max_active| i64::from(max_active) - 1);
        self.0
            .write(async |transaction| {
                if max_active.is_some() {
                    statements::lock_owner(transaction, &key.owner).await?;
                }
                let outcome = if has_more_than(transaction, before_one_more, key).await? {
                    InsertOutcome::TooMany
                } else if insert(transaction, stored).await? {
                    statements::insert_audit_rows(transaction, &[record.into()]).await?;
                    InsertOutcome::Inserted
                } else {
                    InsertOutcome::IdTaken
                };
                Ok(outcome)
            })
            .await
    }

    async fn find(&self, id: &ApiKeyId) -> Result<Option<StoredApiKey>, RepoError> {
        self.0.call(async |connection| {
            let row = sqlx::query_as!(
                ApiKeyRow,
                "SELECT id, user_id, name, description, permissions, return_origins, pepper_id, secret_gate, secret_hash,
                        created_at, expires_at, revoked_at, last_used_at
                 FROM api_keys WHERE id = $1",
                id.as_str(),
            )
            .fetch_optional(&mut *connection)
            .await?;
            Ok(row.map(ApiKeyRow::parse).transpose()?)
        })
        .await
    }

    /// Returns at most the newest [`LIST_LIMIT`] keys of one user, which bounds the response.
    async fn list<'a>(&self, owner: Option<&'a UserId>) -> Result<Vec<ApiKey>, RepoError> {
        self.0.call(async |connection| {
            let rows = match owner {
                Some(owner) => {
                    let mut newest_first = sqlx::query_as!(
                        ApiKeyRow,
                        "SELECT id, user_id, name, description, permissions, return_origins, pepper_id, secret_gate,
                                secret_hash, created_at, expires_at, revoked_at, last_used_at
                         FROM api_keys WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2",
                        owner.as_str(),
                        LIST_LIMIT,
                    )
                    .fetch_all(&mut *connection)
                    .await?;
                    newest_first.reverse();
                    newest_first
                }
                None => {
                    sqlx::query_as!(
                        ApiKeyRow,
                        "SELECT id, user_id, name, description, permissions, return_origins, pepper_id, secret_gate,
                                secret_hash, created_at, expires_at, revoked_at, last_used_at
                         FROM api_keys ORDER BY created_at, id",
                    )
                    .fetch_all(&mut *connection)
                    .await?
                }
            };
            Ok(rows.into_iter().map(ApiKeyRow::parse_key).collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn revoke(
        &self,
        id: &ApiKeyId,
        at: Timestamp,
        record: &AuditEvent,
    ) -> Result<RevokeOutcome, RepoError> {
        self.0
            .write(async |transaction| {
                let revoked = sqlx::query!(
                    "UPDATE api_keys SET revoked_at = $2
                 WHERE id = $1 AND (revoked_at IS NULL OR revoked_at > $2)",
                    id.as_str(),
                    at.as_millis(),
                )
                .execute(&mut *transaction)
                .await?;
                let outcome = if revoked.rows_affected() == 1 {
                    statements::insert_audit_rows(transaction, &[record.into()]).await?;
                    RevokeOutcome::Revoked
                } else {
                    // Revocations only move to an earlier time, so the result is still valid.
                    let existing =
                        sqlx::query_scalar!("SELECT id FROM api_keys WHERE id = $1", id.as_str())
                            .fetch_optional(&mut *transaction)
                            .await?;
                    existing.map_or(RevokeOutcome::NotFound, |_| RevokeOutcome::AlreadyRevoked)
                };
                Ok(outcome)
            })
            .await
    }

    async fn revoke_all(
        &self,
        owner: &UserId,
        at: Timestamp,
        record: &AuditEvent,
    ) -> Result<Vec<ApiKeyId>, RepoError> {
        self.0
            .write(async |transaction| {
                let mut revoked = statements::revoke_all(transaction, owner, at).await?;
                revoked.sort_unstable();
                let ids = revoked
                    .iter()
                    .map(|(_, id)| api_key_id(id))
                    .collect::<Result<Vec<_>, RepoError>>()?;
                let of_key = |id: &ApiKeyId| AuditEvent { key: Some(id.clone()), ..record.clone() };
                let rows: Vec<_> = ids.iter().map(|id| AuditRow::from(&of_key(id))).collect();
                statements::insert_audit_rows(transaction, &rows).await?;
                Ok(ids)
            })
            .await
    }

    /// Locks the key's row. With a limit, locks the owner first, always in this order.
    async fn rotate(
        &self,
        id: &ApiKeyId,
        successor: &StoredApiKey,
        until: Timestamp,
        max_active: Option<u32>,
        records: &[AuditEvent; 2],
    ) -> Result<RotateOutcome, RepoError> {
        let now = successor.key.created_at.as_millis();
        self.0
            .write(async |transaction| {
                if max_active.is_some() {
                    statements::lock_owner(transaction, &successor.key.owner).await?;
                }
                let old = statements::lock_key(transaction, id).await?;
                let outcome = match old {
                    None => RotateOutcome::NotFound,
                    Some((expires_at, revoked_at))
                        if revoked_at.is_some()
                            || expires_at.is_some_and(|expiry| expiry <= now) =>
                    {
                        RotateOutcome::NotActive
                    }
                    Some(_)
                        if has_more_than(
                            transaction,
                            max_active.map(i64::from),
                            &successor.key,
                        )
                        .await? =>
                    {
                        RotateOutcome::TooMany
                    }
                    Some(_) if !insert(transaction, successor).await? => RotateOutcome::IdTaken,
                    Some(_) => {
                        sqlx::query!(
                            "UPDATE api_keys SET revoked_at = $2 WHERE id = $1",
                            id.as_str(),
                            until.as_millis(),
                        )
                        .execute(&mut *transaction)
                        .await?;
                        statements::insert_audit_rows(
                            transaction,
                            &records.each_ref().map(Into::into),
                        )
                        .await?;
                        RotateOutcome::Rotated
                    }
                };
                Ok(outcome)
            })
            .await
    }
}

/// Returns whether the owner has more active keys than `limit` at the creation of the new key.
async fn has_more_than(
    connection: &mut Connection,
    limit: Option<i64>,
    new: &ApiKey,
) -> Result<bool, StoreError> {
    let Some(limit) = limit else { return Ok(false) };
    let active = sqlx::query_scalar!(
        "SELECT count(*) AS \"count!: i64\" FROM api_keys
         WHERE user_id = $1 AND (revoked_at IS NULL OR revoked_at > $2) AND (expires_at IS NULL OR expires_at > $2)",
        new.owner.as_str(),
        new.created_at.as_millis(),
    )
    .fetch_one(connection)
    .await?;
    Ok(active > limit)
}

/// Inserts a key. Returns `false` if the id is taken.
async fn insert(connection: &mut Connection, stored: &StoredApiKey) -> Result<bool, StoreError> {
    let StoredApiKey { key, verifier } = stored;
    let inserted = sqlx::query!(
        "INSERT INTO api_keys (id, user_id, name, description, permissions, return_origins, pepper_id, secret_gate,
                               secret_hash, created_at, expires_at, revoked_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (id) DO NOTHING",
        key.id.as_str(),
        key.owner.as_str(),
        key.name.as_str(),
        key.description.as_ref().map(KeyDescription::as_str),
        permissions_text(&key.permissions),
        origins_text(&key.return_origins)?,
        verifier.pepper.as_ref().map(PepperId::as_str),
        verifier.gate.expose_secret(),
        verifier.hash.expose_secret(),
        key.created_at.as_millis(),
        key.expires_at.map(Timestamp::as_millis),
        key.revoked_at.map(Timestamp::as_millis),
        key.last_used_at.map(Timestamp::as_millis),
    )
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}
