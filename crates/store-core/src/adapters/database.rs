//! [`SqlDatabase`]: schema, migrations and shutdown.

use async_trait::async_trait;
use billing_domain::ports::{Database, RepoError, SchemaState};
use store_core::migrations::Comparison;

use crate::engine::{Connections, Engine, MIGRATIONS};
use crate::statements;

/// The database of a store.
#[derive(Clone, Debug)]
pub(crate) struct SqlDatabase(pub(crate) Connections);

#[async_trait]
impl Database for SqlDatabase {
    async fn schema(&self) -> Result<SchemaState, RepoError> {
        self.0
            .call(async |connection| {
                Ok(Comparison::compare::<Engine>(connection, &MIGRATIONS).await?.state())
            })
            .await
    }

    async fn migrate(&self) -> Result<usize, RepoError> {
        self.0.migrate(async |connection| statements::migrate(connection).await).await
    }

    async fn close(&self) {
        self.0.close().await;
    }
}
