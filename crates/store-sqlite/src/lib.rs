//! The service's data on SQLite: customers, their claims and their mirror, API keys, events, checkout requests and the audit
//! log, each behind its port in [`billing_domain::ports`]; and the [`Database`](billing_domain::ports::Database) itself.
//!
//! The adapters are the source text in `store-core/src/adapters`, compiled here against SQLite. The modules of this crate
//! have only what differs on Postgres.

#[path = "../../store-core/src/adapters/mod.rs"]
mod adapters;
mod engine;
mod key_changes;
mod settings;
mod statements;

pub use adapters::store::SqlStore as SqliteStore;
pub use settings::Settings as SqliteSettings;
