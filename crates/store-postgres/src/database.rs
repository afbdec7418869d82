//! [`PgDatabase`].

use std::collections::BTreeMap;

use async_trait::async_trait;
use billing_domain::ports::{Database, RepoError, SchemaState};
use sqlx::migrate::{Migrate, Migration, Migrator};
use sqlx::{Connection, PgConnection};

use crate::connections::{Connections, bounded, migration};
use crate::error::{is_missing_table, migrate_error, schema};

static EMBEDDED: Migrator = sqlx::migrate!("../../migrations/postgres");

/// The database's schema, compared to the migrations that are embedded in this binary, and brought up to it.
#[derive(Clone, Debug)]
pub struct PgDatabase {
    connections: Connections,
}

impl PgDatabase {
    pub(crate) fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

#[async_trait]
impl Database for PgDatabase {
    async fn schema(&self) -> Result<SchemaState, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let state = compare(&mut connection).await?.state();
            connection.done();
            Ok(state)
        })
        .await
    }

    /// On a connection of its own, which takes the lock with it wherever this ends. Each migration is one transaction.
    async fn migrate(&self) -> Result<usize, RepoError> {
        let mut connection = self.connections.for_migrations().await?;
        let applied = migration(async {
            connection.lock().await.map_err(|error| migrate_error(&error))?;
            connection
                .ensure_migrations_table(&EMBEDDED.table_name)
                .await
                .map_err(|error| migrate_error(&error))?;
            let missing = compare(&mut connection).await?.missing;
            for migration in &missing {
                connection
                    .apply(&EMBEDDED.table_name, migration)
                    .await
                    .map_err(|error| migrate_error(&error))?;
            }
            Ok(missing.len())
        })
        .await?;
        // The work is committed: a good-bye that fails changes nothing.
        let _ = connection.close().await;
        Ok(applied)
    }

    async fn close(&self) {
        self.connections.close().await;
    }
}

/// What the database has, held against what is embedded.
struct Comparison {
    missing: Vec<&'static Migration>,
    /// Whether a later release has applied migrations that we don't know.
    newer: bool,
}

impl Comparison {
    fn state(&self) -> SchemaState {
        match (self.missing.len(), self.newer) {
            (0, false) => SchemaState::Current,
            (0, true) => SchemaState::Newer,
            (missing, _) => SchemaState::Behind { missing },
        }
    }
}

async fn compare(connection: &mut PgConnection) -> Result<Comparison, RepoError> {
    let applied = match connection.list_applied_migrations(&EMBEDDED.table_name).await {
        Ok(applied) => applied,
        Err(error) if is_missing_table(&error) => Vec::new(),
        Err(error) => return Err(migrate_error(&error)),
    };
    let mut applied: BTreeMap<i64, _> =
        applied.into_iter().map(|one| (one.version, one.checksum)).collect();
    let mut missing = Vec::new();
    for migration in EMBEDDED.iter() {
        match applied.remove(&migration.version) {
            None => missing.push(migration),
            Some(checksum) if checksum == migration.checksum => {}
            Some(_) => {
                return Err(schema(format!(
                    "migration {} was changed since it was applied",
                    migration.version
                )));
            }
        }
    }
    Ok(Comparison { missing, newer: !applied.is_empty() })
}
