//! The architecture rules: dependencies, import cycles, files, wiring.

use cargo_metadata::{Metadata, MetadataCommand};
use workspace_tests::architecture::arrows::{packages, wrong_arrows};
use workspace_tests::architecture::cycles::import_cycles;
use workspace_tests::architecture::files::{misshapen_files, target_roots};
use workspace_tests::architecture::sandboxes::unrecorded_sandboxes;
use workspace_tests::binary::workspace_root;
use workspace_tests::process::{Finished, Launch};

fn workspace() -> Metadata {
    MetadataCommand::new()
        .current_dir(workspace_root())
        .no_deps()
        .other_options(["--locked".to_owned()])
        .exec()
        .expect("cargo describes the workspace")
}

fn expect_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn arrows_point_inwards() {
    expect_none(&wrong_arrows(&packages(&workspace())));
}

#[test]
fn sibling_files_form_no_import_cycle() {
    let root = workspace_root();
    expect_none(&import_cycles(root, &target_roots(&workspace(), root)));
}

#[test]
fn files_keep_their_form() {
    expect_none(&misshapen_files(workspace_root()));
}

#[test]
fn every_sandbox_in_a_test_records_its_exchanges() {
    expect_none(&unrecorded_sandboxes(workspace_root()));
}

/// A wired provider requires its own settings, which start with its name.
#[test]
fn every_provider_is_wired() {
    for package in packages(&workspace()) {
        let Some(provider) = package.name.strip_prefix("provider-") else { continue };
        assert!(requires_settings_of(provider), "{} is not wired", package.name);
    }
}

#[test]
fn unwired_provider_requires_no_settings() {
    assert!(!requires_settings_of("nonesuch"));
}

/// Returns whether `serve` with only this provider's name reports a missing setting of the
/// provider.
fn requires_settings_of(provider: &str) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let serve = Launch::new(folder.path(), &["serve"]).env("BILLING_PROVIDER", provider);
    let Finished { stderr, .. } = serve.run().expect_code(78);
    stderr.contains(&format!("BILLING_{}_", provider.to_uppercase()))
}
