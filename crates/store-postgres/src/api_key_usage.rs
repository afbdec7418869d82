//! [`PgApiKeyUsage`].

use std::time::Duration;

use async_trait::async_trait;
use billing_domain::ports::{ApiKeyUsage, KeyChange, RepoError};
use billing_domain::{ApiKeyId, KeyVerifier, PepperId, Timestamp};
use secrecy::ExposeSecret;
use sqlx::Executor;
use sqlx::postgres::PgListener;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use crate::connections::{Connections, bounded};
use crate::error::{StoreError, unavailable};
use crate::rows::pepper_id;

/// Where the trigger on `api_keys` tells the ids of changed keys.
const CHANNEL: &str = "billing_portal_api_keys";

/// A line that has been silent for so long is asked whether it lives: a dead one is silent, too.
const SILENCE: Duration = Duration::from_secs(1);

/// With the silence before, less than the 5 s within which changes are to be seen.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// Between attempts to listen, so that a server which is down is not asked without pause.
const PAUSE: Duration = Duration::from_secs(1);

/// Uses of keys, and what the server notifies of changes of keys.
#[derive(Debug)]
pub struct PgApiKeyUsage {
    connections: Connections,
    listening: Mutex<Listening>,
}

#[derive(Debug, Default)]
struct Listening {
    listener: Option<PgListener>,
    /// Whether the last attempt ended in an error.
    failed: bool,
}

impl PgApiKeyUsage {
    pub(crate) fn new(connections: Connections) -> Self {
        Self { connections, listening: Mutex::default() }
    }

    /// The first report is that there may have been changes: before it, nobody listened.
    async fn next_change(&self, listening: &mut Listening) -> Result<KeyChange, StoreError> {
        if listening.failed {
            sleep(PAUSE).await;
        }
        loop {
            let Some(listener) = &mut listening.listener else {
                listening.listener = Some(self.connections.listener(CHANNEL).await?);
                return Ok(KeyChange::Some);
            };
            match timeout(SILENCE, listener.try_recv()).await {
                Ok(Ok(Some(told))) => {
                    return Ok(told.payload().parse().map_or(KeyChange::Some, KeyChange::Key));
                }
                Ok(Ok(None)) => {
                    return Err(unavailable("the connection that listens was lost").into());
                }
                Ok(Err(error)) => return Err(error.into()),
                // Taken out: who gives up amid the question leaves an answer on the way, and that line is not used again.
                Err(_) => match listening.listener.take() {
                    None => {}
                    Some(mut silent) => {
                        timeout(ANSWER_LIMIT, silent.execute("SELECT 1")).await.map_err(
                            |_| unavailable("the connection that listens does not answer"),
                        )??;
                        listening.listener = Some(silent);
                    }
                },
            }
        }
    }
}

#[async_trait]
impl ApiKeyUsage for PgApiKeyUsage {
    /// Rows are locked by id, so that of two replicas that note the same keys none waits for the other in a circle.
    async fn record_use(&self, uses: &[(ApiKeyId, Timestamp)]) -> Result<(), RepoError> {
        let (ids, moments): (Vec<&str>, Vec<i64>) =
            uses.iter().map(|(id, at)| (id.as_str(), at.as_millis())).unzip();
        bounded(async {
            let mut connection = self.connections.lease().await?;
            sqlx::query!(
                "WITH latest AS (
                     SELECT id, max(at) AS at FROM UNNEST($1::text[], $2::bigint[]) AS uses (id, at) GROUP BY id
                 ), used AS (
                     SELECT api_keys.id, latest.at FROM api_keys JOIN latest ON api_keys.id = latest.id
                     WHERE api_keys.last_used_at IS NULL OR api_keys.last_used_at < latest.at
                     ORDER BY api_keys.id FOR NO KEY UPDATE OF api_keys
                 )
                 UPDATE api_keys SET last_used_at = used.at FROM used
                 WHERE api_keys.id = used.id AND (api_keys.last_used_at IS NULL OR api_keys.last_used_at < used.at)",
                &ids as _,
                &moments,
            )
            .execute(&mut *connection)
            .await?;
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
            connection.done();
            Ok(replaced.rows_affected() == 1)
        })
        .await
    }

    async fn peppers(&self, now: Timestamp) -> Result<Vec<(Option<PepperId>, u64)>, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let rows = sqlx::query!(
                "SELECT pepper_id, count(*) AS \"count!\" FROM api_keys
                 WHERE (revoked_at IS NULL OR revoked_at > $1) AND (expires_at IS NULL OR expires_at > $1)
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
        let heard = self.connections.until_closed(self.next_change(&mut listening)).await;
        listening.failed = heard.is_err();
        if listening.failed {
            listening.listener = None;
        }
        heard
    }
}
