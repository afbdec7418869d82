//! [`SqliteApiKeyRepo`].

use async_trait::async_trait;
use billing_domain::ports::{ApiKeyRepo, InsertOutcome, RepoError, RevokeOutcome};
use billing_domain::{ApiKey, ApiKeyId, StoredApiKey, Timestamp, UserId};
use secrecy::ExposeSecret;

use crate::connections::{Connections, bounded};
use crate::rows::{ApiKeyRow, StoredApiKeyRow, origins_text, permissions_text};

/// API keys in the table `api_keys`.
#[derive(Clone, Debug)]
pub struct SqliteApiKeyRepo {
    connections: Connections,
}

impl SqliteApiKeyRepo {
    pub(crate) fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

#[async_trait]
impl ApiKeyRepo for SqliteApiKeyRepo {
    async fn insert(&self, stored: &StoredApiKey) -> Result<InsertOutcome, RepoError> {
        let StoredApiKey { key, verifier } = stored;
        bounded(async {
            let return_origins = origins_text(&key.return_origins)?;
            let mut connection = self.connections.lease().await?;
            let inserted = sqlx::query!(
                "INSERT INTO api_keys (id, user_id, name, permissions, return_origins, secret_gate, secret_hash, created_at,
                                       expires_at, revoked_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (id) DO NOTHING",
                key.id.as_str(),
                key.owner.as_str(),
                key.name.as_str(),
                permissions_text(&key.permissions),
                return_origins,
                verifier.gate.expose_secret(),
                verifier.hash.expose_secret(),
                key.created_at.as_millis(),
                key.expires_at.map(Timestamp::as_millis),
                key.revoked_at.map(Timestamp::as_millis),
            )
            .execute(&mut *connection)
            .await?;
            connection.done();
            Ok(if inserted.rows_affected() == 1 { InsertOutcome::Inserted } else { InsertOutcome::IdTaken })
        })
        .await
    }

    async fn find(&self, id: &ApiKeyId) -> Result<Option<StoredApiKey>, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let row = sqlx::query_as!(
                StoredApiKeyRow,
                "SELECT id, user_id, name, permissions, return_origins, secret_gate, secret_hash, created_at, expires_at,
                        revoked_at
                 FROM api_keys WHERE id = ?1",
                id.as_str(),
            )
            .fetch_optional(&mut *connection)
            .await?;
            connection.done();
            Ok(row.map(StoredApiKeyRow::parse).transpose()?)
        })
        .await
    }

    async fn list<'a>(&self, owner: Option<&'a UserId>) -> Result<Vec<ApiKey>, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let rows = match owner {
                Some(owner) => {
                    sqlx::query_as!(
                        ApiKeyRow,
                        "SELECT id, user_id, name, permissions, return_origins, created_at, expires_at, revoked_at
                         FROM api_keys WHERE user_id = ?1 ORDER BY created_at, id",
                        owner.as_str(),
                    )
                    .fetch_all(&mut *connection)
                    .await?
                }
                None => {
                    sqlx::query_as!(
                        ApiKeyRow,
                        "SELECT id, user_id, name, permissions, return_origins, created_at, expires_at, revoked_at
                         FROM api_keys ORDER BY created_at, id",
                    )
                    .fetch_all(&mut *connection)
                    .await?
                }
            };
            connection.done();
            Ok(rows.into_iter().map(ApiKeyRow::parse).collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn revoke(&self, id: &ApiKeyId, at: Timestamp) -> Result<RevokeOutcome, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let revoked = sqlx::query!(
                "UPDATE api_keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
                id.as_str(),
                at.as_millis(),
            )
            .execute(&mut *connection)
            .await?;
            let outcome = if revoked.rows_affected() == 1 {
                RevokeOutcome::Revoked
            } else {
                // Nothing makes a key unrevoked, so the answer cannot have changed in between.
                let known = sqlx::query_scalar!("SELECT id FROM api_keys WHERE id = ?1", id.as_str())
                    .fetch_optional(&mut *connection)
                    .await?;
                known.map_or(RevokeOutcome::NotFound, |_| RevokeOutcome::AlreadyRevoked)
            };
            connection.done();
            Ok(outcome)
        })
        .await
    }
}
