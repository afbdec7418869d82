//! [`KeyChanges`]: polls for changes, because SQLite does not notify other processes.

use std::time::Duration;

use billing_domain::ports::{KeyChange, RepoError};
use tokio::time::sleep;

use crate::engine::Connections;

/// Polling interval. Each poll reads one row.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Polls the number of key changes, which triggers on `api_keys` count.
#[derive(Debug, Default)]
pub(crate) struct KeyChanges {
    /// The number at the last report.
    reported: Option<i64>,
}

impl KeyChanges {
    /// Waits for a change. The first call returns immediately, as earlier changes are unknown.
    pub(crate) async fn next(&mut self, connections: &Connections) -> Result<KeyChange, RepoError> {
        loop {
            let changes = count(connections).await?;
            if self.reported.replace(changes) != Some(changes) {
                return Ok(KeyChange::Unknown);
            }
            sleep(POLL_INTERVAL).await;
        }
    }
}

/// Reads the number of changes. `PRAGMA data_version` would count every commit.
async fn count(connections: &Connections) -> Result<i64, RepoError> {
    connections
        .call(async |connection| {
            let changes = sqlx::query_scalar!("SELECT changes FROM _api_key_changes WHERE id = 1");
            Ok(changes.fetch_one(connection).await?)
        })
        .await
}
