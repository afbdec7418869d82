//! The store on real files.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test reports by panicking")]

mod audit_log;
mod event_inbox;
mod file_modes;
mod listening;
mod outages;
mod place;
#[path = "../../../store-core/tests/shared/mod.rs"]
mod shared;
