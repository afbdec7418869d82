//! The Stripe adapter. [`StripeProvider`] uses Stripe's API for the customer portal, checkout,
//! customers and subscriptions. [`StripeWebhooks`] verifies and parses events.
//!
//! It uses API version [`API_VERSION`]. It is verified against the published schema of that version
//! only, never against Stripe itself. The embedded default uses the same adapter with another base
//! URL ([`StripeSettings::sandbox`]).
//!
//! All requests go through one call path (`stripe_api`) with retries, classification of failures,
//! metrics and traces.
//!
//! Requests use the proxy from `HTTPS_PROXY` and `NO_PROXY`, except requests to loopback. TLS stays
//! end to end. The client trusts Mozilla's root certificates, which are compiled in. It does not
//! read the system's certificate store, so containers need none.

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
mod stripe_api;
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
