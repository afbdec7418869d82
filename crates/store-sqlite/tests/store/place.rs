//! Where a test's database is.

use std::path::PathBuf;

use billing_domain::ports::BackgroundTask;
use secrecy::SecretString;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use store_sqlite::{SqliteSettings, SqliteStore};
use tempfile::TempDir;

/// A file in a folder of its own, neither of which exists yet.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) async fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.path().join("data/billing.db")
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}", self.file().display())
    }

    /// A store on it, without any table.
    pub(crate) fn store(&self) -> SqliteStore {
        open(&self.url())
    }

    /// A store on it, and the tasks that it needs.
    pub(crate) fn with_tasks(&self) -> (SqliteStore, Vec<BackgroundTask>) {
        with_tasks(&self.url())
    }

    /// A store on it, with all tables.
    pub(crate) async fn migrated(&self) -> SqliteStore {
        let store = self.store();
        store.database().migrate().await.unwrap();
        store
    }

    /// Does something behind the store's back.
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

/// A store whose tasks run until the test ends.
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
