//! [`PgStore`]: one pool, and the ports on it.

use std::sync::Arc;

use billing_domain::ports::{
    ApiKeyRepo, ApiKeyUsage, AuditLog, BillingMirror, CheckoutRequests, CustomerClaims,
    CustomerRepo, Database, EventInbox, Leadership,
};

use crate::connections::Connections;
use crate::{
    PgApiKeyRepo, PgApiKeyUsage, PgAuditLog, PgBillingMirror, PgCheckoutRequests, PgCustomerClaims,
    PgCustomerRepo, PgDatabase, PgEventInbox, PgLeadership, PgSettings,
};

/// A Postgres database. Its ports share one pool of connections.
#[derive(Clone, Debug)]
pub struct PgStore {
    connections: Connections,
    audit: PgAuditLog,
    inbox: PgEventInbox,
}

impl PgStore {
    /// A store that connects when it is first used: a database that is out of reach shows then, call by call, as
    /// [`RepoError::Unavailable`](billing_domain::ports::RepoError::Unavailable), until it is there.
    ///
    /// Needs a tokio runtime around it, which looks after the pool and writes the audit log and the inbox.
    #[must_use]
    pub fn open(settings: PgSettings) -> Self {
        let connections = Connections::lazy(settings);
        Self {
            audit: PgAuditLog::new(connections.clone()),
            inbox: PgEventInbox::new(connections.clone()),
            connections,
        }
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

    /// The events that the provider sent. All that one store gives share their commits.
    #[must_use]
    pub fn inbox(&self) -> Arc<dyn EventInbox> {
        Arc::new(self.inbox.clone())
    }

    /// What the provider said last.
    #[must_use]
    pub fn mirror(&self) -> Arc<dyn BillingMirror> {
        Arc::new(PgBillingMirror::new(self.connections.clone()))
    }

    /// Claims to customers.
    #[must_use]
    pub fn claims(&self) -> Arc<dyn CustomerClaims> {
        Arc::new(PgCustomerClaims::new(self.connections.clone()))
    }

    /// Checkout requests.
    #[must_use]
    pub fn checkouts(&self) -> Arc<dyn CheckoutRequests> {
        Arc::new(PgCheckoutRequests::new(self.connections.clone()))
    }

    /// Who does what only one should do.
    #[must_use]
    pub fn leadership(&self) -> Arc<dyn Leadership> {
        Arc::new(PgLeadership::new(self.connections.clone()))
    }

    /// The database itself: its schema, its end.
    #[must_use]
    pub fn database(&self) -> Arc<dyn Database> {
        Arc::new(PgDatabase::new(self.connections.clone()))
    }
}
