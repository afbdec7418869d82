//! [`InMemoryBilling`]: fakes of all stores of one database.

use std::sync::Arc;

use super::audit_records::AuditRecords;
use super::mirrored::Mirrored;
use super::{
    InMemoryApiKeyRepo, InMemoryAuditLog, InMemoryBillingMirror, InMemoryCheckoutRequests,
    InMemoryCustomerClaims, InMemoryCustomerRepo, InMemoryEventInbox, InMemoryLeadership,
    Reachability,
};

/// In-memory stores that share one database. Clones share it too.
#[derive(Clone, Debug)]
pub struct InMemoryBilling {
    mirror: Arc<InMemoryBillingMirror>,
    audit: Arc<InMemoryAuditLog>,
    leadership: Arc<InMemoryLeadership>,
}

impl InMemoryBilling {
    /// Creates an empty database controlled by this switch.
    #[must_use]
    pub fn with(reachability: Reachability) -> Self {
        let mirrored: Arc<Mirrored> = Arc::default();
        let inbox =
            Arc::new(InMemoryEventInbox::with_mirror(Arc::clone(&mirrored), reachability.clone()));
        let records: Arc<AuditRecords> = Arc::default();
        let customers = Arc::new(InMemoryCustomerRepo::with_records(
            Arc::clone(&records),
            reachability.clone(),
        ));
        let claims = Arc::new(InMemoryCustomerClaims::with(reachability.clone()));
        let mut audit = InMemoryAuditLog::with(reachability.clone());
        audit.customers = Arc::clone(&customers);
        audit.log = Arc::clone(&records);
        audit.keys =
            Arc::new(InMemoryApiKeyRepo::with_records(Arc::clone(&records), reachability.clone()));
        audit.claims = Arc::clone(&claims);
        audit.checkouts = Arc::new(InMemoryCheckoutRequests::with(reachability.clone()));
        audit.mirrored = Arc::clone(&mirrored);
        audit.inbox = Arc::clone(&inbox);
        let audit = Arc::new(audit);
        let leadership = Arc::new(InMemoryLeadership::with(reachability.clone()));
        let mirror = Arc::new(InMemoryBillingMirror {
            mirrored,
            inbox,
            customers,
            claims,
            records,
            reachability,
        });
        Self { mirror, audit, leadership }
    }

    /// Returns the links.
    #[must_use]
    pub fn customers(&self) -> Arc<InMemoryCustomerRepo> {
        Arc::clone(&self.mirror.customers)
    }

    /// Returns the API keys.
    #[must_use]
    pub fn api_keys(&self) -> Arc<InMemoryApiKeyRepo> {
        Arc::clone(&self.audit.keys)
    }

    /// Returns the audit log.
    #[must_use]
    pub fn audit(&self) -> Arc<InMemoryAuditLog> {
        Arc::clone(&self.audit)
    }

    /// Returns the inbox.
    #[must_use]
    pub fn inbox(&self) -> Arc<InMemoryEventInbox> {
        Arc::clone(&self.mirror.inbox)
    }

    /// Returns the mirror.
    #[must_use]
    pub fn mirror(&self) -> Arc<InMemoryBillingMirror> {
        Arc::clone(&self.mirror)
    }

    /// Returns the claims.
    #[must_use]
    pub fn claims(&self) -> Arc<InMemoryCustomerClaims> {
        Arc::clone(&self.mirror.claims)
    }

    /// Returns the checkout requests.
    #[must_use]
    pub fn checkouts(&self) -> Arc<InMemoryCheckoutRequests> {
        Arc::clone(&self.audit.checkouts)
    }

    /// Returns the leases of duties.
    #[must_use]
    pub fn leadership(&self) -> Arc<InMemoryLeadership> {
        Arc::clone(&self.leadership)
    }
}

impl Default for InMemoryBilling {
    fn default() -> Self {
        Self::with(Reachability::default())
    }
}

#[cfg(test)]
mod tests {
    use billing_domain::ports::SchemaState;

    use super::*;
    use crate::BillingPorts;
    use crate::fakes::FakeDatabase;

    async fn empty() -> (Arc<BillingPorts>, ()) {
        let reachability = Reachability::default();
        let billing = InMemoryBilling::with(reachability.clone());
        let ports = BillingPorts {
            customers: billing.customers(),
            keys: billing.api_keys(),
            audit: billing.audit(),
            inbox: billing.inbox(),
            mirror: billing.mirror(),
            claims: billing.claims(),
            checkouts: billing.checkouts(),
            leadership: billing.leadership(),
            database: Arc::new(FakeDatabase::in_state(SchemaState::Current, reachability)),
        };
        (Arc::new(ports), ())
    }

    crate::audit_log_contract!(empty);
    crate::forgetting_contract!(empty);
    crate::event_inbox_contract!(empty);
    crate::event_claim_contract!(empty);
    crate::billing_mirror_contract!(empty);
    crate::mirror_effect_contract!(empty);
    crate::customer_claims_contract!(empty);
    crate::checkout_requests_contract!(empty);
    crate::unit_of_work_contract!(empty);
    crate::leadership_contract!(empty);
}
