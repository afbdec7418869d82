//! The rule prefixes of test functions exist in the contract.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use workspace_tests::binary::workspace_root;
use workspace_tests::contract;

/// Returns the rules at the start of a name in capitals: `H1` and `C4` for `h1_c4_name`.
fn rules_of(name: &str) -> Vec<String> {
    let mut rules: Vec<String> = name.split('_').map(str::to_ascii_uppercase).collect();
    let start = rules.iter().take_while(|word| contract::is_rule(word)).count();
    // A name without a further part, such as `p256`, has no prefix.
    rules.truncate(if start == rules.len() { 0 } else { start });
    rules
}

/// Returns the names of a file's functions.
fn functions(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = text.lines().filter_map(|line| line.split_once("fn ").map(|(_, rest)| rest));
    starts.map(move |rest| rest.split(|c| !is_name(c)).next().unwrap_or_default())
}

/// Collects all Rust files of the workspace.
fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Returns the names that start with rules, with their files.
fn prefixed() -> BTreeMap<String, PathBuf> {
    let mut all = Vec::new();
    for folder in ["crates", "tests"] {
        files(&workspace_root().join(folder), &mut all);
    }
    let mut found = BTreeMap::new();
    for path in all {
        let text = std::fs::read_to_string(&path).expect("the file can be read");
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let names = functions(&text).map(str::to_owned).chain([stem]);
        found.extend(
            names.filter(|name| !rules_of(name).is_empty()).map(|name| (name, path.clone())),
        );
    }
    found
}

#[test]
fn rules_in_names_of_tests_exist_in_the_contract() {
    let known = contract::rules();
    let names = prefixed();
    assert!(names.len() > 200, "only {} names start with a rule", names.len());
    let unknown: Vec<_> = names
        .iter()
        .filter(|(name, _)| rules_of(name).iter().any(|rule| !known.contains(rule)))
        .collect();
    assert!(
        unknown.is_empty(),
        "these names have rules that are not in docs/contract.md: {unknown:?}"
    );
}

/// Topics with their rules. A name with a rule prefix and such a word must have one of these rules.
const TOPICS: &[(&str, &[&str])] = &[
    ("rate_limit", &["Q1", "H5"]),
    ("window", &["Q1", "Q2"]),
    ("prox", &["Q2"]),
    ("cidr", &["Q2"]),
    ("preflight", &["H6"]),
    ("checksum", &["C6"]),
];

#[test]
fn names_about_a_rules_topic_start_with_that_rule() {
    let wrong: Vec<_> = prefixed()
        .into_iter()
        .filter(|(name, _)| {
            let named: BTreeSet<String> = rules_of(name).into_iter().collect();
            TOPICS.iter().any(|(word, rules)| {
                name.contains(word) && !rules.iter().any(|rule| named.contains(*rule))
            })
        })
        .collect();
    assert!(wrong.is_empty(), "these names have the rule of another topic: {wrong:?}");
}

#[test]
fn several_rules_may_start_a_name() {
    assert_eq!(rules_of("h1_c4_name"), ["H1", "C4"]);
    assert_eq!(rules_of("hs256_is_taken"), Vec::<String>::new());
    assert_eq!(rules_of("p256"), Vec::<String>::new());
    let text = "fn a1_b() {\npub(crate) async fn plain<T>(\nlet fnord = 1;";
    assert_eq!(functions(text).collect::<Vec<_>>(), ["a1_b", "plain"]);
}
