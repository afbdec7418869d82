//! The contract's rules and clauses, and which tests prove them: what the rule guard reads.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::case::{self, Case, Clauses, WireCase};
use crate::database::Store;
use crate::settings::{self, SettingsCase};

/// The rules with their clauses, and what is put off.
#[derive(Clone, Debug, Deserialize)]
pub struct Table {
    /// Rules that need no test on each store.
    pub beside_stores: Rules,
    /// Rule, clause id, the clause in short.
    #[serde(flatten)]
    pub rules: BTreeMap<String, BTreeMap<String, String>>,
}

/// Some rules.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Their names.
    pub rules: BTreeSet<String>,
}

/// A test that takes code of its own: `data/cases/scenarios.jsonl` says which clauses it proves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name, which is also its function's.
    pub name: String,
    /// The clauses that it proves.
    pub clause: Clauses,
    /// On which stores it runs.
    pub on: On,
}

/// On which stores a scenario runs.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum On {
    /// On each.
    Each,
    /// On SQLite alone: it is about files.
    Sqlite,
    /// On Postgres alone: it is about a server.
    Postgres,
    /// Once, with no store or its own.
    Once,
}

/// The file of [`Scenario`]s.
pub const SCENARIO_FILE: &str = "scenarios.jsonl";

impl On {
    /// What the names of its tests start with.
    #[must_use]
    pub fn prefixes(self) -> Vec<&'static str> {
        match self {
            Self::Each => Store::ALL.map(Store::as_str).to_vec(),
            Self::Sqlite => vec!["sqlite"],
            Self::Postgres => vec!["postgres"],
            Self::Once => vec!["any"],
        }
    }
}

impl Table {
    /// Reads the table.
    ///
    /// # Panics
    /// When it is malformed.
    #[must_use]
    pub fn read() -> Self {
        toml::from_str(include_str!("../data/clauses.toml"))
            .expect("data/clauses.toml is well-formed")
    }

    /// All clauses, as `<rule>.<id>`.
    #[must_use]
    pub fn clauses(&self) -> BTreeSet<String> {
        let all = self
            .rules
            .iter()
            .flat_map(|(rule, clauses)| clauses.keys().map(move |id| format!("{rule}.{id}")));
        all.collect()
    }
}

/// A test's name as cargo prints it.
#[must_use]
pub fn test_name(prefix: &str, clauses: &Clauses, name: &str) -> String {
    format!("{prefix}::{}::{name}", clauses.rule())
}

/// All tests that prove clauses: name to clauses.
///
/// # Panics
/// When two cases have one name.
#[must_use]
pub fn registry() -> BTreeMap<String, Vec<String>> {
    let mut tests = BTreeMap::new();
    let mut add = |prefixes: &[&str], clauses: &Clauses, name: &str| {
        for prefix in prefixes {
            let proves = clauses.all().into_iter().map(str::to_owned).collect();
            let before = tests.insert(test_name(prefix, clauses, name), proves);
            assert!(before.is_none(), "two cases of {} are called {name}", clauses.rule());
        }
    };
    let each = On::Each.prefixes();
    for file in case::FILES {
        case::read::<Case>(file).iter().for_each(|case| add(&each, &case.clause, &case.name));
    }
    case::read::<WireCase>(case::WIRE_FILE)
        .iter()
        .for_each(|case| add(&each, &case.clause, &case.name));
    let once = On::Once.prefixes();
    case::read::<SettingsCase>(settings::FILE)
        .iter()
        .for_each(|case| add(&once, &case.clause, &case.name));
    case::read::<Scenario>(SCENARIO_FILE)
        .iter()
        .for_each(|s| add(&s.on.prefixes(), &s.clause, &s.name));
    tests
}

