//! `billing-portal`: the composition root and the command line.

mod cli;
mod commands;
mod config;
mod demo;
mod inbox;
mod logging;
mod observed_provider;
mod readiness;
mod reconciling;
mod signals;
mod upkeep;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::commands::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // rustls wants one provider of cryptography per process; a second call would only say that there is one already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::failed("the runtime cannot start", &error).report(),
    };
    let outcome = runtime.block_on(commands::run(cli));
    // A thread that is stuck in the system must not hold up the exit.
    runtime.shutdown_background();
    outcome.map_or_else(Failure::report, |()| ExitCode::SUCCESS)
}
