//! Fuzzing on stable Rust: a strategy generates inputs, a property checks each, and a failure
//! prints its seed.
//!
//! `FUZZ_SECONDS` is the time per target (default: 5). `FUZZ_SEED` and the seeds in
//! `data/fuzz_seeds.txt` run first. Add the seed of every failure to that file.

pub mod api_key;
pub mod bearer;
pub mod body;
pub mod disagreement;
pub mod edit;
pub mod json;
pub mod profile;
pub mod return_url;
pub mod token;
pub mod token_oracle;

use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Seeds of inputs that once failed: a target and a seed per line.
const SEEDS: &str = include_str!("../data/fuzz_seeds.txt");

/// Minimum number of inputs of a run, also on a slow machine.
const MIN_INPUTS: u64 = 500;

/// The result of the code under test for an input. A property panics if the result is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The code accepted the input.
    Accepted,
    /// The code rejected the input.
    Refused,
}

/// Generates inputs for a target and checks each, until the time is over.
///
/// # Panics
/// When the property panics: the message has the seed and the smallest failing input. Also when
/// nearly all inputs were accepted or nearly all were rejected.
pub fn run<S: Strategy>(target: &str, strategy: &S, property: impl Fn(&S::Value) -> Verdict) {
    let end = Instant::now() + Duration::from_secs(seconds());
    let (mut accepted, mut rejected) = (0_u64, 0_u64);
    let mut run_one = |seed: u64| match run_seed(target, seed, strategy, &property) {
        Verdict::Accepted => accepted += 1,
        Verdict::Refused => rejected += 1,
    };
    first_seeds(target).into_iter().for_each(&mut run_one);
    let start = RandomState::new().hash_one(target);
    for step in 0_u64.. {
        if step >= MIN_INPUTS && Instant::now() >= end {
            break;
        }
        run_one(start.wrapping_add(step));
    }
    println!("fuzz {target}: {accepted} accepted, {rejected} rejected, from seed {start:#018x}");
    assert!(
        accepted > 10 && rejected > 10,
        "{target}: {accepted} accepted and {rejected} rejected prove nothing"
    );
}

/// Generates the input of a seed. Equal seeds generate equal inputs.
///
/// # Panics
/// When the strategy's filters reject too many values.
pub fn input<S: Strategy>(seed: u64, strategy: &S) -> S::Tree {
    let bytes: Vec<u8> = (0_u64..4).flat_map(|part| (seed ^ (part << 56)).to_le_bytes()).collect();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    strategy.new_tree(&mut runner).expect("a strategy without filters never gives up")
}

fn run_seed<S: Strategy>(
    target: &str,
    seed: u64,
    strategy: &S,
    property: &impl Fn(&S::Value) -> Verdict,
) -> Verdict {
    let mut tree = input(seed, strategy);
    let outcome = |value: &S::Value| catch_unwind(AssertUnwindSafe(|| property(value)));
    if let Ok(verdict) = outcome(&tree.current()) {
        return verdict;
    }
    let mut smallest = tree.current();
    for _ in 0..400 {
        let moved = if outcome(&tree.current()).is_err() {
            smallest = tree.current();
            tree.simplify()
        } else {
            tree.complicate()
        };
        if !moved {
            break;
        }
    }
    panic!(
        "fuzz target `{target}` failed; line for tests/data/fuzz_seeds.txt:\n{target} {seed:#018x}\nsmallest input: {smallest:?}"
    );
}

fn first_seeds(target: &str) -> Vec<u64> {
    let kept = SEEDS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let kept = kept
        .filter_map(|line| line.split_once(' ').filter(|(name, _)| *name == target))
        .map(|(_, seed)| seed);
    let given = std::env::var("FUZZ_SEED").ok();
    given.as_deref().into_iter().chain(kept).map(parse_seed).collect()
}

fn parse_seed(text: &str) -> u64 {
    let digits = text.trim().trim_start_matches("0x");
    u64::from_str_radix(digits, 16)
        .unwrap_or_else(|error| panic!("`{text}` is not a seed: {error}"))
}

/// Returns the time per target in seconds.
///
/// # Panics
/// When `FUZZ_SECONDS` is not a number.
#[must_use]
pub fn seconds() -> u64 {
    let given = std::env::var("FUZZ_SECONDS").ok();
    given.map_or(5, |text| {
        text.parse().unwrap_or_else(|error| panic!("FUZZ_SECONDS={text}: {error}"))
    })
}
