//! What the service keeps, on SQLite: customers, their claims and their mirror, API keys, events, checkout requests and the audit
//! log, each behind its port in [`billing_domain::ports`]; and the [`Database`](billing_domain::ports::Database) itself.
//!
//! `store-postgres` has the same files with the same parts in them. What differs, differs because the databases do.

mod api_key_repo;
mod api_key_usage;
mod audit_log;
mod audit_rows;
mod billing_mirror;
mod checkout_requests;
mod checkout_rows;
mod connections;
mod customer_claims;
mod customer_repo;
mod database;
mod error;
mod event_inbox;
mod forgetting;
mod group_commit;
mod inbox_rows;
mod leadership;
mod mirror_rows;
mod mirror_write;
mod pruning;
mod rows;
mod settings;
mod store;

pub use api_key_repo::SqliteApiKeyRepo;
pub use api_key_usage::SqliteApiKeyUsage;
pub use audit_log::SqliteAuditLog;
pub use billing_mirror::SqliteBillingMirror;
pub use checkout_requests::SqliteCheckoutRequests;
pub use customer_claims::SqliteCustomerClaims;
pub use customer_repo::SqliteCustomerRepo;
pub use database::SqliteDatabase;
pub use event_inbox::SqliteEventInbox;
pub use leadership::SqliteLeadership;
pub use settings::SqliteSettings;
pub use store::SqliteStore;
