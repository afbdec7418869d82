//! The documents match the code: settings, codes and rules have the same names everywhere.

use std::collections::BTreeSet;

use workspace_tests::binary::workspace_root;
use workspace_tests::contract::{self, document, in_backticks};
use workspace_tests::process::Launch;

/// Returns the names in backticks with prefix `BILLING_` in the first column of a document's
/// tables.
fn settings(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter(|line| line.starts_with("| `BILLING_"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    cells
        .flat_map(in_backticks)
        .filter(|name| name.starts_with("BILLING_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_setting_of_the_contract_is_in_the_reference_and_no_other() {
    let contract = settings(&document("contract.md"));
    assert!(contract.len() > 30, "the contract's table was not found: {contract:?}");
    assert_eq!(settings(&document("configuration.md")), contract);
}

#[test]
fn every_setting_of_the_contract_is_known_to_the_binary() {
    let folder = tempfile::tempdir().unwrap();
    let contract = settings(&document("contract.md"));
    let launch = contract
        .iter()
        .fold(Launch::new(folder.path(), &["serve"]), |launch, name| launch.env(name, ""));
    let rejected = launch.run().expect_code(78);
    for name in &contract {
        let line = rejected.stderr.lines().find(|line| line.contains(&format!("{name}:")));
        let line =
            line.unwrap_or_else(|| panic!("an empty {name} is not reported:\n{}", rejected.stderr));
        assert!(line.contains("empty"), "{line}");
    }
}

#[test]
fn every_code_of_the_contract_has_a_row_in_the_errors_page_and_no_other() {
    assert_eq!(contract::codes(&document("errors.md")), contract::error_codes());
}

#[test]
fn every_operation_of_the_sandbox_is_in_its_page_and_no_other() {
    let text = document("sandbox.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let methods = ["GET ", "POST ", "DELETE "];
    let documented: BTreeSet<String> = rows
        .map(|(operation, _)| operation.to_owned())
        .filter(|name| methods.iter().any(|method| name.starts_with(method)))
        .collect();
    let offered = sandbox_stripe::operations().map(|(method, path)| format!("{method} {path}"));
    assert_eq!(documented, offered.collect());
}

#[test]
fn setting_in_a_table_is_found() {
    let text = "| setting | default |\n|---|---|\n| `BILLING_A`, `BILLING_B` (secret) | – |\ntext `BILLING_C`\n";
    assert_eq!(settings(text), BTreeSet::from(["BILLING_A".to_owned(), "BILLING_B".to_owned()]));
}

/// Returns the file names of the pictures in a text.
fn pictures(text: &str) -> BTreeSet<String> {
    let shown = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    shown
        .filter(|(path, _)| path.ends_with(".png"))
        .filter_map(|(path, _)| Some(path.rsplit('/').next()?.to_owned()))
        .collect()
}

#[test]
fn every_picture_that_a_document_shows_exists_and_none_is_left_over() {
    let folder = workspace_root().join("docs/screenshots");
    let files = folder.read_dir().expect("the folder of the pictures can be read");
    let there: BTreeSet<_> = files
        .map(|file| file.expect("a file").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".png"))
        .collect();
    assert!(there.len() > 30, "{} pictures", there.len());
    assert_eq!(pictures(&document("screenshots/README.md")), there);
    let shown = pictures(&document("sandbox.md"));
    assert!(!shown.is_empty() && shown.is_subset(&there), "{:?}", shown.difference(&there));
}

#[test]
fn test_fast_runs_the_integration_tests_of_every_crate() {
    let recipes = std::fs::read_to_string(workspace_root().join("justfile")).unwrap();
    let words: Vec<&str> = recipes.split_whitespace().collect();
    let named: BTreeSet<&str> = words
        .windows(2)
        .filter(|pair| pair[0] == "--test")
        .map(|pair| pair[1].trim_end_matches(')'))
        .collect();
    let metadata = cargo_metadata::MetadataCommand::new().no_deps().exec().unwrap();
    let crates = metadata.packages.iter().filter(|package| package.name != "workspace-tests");
    for target in crates.flat_map(|package| &package.targets) {
        assert!(
            !target.is_test() || named.contains(target.name.as_str()),
            "{} is missing",
            target.name
        );
    }
}
