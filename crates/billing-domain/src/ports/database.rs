//! The port of the database: schema, migrations and shutdown.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;

/// The database of the stores.
#[async_trait]
pub trait Database: Debug + Send + Sync + 'static {
    /// Compares the database's schema with this binary's migrations. Also used as health check.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] if the database did not respond within 3 s.
    async fn schema(&self) -> Result<SchemaState, RepoError>;

    /// Applies the missing migrations and returns their number. A lock makes concurrent calls safe.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`], or [`RepoError::Schema`] if a migration failed or an applied
    /// migration was changed.
    async fn migrate(&self) -> Result<usize, RepoError>;

    /// Closes all connections after their running statements. Later calls return
    /// [`RepoError::Unavailable`].
    async fn close(&self);
}

/// The state of the database's schema, compared with this binary's migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// The database has exactly this binary's migrations.
    Current,
    /// A later release has applied more migrations. This binary still works.
    Newer,
    /// The database lacks migrations; an empty database lacks all of them.
    Behind {
        /// The number of missing migrations.
        missing: usize,
    },
}

impl SchemaState {
    /// Returns whether this binary works with the schema.
    #[must_use]
    pub const fn is_compatible(self) -> bool {
        match self {
            Self::Current | Self::Newer => true,
            Self::Behind { .. } => false,
        }
    }
}
