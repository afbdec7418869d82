//! A stateful, offline Stripe: its HTTP API, its objects and working hosted pages.
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! use sandbox_stripe::{Sandbox, SandboxSettings};
//!
//! let sandbox = Sandbox::bind(SandboxSettings::default()).await?;
//! let demo = sandbox.seed_demo()?;
//! tracing::info!(customer = demo.customer, base_url = sandbox.base_url(), "sandbox started");
//! sandbox.serve(std::future::pending()).await
//! # }
//! ```

// Each large Stripe object is one `json!`, which recurses once per token.
#![recursion_limit = "512"]

mod accept;
mod api;
mod billing;
mod body;
mod cards;
mod checkout;
mod clock;
mod connection;
mod demo;
mod ids;
mod invoice;
mod locale;
mod model;
mod portal;
mod sandbox;
mod sanitize;
mod settings;
mod state;
mod store;
mod transaction;
mod version;
mod view;
mod webhooks;

pub use crate::api::operations;
pub use crate::clock::{Clock, SystemClock};
pub use crate::demo::Demo;
pub use crate::sandbox::Sandbox;
pub use crate::settings::{DEFAULT_PORT, SandboxSettings, WebhookSettings};
pub use crate::version::API_VERSION;
