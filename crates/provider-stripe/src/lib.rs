//! [`StripeProvider`]: Stripe's customer portal, checkout, customers and subscriptions over its HTTP API; and
//! [`StripeWebhooks`]: its events.
//!
//! It speaks API version [`API_VERSION`], the newest whose published schema could be had when this was written; it is verified
//! against that schema only, never against Stripe itself. The embedded default uses the same adapter with another base URL
//! ([`StripeSettings::sandbox`]).
//!
//! All requests go through one call path (`access`), which retries, judges, counts and traces them.
//!
//! Requests to anything but loopback go through the proxy that `HTTPS_PROXY` and `NO_PROXY` name, as operators of closed
//! networks expect (the connection is end to end TLS all the same); requests to loopback never do. Trusted are Mozilla's root
//! certificates as compiled in, so that a container without a certificate store works; the system's are not read.

mod access;
mod api_base;
mod attempt;
mod call;
mod capabilities;
mod checkout;
mod checkout_form;
mod checkout_session;
mod classify;
mod client;
mod customer;
mod directory;
mod event;
mod hint;
mod list;
mod metadata;
mod object;
mod operation;
mod portal_form;
mod portal_session;
mod price;
mod provider;
mod reader;
mod redact;
mod retry;
mod secret_key;
mod settings;
mod signature;
mod stripe_error;
mod subscription;
mod webhook_secret;
mod webhooks;

pub use api_base::ApiBase;
pub use client::ClientError;
pub use metadata::UserMetadataKey;
pub use provider::{ReloadError, StripeProvider};
pub use secret_key::SecretKey;
pub use settings::{SECRETS, SETTINGS, StripeSettings};
pub use webhooks::StripeWebhooks;

/// The `Stripe-Version` of every request.
pub const API_VERSION: &str = "2026-05-27.dahlia";
