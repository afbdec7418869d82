//! The store on a Postgres server.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test reports by panicking")]

mod audit_log;
mod event_inbox;
mod fixture;
mod listening;
mod mirror;
mod outages;
mod search_path;
#[path = "../../../store-core/tests/shared/mod.rs"]
mod shared;
