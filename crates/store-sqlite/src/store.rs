//! [`SqliteStore`]: one pool, and the ports on it.

use std::sync::Arc;

use billing_domain::ports::{
    ApiKeyRepo, ApiKeyUsage, AuditLog, BillingMirror, CheckoutRequests, CustomerClaims,
    CustomerRepo, Database, EventInbox, Leadership,
};

use crate::connections::Connections;
use crate::{
    SqliteApiKeyRepo, SqliteApiKeyUsage, SqliteAuditLog, SqliteBillingMirror,
    SqliteCheckoutRequests, SqliteCustomerClaims, SqliteCustomerRepo, SqliteDatabase,
    SqliteEventInbox, SqliteLeadership, SqliteSettings,
};

/// A SQLite database. Its ports share one pool of connections.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    connections: Connections,
    audit: SqliteAuditLog,
    inbox: SqliteEventInbox,
}

impl SqliteStore {
    /// A store that opens its file when it is first used, and makes a missing one (0600) in a missing folder (0700): a file
    /// that is out of reach shows then, call by call, as
    /// [`RepoError::Unavailable`](billing_domain::ports::RepoError::Unavailable), until it is there.
    ///
    /// Needs a tokio runtime around it, which looks after the pool and writes the audit log and the inbox.
    #[must_use]
    pub fn open(settings: SqliteSettings) -> Self {
        let connections = Connections::lazy(settings);
        Self {
            audit: SqliteAuditLog::new(connections.clone()),
            inbox: SqliteEventInbox::new(connections.clone()),
            connections,
        }
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

    /// What judging keys writes back and hears. Each has a place of its own in what it heard: one is for one listener.
    #[must_use]
    pub fn usage(&self) -> Arc<dyn ApiKeyUsage> {
        Arc::new(SqliteApiKeyUsage::new(self.connections.clone()))
    }

    /// The audit log. All that one store gives share their commits.
    #[must_use]
    pub fn audit(&self) -> Arc<dyn AuditLog> {
        Arc::new(self.audit.clone())
    }

    /// The events that the provider sent. All that one store gives share their commits.
    #[must_use]
    pub fn inbox(&self) -> Arc<dyn EventInbox> {
        Arc::new(self.inbox.clone())
    }

    /// What the provider said last.
    #[must_use]
    pub fn mirror(&self) -> Arc<dyn BillingMirror> {
        Arc::new(SqliteBillingMirror::new(self.connections.clone()))
    }

    /// Claims to customers.
    #[must_use]
    pub fn claims(&self) -> Arc<dyn CustomerClaims> {
        Arc::new(SqliteCustomerClaims::new(self.connections.clone()))
    }

    /// Checkout requests.
    #[must_use]
    pub fn checkouts(&self) -> Arc<dyn CheckoutRequests> {
        Arc::new(SqliteCheckoutRequests::new(self.connections.clone()))
    }

    /// Who does what only one should do.
    #[must_use]
    pub fn leadership(&self) -> Arc<dyn Leadership> {
        Arc::new(SqliteLeadership::new(self.connections.clone()))
    }

    /// The database itself: its schema, its end.
    #[must_use]
    pub fn database(&self) -> Arc<dyn Database> {
        Arc::new(SqliteDatabase::new(self.connections.clone()))
    }
}
