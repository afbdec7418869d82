//! The database of a test.

use std::path::PathBuf;

use billing_domain::ports::BackgroundTask;
use secrecy::SecretString;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use store_sqlite::{SqliteSettings, SqliteStore};
use tempfile::TempDir;

/// A database file in a temporary folder. The file does not exist yet.
pub(crate) struct Fixture(TempDir);

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.path().join("data/billing.db")
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}", self.file().display())
    }

    /// Opens a store without tables.
    pub(crate) fn store(&self) -> SqliteStore {
        open(&self.url())
    }

    /// Opens a store and returns its tasks.
    pub(crate) fn with_tasks(&self) -> (SqliteStore, Vec<BackgroundTask>) {
        with_tasks(&self.url())
    }

    /// Opens a store with all tables.
    pub(crate) async fn migrated(&self) -> SqliteStore {
        let store = self.store();
        store.database().migrate().await.unwrap();
        store
    }

    /// Runs a statement outside the store.
    pub(crate) async fn execute(&self, sql: &str) {
        self.connect().await.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    }

    /// Makes the database refuse audit rows with this value.
    pub(crate) async fn refuse_audit_rows(&self, column: &str, value: &str) {
        self.execute(&format!(
            "CREATE TRIGGER refused BEFORE INSERT ON audit_log WHEN new.{column} = '{value}'
             BEGIN SELECT RAISE(ABORT, 'refused'); END"
        ))
        .await;
    }

    pub(crate) async fn connect(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.file()).connect().await.unwrap()
    }

    pub(crate) async fn has_table(&self, name: &str) -> bool {
        let found = sqlx::query_scalar::<_, i64>(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1",
        );
        found.bind(name).fetch_one(&mut self.connect().await).await.unwrap() == 1
    }
}

/// Opens a store and runs its tasks until the test ends.
pub(crate) fn open(url: &str) -> SqliteStore {
    let (store, tasks) = with_tasks(url);
    for task in tasks {
        tokio::spawn(task.run);
    }
    store
}

fn with_tasks(url: &str) -> (SqliteStore, Vec<BackgroundTask>) {
    SqliteStore::open(SqliteSettings::from_url(&SecretString::from(url)).unwrap())
}
