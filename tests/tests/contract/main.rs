//! The contract's tests against the built binary: the cases of `data/cases`, one test each and store, and the scenarios that
//! take code of their own. A test is named `<store>::<rule>::<case>`.

mod scenarios;

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};
use workspace_tests::case::{self, Case, WireCase};
use workspace_tests::clauses::{On, SCENARIO_FILE, Scenario, test_name};
use workspace_tests::database::Store;
use workspace_tests::runner;
use workspace_tests::settings::{self, SettingsCase};
use workspace_tests::world::World;

use scenarios::Run;

/// Most cases wait for processes, sockets or deadlines: more of them at once than there are processors.
const THREADS: usize = 16;

/// The worlds, made when the first test of a store needs one.
#[derive(Clone, Default)]
struct Worlds([Arc<OnceLock<World>>; 2]);

impl Worlds {
    fn get(&self, store: Store) -> &World {
        self.0[usize::from(store == Store::Postgres)].get_or_init(|| World::create(store))
    }
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let worlds = Worlds::default();
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for store in Store::ALL {
        for file in case::FILES {
            first.extend(
                case::read::<Case>(file).into_iter().map(|case| case_trial(&worlds, store, case)),
            );
        }
        first.extend(
            case::read::<WireCase>(case::WIRE_FILE)
                .into_iter()
                .map(|case| wire_trial(&worlds, store, case)),
        );
    }
    first.extend(case::read::<SettingsCase>(settings::FILE).into_iter().map(|case| {
        Trial::test(test_name("any", &case.clause, &case.name), move || {
            settings::run(&case).map_err(Failed::from)
        })
    }));
    for scenario in case::read::<Scenario>(SCENARIO_FILE) {
        let run = scenarios::find(&scenario.name);
        for prefix in scenario.on.prefixes() {
            let trial = scenario_trial(&worlds, &scenario, prefix, run);
            let at_the_end = matches!(run, Run::AtTheEnd(_) | Run::AtTheVeryEnd(_));
            if at_the_end { last.push(trial) } else { first.push(trial) }
        }
    }
    // The slow ones first, so that they overlap with all others.
    first.sort_by_key(|trial| !scenarios::is_slow(trial.name()));
    let main_part = libtest_mimic::run(&arguments, first);
    // What has been written by then is looked at in a second part.
    let end_part = libtest_mimic::run(&arguments, last);
    // `exit` would skip this, and leave processes and databases behind.
    drop(worlds);
    if main_part.has_failed() || end_part.has_failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn case_trial(worlds: &Worlds, store: Store, case: Case) -> Trial {
    let worlds = worlds.clone();
    let name = test_name(store.as_str(), &case.clause, &case.name);
    Trial::test(name, move || runner::run(worlds.get(store), &case).map_err(Failed::from))
}

fn wire_trial(worlds: &Worlds, store: Store, case: WireCase) -> Trial {
    let worlds = worlds.clone();
    let name = test_name(store.as_str(), &case.clause, &case.name);
    Trial::test(name, move || runner::run_wire(worlds.get(store), &case).map_err(Failed::from))
}

fn scenario_trial(worlds: &Worlds, scenario: &Scenario, prefix: &str, run: Run) -> Trial {
    let worlds = worlds.clone();
    let name = test_name(prefix, &scenario.clause, &scenario.name);
    let store = if prefix == "postgres" { Store::Postgres } else { Store::Sqlite };
    assert_eq!(
        scenario.on == On::Once,
        matches!(run, Run::Once(_) | Run::AtTheVeryEnd(_)),
        "{name}: `on` and its function differ"
    );
    Trial::test(name, move || {
        match run {
            Run::World(scenario) | Run::AtTheEnd(scenario) => scenario(worlds.get(store)),
            Run::Store(scenario) => scenario(store),
            Run::Once(scenario) | Run::AtTheVeryEnd(scenario) => scenario(),
        }
        Ok(())
    })
}
