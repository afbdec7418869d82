//! Changes of many rows in batches.

use std::time::Duration;

use billing_domain::ports::RepoError;
use billing_domain::{Timestamp, UserId};
use tokio::time::sleep;

use crate::connections::Connections;
use crate::engine::{ConnectionOf, Engine};
use crate::error::StoreError;

/// Rows per transaction. Keeps a transaction short (milliseconds).
pub const BATCH_SIZE: i64 = 5000;

/// Batches per call. The next call continues, so the duration of a call is bounded.
const MAX_BATCHES: u32 = 20;

/// Pause between batches, for other writers.
const PAUSE: Duration = Duration::from_millis(100);

/// Deletes rows older than `before` in batches of [`BATCH_SIZE`]. Returns their number.
///
/// # Errors
/// The first error of `delete_some`. Earlier batches stay deleted.
pub async fn prune_in_batches<E: Engine>(
    connections: &Connections<E>,
    before: Timestamp,
    delete_some: impl AsyncFn(&mut ConnectionOf<E>, Timestamp) -> Result<u64, StoreError>,
) -> Result<u64, RepoError> {
    let mut all = 0;
    for batch in 0..MAX_BATCHES {
        if batch > 0 {
            sleep(PAUSE).await;
        }
        let some =
            connections.call(async |connection| delete_some(connection, before).await).await?;
        all += some;
        if some < BATCH_SIZE.unsigned_abs() {
            break;
        }
    }
    Ok(all)
}

/// Rewrites all rows of a user in batches of [`BATCH_SIZE`]. Returns their number.
///
/// # Errors
/// The first error of `rewrite_some`. Earlier batches stay rewritten.
pub async fn rewrite_all<E: Engine>(
    connections: &Connections<E>,
    user: &UserId,
    rewrite_some: impl AsyncFn(&mut ConnectionOf<E>, &UserId) -> Result<u64, StoreError>,
) -> Result<u64, RepoError> {
    let mut all = 0;
    loop {
        let some =
            connections.call(async |connection| rewrite_some(connection, user).await).await?;
        all += some;
        if some < BATCH_SIZE.unsigned_abs() {
            return Ok(all);
        }
    }
}
