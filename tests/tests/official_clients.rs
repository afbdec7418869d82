//! Stripe's unmodified official clients against the sandbox command.

use workspace_tests::program::{Checks, Program};
use workspace_tests::sandbox::SandboxProcess;

/// Runs a client against a new sandbox.
#[track_caller]
fn run(program: Program) -> Checks {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = SandboxProcess::start(folder.path(), &[]);
    program.env("SANDBOX_URL", sandbox.base_url.clone()).run(&[])
}

#[test]
fn node_client_completes_a_customer_lifecycle() {
    run(Program::node("clients/node", "lifecycle.mjs")).expect(100);
}

#[test]
fn python_client_completes_a_customer_lifecycle() {
    run(Program::python("clients/python", "lifecycle.py")).expect(58);
}

#[test]
fn node_client_receives_events() {
    run(Program::node("clients/node", "webhooks.mjs")).expect(17);
}

#[test]
fn python_client_receives_events() {
    run(Program::python("clients/python", "webhooks.py")).expect(10);
}

#[test]
fn stripe_cli_completes_a_customer_lifecycle() {
    run(Program::node("clients/node", "command.mjs")).expect(24);
}
