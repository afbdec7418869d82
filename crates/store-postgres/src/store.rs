//! [`PgStore`]: one pool, and the ports on it.

use std::sync::Arc;

use billing_domain::ports::{ApiKeyRepo, ApiKeyUsage, AuditLog, CustomerRepo, Database};

use crate::connections::Connections;
use crate::{PgApiKeyRepo, PgApiKeyUsage, PgAuditLog, PgCustomerRepo, PgDatabase, PgSettings};

/// A Postgres database. Its ports share one pool of connections.
#[derive(Clone, Debug)]
pub struct PgStore {
    connections: Connections,
    audit: PgAuditLog,
}

impl PgStore {
    /// A store that connects when it is first used: a database that is out of reach shows then, call by call, as
    /// [`RepoError::Unavailable`](billing_domain::ports::RepoError::Unavailable), until it is there.
    ///
    /// Needs a tokio runtime around it, which looks after the pool and writes the audit log.
    #[must_use]
    pub fn open(settings: PgSettings) -> Self {
        let connections = Connections::lazy(settings);
        Self { audit: PgAuditLog::new(connections.clone()), connections }
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

    /// What judging keys writes back and hears. Each has a place of its own in what it heard: one is for one listener.
    #[must_use]
    pub fn usage(&self) -> Arc<dyn ApiKeyUsage> {
        Arc::new(PgApiKeyUsage::new(self.connections.clone()))
    }

    /// The audit log. All that one store gives share their commits.
    #[must_use]
    pub fn audit(&self) -> Arc<dyn AuditLog> {
        Arc::new(self.audit.clone())
    }

    /// The database itself: its schema, its end.
    #[must_use]
    pub fn database(&self) -> Arc<dyn Database> {
        Arc::new(PgDatabase::new(self.connections.clone()))
    }
}
