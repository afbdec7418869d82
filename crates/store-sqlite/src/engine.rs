//! The engine for SQLite: connections, creation of the file, and error codes.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Error, Sqlite};
use store_core::connections::WAIT_LIMIT;
use store_core::engine::ErrorKind;
use tokio::sync::OnceCell;
use tokio::time::sleep;

use crate::settings::Settings;

pub(crate) type Connection = sqlx::SqliteConnection;
pub(crate) type Connections = store_core::connections::Connections<Engine>;

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");

/// Time limit for waiting for the migration of another process.
const MIGRATION_WAIT_LIMIT: Duration = Duration::from_secs(60);

/// Maximum connections. Only readers run concurrently. Each connection has a thread and a cache.
const MAX_CONNECTIONS: u32 = 4;

/// Creates the pool, which connects on first use.
pub(crate) fn connections(settings: Settings) -> Connections {
    // FULL, because a confirmed revocation must survive a power failure, and writes are rare.
    let options = SqliteConnectOptions::new()
        .filename(settings.file)
        .create_if_missing(false)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        // Erases the data of forgotten users from free pages, too.
        .pragma("secure_delete", "ON");
    let for_calls = options.clone().busy_timeout(WAIT_LIMIT);
    let engine = Engine { options: for_calls.clone(), file_is_ready: OnceCell::new() };
    let for_migrations = options.busy_timeout(MIGRATION_WAIT_LIMIT);
    Connections::lazy(engine, MAX_CONNECTIONS, for_calls, for_migrations)
}

/// The engine for SQLite. It creates the file before the first call.
#[derive(Debug)]
pub(crate) struct Engine {
    options: SqliteConnectOptions,
    file_is_ready: OnceCell<()>,
}

impl store_core::engine::Engine for Engine {
    type Driver = Sqlite;

    /// Locks the database for writing immediately, so reads of the transaction remain valid.
    const BEGIN_WRITE: &'static str = "BEGIN IMMEDIATE";

    const BATCH_IS_ONE_STATEMENT: bool = false;

    /// Creates the file once and enables WAL, so readers and the writer do not block each other.
    async fn prepare(&self) -> Result<(), Error> {
        let ready = self.file_is_ready.get_or_try_init(|| async {
            let options = self.options.clone();
            tokio::task::spawn_blocking(move || create_file(options.get_filename()))
                .await
                .map_err(io::Error::other)??;
            use_write_ahead_log(&self.options).await
        });
        ready.await.map(|&()| ())
    }

    fn classify(error: &dyn DatabaseError) -> ErrorKind {
        match primary_code(error) {
            BUSY | LOCKED | NO_MEMORY | INTERRUPTED | IO_ERROR | FULL | CANNOT_OPEN
            | LOCK_PROTOCOL => ErrorKind::Unavailable,
            NOT_A_DATABASE => ErrorKind::Schema,
            // SQLite has no error code for a missing table or column.
            _ if error.message().starts_with("no such")
                || error.message().contains("has no column named") =>
            {
                ErrorKind::Schema
            }
            _ => ErrorKind::Refused,
        }
    }

    fn is_missing_table(error: &dyn DatabaseError) -> bool {
        error.message().starts_with("no such table")
    }
}

/// Creates the file (mode 0600) and its folders (0700). SQLite creates `-wal` and `-shm` with the
/// mode of the file.
fn create_file(path: &Path) -> io::Result<()> {
    // POSIX locks belong to the process: closing the new file would release locks that another
    // store of this process has on it. The mutex makes other stores wait until the file is closed.
    static CREATE: Mutex<()> = Mutex::new(());
    let _guard = CREATE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Switches the file to WAL mode permanently. SQLite reports "busy" without waiting while another
/// process does so (<https://www.sqlite.org/c3ref/busy_handler.html>), so this function retries.
async fn use_write_ahead_log(options: &SqliteConnectOptions) -> Result<(), Error> {
    let options = options.clone().journal_mode(SqliteJournalMode::Wal);
    loop {
        match options.connect().await {
            Ok(connection) => return sqlx::Connection::close(connection).await,
            Err(Error::Database(error))
                if matches!(primary_code(error.as_ref()), BUSY | LOCKED) =>
            {
                sleep(Duration::from_millis(10)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

// Primary result codes: <https://www.sqlite.org/rescode.html>.
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const NO_MEMORY: u32 = 7;
const INTERRUPTED: u32 = 9;
const IO_ERROR: u32 = 10;
const FULL: u32 = 13;
const CANNOT_OPEN: u32 = 14;
const LOCK_PROTOCOL: u32 = 15;
const NOT_A_DATABASE: u32 = 26;

/// Returns the primary code: the low byte of an extended code.
fn primary_code(error: &dyn DatabaseError) -> u32 {
    error.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or_default() & 0xff
}
