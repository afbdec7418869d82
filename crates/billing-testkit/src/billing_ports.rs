//! [`BillingPorts`]: what the suites of stores that share a database are run against.

use std::sync::Arc;

use billing_domain::ports::{
    ApiKeyRepo, AuditLog, BillingMirror, CheckoutRequests, CustomerClaims, CustomerRepo, Database,
    EventInbox, Leadership,
};

/// The stores of one database. Fresh and empty, where a suite gets it.
#[derive(Debug)]
pub struct BillingPorts {
    /// Links.
    pub customers: Arc<dyn CustomerRepo>,
    /// API keys.
    pub keys: Arc<dyn ApiKeyRepo>,
    /// The audit log.
    pub audit: Arc<dyn AuditLog>,
    /// Events.
    pub inbox: Arc<dyn EventInbox>,
    /// The mirror.
    pub mirror: Arc<dyn BillingMirror>,
    /// Claims.
    pub claims: Arc<dyn CustomerClaims>,
    /// Checkout requests.
    pub checkouts: Arc<dyn CheckoutRequests>,
    /// Duties.
    pub leadership: Arc<dyn Leadership>,
    /// The database itself: once it is closed, all of them are out of reach.
    pub database: Arc<dyn Database>,
}
