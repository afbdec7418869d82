//! The architecture rules: crate dependencies, import cycles, source files, wiring.

use cargo_metadata::{Metadata, MetadataCommand};
use workspace_tests::architecture::cycles::import_cycles;
use workspace_tests::architecture::dependencies::{forbidden_dependencies, packages};
use workspace_tests::architecture::files::{invalid_files, target_roots};
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

fn expect_none(violations: &[String]) {
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn crates_depend_only_on_allowed_crates() {
    expect_none(&forbidden_dependencies(&packages(&workspace())));
}

#[test]
fn sibling_files_form_no_import_cycle() {
    let root = workspace_root();
    expect_none(&import_cycles(root, &target_roots(&workspace(), root)));
}

#[test]
fn files_are_short_and_start_with_a_sentence() {
    expect_none(&invalid_files(workspace_root()));
}

#[test]
fn every_sandbox_in_a_test_records_its_exchanges() {
    expect_none(&unrecorded_sandboxes(workspace_root()));
}

/// A wired provider has required settings that start with its name.
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
