//! The ports: what the domain asks of the world outside. Adapters implement them, one contract suite each holds them to it.
//!
//! Every port is object-safe, `Send + Sync + Debug + 'static`, and held as `Arc<dyn Port>`. `Ok(None)` is "not found"; there
//! are no default bodies. Each port's error says whether a retry can help.

mod api_key_repo;
mod authenticator;
mod billing_provider;
mod clock;
mod customer_repo;
mod database;
mod repo_error;

pub use api_key_repo::{ApiKeyRepo, InsertOutcome, RevokeOutcome};
pub use authenticator::{AuthError, Authenticator};
pub use billing_provider::{BillingProvider, ProviderError};
pub use clock::Clock;
pub use customer_repo::{CustomerRepo, LinkOutcome, OnConflict};
pub use database::{Database, SchemaState};
pub use repo_error::RepoError;

#[cfg(feature = "mock")]
pub use {
    api_key_repo::MockApiKeyRepo, authenticator::MockAuthenticator, billing_provider::MockBillingProvider,
    clock::MockClock, customer_repo::MockCustomerRepo, database::MockDatabase,
};
