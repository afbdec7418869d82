//! SQLite as an engine: its connections, the making of its file, and its error codes.

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
use store_core::engine::Kind;
use tokio::sync::OnceCell;
use tokio::time::sleep;

use crate::settings::Settings;

pub(crate) type Connection = sqlx::SqliteConnection;
pub(crate) type Connections = store_core::connections::Connections<Engine>;

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");

/// How long a migration waits for another process's.
const MIGRATION_WAIT_LIMIT: Duration = Duration::from_secs(60);

/// Readers never wait for each other, writers always do. Each connection is a thread and its cache.
const MAX_CONNECTIONS: u32 = 4;

/// Connects to nothing yet.
pub(crate) fn connections(settings: Settings) -> Connections {
    // FULL, because a revocation that was answered must survive a power cut, and writes are rare.
    let options = SqliteConnectOptions::new()
        .filename(settings.file)
        .create_if_missing(false)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        // A forgotten user must be gone from the file's free pages, too.
        .pragma("secure_delete", "ON");
    let for_calls = options.clone().busy_timeout(WAIT_LIMIT);
    let engine = Engine { options: for_calls.clone(), file_is_ready: OnceCell::new() };
    let for_migrations = options.busy_timeout(MIGRATION_WAIT_LIMIT);
    Connections::lazy(engine, MAX_CONNECTIONS, for_calls, for_migrations)
}

/// Makes the file before the first call.
#[derive(Debug)]
pub(crate) struct Engine {
    options: SqliteConnectOptions,
    file_is_ready: OnceCell<()>,
}

impl store_core::engine::Engine for Engine {
    type Driver = Sqlite;

    /// Takes the right to write at once: what the transaction reads stays true until it writes.
    const BEGIN_WRITE: &'static str = "BEGIN IMMEDIATE";

    const BATCH_IS_ONE_STATEMENT: bool = false;

    /// Makes sure, once, that the file exists, and that readers and a writer do not block each other in it.
    async fn prepare(&self) -> Result<(), Error> {
        let ready = self.file_is_ready.get_or_try_init(|| async {
            let options = self.options.clone();
            tokio::task::spawn_blocking(move || make_file(options.get_filename()))
                .await
                .map_err(io::Error::other)??;
            use_write_ahead_log(&self.options).await
        });
        ready.await.map(|&()| ())
    }

    fn classify(answer: &dyn DatabaseError) -> Kind {
        match primary_code(answer) {
            BUSY | LOCKED | NO_MEMORY | INTERRUPTED | IO_ERROR | FULL | CANNOT_OPEN
            | LOCK_PROTOCOL => Kind::Unavailable,
            NOT_A_DATABASE => Kind::Schema,
            // A missing table or column has no code of its own.
            _ if answer.message().starts_with("no such")
                || answer.message().contains("has no column named") =>
            {
                Kind::Schema
            }
            _ => Kind::Refused,
        }
    }

    fn is_missing_table(answer: &dyn DatabaseError) -> bool {
        answer.message().starts_with("no such table")
    }
}

/// Makes a missing file (0600), and the folders that it misses (0700). SQLite gives its other files (`-wal`, `-shm`) the mode
/// of this one.
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

/// Switches the file to WAL mode, where it stays. While another process does so, SQLite reports "busy" without waiting
/// (<https://www.sqlite.org/c3ref/busy_handler.html>, on deadlocks), so the waiting is done here; the call's limit ends it.
async fn use_write_ahead_log(options: &SqliteConnectOptions) -> Result<(), Error> {
    let options = options.clone().journal_mode(SqliteJournalMode::Wal);
    loop {
        match options.connect().await {
            Ok(connection) => return sqlx::Connection::close(connection).await,
            Err(Error::Database(answer))
                if matches!(primary_code(answer.as_ref()), BUSY | LOCKED) =>
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

/// The low byte of an extended code is the primary one.
fn primary_code(answer: &dyn DatabaseError) -> u32 {
    answer.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or_default() & 0xff
}
