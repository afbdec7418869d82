//! Deleting what is old, some rows at a time.

use std::time::Duration;

use billing_domain::ports::RepoError;
use tokio::time::sleep;

/// So many rows are deleted or rewritten in one transaction, so that each is a matter of milliseconds.
pub(crate) const BATCH: i64 = 5000;

/// So many batches are deleted in one call: the next call goes on, and nobody waits for the end of a flood's rows.
const BATCHES: u32 = 20;

/// Between two batches, so that others get their turn to write.
const PAUSE: Duration = Duration::from_millis(100);

/// Some batches, each of at most [`BATCH`] rows; where there are more, the next call deletes them. Gives how many rows.
pub(crate) async fn in_batches<D>(delete_some: impl Fn() -> D) -> Result<u64, RepoError>
where
    D: Future<Output = Result<u64, RepoError>>,
{
    let mut all = 0;
    for batch in 0..BATCHES {
        if batch > 0 {
            sleep(PAUSE).await;
        }
        let some = delete_some().await?;
        all += some;
        if some < BATCH.unsigned_abs() {
            break;
        }
    }
    Ok(all)
}
