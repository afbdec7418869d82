//! The store on a real server.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test reports by panicking")]

mod audit_log;
mod contracts;
mod listening;
mod migrations;
mod outages;
mod place;
mod rows;
mod search_path;
