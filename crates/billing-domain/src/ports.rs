//! The ports: traits that adapters implement. Each port has one contract suite for all adapters.
//!
//! Every port is object-safe, `Send + Sync + Debug + 'static`, and used as `Arc<dyn Port>`.
//! `Ok(None)` means "not found". Ports have no default bodies. Each error type has a method that
//! returns whether a retry can help.

mod api_key_repo;
mod audit_log;
mod authenticator;
mod background_task;
mod billing_mirror;
mod billing_provider;
mod checkout_provider;
mod checkout_requests;
mod clock;
mod customer_claims;
mod customer_directory;
mod customer_repo;
mod database;
mod event_inbox;
mod key_generator;
mod key_minter;
mod leadership;
mod repo_error;
mod subscription_reader;
mod webhook_verifier;

pub use api_key_repo::{
    ApiKeyRepo, ApiKeyUsage, InsertOutcome, KeyChange, RevokeOutcome, RotateOutcome,
};
pub use audit_log::AuditLog;
pub use authenticator::{AuthError, Authenticator};
pub use background_task::BackgroundTask;
pub use billing_mirror::BillingMirror;
pub use billing_provider::{BillingProvider, ProviderError};
pub use checkout_provider::CheckoutProvider;
pub use checkout_requests::{CheckoutRequest, CheckoutRequests, StoredCheckoutRequest};
pub use clock::Clock;
pub use customer_claims::CustomerClaims;
pub use customer_directory::{CustomerDirectory, ListedCustomer, ListedSubscription, Page};
pub use customer_repo::{CustomerRepo, LinkChange};
pub use database::{Database, SchemaState};
pub use event_inbox::{Disposition, EventInbox};
pub use key_generator::KeyGenerator;
pub use key_minter::{KeyMinter, MintError, MintedKey};
pub use leadership::Leadership;
pub use repo_error::RepoError;
pub use subscription_reader::SubscriptionReader;
pub use webhook_verifier::{VerifiedEvent, WebhookError, WebhookVerifier};

#[cfg(feature = "mock")]
pub use {
    api_key_repo::MockApiKeyRepo, audit_log::MockAuditLog, billing_mirror::MockBillingMirror,
    billing_provider::MockBillingProvider, clock::MockClock, customer_claims::MockCustomerClaims,
    customer_repo::MockCustomerRepo, event_inbox::MockEventInbox, key_minter::MockKeyMinter,
    subscription_reader::MockSubscriptionReader,
};
