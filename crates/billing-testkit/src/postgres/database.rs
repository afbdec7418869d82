//! [`TestDatabase`]: a new database for one test.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use url::Url;

/// An empty database. Dropping this value drops it, even with open connections.
#[derive(Debug)]
pub struct TestDatabase {
    server: Url,
    url: Url,
    name: String,
}

impl TestDatabase {
    pub(super) async fn create_in(server: Url) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        // Several machines may share the server, so process id and count alone are not unique.
        let moment = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let name = format!(
            "billing_test_{}_{moment}_{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        execute(&server, format!("CREATE DATABASE {name}")).await;
        let mut url = server.clone();
        url.set_path(&name);
        Self { server, url, name }
    }

    /// Returns the database's `postgres://` URL.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Returns the database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Opens a connection.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(self.url()).await.unwrap()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let server = self.server.clone();
        let name = std::mem::take(&mut self.name);
        // `drop` cannot await on the test's runtime. If the test stopped the server, the database
        // stays.
        let dropping = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                if let Ok(mut connection) = PgConnection::connect(server.as_str()).await {
                    let _ = connection
                        .execute(AssertSqlSafe(format!(
                            "DROP DATABASE IF EXISTS {name} WITH (FORCE)"
                        )))
                        .await;
                }
            });
        });
        let _ = dropping.join();
    }
}

async fn execute(server: &Url, sql: String) {
    let mut connection =
        PgConnection::connect(server.as_str()).await.expect("the Postgres server for tests");
    connection
        .execute(AssertSqlSafe(sql))
        .await
        .expect("TEST_POSTGRES_URL names a role that may create databases");
    connection.close().await.unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_test_has_a_separate_database() {
        let (one, two) = (TestDatabase::create().await, TestDatabase::create().await);
        one.connect().await.execute("CREATE TABLE t (x int)").await.unwrap();
        two.connect().await.execute("CREATE TABLE t (x int)").await.unwrap();
        assert_ne!(one.name(), two.name());
    }
}
