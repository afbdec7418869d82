//! The metrics of a key set.

use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, gauge};

use super::http_source::FetchFault;

const REFRESHES: &str = "jwks_refresh_total";
const KEYS: &str = "jwks_keys";
const AGE: &str = "jwks_age_seconds";

/// Describes the metrics and starts the counter at zero for every outcome.
pub(crate) fn describe() {
    describe_counter!(REFRESHES, "fetches of the key set, by outcome");
    describe_gauge!(KEYS, "usable keys in the cached key set");
    describe_gauge!(AGE, "seconds since the cached key set was fetched");
    for outcome in ["ok"].iter().chain(FetchFault::LABELS) {
        counter!(REFRESHES, "outcome" => *outcome).absolute(0);
    }
}

/// Counts a finished fetch.
pub(crate) fn count_refresh(outcome: &'static str) {
    counter!(REFRESHES, "outcome" => outcome).increment(1);
}

/// Reports the number and age of the cached keys.
pub(crate) fn set_cached(keys: usize, age: Duration) {
    gauge!(KEYS).set(keys as f64);
    gauge!(AGE).set(age.as_secs_f64());
}
