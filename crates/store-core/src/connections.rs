//! [`Connections`]: a pool that lends a connection for one bounded call.

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

/// The limit of a call, connection and statements together.
pub const CALL_LIMIT: Duration = Duration::from_secs(3);

/// The limit of waiting for a connection or a lock. Less than the whole call, so that the error names the reason.
pub const WAIT_LIMIT: Duration = Duration::from_millis(2500);

/// The limit of a migration: generous because of big tables, finite because of dead connections.
const MIGRATION_LIMIT: Duration = Duration::from_secs(15 * 60);

/// The connections of one store. Clones share the pool.
pub struct Connections<E: Engine> {
    pool: Pool<E::Driver>,
    for_migrations: Arc<OptionsOf<E>>,
    engine: Arc<E>,
}

impl<E: Engine> Connections<E> {
    /// A pool that connects when it is first used. Migrations have a connection outside it, with options of their own.
    pub fn lazy(
        engine: E,
        max_connections: u32,
        for_calls: OptionsOf<E>,
        for_migrations: OptionsOf<E>,
    ) -> Self {
        // The pool tests an idle connection before it lends it, so the first call after a restart of the server works.
        let pool = PoolOptions::new()
            .max_connections(max_connections)
            .min_connections(0)
            .acquire_timeout(WAIT_LIMIT)
            .connect_lazy_with(for_calls);
        Self { pool, for_migrations: Arc::new(for_migrations), engine: Arc::new(engine) }
    }

    /// Lends `work` a connection, and bounds the whole call by [`CALL_LIMIT`]. The pool gets the connection back only when
    /// `work` has succeeded. After an error, a timeout, or a caller that stopped waiting, the connection is closed: an answer
    /// may still be on its way.
    ///
    /// # Errors
    /// The error of `work`, as its port reports it; [`RepoError::Unavailable`] without a connection, or after the limit.
    pub async fn call<T>(
        &self,
        work: impl AsyncFnOnce(&mut ConnectionOf<E>) -> Result<T, StoreError>,
    ) -> Result<T, RepoError> {
        let call = async {
            let mut lease = self.lease().await?;
            let answer = work(&mut lease).await?;
            lease.done();
            Ok(answer)
        };
        within(CALL_LIMIT, call).await.map_err(StoreError::into_repo::<E>)
    }

    /// The same as [`call`](Self::call) inside a transaction that writes. It is committed when `work` has succeeded.
    ///
    /// # Errors
    /// As [`call`](Self::call). Nothing was written then, unless the commit's answer was lost.
    pub async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut ConnectionOf<E>) -> Result<T, StoreError>,
    ) -> Result<T, RepoError> {
        self.write_if(|_| true, work).await
    }

    /// The same as [`write`](Self::write), committed when `keep` says so of the answer, and rolled back otherwise.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn write_if<T>(
        &self,
        keep: impl FnOnce(&T) -> bool,
        work: impl AsyncFnOnce(&mut ConnectionOf<E>) -> Result<T, StoreError>,
    ) -> Result<T, RepoError> {
        self.call(async |connection| {
            let begin = SqlStr::from_static(E::BEGIN_WRITE);
            let mut transaction = connection.begin_with(begin).await?;
            let answer = work(&mut transaction).await?;
            if keep(&answer) {
                transaction.commit().await?
            } else {
                transaction.rollback().await?
            }
            Ok(answer)
        })
        .await
    }

    /// A call that writes many rows, all of them or none. A transaction, unless the engine writes them in one statement.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn batch<T>(
        &self,
        work: impl AsyncFnOnce(&mut ConnectionOf<E>) -> Result<T, StoreError>,
    ) -> Result<T, RepoError> {
        if E::BATCH_IS_ONE_STATEMENT { self.call(work).await } else { self.write(work).await }
    }

    /// Lends `work` a connection outside the pool, without the limit of a call, and closes it.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn migrate<T>(
        &self,
        work: impl AsyncFnOnce(&mut ConnectionOf<E>) -> Result<T, StoreError>,
    ) -> Result<T, RepoError> {
        let migrated = async {
            let mut connection = within(CALL_LIMIT, self.connect()).await?;
            let answer = within(MIGRATION_LIMIT, work(&mut connection)).await?;
            // The work is committed: an error of closing changes nothing.
            let _ = connection.close().await;
            Ok(answer)
        };
        migrated.await.map_err(StoreError::into_repo::<E>)
    }

    async fn connect(&self) -> Result<ConnectionOf<E>, StoreError> {
        self.ready().await?;
        Ok(self.for_migrations.connect().await?)
    }

    /// Closes the store. Calls fail from now on.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &Pool<E::Driver> {
        &self.pool
    }

    /// How to connect outside the pool, without the limits of a call.
    #[must_use]
    pub fn for_migrations(&self) -> &OptionsOf<E> {
        &self.for_migrations
    }

    async fn lease(&self) -> Result<Lease<E>, StoreError> {
        self.ready().await?;
        Ok(Lease { connection: self.pool.acquire().await?, given_back: false })
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

/// Without the options, whose own `Debug` shows the password.
impl<E: Engine> fmt::Debug for Connections<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("pool", &self.pool).finish_non_exhaustive()
    }
}

/// Bounds work that is not a call itself by [`CALL_LIMIT`].
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

/// A lent connection. Dropped before [`done`](Self::done), it is closed.
struct Lease<E: Engine> {
    connection: PoolConnection<E::Driver>,
    given_back: bool,
}

impl<E: Engine> Lease<E> {
    /// After the last answer.
    fn done(mut self) {
        self.given_back = true;
    }
}

impl<E: Engine> Drop for Lease<E> {
    fn drop(&mut self) {
        if self.given_back {
            // The pool tests the connection once more. On a dead one that would keep its place until TCP gives up, a quarter
            // of an hour later.
            tokio::spawn(timeout(CALL_LIMIT, self.connection.return_to_pool()));
        } else {
            self.connection.close_on_drop();
        }
    }
}

impl<E: Engine> Deref for Lease<E> {
    type Target = ConnectionOf<E>;

    fn deref(&self) -> &ConnectionOf<E> {
        &self.connection
    }
}

impl<E: Engine> DerefMut for Lease<E> {
    fn deref_mut(&mut self) -> &mut ConnectionOf<E> {
        &mut self.connection
    }
}
