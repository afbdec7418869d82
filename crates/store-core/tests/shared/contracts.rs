//! The contract suites of the ports.

use std::sync::Arc;

use crate::fixture::Fixture;
use billing_domain::ports::{ApiKeyRepo, CustomerRepo, Database};
use billing_testkit::BillingPorts;
use billing_testkit::api_key_usage_contract::ApiKeyPorts;

async fn customers() -> (Arc<dyn CustomerRepo>, Fixture) {
    let fixture = Fixture::new().await;
    (fixture.migrated().await.customers(), fixture)
}

async fn api_keys() -> (Arc<dyn ApiKeyRepo>, Fixture) {
    let fixture = Fixture::new().await;
    (fixture.migrated().await.api_keys(), fixture)
}

/// Returns the ports of two replicas, each with its own connections.
async fn usage() -> (Arc<ApiKeyPorts>, Fixture) {
    let fixture = Fixture::new().await;
    let (one, other) = (fixture.migrated().await, fixture.store());
    (
        Arc::new(ApiKeyPorts {
            keys: one.api_keys(),
            usage: one.usage(),
            other_replica: other.usage(),
        }),
        fixture,
    )
}

async fn billing() -> (Arc<BillingPorts>, Fixture) {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    let ports = BillingPorts {
        customers: store.customers(),
        keys: store.api_keys(),
        audit: store.audit(),
        inbox: store.inbox(),
        mirror: store.mirror(),
        claims: store.claims(),
        checkouts: store.checkouts(),
        leadership: store.leadership(),
        database: store.database(),
    };
    (Arc::new(ports), fixture)
}

async fn empty_database() -> (Arc<dyn Database>, Fixture) {
    let fixture = Fixture::new().await;
    (fixture.store().database(), fixture)
}

billing_testkit::customer_repo_contract!(customers);
billing_testkit::api_key_repo_contract!(api_keys);
billing_testkit::api_key_usage_contract!(usage);
billing_testkit::audit_log_contract!(billing);
billing_testkit::forgetting_contract!(billing);
billing_testkit::event_inbox_contract!(billing);
billing_testkit::event_claim_contract!(billing);
billing_testkit::billing_mirror_contract!(billing);
billing_testkit::mirror_effect_contract!(billing);
billing_testkit::customer_claims_contract!(billing);
billing_testkit::checkout_requests_contract!(billing);
billing_testkit::unit_of_work_contract!(billing);
billing_testkit::leadership_contract!(billing);
billing_testkit::database_contract!(empty_database);
