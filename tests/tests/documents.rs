//! The documents tell what the code does: settings, codes and rules have the same names everywhere.

use std::collections::BTreeSet;

use workspace_tests::binary::workspace_root;
use workspace_tests::clauses::Table;
use workspace_tests::process::Launch;

fn document(name: &str) -> String {
    let path = workspace_root().join("docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The names in backticks in the first column of a document's tables that start with `BILLING_`.
fn settings(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter(|line| line.starts_with("| `BILLING_"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    cells.flat_map(in_backticks).filter(|name| name.starts_with("BILLING_")).collect()
}

/// The codes of the contract's table of errors.
fn codes(text: &str) -> BTreeSet<String> {
    let statuses = |cell: &str| {
        cell.split(',').all(|status| status.trim().parse::<u16>().is_ok_and(|s| s >= 400))
    };
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.split_once('|'));
    let cells =
        rows.filter(|(status, _)| statuses(status)).filter_map(|(_, rest)| rest.split('|').next());
    cells.flat_map(in_backticks).collect()
}

fn in_backticks(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The codes that `data/clauses.toml` lists.
fn codes_of_clauses() -> BTreeSet<String> {
    let not_codes = ["shape", "type_url", "no_internals", "panic"];
    let table = Table::read();
    table.rules["E1"].keys().filter(|id| !not_codes.contains(&id.as_str())).cloned().collect()
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
    let refused = launch.run().expect_code(78);
    for name in &contract {
        let line = refused.stderr.lines().find(|line| line.contains(&format!("{name}:")));
        let line =
            line.unwrap_or_else(|| panic!("an empty {name} is no fault:\n{}", refused.stderr));
        assert!(line.contains("empty"), "{line}");
    }
}

#[test]
fn every_code_of_the_contract_has_a_clause_and_a_row_in_the_errors_page() {
    let contract = codes(&document("contract.md"));
    assert!(contract.len() > 20, "the contract's table was not found: {contract:?}");
    assert_eq!(codes_of_clauses(), contract, "data/clauses.toml");
    assert_eq!(codes(&document("errors.md")), contract, "docs/errors.md");
}

#[test]
fn every_rule_of_the_contract_has_clauses() {
    let text = document("contract.md");
    let bold = text.split("**").skip(1).step_by(2);
    let is_rule = |word: &&str| {
        let mut characters = word.chars();
        characters.next().is_some_and(|c| c.is_ascii_uppercase())
            && word.len() > 1
            && characters.all(|c| c.is_ascii_digit())
    };
    let rules: BTreeSet<String> = bold
        .filter_map(|words| words.split(' ').next())
        .filter(is_rule)
        .map(str::to_owned)
        .collect();
    assert!(rules.len() > 30, "the contract's rules were not found: {rules:?}");
    assert_eq!(Table::read().rules.keys().cloned().collect::<BTreeSet<_>>(), rules);
}

/// The tests that a document cites: `C4::alg_none`, without the store that they run on.
fn cited_tests(text: &str) -> BTreeSet<String> {
    let is_test = |name: &String| {
        name.split_once("::").is_some_and(|(rule, case)| {
            let mut letters = rule.chars();
            letters.next().is_some_and(|c| c.is_ascii_uppercase())
                && letters.all(|c| c.is_ascii_digit())
                && case.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        })
    };
    in_backticks(text).into_iter().filter(is_test).collect()
}

#[test]
fn every_test_that_the_security_page_cites_exists() {
    let cited = cited_tests(&document("security.md"));
    assert!(cited.len() > 60, "only {} tests are cited", cited.len());
    let tests = workspace_tests::clauses::registry();
    let known: BTreeSet<&str> =
        tests.keys().filter_map(|name| name.split_once("::")).map(|(_, name)| name).collect();
    let missing: Vec<&String> =
        cited.iter().filter(|name| !known.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "these do not exist: {missing:?}");
}

#[test]
fn every_operation_of_the_sandbox_is_in_its_page_and_no_other() {
    let text = document("sandbox.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let methods = ["GET ", "POST ", "DELETE "];
    let told: BTreeSet<String> = rows
        .map(|(operation, _)| operation.to_owned())
        .filter(|name| methods.iter().any(|method| name.starts_with(method)))
        .collect();
    let offered = sandbox_stripe::operations().map(|(method, path)| format!("{method} {path}"));
    assert_eq!(told, offered.collect());
}

#[test]
fn a_setting_in_a_table_is_found() {
    let text = "| setting | default |\n|---|---|\n| `BILLING_A`, `BILLING_B` (secret) | – |\ntext `BILLING_C`\n";
    assert_eq!(settings(text), BTreeSet::from(["BILLING_A".to_owned(), "BILLING_B".to_owned()]));
}

/// The file names of the pictures that a text shows.
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
