//! Customers and API keys on SQLite: the ports [`CustomerRepo`](billing_domain::ports::CustomerRepo),
//! [`ApiKeyRepo`](billing_domain::ports::ApiKeyRepo) and [`Database`](billing_domain::ports::Database).
//!
//! `store-postgres` has the same files with the same parts in them. What differs, differs because the databases do.

mod api_key_repo;
mod connections;
mod customer_repo;
mod database;
mod error;
mod rows;
mod settings;
mod store;

pub use api_key_repo::SqliteApiKeyRepo;
pub use customer_repo::SqliteCustomerRepo;
pub use database::SqliteDatabase;
pub use settings::SqliteSettings;
pub use store::SqliteStore;
