//! The store on a real server.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test reports by panicking")]

mod audit_log;
mod billing_rows;
mod contracts;
mod event_inbox;
mod listening;
mod migrations;
mod mirror;
mod outages;
mod place;
mod rows;
mod search_path;
