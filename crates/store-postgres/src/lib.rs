//! The service's data on Postgres: customers, their claims and their mirror, API keys, events, checkout requests and the audit
//! log, each behind its port in [`billing_domain::ports`]; and the [`Database`](billing_domain::ports::Database) itself.
//!
//! The adapters are the source text in `store-core/src/adapters`, compiled here against Postgres. The modules of this crate
//! have only what differs on SQLite.

#[path = "../../store-core/src/adapters/mod.rs"]
mod adapters;
mod engine;
mod key_changes;
mod settings;
mod statements;

pub use adapters::store::SqlStore as PgStore;
pub use settings::Settings as PgSettings;
