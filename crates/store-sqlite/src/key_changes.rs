//! [`KeyChanges`]: polling, because SQLite notifies no other process of a change.

use std::time::Duration;

use billing_domain::ports::{KeyChange, RepoError};
use tokio::time::sleep;

use crate::engine::Connections;

/// The pause between two looks, each of which reads one row.
const PAUSE: Duration = Duration::from_secs(1);

/// The count of changes of keys, which triggers on `api_keys` keep.
#[derive(Debug, Default)]
pub(crate) struct KeyChanges {
    /// The count at the last report.
    reported: Option<i64>,
}

impl KeyChanges {
    /// Waits for a change. The first report comes at once: there may have been changes before.
    pub(crate) async fn next(&mut self, connections: &Connections) -> Result<KeyChange, RepoError> {
        loop {
            let changes = count(connections).await?;
            if self.reported.replace(changes) != Some(changes) {
                return Ok(KeyChange::Unknown);
            }
            sleep(PAUSE).await;
        }
    }
}

/// Not `PRAGMA data_version`, which counts every commit: entries of the audit log, uses of keys.
async fn count(connections: &Connections) -> Result<i64, RepoError> {
    connections
        .call(async |connection| {
            let changes = sqlx::query_scalar!("SELECT changes FROM _api_key_changes WHERE id = 1");
            Ok(changes.fetch_one(connection).await?)
        })
        .await
}
