//! The store on real files.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test reports by panicking")]

mod audit_log;
mod billing_rows;
mod contracts;
mod event_inbox;
mod file_modes;
mod listening;
mod migrations;
mod outages;
mod place;
mod rows;
