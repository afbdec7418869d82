//! [`BillingPorts`]: the stores of one database, for contract suites.

use std::sync::Arc;

use billing_domain::ports::{
    ApiKeyRepo, AuditLog, BillingMirror, CheckoutRequests, CustomerClaims, CustomerRepo, Database,
    EventInbox, Leadership,
};

/// The stores of one database. Each case gets an empty one.
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
    /// The database. Closing it makes all stores unavailable.
    pub database: Arc<dyn Database>,
}
