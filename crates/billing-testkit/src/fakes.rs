//! Ports without a world behind them. The stores among them run the same contract suites as the real ones.

mod api_key_repo;
mod authenticator;
mod billing_provider;
mod customer_repo;
mod database;
mod reachability;

pub use api_key_repo::InMemoryApiKeyRepo;
pub use authenticator::FakeAuthenticator;
pub use billing_provider::FakeBillingProvider;
pub use customer_repo::InMemoryCustomerRepo;
pub use database::FakeDatabase;
pub use reachability::Reachability;
