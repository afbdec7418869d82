//! Tests the services of billing accounts with in-memory stores and an in-memory provider. In the
//! end, the stored state must equal the provider's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod checkout;
mod checkout_races;
mod current;
mod dispositions;
mod events;
mod history;
mod import;
mod not_found;
mod reconciling;
mod unreliable;
mod world;
