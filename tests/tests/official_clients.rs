//! Stripe's own clients, unmodified, against the sandbox as its users start it.

use workspace_tests::program::{Facts, Program};
use workspace_tests::sandbox::SandboxProcess;

/// Runs a client against a sandbox of its own.
#[track_caller]
fn run(program: Program) -> Facts {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = SandboxProcess::start(folder.path(), &[]);
    program.env("SANDBOX_URL", sandbox.base_url.clone()).run(&[])
}

#[test]
fn the_client_for_node_lives_a_customers_life() {
    run(Program::node("clients/node", "stripe.mjs")).expect(100);
}

#[test]
fn the_client_for_python_lives_a_customers_life() {
    run(Program::python("clients/python", "life.py")).expect(58);
}

#[test]
fn the_client_for_node_receives_events() {
    run(Program::node("clients/node", "webhooks.mjs")).expect(17);
}

#[test]
fn the_client_for_python_receives_events() {
    run(Program::python("clients/python", "webhooks.py")).expect(10);
}

#[test]
fn the_stripe_command_lives_a_customers_life() {
    run(Program::node("clients/node", "command.mjs")).expect(24);
}
