//! Changes of many rows, some rows at a time.

use std::time::Duration;

use billing_domain::ports::RepoError;
use billing_domain::{Timestamp, UserId};
use tokio::time::sleep;

use crate::connections::Connections;
use crate::engine::{ConnectionOf, Engine};
use crate::error::StoreError;

/// Rows that are deleted or rewritten in one transaction, so that each is a matter of milliseconds.
pub const BATCH: i64 = 5000;

/// Batches that one call deletes. The next call continues, so no caller waits for the end of a flood of rows.
const BATCHES: u32 = 20;

/// The pause between two batches, in which others write.
const PAUSE: Duration = Duration::from_millis(100);

/// Deletes some batches of rows older than `before`, each of at most [`BATCH`] rows, and returns the number of rows. The next call deletes more.
///
/// # Errors
/// The first error of `delete_some`. Earlier batches stay deleted.
pub async fn in_batches<E: Engine>(
    connections: &Connections<E>,
    before: Timestamp,
    delete_some: impl AsyncFn(&mut ConnectionOf<E>, Timestamp) -> Result<u64, StoreError>,
) -> Result<u64, RepoError> {
    let mut all = 0;
    for batch in 0..BATCHES {
        if batch > 0 {
            sleep(PAUSE).await;
        }
        let some =
            connections.call(async |connection| delete_some(connection, before).await).await?;
        all += some;
        if some < BATCH.unsigned_abs() {
            break;
        }
    }
    Ok(all)
}

/// Rewrites the rows of a user in batches of at most [`BATCH`] until none are left, and returns the number of rows.
///
/// # Errors
/// The first error of `rewrite_some`. Earlier batches stay rewritten.
pub async fn until_none_is_left<E: Engine>(
    connections: &Connections<E>,
    user: &UserId,
    rewrite_some: impl AsyncFn(&mut ConnectionOf<E>, &UserId) -> Result<u64, StoreError>,
) -> Result<u64, RepoError> {
    let mut all = 0;
    loop {
        let some =
            connections.call(async |connection| rewrite_some(connection, user).await).await?;
        all += some;
        if some < BATCH.unsigned_abs() {
            return Ok(all);
        }
    }
}
