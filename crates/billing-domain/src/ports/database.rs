//! What an operator needs of a store, whatever it keeps.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;

/// The database behind the stores: is it there, does its schema fit, bring it up to date.
#[async_trait]
pub trait Database: Debug + Send + Sync + 'static {
    /// How the database's schema compares to the migrations that this binary carries. Also the liveness probe.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] where the database gave no answer within 3 s.
    async fn schema(&self) -> Result<SchemaState, RepoError>;

    /// Applies the missing migrations under a lock: safe when several processes run it at once. Gives their number.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`], or [`RepoError::Schema`] where a migration failed or an applied one was changed since.
    async fn migrate(&self) -> Result<usize, RepoError>;

    /// Closes all connections after what runs; later calls are [`RepoError::Unavailable`].
    async fn close(&self);
}

/// How a database's schema compares to this binary's migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// All of ours are applied, and no others.
    Current,
    /// All of ours are applied, and newer ones: a later release migrated, and we still fit.
    Newer,
    /// So many of ours are missing (all, for an empty database).
    Behind {
        /// How many.
        missing: usize,
    },
}

impl SchemaState {
    /// Whether this binary can work on it.
    #[must_use]
    pub const fn is_compatible(self) -> bool {
        match self {
            Self::Current | Self::Newer => true,
            Self::Behind { .. } => false,
        }
    }
}