/// The names of the tests that passed, read from what `cargo test` printed.
#[must_use]
pub fn passed(log: &str) -> BTreeSet<String> {
    let tests = log.lines().filter_map(|line| line.trim_start().strip_prefix("test "));
    let passed =
        tests.filter_map(|line| line.trim_end().strip_suffix("ok")?.trim_end().strip_suffix("..."));
    passed.map(|name| name.trim().to_owned()).collect()
}

/// What is missing: clauses without a passed test, rules that ran on one store only, tests that did not run, names that do
/// not exist. Empty where all is well.
#[must_use]
pub fn complaints(
    table: &Table,
    registry: &BTreeMap<String, Vec<String>>,
    passed: &BTreeSet<String>,
) -> Vec<String> {
    let known = table.clauses();
    let mut complaints = Vec::new();
    for (test, clauses) in registry {
        for clause in clauses.iter().filter(|clause| !known.contains(*clause)) {
            complaints.push(format!(
                "{test} names the clause {clause}, which data/clauses.toml does not have"
            ));
        }
        if !passed.contains(test) {
            complaints.push(format!("{test} did not run and pass"));
        }
    }
    let proven: BTreeSet<&String> =
        registry.iter().filter(|(test, _)| passed.contains(*test)).flat_map(|(_, c)| c).collect();
    for clause in known.iter().filter(|clause| !proven.contains(clause)) {
        let (rule, id) = clause.split_once('.').unwrap_or((clause, ""));
        let text =
            table.rules.get(rule).and_then(|clauses| clauses.get(id)).map_or("", String::as_str);
        complaints.push(format!("no test proves {clause} ({text})"));
    }
    for rule in table.rules.keys().filter(|rule| !table.beside_stores.rules.contains(*rule)) {
        for store in Store::ALL {
            let start = format!("{}::{rule}::", store.as_str());
            if !passed.iter().any(|test| test.starts_with(&start)) {
                complaints.push(format!("no test of {rule} ran on {}", store.as_str()));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let text = "[H1]\na = \"first\"\nb = \"second\"\n[beside_stores]\nrules = []";
        toml::from_str(text).unwrap()
    }

    fn registry() -> BTreeMap<String, Vec<String>> {
        let entry = |name: &str, clause: &str| (name.to_owned(), vec![clause.to_owned()]);
        BTreeMap::from([
            entry("sqlite::H1::x", "H1.a"),
            entry("postgres::H1::x", "H1.a"),
            entry("any::H1::y", "H1.b"),
        ])
    }

    #[test]
    fn all_passed_is_no_complaint() {
        let log = "test sqlite::H1::x   ... ok\ntest postgres::H1::x ... ok\ntest any::H1::y ... ok\ntest other ... FAILED\n";
        assert_eq!(complaints(&table(), &registry(), &passed(log)), Vec::<String>::new());
    }

    #[test]
    fn a_clause_without_a_passed_test_is_named() {
        let log =
            "test sqlite::H1::x ... ok\ntest postgres::H1::x ... ok\ntest any::H1::y ... FAILED\n";
        let complaints = complaints(&table(), &registry(), &passed(log));
        assert_eq!(complaints, ["any::H1::y did not run and pass", "no test proves H1.b (second)"]);
    }

    #[test]
    fn a_rule_that_ran_on_one_store_only_is_named() {
        let log = "test sqlite::H1::x ... ok\ntest any::H1::y ... ok\n";
        let complaints = complaints(&table(), &registry(), &passed(log));
        assert_eq!(
            complaints,
            ["postgres::H1::x did not run and pass", "no test of H1 ran on postgres"]
        );
    }

    #[test]
    fn every_case_names_clauses_that_exist() {
        let known = Table::read().clauses();
        for (test, clauses) in super::registry() {
            for clause in clauses {
                assert!(known.contains(&clause), "{test} names {clause}");
            }
        }
    }

    #[test]
    fn every_clause_has_a_case() {
        let all: BTreeSet<String> = super::registry().into_keys().collect();
        assert_eq!(complaints(&Table::read(), &super::registry(), &all), Vec::<String>::new());
    }
}
