//! The store on SQLite. It implements the stores in [`billing_domain::ports`].
//!
//! This crate compiles the adapters in `store-core/src/adapters` against SQLite. Its own modules
//! have only the differences from Postgres.

#[path = "../../store-core/src/adapters/mod.rs"]
mod adapters;
mod engine;
mod key_changes;
mod settings;
mod statements;

pub use adapters::store::SqlStore as SqliteStore;
pub use settings::Settings as SqliteSettings;
