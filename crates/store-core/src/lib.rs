//! The shared code of `store-sqlite` and `store-postgres`: rows, calls with time limits, group
//! commit, pruning, comparison of migrations, and errors.
//!
//! Each store compiles the adapters in `adapters/`: see `adapters/mod.rs` and ADR 0016.

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
