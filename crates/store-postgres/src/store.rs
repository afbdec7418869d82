//! [`PgStore`]: one pool, and the ports on it.

use std::sync::Arc;

use billing_domain::ports::{ApiKeyRepo, CustomerRepo, Database};

use crate::connections::Connections;
use crate::{PgApiKeyRepo, PgCustomerRepo, PgDatabase, PgSettings};

/// A Postgres database. Its ports share one pool of connections.
#[derive(Clone, Debug)]
pub struct PgStore {
    connections: Connections,
}

impl PgStore {
    /// A store that connects when it is first used: a database that is out of reach shows then, call by call, as
    /// [`RepoError::Unavailable`](billing_domain::ports::RepoError::Unavailable), until it is there.
    ///
    /// Needs a tokio runtime around it, which looks after the pool.
    #[must_use]
    pub fn open(settings: PgSettings) -> Self {
        Self { connections: Connections::lazy(settings) }
    }

    /// Which customer a user is.
    #[must_use]
    pub fn customers(&self) -> Arc<dyn CustomerRepo> {
        Arc::new(PgCustomerRepo::new(self.connections.clone()))
    }

    /// The API keys.
    #[must_use]
    pub fn api_keys(&self) -> Arc<dyn ApiKeyRepo> {
        Arc::new(PgApiKeyRepo::new(self.connections.clone()))
    }

    /// The database itself: its schema, its end.
    #[must_use]
    pub fn database(&self) -> Arc<dyn Database> {
        Arc::new(PgDatabase::new(self.connections.clone()))
    }
}
