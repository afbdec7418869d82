//! Customers, API keys and the audit log on SQLite: the ports [`CustomerRepo`](billing_domain::ports::CustomerRepo),
//! [`ApiKeyRepo`](billing_domain::ports::ApiKeyRepo), [`ApiKeyUsage`](billing_domain::ports::ApiKeyUsage),
//! [`AuditLog`](billing_domain::ports::AuditLog) and [`Database`](billing_domain::ports::Database).
//!
//! `store-postgres` has the same files with the same parts in them. What differs, differs because the databases do.

mod api_key_repo;
mod api_key_usage;
mod audit_log;
mod audit_rows;
mod connections;
mod customer_repo;
mod database;
mod error;
mod group_commit;
mod rows;
mod settings;
mod store;

pub use api_key_repo::SqliteApiKeyRepo;
pub use api_key_usage::SqliteApiKeyUsage;
pub use audit_log::SqliteAuditLog;
pub use customer_repo::SqliteCustomerRepo;
pub use database::SqliteDatabase;
pub use settings::SqliteSettings;
pub use store::SqliteStore;
