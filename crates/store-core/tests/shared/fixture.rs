//! The part of [`Fixture`] that does not depend on the database.

use billing_domain::ports::BackgroundTask;
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Executor};

use crate::fixture::{Fixture, Settings, Store};

impl Fixture {
    /// Opens a store without tables.
    pub(crate) fn store(&self) -> Store {
        open(&self.url())
    }

    /// Opens a store and returns its tasks.
    pub(crate) fn with_tasks(&self) -> (Store, Vec<BackgroundTask>) {
        with_tasks(&self.url())
    }

    /// Opens a store with all tables.
    pub(crate) async fn migrated(&self) -> Store {
        let store = self.store();
        store.database().migrate().await.unwrap();
        store
    }

    /// Runs a statement outside the store.
    pub(crate) async fn execute(&self, sql: &str) {
        self.connect().await.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    }
}

/// Opens a store and runs its tasks until the test ends.
pub(crate) fn open(url: &str) -> Store {
    let (store, tasks) = with_tasks(url);
    for task in tasks {
        tokio::spawn(task.run);
    }
    store
}

fn with_tasks(url: &str) -> (Store, Vec<BackgroundTask>) {
    Store::open(Settings::from_url(&SecretString::from(url)).unwrap())
}
