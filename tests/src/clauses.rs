//! The clauses that tests name: the contract's rules, their parts in `data/clauses.toml`, and the
//! error codes of E1.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::contract;

/// The rule whose clauses include the error codes.
const ERRORS: &str = "E1";

/// All clauses, by rule.
#[derive(Clone, Debug)]
pub struct Table {
    /// Descriptions of the clauses, by rule and clause id. A rule without clauses is one clause.
    pub rules: BTreeMap<String, BTreeMap<String, String>>,
    /// Rules whose tests run once, because they do not depend on the store.
    pub store_independent: BTreeSet<String>,
}

#[derive(Deserialize)]
struct File {
    store_independent: BTreeSet<String>,
    #[serde(flatten)]
    rules: BTreeMap<String, BTreeMap<String, String>>,
}

impl Table {
    /// Reads `docs/contract.md` and `data/clauses.toml`.
    ///
    /// # Panics
    /// When the file is malformed or has a rule that is not in the contract.
    #[must_use]
    pub fn read() -> Self {
        let mut table = Self::parse(include_str!("../data/clauses.toml"), &contract::rules());
        let errors = table.rules.entry(ERRORS.to_owned()).or_default();
        errors.extend(contract::error_codes().into_iter().map(|code| (code, "code".to_owned())));
        table
    }

    /// Parses a file of clauses for a contract with these rules.
    ///
    /// # Panics
    /// As [`read`](Self::read).
    #[must_use]
    pub fn parse(text: &str, contract: &BTreeSet<String>) -> Self {
        let file: File = toml::from_str(text).expect("data/clauses.toml is well-formed");
        let named = file.rules.keys().chain(&file.store_independent);
        let unknown: Vec<&String> = named.filter(|rule| !contract.contains(*rule)).collect();
        assert!(
            unknown.is_empty(),
            "data/clauses.toml has rules that docs/contract.md does not have: {unknown:?}"
        );
        let mut rules: BTreeMap<_, _> =
            contract.iter().map(|rule| (rule.clone(), BTreeMap::new())).collect();
        rules.extend(file.rules);
        Self { rules, store_independent: file.store_independent }
    }

    /// Returns all clauses: each `<rule>.<id>`, and each rule without clauses of its own.
    #[must_use]
    pub fn clauses(&self) -> BTreeSet<String> {
        let of_rule = |(rule, clauses): (&String, &BTreeMap<String, String>)| {
            if clauses.is_empty() {
                vec![rule.clone()]
            } else {
                clauses.keys().map(|id| format!("{rule}.{id}")).collect()
            }
        };
        self.rules.iter().flat_map(of_rule).collect()
    }

    /// Returns whether this is a known rule or clause.
    #[must_use]
    pub fn knows(&self, clause: &str) -> bool {
        match clause.split_once('.') {
            Some((rule, id)) => self.rules.get(rule).is_some_and(|ids| ids.contains_key(id)),
            None => self.rules.contains_key(clause),
        }
    }

    /// Returns the clause's description; empty for a whole rule.
    #[must_use]
    pub fn text(&self, clause: &str) -> &str {
        let (rule, id) = clause.split_once('.').unwrap_or((clause, ""));
        self.rules.get(rule).and_then(|ids| ids.get(id)).map_or("", String::as_str)
    }
}

/// Returns the rule of a clause.
#[must_use]
pub fn rule_of(clause: &str) -> &str {
    clause.split_once('.').map_or(clause, |(rule, _)| rule)
}
