//! Scenarios: tests of the contract that need code of their own. The file of a scenario registers it.

use crate::database::Store;
use crate::shared_fixture::SharedFixture;

/// A test function, the clauses that it proves, and where it runs. [`scenario!`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// The name of its function.
    pub name: &'static str,
    /// The clauses that it proves. The rule of the first one is part of the test's name.
    pub clauses: &'static [&'static str],
    /// The function.
    pub run: Run,
    /// The only store on which it runs. Without one it runs on each.
    pub only_on: Option<Store>,
    /// Whether it starts after all other tests, because it inspects what they left.
    pub last: bool,
}

/// A scenario's function, by what it needs.
#[derive(Clone, Copy, Debug)]
pub enum Run {
    /// It shares the services and the database of a store with other tests.
    Shared(fn(&SharedFixture)),
    /// It starts its own services on this store.
    Store(fn(Store)),
    /// It needs no store. It runs once.
    Once(fn()),
}

impl Scenario {
    /// Runs it on this store only: it is about files, or about a server.
    #[must_use]
    pub const fn on(mut self, store: Store) -> Self {
        self.only_on = Some(store);
        self
    }

    /// Starts it after all other tests.
    #[must_use]
    pub const fn run_last(mut self) -> Self {
        self.last = true;
        self
    }

    /// The stores on which it runs. `None` is a run without a store.
    #[must_use]
    pub fn stores(&self) -> Vec<Option<Store>> {
        match (self.run, self.only_on) {
            (Run::Once(_), _) => vec![None],
            (_, Some(store)) => vec![Some(store)],
            (_, None) => Store::ALL.map(Some).to_vec(),
        }
    }
}

/// Registers a function as a scenario and names the clauses that it proves. The word in parentheses is what the function
/// takes: `shared`, `store`, or nothing.
///
/// ```ignore
/// pub(super) const SCENARIOS: &[Scenario] = &[
///     scenario!(two_requests_create_two_sessions(shared), "H4.fresh_session", "P1.no_other_request"),
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
