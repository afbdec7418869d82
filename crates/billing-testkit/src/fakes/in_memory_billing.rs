//! [`InMemoryBilling`]: one database of fakes.

use std::sync::Arc;

use super::audit_records::AuditRecords;
use super::mirrored::Mirrored;
use super::{
    InMemoryApiKeyRepo, InMemoryAuditLog, InMemoryBillingMirror, InMemoryCheckoutRequests,
    InMemoryCustomerClaims, InMemoryCustomerRepo, InMemoryEventInbox, InMemoryLeadership,
    Reachability,
};

/// All stores of one database, which is gone with the process: what one writes, the others see. Clones are the same database.
#[derive(Clone, Debug)]
pub struct InMemoryBilling {
    mirror: Arc<InMemoryBillingMirror>,
    audit: Arc<InMemoryAuditLog>,
    leadership: Arc<InMemoryLeadership>,
}

impl InMemoryBilling {
    /// An empty database that this switch takes out of reach.
    #[must_use]
    pub fn with(reachability: Reachability) -> Self {
        let mirrored: Arc<Mirrored> = Arc::default();
        let inbox =
            Arc::new(InMemoryEventInbox::beside(Arc::clone(&mirrored), reachability.clone()));
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

    /// Which customer a user is.
    #[must_use]
    pub fn customers(&self) -> Arc<InMemoryCustomerRepo> {
        Arc::clone(&self.mirror.customers)
    }

    /// The API keys.
    #[must_use]
    pub fn api_keys(&self) -> Arc<InMemoryApiKeyRepo> {
        Arc::clone(&self.audit.keys)
    }

    /// The audit log.
    #[must_use]
    pub fn audit(&self) -> Arc<InMemoryAuditLog> {
        Arc::clone(&self.audit)
    }

    /// The events that the provider sent.
    #[must_use]
    pub fn inbox(&self) -> Arc<InMemoryEventInbox> {
        Arc::clone(&self.mirror.inbox)
    }

    /// What the provider said last.
    #[must_use]
    pub fn mirror(&self) -> Arc<InMemoryBillingMirror> {
        Arc::clone(&self.mirror)
    }

    /// Claims to customers.
    #[must_use]
    pub fn claims(&self) -> Arc<InMemoryCustomerClaims> {
        Arc::clone(&self.mirror.claims)
    }

    /// Checkout requests.
    #[must_use]
    pub fn checkouts(&self) -> Arc<InMemoryCheckoutRequests> {
        Arc::clone(&self.audit.checkouts)
    }

    /// Who does what only one should do.
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
    crate::event_hand_out_contract!(empty);
    crate::billing_mirror_contract!(empty);
    crate::mirror_effect_contract!(empty);
    crate::customer_claims_contract!(empty);
    crate::checkout_requests_contract!(empty);
    crate::unit_of_work_contract!(empty);
    crate::leadership_contract!(empty);
}
