//! The database of a test.

use std::path::PathBuf;

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
pub(crate) use store_sqlite::{SqliteSettings as Settings, SqliteStore as Store};
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
