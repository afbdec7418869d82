//! Scenarios: tests of the contract with their own code. Each file registers its scenarios.

use crate::database::Store;
use crate::shared_fixture::SharedFixture;

/// A test function, the clauses that it proves, and its stores. [`scenario!`] creates it.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// The function's name.
    pub name: &'static str,
    /// The clauses that it proves. The first clause's rule is part of the test's name.
    pub clauses: &'static [&'static str],
    /// The test function.
    pub run: Run,
    /// The only store on which it runs. Default: every store.
    pub only_on: Option<Store>,
    /// Whether it runs after all other tests, because it inspects their results.
    pub last: bool,
}

/// A scenario's function, by its argument.
#[derive(Clone, Copy, Debug)]
pub enum Run {
    /// Uses the services and the database that tests of a store share.
    Shared(fn(&SharedFixture)),
    /// Starts its own services on this store.
    Store(fn(Store)),
    /// Needs no store and runs once.
    Once(fn()),
}

impl Scenario {
    /// Restricts it to one store.
    #[must_use]
    pub const fn on(mut self, store: Store) -> Self {
        self.only_on = Some(store);
        self
    }

    /// Runs it after all other tests.
    #[must_use]
    pub const fn run_last(mut self) -> Self {
        self.last = true;
        self
    }

    /// Returns the stores on which it runs. `None` is a run without a store.
    #[must_use]
    pub fn stores(&self) -> Vec<Option<Store>> {
        match (self.run, self.only_on) {
            (Run::Once(_), _) => vec![None],
            (_, Some(store)) => vec![Some(store)],
            (_, None) => Store::ALL.map(Some).to_vec(),
        }
    }
}

/// Registers a function as a scenario with the clauses that it proves. The word in parentheses is
/// the function's argument: `shared`, `store`, or nothing.
///
/// ```text
/// pub(super) const SCENARIOS: &[Scenario] = &[
///     scenario!(two_requests_create_two_sessions(shared), "H4.fresh_session"),
///     scenario!(checkout_returns_provider_error_when_the_price_differs(store), "V1.price"),
///     scenario!(no_flag_accepts_a_secret(), "S1.no_secret_flag"),
/// ];
/// ```
#[doc(inline)]
pub use crate::__scenario as scenario;

/// See [`scenario!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __scenario {
    ($function:ident(shared), $($clause:literal),+) => {
        $crate::__scenario!(Shared, $function, $($clause),+)
    };
    ($function:ident(store), $($clause:literal),+) => {
        $crate::__scenario!(Store, $function, $($clause),+)
    };
    ($function:ident(), $($clause:literal),+) => {
        $crate::__scenario!(Once, $function, $($clause),+)
    };
    ($run:ident, $function:ident, $($clause:literal),+) => {
        $crate::scenario::Scenario {
            name: stringify!($function),
            clauses: &[$($clause),+],
            run: $crate::scenario::Run::$run($function),
            only_on: None,
            last: false,
        }
    };
}
