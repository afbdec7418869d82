//! The database of a test.

use billing_domain::ports::BackgroundTask;
use billing_testkit::postgres::TestDatabase;
use secrecy::SecretString;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor};
use store_postgres::{PgSettings, PgStore};

/// A fresh database without any table.
pub(crate) struct Fixture(pub(crate) TestDatabase);

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self(TestDatabase::create().await)
    }

    pub(crate) fn url(&self) -> String {
        self.0.url().to_owned()
    }

    /// Opens a store without tables.
    pub(crate) fn store(&self) -> PgStore {
        open(&self.url())
    }

    /// Opens a store and returns its tasks.
    pub(crate) fn with_tasks(&self) -> (PgStore, Vec<BackgroundTask>) {
        with_tasks(&self.url())
    }

    /// Opens a store with all tables.
    pub(crate) async fn migrated(&self) -> PgStore {
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
            "ALTER TABLE audit_log ADD CONSTRAINT refused CHECK ({column} <> '{value}')"
        ))
        .await;
    }

    pub(crate) async fn connect(&self) -> PgConnection {
        self.0.connect().await
    }

    pub(crate) async fn has_table(&self, name: &str) -> bool {
        self.has_table_in("public", name).await
    }

    pub(crate) async fn has_table_in(&self, schema: &str, name: &str) -> bool {
        let found = sqlx::query_scalar::<_, i64>(
            "SELECT count(*) FROM pg_tables WHERE schemaname = $1 AND tablename = $2",
        );
        found.bind(schema).bind(name).fetch_one(&mut self.connect().await).await.unwrap() == 1
    }
}

/// Opens a store and runs its tasks until the test ends.
pub(crate) fn open(url: &str) -> PgStore {
    let (store, tasks) = with_tasks(url);
    for task in tasks {
        tokio::spawn(task.run);
    }
    store
}

fn with_tasks(url: &str) -> (PgStore, Vec<BackgroundTask>) {
    PgStore::open(PgSettings::from_url(&SecretString::from(url)).unwrap())
}
