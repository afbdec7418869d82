//! [`SqlStore`]: one pool, and the ports on it.

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

/// A database. Its ports share one pool of connections.
#[derive(Clone, Debug)]
pub struct SqlStore {
    connections: Connections,
    audit: SqlAuditLog,
    inbox: SqlEventInbox,
}

impl SqlStore {
    /// A store that connects when it is first used, and its tasks. While the database is out of reach, each call is
    /// [`RepoError::Unavailable`](billing_domain::ports::RepoError::Unavailable).
    ///
    /// Needs a tokio runtime around it. The application runs the tasks, which write the audit log and the inbox: without them
    /// these two ports are unavailable, too.
    #[must_use]
    pub fn open(settings: Settings) -> (Self, Vec<BackgroundTask>) {
        let connections = crate::engine::connections(settings);
        let (audit, audit_writer) = SqlAuditLog::new(connections.clone());
        let (inbox, inbox_writer) = SqlEventInbox::new(connections.clone());
        (Self { connections, audit, inbox }, vec![audit_writer, inbox_writer])
    }

    /// Which customer a user is.
    #[must_use]
    pub fn customers(&self) -> Arc<dyn CustomerRepo> {
        Arc::new(SqlCustomerRepo(self.connections.clone()))
    }

    /// The API keys.
    #[must_use]
    pub fn api_keys(&self) -> Arc<dyn ApiKeyRepo> {
        Arc::new(SqlApiKeyRepo(self.connections.clone()))
    }

    /// What judging keys writes back and hears. Each has a place of its own in what it heard: one is for one listener.
    #[must_use]
    pub fn usage(&self) -> Arc<dyn ApiKeyUsage> {
        Arc::new(SqlApiKeyUsage::new(self.connections.clone()))
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
        Arc::new(SqlBillingMirror(self.connections.clone()))
    }

    /// Claims to customers.
    #[must_use]
    pub fn claims(&self) -> Arc<dyn CustomerClaims> {
        Arc::new(SqlCustomerClaims(self.connections.clone()))
    }

    /// Checkout requests.
    #[must_use]
    pub fn checkouts(&self) -> Arc<dyn CheckoutRequests> {
        Arc::new(SqlCheckoutRequests(self.connections.clone()))
    }

    /// Who does what only one should do.
    #[must_use]
    pub fn leadership(&self) -> Arc<dyn Leadership> {
        Arc::new(SqlLeadership(self.connections.clone()))
    }

    /// The database itself: its schema, its end.
    #[must_use]
    pub fn database(&self) -> Arc<dyn Database> {
        Arc::new(SqlDatabase(self.connections.clone()))
    }
}
