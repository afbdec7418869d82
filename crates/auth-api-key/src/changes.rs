//! Follows the reports of changed keys, so that a revocation is usually seen at once.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::{ApiKeyUsage, KeyChange};
use tokio::time::sleep;

use crate::rows::KeyRows;

/// Between reports that do not say which key: each one costs a read for every key in use.
const PAUSE: Duration = Duration::from_millis(100);
/// After the first failure, and twice as long after each further one, up to the most.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// Lets the rows of keys that were changed be read again, for ever. Where reports get lost, rows are read again in time all the same.
pub(crate) async fn follow(usage: Arc<dyn ApiKeyUsage>, rows: Arc<KeyRows>) {
    let mut retry = FIRST_RETRY;
    loop {
        match usage.next_change().await {
            Ok(KeyChange::Key(id)) => {
                retry = FIRST_RETRY;
                rows.outdate(&id).await;
            }
            Ok(KeyChange::Unknown) => {
                retry = FIRST_RETRY;
                rows.outdate_all();
                sleep(PAUSE).await;
            }
            Err(error) => {
                if retry == FIRST_RETRY {
                    tracing::warn!(%error, "changes of API keys are not reported now; they are seen within seconds all the same");
                }
                rows.outdate_all();
                sleep(retry).await;
                retry = (retry * 2).min(LAST_RETRY);
            }
        }
    }
}
