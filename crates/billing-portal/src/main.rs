//! `billing-portal`: runs the command line.

use std::process::ExitCode;

use billing_portal::{Cli, Failure};
use clap::Parser;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return Failure::Failed(format!("the runtime cannot start: {error}")).report();
        }
    };
    let outcome = runtime.block_on(billing_portal::run(cli));
    // A thread that is blocked in a system call must not delay the exit.
    runtime.shutdown_background();
    outcome.map_or_else(Failure::report, |()| ExitCode::SUCCESS)
}
