//! The adapters that are the same on both databases.
//!
//! Each store includes this folder as a module (`#[path]` in its `lib.rs`), and `store-core` does
//! not compile it. sqlx thus checks every query against the tables of each database. SQLite accepts
//! the `$1` placeholders of Postgres. The including crate provides the differences:
//!
//! - `crate::engine`: driver types, error codes and connection options;
//! - `crate::statements`: statements with different SQL;
//! - `crate::key_changes`: the detection of changed keys;
//! - `crate::settings`: the database's location.

mod api_key_repo;
mod api_key_usage;
mod audit_log;
mod billing_mirror;
mod checkout_requests;
mod customer_claims;
mod customer_repo;
mod database;
mod event_inbox;
mod forgetting;
mod leadership;
mod mirror_write;
pub(crate) mod store;
