//! The tests that take code of their own, by the names under which `data/cases/scenarios.jsonl` lists them.

use workspace_tests::world::World;

/// How a scenario runs.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    /// In a store's world, beside all others.
    World(fn(&World)),
    /// With no store or its own.
    Once(fn()),
    /// In a store's world, when all others are done.
    AtTheEnd(fn(&World)),
    /// When all others are done.
    AtTheVeryEnd(fn()),
}

const ALL: &[(&str, Run)] = &[];

/// The scenario of this name.
pub(crate) fn find(name: &str) -> Run {
    ALL.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no scenario is called {name}")).1
}

/// Whether a test of this name waits for long, so that it should start early.
pub(crate) fn is_slow(name: &str) -> bool {
    ["::B3::", "::H7::", "::P2::", "::S2::"].iter().any(|rule| name.contains(rule))
}
