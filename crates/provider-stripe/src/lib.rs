//! [`StripeProvider`]: the `BillingProvider` port on Stripe's HTTP API.
//!
//! It speaks API version [`API_VERSION`], the newest whose published schema could be had when this was written; it is verified
//! against that schema only, never against Stripe itself. The embedded default uses the same adapter with another base URL
//! ([`StripeSettings::sandbox`]).
//!
//! Requests to anything but loopback go through the proxy that `HTTPS_PROXY` and `NO_PROXY` name, as operators of closed
//! networks expect (the connection is end to end TLS all the same); requests to loopback never do. Trusted are Mozilla's root
//! certificates as compiled in, so that a container without a certificate store works; the system's are not read.

mod access;
mod api_base;
mod attempt;
mod call;
mod capabilities;
mod classify;
mod client;
mod hint;
mod operation;
mod portal_form;
mod portal_session;
mod provider;
mod redact;
mod retry;
mod secret_key;
mod settings;
mod stripe_error;

pub use api_base::ApiBase;
pub use client::ClientError;
pub use provider::{ReloadError, StripeProvider};
pub use secret_key::SecretKey;
pub use settings::{SECRETS, SETTINGS, StripeSettings};

/// The `Stripe-Version` of every request.
pub const API_VERSION: &str = "2026-05-27.dahlia";
