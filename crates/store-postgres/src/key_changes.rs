//! [`KeyChanges`]: listens for notifications of the server.

use std::time::Duration;

use billing_domain::ports::{KeyChange, RepoError};
use sqlx::Executor;
use sqlx::postgres::{PgListener, PgPoolOptions};
use store_core::connections::WAIT_LIMIT;
use store_core::error::{StoreError, unavailable};
use tokio::time::timeout;

use crate::engine::{Connections, Engine};

/// The channel of the trigger on `api_keys`. Its payload is the id of the changed key.
const CHANNEL: &str = "billing_portal_api_keys";

/// Idle time before the connection is tested.
const TEST_AFTER: Duration = Duration::from_secs(1);

/// Time limit for the test. Idle time and test must fit in the 5 s for detecting changes.
const TEST_LIMIT: Duration = Duration::from_secs(3);

/// A listening connection.
#[derive(Debug, Default)]
pub(crate) struct KeyChanges {
    listener: Option<PgListener>,
}

impl KeyChanges {
    /// Waits for a change, or until the store is closed. The first call returns immediately,
    /// because earlier changes are unknown.
    pub(crate) async fn next(&mut self, connections: &Connections) -> Result<KeyChange, RepoError> {
        let mut closed = connections.pool().close_event();
        let change = closed.do_until(self.receive(connections)).await;
        change
            .map_err(|_| unavailable("the store is closed"))?
            .map_err(StoreError::into_repo::<Engine>)
    }

    async fn receive(&mut self, connections: &Connections) -> Result<KeyChange, StoreError> {
        loop {
            let Some(listener) = &mut self.listener else {
                self.listener = Some(listen(connections).await?);
                return Ok(KeyChange::Unknown);
            };
            match timeout(TEST_AFTER, listener.try_recv()).await {
                Ok(Ok(Some(notification))) => {
                    let key = notification.payload().parse();
                    return Ok(key.map_or(KeyChange::Unknown, KeyChange::Key));
                }
                Ok(Ok(None)) => {
                    return Err(unavailable("the listening connection was lost").into());
                }
                Ok(Err(error)) => return Err(error.into()),
                // If the call is cancelled during the test, the connection is dropped: a response
                // may still arrive on it.
                Err(_) => {
                    if let Some(mut idle) = self.listener.take() {
                        timeout(TEST_LIMIT, idle.execute("SELECT 1")).await.map_err(|_| {
                            unavailable("the listening connection does not respond")
                        })??;
                        self.listener = Some(idle);
                    }
                }
            }
        }
    }
}

/// Opens a listening connection outside the pool.
async fn listen(connections: &Connections) -> Result<PgListener, StoreError> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .acquire_timeout(WAIT_LIMIT)
        .connect_lazy_with(connections.for_migrations().clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
