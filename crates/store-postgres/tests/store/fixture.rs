//! The database of a test.

use billing_testkit::postgres::TestDatabase;
use sqlx::postgres::PgConnection;
pub(crate) use store_postgres::{PgSettings as Settings, PgStore as Store};

/// A fresh database without any table.
pub(crate) struct Fixture(pub(crate) TestDatabase);

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self(TestDatabase::create().await)
    }

    pub(crate) fn url(&self) -> String {
        self.0.url().to_owned()
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
