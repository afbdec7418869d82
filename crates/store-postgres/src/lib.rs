//! The store on Postgres. It implements the stores in [`billing_domain::ports`].
//!
//! This crate compiles the adapters in `store-core/src/adapters` against Postgres. Its own modules
//! have only the differences from SQLite.

#[path = "../../store-core/src/adapters/mod.rs"]
mod adapters;
mod engine;
mod key_changes;
mod settings;
mod statements;

pub use adapters::store::SqlStore as PgStore;
pub use settings::Settings as PgSettings;
