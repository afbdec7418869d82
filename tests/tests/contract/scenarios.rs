//! The scenario files. Each registers its scenarios in `SCENARIOS`. `key_client` is shared code.

mod account_lifecycle;
mod audit;
mod checkout;
mod checkout_replicas;
mod command_line;
mod configuration;
mod customer_import;
mod documents;
mod embedded;
mod front_page;
mod in_process;
mod key_client;
mod key_management;
mod key_rotation;
mod key_sets;
mod keys;
mod lifecycle;
mod limits;
mod postgres;
mod replicas;
mod rotation;
mod secrecy;
mod sessions;
mod webhooks;

use workspace_tests::scenario::Scenario;

const FILES: &[&[Scenario]] = &[
    account_lifecycle::SCENARIOS,
    audit::SCENARIOS,
    checkout::SCENARIOS,
    checkout_replicas::SCENARIOS,
    command_line::SCENARIOS,
    configuration::SCENARIOS,
    customer_import::SCENARIOS,
    documents::SCENARIOS,
    embedded::SCENARIOS,
    front_page::SCENARIOS,
    in_process::SCENARIOS,
    key_management::SCENARIOS,
    key_rotation::SCENARIOS,
    key_sets::SCENARIOS,
    keys::SCENARIOS,
    lifecycle::SCENARIOS,
    limits::SCENARIOS,
    postgres::SCENARIOS,
    replicas::SCENARIOS,
    rotation::SCENARIOS,
    secrecy::SCENARIOS,
    sessions::SCENARIOS,
    webhooks::SCENARIOS,
];

/// Returns all scenarios.
pub(crate) fn all() -> impl Iterator<Item = &'static Scenario> {
    FILES.iter().copied().flatten()
}
