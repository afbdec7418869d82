//! The tests for both databases. Each store includes this folder and provides `crate::fixture`.

mod audit_log;
mod billing_rows;
mod contracts;
pub(crate) mod event_inbox;
pub(crate) mod fixture;
pub(crate) mod listening;
mod migrations;
mod rows;
