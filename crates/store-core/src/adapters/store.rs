//! [`SqlStore`]: a connection pool and the ports that use it.

use std::sync::Arc;

use billing_domain::ports::{
    ApiKeyRepo, ApiKeyUsage, AuditLog, BackgroundTask, BillingMirror, CheckoutRequests,
    CustomerClaims, CustomerRepo, Database, EventInbox, Leadership,
};

use super::api_key_repo::SqlApiKeyRepo;
use super::api_key_usage::SqlApiKeyUsage;
use super::audit_log::SqlAuditLog;
use super::billing_mirror::SqlBillingMirror;
use super::checkout_requests::SqlCheckoutRequests;
use super::customer_claims::SqlCustomerClaims;
use super::customer_repo::SqlCustomerRepo;
use super::database::SqlDatabase;
use super::event_inbox::SqlEventInbox;
use super::leadership::SqlLeadership;
use crate::engine::Connections;
use crate::settings::Settings;

/// A database. All ports share one connection pool.
#[derive(Clone, Debug)]
pub struct SqlStore {
    connections: Connections,
    audit: SqlAuditLog,
    inbox: SqlEventInbox,
}

impl SqlStore {
    /// Creates a store that connects on first use, and the tasks that write the audit log and the
    /// inbox. These two ports only work while the application runs the tasks.
    ///
    /// Requires a tokio runtime.
    #[must_use]
    pub fn open(settings: Settings) -> (Self, Vec<BackgroundTask>) {
        let connections = crate::engine::connections(settings);
        let (audit, audit_writer) = SqlAuditLog::new(connections.clone());
        let (inbox, inbox_writer) = SqlEventInbox::new(connections.clone());
        (Self { connections, audit, inbox }, vec![audit_writer, inbox_writer])
    }

    /// Returns the store of links.
    #[must_use]
    pub fn customers(&self) -> Arc<dyn CustomerRepo> {
        Arc::new(SqlCustomerRepo(self.connections.clone()))
    }

    /// Returns the store of API keys.
    #[must_use]
    pub fn api_keys(&self) -> Arc<dyn ApiKeyRepo> {
        Arc::new(SqlApiKeyRepo(self.connections.clone()))
    }

    /// Returns a new port for the use of keys. Each listener needs its own.
    #[must_use]
    pub fn usage(&self) -> Arc<dyn ApiKeyUsage> {
        Arc::new(SqlApiKeyUsage::new(self.connections.clone()))
    }

    /// Returns the audit log. Its clones share commits.
    #[must_use]
    pub fn audit(&self) -> Arc<dyn AuditLog> {
        Arc::new(self.audit.clone())
    }

    /// Returns the event inbox. Its clones share commits.
    #[must_use]
    pub fn inbox(&self) -> Arc<dyn EventInbox> {
        Arc::new(self.inbox.clone())
    }

    /// Returns the mirror.
    #[must_use]
    pub fn mirror(&self) -> Arc<dyn BillingMirror> {
        Arc::new(SqlBillingMirror(self.connections.clone()))
    }

    /// Returns the store of customer claims.
    #[must_use]
    pub fn claims(&self) -> Arc<dyn CustomerClaims> {
        Arc::new(SqlCustomerClaims(self.connections.clone()))
    }

    /// Returns the store of checkout requests.
    #[must_use]
    pub fn checkouts(&self) -> Arc<dyn CheckoutRequests> {
        Arc::new(SqlCheckoutRequests(self.connections.clone()))
    }

    /// Returns the port of leader election.
    #[must_use]
    pub fn leadership(&self) -> Arc<dyn Leadership> {
        Arc::new(SqlLeadership(self.connections.clone()))
    }

    /// Returns the port of the database: schema, migrations and shutdown.
    #[must_use]
    pub fn database(&self) -> Arc<dyn Database> {
        Arc::new(SqlDatabase(self.connections.clone()))
    }
}
