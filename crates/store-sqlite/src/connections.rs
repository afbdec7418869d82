//! Connections: lent for one call each, every call bounded, and the file made before the first.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use billing_domain::ports::RepoError;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Error, Sqlite};
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};

use crate::SqliteSettings;
use crate::error::{StoreError, is_busy, timed_out, unavailable};

/// What a caller waits at most, connection and statement together.
const CALL_LIMIT: Duration = Duration::from_secs(3);

/// Less than the whole call, so that the error can say what was in the way.
const BUSY_LIMIT: Duration = Duration::from_millis(2500);

const MIGRATION_LIMIT: Duration = Duration::from_secs(15 * 60);

/// How long a migration waits for another process's.
const MIGRATION_BUSY_LIMIT: Duration = Duration::from_secs(60);

/// Readers never wait for each other, writers always do. Each connection is a thread and its cache.
const MAX_CONNECTIONS: u32 = 4;

#[derive(Clone, Debug)]
pub(crate) struct Connections {
    pool: SqlitePool,
    for_migrations: Arc<SqliteConnectOptions>,
    file_is_ready: Arc<OnceCell<()>>,
}

impl Connections {
    /// Opens nothing yet.
    pub(crate) fn lazy(settings: SqliteSettings) -> Self {
        // FULL, because a revocation that was answered must outlive a power cut, and writes are rare.
        let options = SqliteConnectOptions::new()
            .filename(settings.file)
            .create_if_missing(false)
            .foreign_keys(true)
            .synchronous(SqliteSynchronous::Full)
            // Who is forgotten is to be gone from the file's free pages, too.
            .pragma("secure_delete", "ON");
        let for_migrations = Arc::new(options.clone().busy_timeout(MIGRATION_BUSY_LIMIT));
        let pool = SqlitePoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .min_connections(0)
            .acquire_timeout(BUSY_LIMIT)
            .connect_lazy_with(options.busy_timeout(BUSY_LIMIT));
        Self { pool, for_migrations, file_is_ready: Arc::default() }
    }

    /// Lends a connection for one call.
    pub(crate) async fn lease(&self) -> Result<Lease, StoreError> {
        self.file_is_ready().await?;
        Ok(Lease { connection: self.pool.acquire().await?, done: false })
    }

    /// A connection outside the pool, without the limits of a call.
    pub(crate) async fn for_migrations(&self) -> Result<SqliteConnection, RepoError> {
        if self.pool.is_closed() {
            return Err(unavailable("the store is closed"));
        }
        bounded(async {
            self.file_is_ready().await?;
            Ok(self.for_migrations.connect().await?)
        })
        .await
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// Makes sure, once, that the file is there, and that readers and a writer do not block each other in it.
    async fn file_is_ready(&self) -> Result<(), StoreError> {
        if self.pool.is_closed() {
            return Err(StoreError::Repo(unavailable("the store is closed")));
        }
        let ready = self.file_is_ready.get_or_try_init(|| async {
            let options = Arc::clone(&self.for_migrations);
            tokio::task::spawn_blocking(move || make_file(options.get_filename()))
                .await
                .map_err(io::Error::other)??;
            use_write_ahead_log(&self.for_migrations).await
        });
        ready.await.map_err(StoreError::Driver).map(|&()| ())
    }
}

/// Makes a missing file, for its owner only, and the folders that it misses likewise. SQLite gives its other files (`-wal`,
/// `-shm`) the mode of this one.
fn make_file(path: &Path) -> io::Result<()> {
    // POSIX locks belong to the process: closing the new file would end the locks that another store of this process has taken
    // in it meanwhile. So a store that did not make the file waits here until it was closed.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Switches the file to WAL mode, where it stays. Where another process is just doing so, SQLite says "busy" without waiting
/// (<https://www.sqlite.org/c3ref/busy_handler.html>, on deadlocks), so the waiting is done here; the call's limit ends it.
async fn use_write_ahead_log(options: &SqliteConnectOptions) -> Result<(), Error> {
    let options = options.clone().busy_timeout(BUSY_LIMIT).journal_mode(SqliteJournalMode::Wal);
    loop {
        match options.connect().await {
            Ok(connection) => return connection.close().await,
            Err(error) if is_busy(&error) => sleep(Duration::from_millis(10)).await,
            Err(error) => return Err(error),
        }
    }
}

/// Bounds a call, connection and all.
pub(crate) async fn bounded<T>(
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, RepoError> {
    within(CALL_LIMIT, call).await
}

/// Bounds a migration: generously, for the sake of big tables.
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
/// short leaves a statement running in it.
#[derive(Debug)]
pub(crate) struct Lease {
    connection: PoolConnection<Sqlite>,
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
        if !self.done {
            self.connection.close_on_drop();
        }
    }
}

impl Deref for Lease {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}
