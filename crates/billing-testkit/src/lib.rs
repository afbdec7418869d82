//! What tests of this workspace share: one contract suite per port, fakes that run them too, a clock that stands still, and
//! a throwaway Postgres. A dev-dependency, never more.
//!
//! A contract suite is a module of plain async functions over `&dyn Port`, one per promise of the port. An adapter runs all
//! of a port's cases with one line, and cannot pick among them:
//!
//! ```text
//! async fn empty_repo() -> (Arc<dyn CustomerRepo>, TempDir) { /* a fresh store, and what must outlive it */ }
//! billing_testkit::customer_repo_contract!(empty_repo);
//! ```

// Test support fails by panicking: that is how a test says what is wrong. Test code has no callers to read error docs.
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
pub mod event_hand_out_contract;
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
