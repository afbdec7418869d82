//! The services of billing accounts, over stores and a provider in memory: whatever happens, what
//! is known in the end is what the provider says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod checkout;
mod checkout_races;
mod current;
mod events;
mod fates;
mod history;
mod import;
mod not_found;
mod reconciling;
mod unsteady;
mod world;
