//! The contract's tests against the built binary: the cases of `data/cases` and the scenarios. A
//! test's name is `<store>::<rule>::<name>`, or `any::<rule>::<name>` without a store.

mod scenarios;

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Trial};
use workspace_tests::case::{self, Case, WireCase};
use workspace_tests::clauses::Table;
use workspace_tests::contract;
use workspace_tests::database::Store;
use workspace_tests::rule_guard::RuleGuard;
use workspace_tests::runner;
use workspace_tests::scenario::{Run, Scenario};
use workspace_tests::settings::{self, SettingsCase};
use workspace_tests::shared_fixture::SharedFixture;

/// Number of concurrent tests. Most tests wait, so it exceeds the number of processors.
const THREADS: usize = 16;

/// Rules with long-running tests. These tests start first, so that they overlap with all others.
const SLOW_RULES: [&str; 7] = ["A1", "B3", "H7", "P2", "S2", "W2", "W4"];

/// The name's first part for a test without a store.
const ANY: &str = "any";

/// The shared fixtures, created when the first test of a store needs one.
#[derive(Clone, Default)]
struct SharedFixtures([Arc<OnceLock<SharedFixture>>; 2]);

impl SharedFixtures {
    fn get(&self, store: Store) -> &SharedFixture {
        self.0[usize::from(store == Store::Postgres)].get_or_init(|| SharedFixture::create(store))
    }
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let fixtures = SharedFixtures::default();
    let mut guard = RuleGuard::new(Table::read());

    let mut first = case_trials(&mut guard, &fixtures);
    let mut last = Vec::new();
    for scenario in scenarios::all() {
        let trials = scenario_trials(&mut guard, &fixtures, *scenario);
        if scenario.last { last.extend(trials) } else { first.extend(trials) }
    }
    first.sort_by_key(|trial| !is_slow(trial.name()));

    let main_part = libtest_mimic::run(&arguments, first);
    // These tests inspect the results of all others, and fail if few of them ran.
    if arguments.filter.is_some() && !arguments.list {
        println!("{} tests run last, and only without a filter", last.len());
        last.clear();
    }
    let last_part = libtest_mimic::run(&arguments, last);
    // `exit` would skip this drop and leave processes and databases behind.
    drop(fixtures);

    let rules_proven = arguments.list || report_verdict(&guard, &arguments);
    if main_part.has_failed() || last_part.has_failed() || !rules_proven {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn case_trials(guard: &mut RuleGuard, fixtures: &SharedFixtures) -> Vec<Trial> {
    let mut trials = Vec::new();
    for store in Store::ALL {
        for case in case::FILES.iter().flat_map(|file| case::read::<Case>(file)) {
            let fixtures = fixtures.clone();
            let (clauses, name) = (case.clause.clone(), case.name.clone());
            trials.push(guard.trial(store.as_str(), &clauses.all(), &name, move || {
                runner::run(fixtures.get(store), &case)
            }));
        }
        for case in case::read::<WireCase>(case::WIRE_FILE) {
            let fixtures = fixtures.clone();
            let (clauses, name) = (case.clause.clone(), case.name.clone());
            trials.push(guard.trial(store.as_str(), &clauses.all(), &name, move || {
                runner::run_wire(fixtures.get(store), &case)
            }));
        }
    }
    for case in case::read::<SettingsCase>(settings::FILE) {
        let (clauses, name) = (case.clause.clone(), case.name.clone());
        trials.push(guard.trial(ANY, &clauses.all(), &name, move || settings::run(&case)));
    }
    trials
}

fn scenario_trials(
    guard: &mut RuleGuard,
    fixtures: &SharedFixtures,
    scenario: Scenario,
) -> Vec<Trial> {
    let mut trial = |store: Option<Store>| {
        let fixtures = fixtures.clone();
        let place = store.map_or(ANY, Store::as_str);
        guard.trial(place, scenario.clauses, scenario.name, move || {
            match (scenario.run, store) {
                (Run::Shared(test), Some(store)) => test(fixtures.get(store)),
                (Run::Store(test), Some(store)) => test(store),
                (Run::Once(test), _) => test(),
                (_, None) => return Err("the scenario needs a store".to_owned()),
            }
            Ok(())
        })
    };
    scenario.stores().into_iter().map(&mut trial).collect()
}

fn is_slow(name: &str) -> bool {
    SLOW_RULES.iter().any(|rule| name.contains(&format!("::{rule}::")))
}

/// Prints the rule guard's verdict. Returns whether it has no complaints.
fn report_verdict(guard: &RuleGuard, arguments: &Arguments) -> bool {
    let whole = arguments.filter.is_none() && arguments.skip.is_empty() && !arguments.ignored;
    let mut verdict = guard.verdict(whole);
    let security = contract::document("security.md");
    let cited = contract::cited_tests(&security);
    verdict.complaints.extend(
        guard.unknown(cited).into_iter().map(|test| format!("docs/security.md cites {test}")),
    );
    for line in &verdict.summary {
        println!("rule guard: {line}");
    }
    for complaint in &verdict.complaints {
        eprintln!("rule guard: {complaint}");
    }
    verdict.complaints.is_empty()
}
