//! The adapters that are the same on both databases.
//!
//! `store-core` does not compile this folder. Each store includes it as a module of its own (`#[path]` in its `lib.rs`), so
//! sqlx checks every query against the tables of that database, and the offline data in each store covers all of them.
//! SQLite takes Postgres' `$1` placeholders, and `ON CONFLICT` names columns. The including crate provides the difference
//! under the same names:
//!
//! - `crate::engine`: the types of the driver, the error codes, how to connect;
//! - `crate::statements`: the statements that need other SQL on each database;
//! - `crate::key_changes`: how changes of keys are noticed;
//! - `crate::settings`: where the database is.

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
