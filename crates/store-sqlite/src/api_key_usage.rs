//! [`SqliteApiKeyUsage`].

use std::time::Duration;

use async_trait::async_trait;
use billing_domain::ports::{ApiKeyUsage, KeyChange, RepoError};
use billing_domain::{ApiKeyId, KeyVerifier, PepperId, Timestamp};
use secrecy::ExposeSecret;
use sqlx::Connection;
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::connections::{Connections, bounded};
use crate::rows::pepper_id;

/// SQLite tells nobody of changes, so one has to look: one read of one row.
const PAUSE: Duration = Duration::from_secs(1);

/// Uses of keys, and the count of changes of keys that triggers on `api_keys` keep.
#[derive(Debug)]
pub struct SqliteApiKeyUsage {
    connections: Connections,
    listening: Mutex<Listening>,
}

#[derive(Debug, Default)]
struct Listening {
    /// The count of changes when it was last reported that there were some.
    reported: Option<i64>,
    /// Whether the last attempt ended in an error.
    failed: bool,
}

impl SqliteApiKeyUsage {
    pub(crate) fn new(connections: Connections) -> Self {
        Self { connections, listening: Mutex::default() }
    }

    /// The first report is that there may have been changes: before it, nobody looked.
    async fn next_change(&self, listening: &mut Listening) -> Result<KeyChange, RepoError> {
        if listening.failed {
            sleep(PAUSE).await;
        }
        loop {
            let changes = self.changes().await?;
            if listening.reported.replace(changes) != Some(changes) {
                return Ok(KeyChange::Some);
            }
            sleep(PAUSE).await;
        }
    }

    /// Not `PRAGMA data_version`, which counts every commit: entries of the audit log, uses of keys.
    async fn changes(&self) -> Result<i64, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let changes = sqlx::query_scalar!("SELECT changes FROM _api_key_changes WHERE id = 1")
                .fetch_one(&mut *connection)
                .await?;
            connection.done();
            Ok(changes)
        })
        .await
    }
}

#[async_trait]
impl ApiKeyUsage for SqliteApiKeyUsage {
    async fn record_use(&self, uses: &[(ApiKeyId, Timestamp)]) -> Result<(), RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            for (id, at) in uses {
                sqlx::query!(
                    "UPDATE api_keys SET last_used_at = ?2 WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)",
                    id.as_str(),
                    at.as_millis(),
                )
                .execute(&mut *transaction)
                .await?;
            }
            transaction.commit().await?;
            connection.done();
            Ok(())
        })
        .await
    }

    async fn replace_verifier(
        &self,
        id: &ApiKeyId,
        old: &KeyVerifier,
        new: &KeyVerifier,
    ) -> Result<bool, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let replaced = sqlx::query!(
                "UPDATE api_keys SET pepper_id = ?4, secret_gate = ?5, secret_hash = ?6
                 WHERE id = ?1 AND secret_gate = ?2 AND secret_hash = ?3",
                id.as_str(),
                old.gate.expose_secret(),
                old.hash.expose_secret(),
                new.pepper.as_ref().map(PepperId::as_str),
                new.gate.expose_secret(),
                new.hash.expose_secret(),
            )
            .execute(&mut *connection)
            .await?;
            connection.done();
            Ok(replaced.rows_affected() == 1)
        })
        .await
    }

    async fn peppers(&self, now: Timestamp) -> Result<Vec<(Option<PepperId>, u64)>, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let rows = sqlx::query!(
                "SELECT pepper_id, count(*) AS \"count!: i64\" FROM api_keys
                 WHERE (revoked_at IS NULL OR revoked_at > ?1) AND (expires_at IS NULL OR expires_at > ?1)
                 GROUP BY pepper_id ORDER BY pepper_id NULLS FIRST",
                now.as_millis(),
            )
            .fetch_all(&mut *connection)
            .await?;
            connection.done();
            let counts = rows.into_iter().map(|row| Ok((pepper_id(row.pepper_id)?, row.count.unsigned_abs())));
            Ok(counts.collect::<Result<_, RepoError>>()?)
        })
        .await
    }

    async fn changed(&self) -> Result<KeyChange, RepoError> {
        let mut listening = self.listening.lock().await;
        let heard = self.next_change(&mut listening).await;
        listening.failed = heard.is_err();
        if listening.failed {
            listening.reported = None;
        }
        heard
    }
}
