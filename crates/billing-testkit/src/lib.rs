//! Shared test support: a contract suite and a fake per port, a fixed clock, and a throwaway
//! Postgres. Only a dev-dependency.
//!
//! A contract suite is a module of async functions over `&dyn Port`, one for each guarantee of the
//! port. One macro call runs all cases against an adapter:
//!
//! ```text
//! async fn empty_repo() -> (Arc<dyn CustomerRepo>, TempDir) { /* an empty store */ }
//! billing_testkit::customer_repo_contract!(empty_repo);
//! ```

// Test support reports failures by panicking.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test support reports by panicking"
)]

pub mod api_key_lifecycle_contract;
pub mod api_key_repo_contract;
pub mod api_key_rotation_contract;
pub mod api_key_usage_contract;
pub mod audit_log_contract;
pub mod billing_account_world;
pub mod billing_mirror_contract;
mod billing_ports;
pub mod checkout_provider_contract;
pub mod checkout_requests_contract;
mod clock;
mod contract_tests;
pub mod customer_claims_contract;
pub mod customer_directory_contract;
pub mod customer_repo_contract;
pub mod database_contract;
pub mod event_claim_contract;
pub mod event_inbox_contract;
mod fakes;
pub mod forgetting_contract;
pub mod leadership_contract;
pub mod link_race_contract;
mod link_steps;
pub mod mirror_effect_contract;
pub mod postgres;
pub mod provider_contract;
pub mod samples;
pub mod subscription_reader_contract;
pub mod unit_of_work_contract;

pub use billing_ports::BillingPorts;
pub use clock::FixedClock;
pub use fakes::{
    CountedKeys, FakeAuthenticator, FakeBillingAccountProvider, FakeBillingProvider, FakeDatabase,
    InMemoryApiKeyRepo, InMemoryApiKeyUsage, InMemoryAuditLog, InMemoryBilling,
    InMemoryBillingMirror, InMemoryCheckoutRequests, InMemoryCustomerClaims, InMemoryCustomerRepo,
    InMemoryEventInbox, InMemoryLeadership, Reachability,
};
