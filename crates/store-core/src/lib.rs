//! What `store-sqlite` and `store-postgres` share: rows and their values, bounded calls, group commit, pruning, the comparison
//! of migrations, and the mapping of errors.
//!
//! The adapters that use it are in `adapters/`, and compiled by each store: see the documentation there, and ADR 0016.

pub mod audit_rows;
pub mod checkout_rows;
pub mod connections;
pub mod engine;
pub mod error;
pub mod group_commit;
pub mod inbox_rows;
pub mod migrations;
pub mod mirror_rows;
pub mod pruning;
pub mod rows;
