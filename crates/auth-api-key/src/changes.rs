//! Subscribes to change notifications, so that a revocation usually takes effect immediately.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::{ApiKeyUsage, KeyChange};
use tokio::time::sleep;

use crate::rows::KeyRows;

/// Pause after a notification that names no key. Each one costs a read for every key in use.
const PAUSE: Duration = Duration::from_millis(100);
/// Backoff after the first failure. It doubles with each further failure, up to `LAST_RETRY`.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// Marks the rows of changed keys as stale, until the task is cancelled. A lost notification delays
/// a change by at most the rows' TTL.
pub(crate) async fn follow(usage: Arc<dyn ApiKeyUsage>, rows: Arc<KeyRows>) {
    let mut retry = FIRST_RETRY;
    loop {
        match usage.next_change().await {
            Ok(KeyChange::Key(id)) => {
                retry = FIRST_RETRY;
                rows.mark_stale(&id).await;
            }
            Ok(KeyChange::Unknown) => {
                retry = FIRST_RETRY;
                rows.mark_all_stale();
                sleep(PAUSE).await;
            }
            Err(error) => {
                if retry == FIRST_RETRY {
                    tracing::warn!(
                        %error,
                        "change notifications for API keys failed; changes now take effect within \
                        5 s"
                    );
                }
                rows.mark_all_stale();
                sleep(retry).await;
                retry = (retry * 2).min(LAST_RETRY);
            }
        }
    }
}
