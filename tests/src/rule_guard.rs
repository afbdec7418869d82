//! The rule guard: fails a run of the contract's tests if a rule, clause or error code has no test
//! that passed.
//!
//! The guard creates the tests, so it knows their clauses and results. It also checks partial runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use libtest_mimic::{Failed, Trial};

use crate::clauses::{Table, rule_of};
use crate::database::Store;

/// The result of a test that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Started,
    Passed,
}

/// The registered tests with their clauses and results.
#[derive(Debug)]
pub struct RuleGuard {
    table: Table,
    tests: BTreeMap<String, Vec<String>>,
    outcomes: Arc<Mutex<BTreeMap<String, Outcome>>>,
}

/// The guard's findings for a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The violations. Empty if there are none.
    pub complaints: Vec<String>,
    /// The checked and unchecked rules.
    pub summary: Vec<String>,
}

impl RuleGuard {
    /// Creates a guard without tests.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, tests: BTreeMap::new(), outcomes: Arc::default() }
    }

    /// Registers a test with the name `<place>::<rule>::<name>`. The place is a store or `any`. The
    /// rule is the first clause's.
    ///
    /// # Panics
    /// When the name exists already, or the test names no clause.
    pub fn trial(
        &mut self,
        place: &str,
        clauses: &[&str],
        name: &str,
        test: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Trial {
        let rule = rule_of(clauses.first().expect("a test names a clause"));
        let name = format!("{place}::{rule}::{name}");
        let proves = clauses.iter().map(|clause| (*clause).to_owned()).collect();
        let before = self.tests.insert(name.clone(), proves);
        assert!(before.is_none(), "two tests have the name {name}");
        let outcomes = Arc::clone(&self.outcomes);
        Trial::test(name.clone(), move || {
            let note = |outcome| {
                outcomes.lock().expect("the lock is not poisoned").insert(name, outcome);
            };
            note.clone()(Outcome::Started);
            test().map_err(Failed::from)?;
            note(Outcome::Passed);
            Ok(())
        })
    }

    /// Checks a run. `whole` means that no filter excluded tests.
    ///
    /// # Panics
    /// When the lock is poisoned.
    #[must_use]
    pub fn verdict(&self, whole: bool) -> Verdict {
        let outcomes = self.outcomes.lock().expect("the lock is not poisoned").clone();
        let mut complaints = self.registration_faults();
        let ran = |test: &String| outcomes.contains_key(test);
        let passed = |test: &String| outcomes.get(test) == Some(&Outcome::Passed);
        if whole {
            let missing = self.tests.keys().filter(|test| !ran(test));
            complaints.extend(missing.map(|test| format!("{test} did not run")));
        }
        let mut summary = Vec::new();
        let (mut checked, mut unchecked) = (Vec::new(), Vec::new());
        for rule in self.table.rules.keys() {
            let clauses = self.clauses_of(rule);
            // A clause stays unchecked if none of its tests passed and some did not run.
            let mut proven = 0;
            for clause in &clauses {
                let tests: Vec<&String> = self.tests_of(clause).collect();
                if tests.iter().any(|test| passed(test)) {
                    proven += 1;
                } else if !tests.is_empty() && tests.iter().all(|test| ran(test)) {
                    complaints.push(format!("no test of {clause} passed"));
                }
            }
            match proven {
                0 => unchecked.push(rule.clone()),
                _ => checked.push(format!("{rule} {proven}/{}", clauses.len())),
            }
        }
        let count = outcomes.len();
        if count == self.tests.len() {
            summary.push(format!(
                "{} rules, {} clauses, {count} tests",
                self.table.rules.len(),
                self.table.clauses().len()
            ));
        } else {
            let all = self.tests.len();
            summary.push(format!("{count} of {all} tests ran, so only a part is checked"));
            summary.push(format!("clauses proven, by rule: {}", listed(&checked)));
            summary.push(format!("rules without a test that passed: {}", listed(&unchecked)));
        }
        Verdict { complaints, summary }
    }

    /// Returns the faults of the registration, independent of the run.
    fn registration_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (test, clauses) in &self.tests {
            for clause in clauses.iter().filter(|clause| !self.table.knows(clause)) {
                faults.push(format!(
                    "{test} names {clause}, which is neither a rule of docs/contract.md nor a clause of \
                     tests/data/clauses.toml"
                ));
            }
        }
        for clause in self.table.clauses() {
            if self.tests_of(&clause).next().is_none() {
                faults.push(format!("{clause} has no test ({})", self.table.text(&clause)));
            }
        }
        for rule in self.table.rules.keys() {
            if self.table.store_independent.contains(rule) {
                continue;
            }
            for store in Store::ALL {
                let start = format!("{}::{rule}::", store.as_str());
                if !self.tests.keys().any(|test| test.starts_with(&start)) {
                    faults.push(format!("{rule} has no test on {}", store.as_str()));
                }
            }
        }
        faults
    }

    /// Returns those of the tests, cited as `<rule>::<name>`, that are not registered.
    #[must_use]
    pub fn unknown<'a>(&self, cited: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        let names = self.tests.keys().filter_map(|test| test.split_once("::"));
        let known: BTreeSet<&str> = names.map(|(_, name)| name).collect();
        cited.into_iter().filter(|name| !known.contains(name)).collect()
    }

    fn clauses_of(&self, rule: &str) -> Vec<String> {
        self.table.clauses().into_iter().filter(|clause| rule_of(clause) == rule).collect()
    }

    /// Returns the tests of a clause. For a rule without clauses: every test that names the rule.
    fn tests_of<'a>(&'a self, clause: &'a str) -> impl Iterator<Item = &'a String> {
        let proves =
            move |(_, named): &(&String, &Vec<String>)| named.iter().any(|name| name == clause);
        self.tests.iter().filter(proves).map(|(test, _)| test)
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use libtest_mimic::Arguments;

    use super::*;

    const FILE: &str = "store_independent = [\"S1\"]\n[H1]\na = \"first\"\nb = \"second\"";

    fn guard(tests: &[(&str, &str, &str, bool)]) -> (RuleGuard, Vec<Trial>) {
        let contract = ["H1", "S1"].map(str::to_owned).into();
        let mut guard = RuleGuard::new(Table::parse(FILE, &contract));
        let trials = tests
            .iter()
            .map(|(place, clause, name, passes)| {
                let result = if *passes { Ok(()) } else { Err("it fails".to_owned()) };
                guard.trial(place, &[clause], name, || result)
            })
            .collect();
        (guard, trials)
    }

    fn complete(last_passes: bool) -> (RuleGuard, Vec<Trial>) {
        guard(&[
            ("sqlite", "H1.a", "x", true),
            ("postgres", "H1.a", "x", true),
            ("any", "S1", "y", true),
            ("any", "H1.b", "z", last_passes),
        ])
    }

    fn run(trials: Vec<Trial>, filter: Option<&str>) {
        // The output of these trials must not look like failures of the outer test run.
        let logfile = Some("/dev/null".to_owned());
        let filter = filter.map(str::to_owned);
        let arguments = Arguments { filter, quiet: true, logfile, ..Arguments::default() };
        let _ = libtest_mimic::run(&arguments, trials);
    }

    #[test]
    fn whole_run_without_failure_is_checked_in_full() {
        let (guard, trials) = complete(true);
        run(trials, None);
        let verdict = guard.verdict(true);
        assert_eq!(verdict.complaints, Vec::<String>::new());
        assert_eq!(verdict.summary, ["2 rules, 3 clauses, 4 tests"]);
    }

    #[test]
    fn clause_is_reported_when_its_only_test_failed() {
        let (guard, trials) = complete(false);
        run(trials, None);
        assert_eq!(guard.verdict(true).complaints, ["no test of H1.b passed"]);
    }

    #[test]
    fn partial_run_proves_a_part_of_the_clauses() {
        let (guard, trials) = complete(true);
        run(trials, Some("sqlite"));
        let verdict = guard.verdict(false);
        assert_eq!(verdict.complaints, Vec::<String>::new());
        assert_eq!(
            verdict.summary,
            [
                "1 of 4 tests ran, so only a part is checked",
                "clauses proven, by rule: H1 1/2",
                "rules without a test that passed: S1"
            ]
        );
        assert_eq!(
            guard.verdict(true).complaints.len(),
            3,
            "in a whole run the others are missing"
        );
    }

    #[test]
    fn failed_test_is_reported_in_a_partial_run_when_all_tests_of_its_clause_ran() {
        let (guard, trials) = complete(false);
        run(trials, Some("z"));
        assert_eq!(guard.verdict(false).complaints, ["no test of H1.b passed"]);
    }

    #[test]
    fn missing_and_unknown_clauses_are_reported_when_no_test_ran() {
        let (guard, _) = guard(&[("sqlite", "H1.a", "x", true), ("any", "H1.c", "y", true)]);
        assert_eq!(
            guard.verdict(false).complaints,
            [
                "any::H1::y names H1.c, which is neither a rule of docs/contract.md nor a clause of \
                 tests/data/clauses.toml",
                "H1.b has no test (second)",
                "S1 has no test ()",
                "H1 has no test on postgres",
            ]
        );
    }

    #[test]
    fn cited_tests_that_do_not_exist_are_found() {
        let (guard, _) = complete(true);
        assert_eq!(guard.unknown(["H1::x", "H1::gone", "S1::y"]), ["H1::gone"]);
    }
}
