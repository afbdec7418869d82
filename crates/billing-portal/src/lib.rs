//! The billing portal's application and command line: configuration, wiring and background tasks.
//! Only this crate depends on adapters.
//!
//! ```no_run
//! # async fn run() -> Result<(), billing_portal::Failure> {
//! use billing_portal::{App, ServeConfig, Source};
//!
//! let config = ServeConfig::load(&Source::default())?;
//! App::build(config).await?.serve(std::future::pending()).await
//! # }
//! ```

mod app;
mod cli;
mod commands;
mod config;
mod data_folder;
mod demo;
mod failure;
mod logging;
mod observed_provider;
mod readiness;
mod signals;
mod wiring;
mod workers;

pub use app::{App, TaskFuture};
pub use cli::Cli;
pub use commands::run;
pub use config::{ServeConfig, Source};
pub use failure::Failure;
