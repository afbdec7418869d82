//! Connections: lent for one call each, and every call bounded.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::RepoError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Postgres};
use tokio::time::timeout;

use crate::PgSettings;
use crate::error::{StoreError, timed_out, unavailable};

/// What a caller waits at most, connection and statement together.
const CALL_LIMIT: Duration = Duration::from_secs(3);

/// Less than the whole call, so that the error can say that it was a connection that was missing.
const CONNECT_LIMIT: Duration = Duration::from_millis(2500);

const MIGRATION_LIMIT: Duration = Duration::from_secs(15 * 60);

/// Calls take milliseconds; more connections would only take more of the server's memory.
const MAX_CONNECTIONS: u32 = 10;

#[derive(Clone)]
pub(crate) struct Connections {
    pool: PgPool,
    for_migrations: Arc<PgConnectOptions>,
}

impl Connections {
    /// Connects to nothing yet.
    pub(crate) fn lazy(settings: PgSettings) -> Self {
        // The server gives up, too: a statement whose caller has left would go on holding its locks.
        // And so it does on one who has left in the middle of a transaction.
        let for_calls = settings.options.clone().options([
            ("statement_timeout", CALL_LIMIT.as_millis()),
            ("idle_in_transaction_session_timeout", CALL_LIMIT.as_millis()),
        ]);
        // How long a migration takes is the operator's affair, but one that waits for a lock makes everybody wait behind it.
        let for_migrations =
            settings.options.options([("statement_timeout", "0"), ("lock_timeout", "60s")]);
        // An idle connection is tested before it is lent (the pool's default): after a restart of the server the next call
        // connects again instead of failing.
        let pool = PgPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .min_connections(0)
            .acquire_timeout(CONNECT_LIMIT)
            .connect_lazy_with(for_calls);
        Self { pool, for_migrations: Arc::new(for_migrations) }
    }

    /// Lends a connection for one call.
    pub(crate) async fn lease(&self) -> Result<Lease, StoreError> {
        Ok(Lease { connection: self.pool.acquire().await?, done: false })
    }

    /// A connection outside the pool, without the limits of a call.
    pub(crate) async fn for_migrations(&self) -> Result<PgConnection, RepoError> {
        if self.pool.is_closed() {
            return Err(unavailable("the store is closed"));
        }
        bounded(async { Ok(self.for_migrations.connect().await?) }).await
    }

    /// A connection outside the pool that hears what is notified on a channel, for as long as it lives.
    pub(crate) async fn listener(&self, channel: &str) -> Result<PgListener, StoreError> {
        let alone = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(CONNECT_LIMIT)
            .connect_lazy_with((*self.for_migrations).clone());
        let mut listener = PgListener::connect_with(&alone).await?;
        listener.eager_reconnect(false);
        listener.listen(channel).await?;
        Ok(listener)
    }

    /// Does something that has no end of its own until the store is closed.
    pub(crate) async fn until_closed<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, RepoError> {
        let ended = self.pool.close_event().do_until(work).await;
        ended.map_err(|_| unavailable("the store is closed"))?.map_err(RepoError::from)
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// Without the options, whose own `Debug` shows the password.
impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("pool", &self.pool).finish_non_exhaustive()
    }
}

/// Bounds a call, connection and all.
pub(crate) async fn bounded<T>(
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, RepoError> {
    within(CALL_LIMIT, call).await
}

/// Bounds a migration: generously, for the sake of big tables; but a line that is dead must not hold a process for ever.
pub(crate) async fn migration<T>(
    run: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, RepoError> {
    within(MIGRATION_LIMIT, run).await
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, RepoError> {
    match timeout(limit, work).await {
        Ok(result) => result.map_err(RepoError::from),
        Err(_) => Err(timed_out(limit)),
    }
}

/// A lent connection. Given back with [`done`](Self::done), it serves again; dropped before, it is closed: a call that was cut
/// short leaves an answer on the way that nobody will fetch, perhaps on a line that is dead.
#[derive(Debug)]
pub(crate) struct Lease {
    connection: PoolConnection<Postgres>,
    done: bool,
}

impl Lease {
    /// Gives it back, after the last answer.
    pub(crate) fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.done {
            // The pool asks the connection once more whether it lives. On a dead line that would hold its place until TCP
            // gives up, a quarter of an hour later.
            tokio::spawn(timeout(CALL_LIMIT, self.connection.return_to_pool()));
        } else {
            self.connection.close_on_drop();
        }
    }
}

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
