//! [`Connections`]: a connection pool with a time limit for each call.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::RepoError;
use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::{ConnectOptions, Connection, Pool, SqlStr};
use tokio::time::timeout;

use crate::engine::{ConnectionOf, Engine, OptionsOf};
use crate::error::{StoreError, timed_out, unavailable};

/// Time limit for a call, from acquiring the connection to the last statement.
pub const CALL_LIMIT: Duration = Duration::from_secs(3);

/// Time limit for a connection or a lock. Shorter than [`CALL_LIMIT`], so the error names the
/// cause.
pub const WAIT_LIMIT: Duration = Duration::from_millis(2500);

/// Time limit for migrations: long because of large tables, finite because of dead connections.
const MIGRATION_LIMIT: Duration = Duration::from_secs(15 * 60);

/// The connections of one store. Clones share the pool.
pub struct Connections<E: Engine> {
    pool: Pool<E::Driver>,
    for_migrations: Arc<OptionsOf<E>>,
    engine: Arc<E>,
}

impl<E: Engine> Connections<E> {
    /// Creates a pool that connects on first use. Migrations use separate connections.
    pub fn lazy(
        engine: E,
        max_connections: u32,
        for_calls: OptionsOf<E>,
        for_migrations: OptionsOf<E>,
    ) -> Self {
        // The pool tests idle connections, so the first call after a server restart succeeds.
        let pool = PoolOptions::new()
            .max_connections(max_connections)
            .min_connections(0)
            .acquire_timeout(WAIT_LIMIT)
            .connect_lazy_with(for_calls);
        Self { pool, for_migrations: Arc::new(for_migrations), engine: Arc::new(engine) }
    }

    /// Runs `work` with a connection, within [`CALL_LIMIT`]. After an error, a timeout or a
    /// cancelled call, the connection is closed, because a response may still arrive on it.
    ///
    /// # Errors
    /// The error of `work`; [`RepoError::Unavailable`] without a connection or after the limit.
    pub async fn call<T>(
        &self,
        work: impl AsyncFnOnce(&mut ConnectionOf<E>) -> Result<T, StoreError>,
    ) -> Result<T, RepoError> {
        let call = async {
            let mut connection = self.acquire().await?;
            let result = work(&mut connection).await?;
            connection.release();
            Ok(result)
        };
        within(CALL_LIMIT, call).await.map_err(StoreError::into_repo::<E>)
    }

    /// Runs `work` in a write transaction and commits it.
    ///
    /// # Errors
    /// Same as [`call`](Self::call). Nothing was written, unless the response to the commit was lost.
    pub async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut ConnectionOf<E>) -> Result<T, StoreError>,
    ) -> Result<T, RepoError> {
        self.write_if(|_| true, work).await
    }

    /// Runs `work` in a write transaction. Commits it if `should_commit` returns true for the
    /// result.
    ///
    /// # Errors
    /// Same as [`write`](Self::write).
    pub async fn write_if<T>(
        &self,
        should_commit: impl FnOnce(&T) -> bool,
        work: impl AsyncFnOnce(&mut ConnectionOf<E>) -> Result<T, StoreError>,
    ) -> Result<T, RepoError> {
        self.call(async |connection| {
            let begin = SqlStr::from_static(E::BEGIN_WRITE);
            let mut transaction = connection.begin_with(begin).await?;
            let result = work(&mut transaction).await?;
            if should_commit(&result) {
                transaction.commit().await?
            } else {
                transaction.rollback().await?
            }
            Ok(result)
        })
        .await
    }

    /// Writes many rows, all or none: in one statement or in a transaction, depending on the
    /// engine.
    ///
    /// # Errors
    /// Same as [`write`](Self::write).
    pub async fn batch<T>(
        &self,
        work: impl AsyncFnOnce(&mut ConnectionOf<E>) -> Result<T, StoreError>,
    ) -> Result<T, RepoError> {
        if E::BATCH_IS_ONE_STATEMENT { self.call(work).await } else { self.write(work).await }
    }

    /// Runs `work` with a connection outside the pool, within the limit for migrations.
    ///
    /// # Errors
    /// Same as [`call`](Self::call).
    pub async fn migrate<T>(
        &self,
        work: impl AsyncFnOnce(&mut ConnectionOf<E>) -> Result<T, StoreError>,
    ) -> Result<T, RepoError> {
        let migrated = async {
            let mut connection = within(CALL_LIMIT, self.connect()).await?;
            let result = within(MIGRATION_LIMIT, work(&mut connection)).await?;
            // The work is committed, so an error on close does not matter.
            let _ = connection.close().await;
            Ok(result)
        };
        migrated.await.map_err(StoreError::into_repo::<E>)
    }

    async fn connect(&self) -> Result<ConnectionOf<E>, StoreError> {
        self.ready().await?;
        Ok(self.for_migrations.connect().await?)
    }

    /// Closes the store. Later calls fail.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Returns the pool.
    #[must_use]
    pub fn pool(&self) -> &Pool<E::Driver> {
        &self.pool
    }

    /// Returns the options for connections outside the pool, without the limits of a call.
    #[must_use]
    pub fn for_migrations(&self) -> &OptionsOf<E> {
        &self.for_migrations
    }

    async fn acquire(&self) -> Result<CallConnection<E>, StoreError> {
        self.ready().await?;
        Ok(CallConnection { connection: self.pool.acquire().await?, is_released: false })
    }

    async fn ready(&self) -> Result<(), StoreError> {
        if self.pool.is_closed() {
            return Err(unavailable("the store is closed").into());
        }
        Ok(self.engine.prepare().await?)
    }
}

impl<E: Engine> Clone for Connections<E> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            for_migrations: Arc::clone(&self.for_migrations),
            engine: Arc::clone(&self.engine),
        }
    }
}

/// Omits the options, because their `Debug` shows the password.
impl<E: Engine> fmt::Debug for Connections<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("pool", &self.pool).finish_non_exhaustive()
    }
}

/// Applies [`CALL_LIMIT`] to other work than a call.
///
/// # Errors
/// The error of `work`; [`RepoError::Unavailable`] after the limit.
pub async fn bounded<T>(work: impl Future<Output = Result<T, RepoError>>) -> Result<T, RepoError> {
    within(CALL_LIMIT, work).await
}

async fn within<T, F: From<RepoError>>(
    limit: Duration,
    work: impl Future<Output = Result<T, F>>,
) -> Result<T, F> {
    timeout(limit, work).await.unwrap_or_else(|_| Err(timed_out(limit).into()))
}

/// The connection of a call. Dropped without [`release`](Self::release), it is closed.
struct CallConnection<E: Engine> {
    connection: PoolConnection<E::Driver>,
    is_released: bool,
}

impl<E: Engine> CallConnection<E> {
    /// Returns the connection to the pool. The caller must have read all responses.
    fn release(mut self) {
        self.is_released = true;
    }
}

impl<E: Engine> Drop for CallConnection<E> {
    fn drop(&mut self) {
        if self.is_released {
            // The pool tests the connection. Without a timeout, a dead one waits 15 minutes for
            // TCP.
            tokio::spawn(timeout(CALL_LIMIT, self.connection.return_to_pool()));
        } else {
            self.connection.close_on_drop();
        }
    }
}

impl<E: Engine> Deref for CallConnection<E> {
    type Target = ConnectionOf<E>;

    fn deref(&self) -> &ConnectionOf<E> {
        &self.connection
    }
}

impl<E: Engine> DerefMut for CallConnection<E> {
    fn deref_mut(&mut self) -> &mut ConnectionOf<E> {
        &mut self.connection
    }
}
