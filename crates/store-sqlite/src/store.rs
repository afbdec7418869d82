//! [`SqliteStore`]: one pool, and the ports on it.

use std::sync::Arc;

use billing_domain::ports::{ApiKeyRepo, CustomerRepo, Database};

use crate::connections::Connections;
use crate::{SqliteApiKeyRepo, SqliteCustomerRepo, SqliteDatabase, SqliteSettings};

/// A SQLite database. Its ports share one pool of connections.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    connections: Connections,
}

impl SqliteStore {
    /// A store that opens its file when it is first used, and makes a missing one (0600) in a missing folder (0700): a file
    /// that is out of reach shows then, call by call, as
    /// [`RepoError::Unavailable`](billing_domain::ports::RepoError::Unavailable), until it is there.
    ///
    /// Needs a tokio runtime around it, which looks after the pool.
    #[must_use]
    pub fn open(settings: SqliteSettings) -> Self {
        Self { connections: Connections::lazy(settings) }
    }

    /// Which customer a user is.
    #[must_use]
    pub fn customers(&self) -> Arc<dyn CustomerRepo> {
        Arc::new(SqliteCustomerRepo::new(self.connections.clone()))
    }

    /// The API keys.
    #[must_use]
    pub fn api_keys(&self) -> Arc<dyn ApiKeyRepo> {
        Arc::new(SqliteApiKeyRepo::new(self.connections.clone()))
    }

    /// The database itself: its schema, its end.
    #[must_use]
    pub fn database(&self) -> Arc<dyn Database> {
        Arc::new(SqliteDatabase::new(self.connections.clone()))
    }
}
