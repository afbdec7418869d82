//! The workspace keeps its shape: arrows, wiring, files.

use cargo_metadata::MetadataCommand;
use workspace_tests::architecture::{Package, unrecorded_sandboxes};
use workspace_tests::architecture::{
    misshapen_files, packages, provider_wiring, unwired_providers, wrong_arrows,
};
use workspace_tests::binary::workspace_root;

fn workspace() -> Vec<Package> {
    let metadata = MetadataCommand::new()
        .current_dir(workspace_root())
        .no_deps()
        .other_options(["--locked".to_owned()])
        .exec()
        .expect("cargo tells about the workspace");
    packages(&metadata)
}

#[test]
fn arrows_point_inwards() {
    assert_eq!(wrong_arrows(&workspace()), Vec::<String>::new());
}

#[test]
fn every_provider_is_wired() {
    assert_eq!(
        unwired_providers(&workspace(), &provider_wiring(workspace_root())),
        Vec::<String>::new()
    );
}

#[test]
fn every_sandbox_of_a_test_is_on_record() {
    assert_eq!(unrecorded_sandboxes(workspace_root()), Vec::<String>::new());
}

#[test]
fn files_keep_their_form() {
    assert_eq!(misshapen_files(workspace_root()), Vec::<String>::new());
}
