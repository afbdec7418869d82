//! [`SqlApiKeyUsage`]: the use and the changes of API keys.

use std::time::Duration;

use async_trait::async_trait;
use billing_domain::ports::{ApiKeyUsage, KeyChange, RepoError};
use billing_domain::{ApiKeyId, KeyVerifier, PepperId, Timestamp};
use secrecy::ExposeSecret;
use store_core::rows::pepper_id;
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::engine::Connections;
use crate::key_changes::KeyChanges;
use crate::statements;

/// Backoff after an error.
const PAUSE: Duration = Duration::from_secs(1);

/// Stores uses of keys and listens for changes of keys.
#[derive(Debug)]
pub(crate) struct SqlApiKeyUsage {
    connections: Connections,
    listening: Mutex<Listening>,
}

#[derive(Debug, Default)]
struct Listening {
    changes: KeyChanges,
    /// Whether the last attempt failed.
    failed: bool,
}

impl SqlApiKeyUsage {
    pub(crate) fn new(connections: Connections) -> Self {
        Self { connections, listening: Mutex::default() }
    }
}

#[async_trait]
impl ApiKeyUsage for SqlApiKeyUsage {
    async fn record_use(&self, uses: &[(ApiKeyId, Timestamp)]) -> Result<(), RepoError> {
        self.connections
            .batch(async |connection| statements::record_uses(connection, uses).await)
            .await
    }

    async fn replace_verifier(
        &self,
        id: &ApiKeyId,
        old: &KeyVerifier,
        new: &KeyVerifier,
    ) -> Result<bool, RepoError> {
        self.connections
            .call(async |connection| {
                let replaced = sqlx::query!(
                    "UPDATE api_keys SET pepper_id = $4, secret_gate = $5, secret_hash = $6
                 WHERE id = $1 AND secret_gate = $2 AND secret_hash = $3",
                    id.as_str(),
                    old.gate.expose_secret(),
                    old.hash.expose_secret(),
                    new.pepper.as_ref().map(PepperId::as_str),
                    new.gate.expose_secret(),
                    new.hash.expose_secret(),
                )
                .execute(&mut *connection)
                .await?;
                Ok(replaced.rows_affected() == 1)
            })
            .await
    }

    async fn count_by_pepper(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(Option<PepperId>, u64)>, RepoError> {
        self.connections.call(async |connection| {
            let rows = sqlx::query!(
                "SELECT pepper_id, count(*) AS \"count!: i64\" FROM api_keys
                 WHERE (revoked_at IS NULL OR revoked_at > $1) AND (expires_at IS NULL OR expires_at > $1)
                 GROUP BY pepper_id ORDER BY pepper_id NULLS FIRST",
                now.as_millis(),
            )
            .fetch_all(&mut *connection)
            .await?;
            let counts = rows.into_iter().map(|row| Ok((pepper_id(row.pepper_id)?, row.count.unsigned_abs())));
            Ok(counts.collect::<Result<_, RepoError>>()?)
        })
        .await
    }

    async fn next_change(&self) -> Result<KeyChange, RepoError> {
        let mut listening = self.listening.lock().await;
        if listening.failed {
            sleep(PAUSE).await;
        }
        let change = listening.changes.next(&self.connections).await;
        listening.failed = change.is_err();
        if listening.failed {
            listening.changes = KeyChanges::default();
        }
        change
    }
}
