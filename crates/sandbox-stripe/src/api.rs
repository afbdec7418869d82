//! Stripe's HTTP API: one table of operations and one pipeline from request to response.

mod address;
mod auth;
mod call;
mod control;
mod error;
mod expand;
mod faults;
mod form;
mod idempotency;
mod list;
mod operations;
mod params;
mod pipeline;
pub(crate) mod record;
mod request;
mod response;

mod checkout_sessions;
pub(crate) mod clock;
mod customers;
pub(crate) mod deliveries;
mod events;
mod invoice_previews;
mod invoices;
mod payment_methods;
mod portal_configurations;
mod portal_features;
mod portal_sessions;
mod price_terms;
mod prices;
mod products;
mod subscriptions;
mod webhook_endpoints;

pub use self::operations::operations;
pub(crate) use self::pipeline::{AppState, router, unknown_operation};
