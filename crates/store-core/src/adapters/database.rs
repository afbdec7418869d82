//! [`SqlDatabase`].

use async_trait::async_trait;
use billing_domain::ports::{Database, RepoError, SchemaState};
use store_core::migrations::Comparison;

use crate::engine::{Connections, Engine, MIGRATIONS};
use crate::statements;

/// The schema of the database, compared to the migrations that are embedded in this binary, and brought up to it.
#[derive(Clone, Debug)]
pub(crate) struct SqlDatabase(pub(crate) Connections);

#[async_trait]
impl Database for SqlDatabase {
    async fn schema(&self) -> Result<SchemaState, RepoError> {
        self.0
            .call(async |connection| {
                Ok(Comparison::of::<Engine>(connection, &MIGRATIONS).await?.state())
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
