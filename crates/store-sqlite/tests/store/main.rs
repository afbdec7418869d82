//! The store on SQLite files.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test reports by panicking")]

mod audit_log;
mod event_inbox;
mod file_modes;
mod fixture;
mod listening;
mod outages;
#[path = "../../../store-core/tests/shared/mod.rs"]
mod shared;
