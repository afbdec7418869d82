//! In-memory fakes of the ports. The fake stores run the same contract suites as the real ones.

mod api_key_repo;
mod api_key_usage;
mod audit_log;
mod audit_records;
mod authenticator;
mod billing_account_provider;
mod billing_mirror;
mod billing_provider;
mod checkout_requests;
mod customer_claims;
mod customer_repo;
mod database;
mod event_inbox;
mod in_memory_billing;
mod key_generator;
mod leadership;
mod mirrored;
mod reachability;

pub use api_key_repo::InMemoryApiKeyRepo;
pub use api_key_usage::InMemoryApiKeyUsage;
pub use audit_log::InMemoryAuditLog;
pub use authenticator::FakeAuthenticator;
pub use billing_account_provider::FakeBillingAccountProvider;
pub use billing_mirror::InMemoryBillingMirror;
pub use billing_provider::FakeBillingProvider;
pub use checkout_requests::InMemoryCheckoutRequests;
pub use customer_claims::InMemoryCustomerClaims;
pub use customer_repo::InMemoryCustomerRepo;
pub use database::FakeDatabase;
pub use event_inbox::InMemoryEventInbox;
pub use in_memory_billing::InMemoryBilling;
pub use key_generator::CountedKeys;
pub use leadership::InMemoryLeadership;
pub use reachability::Reachability;
