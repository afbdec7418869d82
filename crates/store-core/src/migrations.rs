//! The comparison of the embedded migrations with those of a database.

use std::collections::BTreeMap;

use billing_domain::ports::SchemaState;
use sqlx::Error;
use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};

use crate::engine::Engine;
use crate::error::{StoreError, migrate_error, schema};

/// The difference between a database and the embedded migrations.
#[derive(Debug)]
pub struct Comparison {
    missing: Vec<&'static Migration>,
    /// Whether a later release has applied more migrations.
    newer: bool,
}

impl Comparison {
    /// Compares the embedded migrations with those of a database.
    ///
    /// # Errors
    /// [`RepoError::Schema`](billing_domain::ports::RepoError::Schema) if an applied migration was
    /// changed since.
    pub async fn compare<E: Engine>(
        connection: &mut impl Migrate,
        embedded: &'static Migrator,
    ) -> Result<Self, StoreError> {
        let applied = match connection.list_applied_migrations(&embedded.table_name).await {
            Ok(applied) => applied,
            Err(MigrateError::Execute(Error::Database(error)))
                if E::is_missing_table(error.as_ref()) =>
            {
                Vec::new()
            }
            Err(error) => return Err(migrate_error::<E>(&error)),
        };
        let mut applied: BTreeMap<i64, _> =
            applied.into_iter().map(|one| (one.version, one.checksum)).collect();
        let mut missing = Vec::new();
        for migration in embedded.iter() {
            match applied.remove(&migration.version) {
                None => missing.push(migration),
                Some(checksum) if checksum == migration.checksum => {}
                Some(_) => {
                    let version = migration.version;
                    return Err(schema(format!(
                        "migration {version} was changed since it was applied"
                    ))
                    .into());
                }
            }
        }
        Ok(Self { missing, newer: !applied.is_empty() })
    }

    /// Converts the comparison to the type of the port.
    #[must_use]
    pub fn state(&self) -> SchemaState {
        match (self.missing.len(), self.newer) {
            (0, false) => SchemaState::Current,
            (0, true) => SchemaState::Newer,
            (missing, _) => SchemaState::Behind { missing },
        }
    }
}

/// Applies the missing migrations and returns their number. The caller must have a lock.
///
/// # Errors
/// The error of the failed migration, converted by [`migrate_error`].
pub async fn apply_missing<E: Engine>(
    connection: &mut impl Migrate,
    embedded: &'static Migrator,
) -> Result<usize, StoreError> {
    let failed = |error: MigrateError| migrate_error::<E>(&error);
    connection.ensure_migrations_table(&embedded.table_name).await.map_err(failed)?;
    let missing = Comparison::compare::<E>(connection, embedded).await?.missing;
    for migration in &missing {
        connection.apply(&embedded.table_name, migration).await.map_err(failed)?;
    }
    Ok(missing.len())
}
