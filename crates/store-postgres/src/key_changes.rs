//! [`KeyChanges`]: the server's notifications.

use std::time::Duration;

use billing_domain::ports::{KeyChange, RepoError};
use sqlx::Executor;
use sqlx::postgres::{PgListener, PgPoolOptions};
use store_core::connections::WAIT_LIMIT;
use store_core::error::{StoreError, unavailable};
use tokio::time::timeout;

use crate::engine::{Connections, Engine};

/// The channel on which the trigger on `api_keys` notifies of the ids of changed keys.
const CHANNEL: &str = "billing_portal_api_keys";

/// After this silence the connection is tested: a dead one is silent, too.
const SILENCE: Duration = Duration::from_secs(1);

/// The limit of that test. With the silence before, less than the 5 s within which changes must be seen.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// A connection that listens.
#[derive(Debug, Default)]
pub(crate) struct KeyChanges {
    listener: Option<PgListener>,
}

impl KeyChanges {
    /// Waits for a change, or for the end of the store. The first report comes at once: there may have been changes before.
    pub(crate) async fn next(&mut self, connections: &Connections) -> Result<KeyChange, RepoError> {
        let mut closed = connections.pool().close_event();
        let ended = closed.do_until(self.heard(connections)).await;
        ended
            .map_err(|_| unavailable("the store is closed"))?
            .map_err(StoreError::into_repo::<Engine>)
    }

    async fn heard(&mut self, connections: &Connections) -> Result<KeyChange, StoreError> {
        loop {
            let Some(listener) = &mut self.listener else {
                self.listener = Some(listen(connections).await?);
                return Ok(KeyChange::Unknown);
            };
            match timeout(SILENCE, listener.try_recv()).await {
                Ok(Ok(Some(notification))) => {
                    let key = notification.payload().parse();
                    return Ok(key.map_or(KeyChange::Unknown, KeyChange::Key));
                }
                Ok(Ok(None)) => {
                    return Err(unavailable("the connection that listens was lost").into());
                }
                Ok(Err(error)) => return Err(error.into()),
                // Taken out: a caller that stops waiting during the test leaves an answer on its way, and the connection
                // must not be used again.
                Err(_) => {
                    if let Some(mut silent) = self.listener.take() {
                        timeout(ANSWER_LIMIT, silent.execute("SELECT 1")).await.map_err(
                            |_| unavailable("the connection that listens does not answer"),
                        )??;
                        self.listener = Some(silent);
                    }
                }
            }
        }
    }
}

/// Connects outside the pool, for as long as the connection lives.
async fn listen(connections: &Connections) -> Result<PgListener, StoreError> {
    let alone = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .acquire_timeout(WAIT_LIMIT)
        .connect_lazy_with(connections.for_migrations().clone());
    let mut listener = PgListener::connect_with(&alone).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
