//! Secrets that the tests handed out, and everything that processes wrote: the two must not meet.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use crate::process::Output;

/// Shorter texts are no secrets and would be found by accident.
const SHORTEST: usize = 12;

static SECRETS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static WATCHED: Mutex<Vec<(String, Arc<Output>)>> = Mutex::new(Vec::new());

/// Registers a secret: no watched output may ever hold it.
///
/// # Panics
/// When it is too short to be one.
pub fn plant(secret: &str) {
    assert!(secret.len() >= SHORTEST, "a canary of {} bytes would be found by accident", secret.len());
    SECRETS.lock().expect("nobody panics with the lock").insert(secret.to_owned());
}

/// Has this output scanned at the end.
pub fn watch(name: String, output: Arc<Output>) {
    WATCHED.lock().expect("nobody panics with the lock").push((name, output));
}

/// Where secrets leaked: the names of the outputs, never the secrets.
///
/// # Panics
/// Never.
#[must_use]
pub fn leaks() -> Vec<String> {
    let secrets = SECRETS.lock().expect("nobody panics with the lock").clone();
    let watched = WATCHED.lock().expect("nobody panics with the lock");
    let mut found = Vec::new();
    for (name, output) in watched.iter() {
        found.extend(leaks_in(name, &output.text(), &secrets));
    }
    found
}

/// The lines of one text that hold a secret, with the secret cut out.
fn leaks_in(name: &str, text: &str, secrets: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        for secret in secrets.iter().filter(|secret| line.contains(secret.as_str())) {
            found.push(format!("{name}: {}", line.replace(secret.as_str(), "<SECRET>")));
        }
    }
    found
}

/// How much has been planted and watched: a scan over nothing proves nothing.
///
/// # Panics
/// Never.
#[must_use]
pub fn extent() -> (usize, usize) {
    let secrets = SECRETS.lock().expect("nobody panics with the lock").len();
    let bytes = WATCHED.lock().expect("nobody panics with the lock").iter().map(|(_, o)| o.text().len()).sum();
    (secrets, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_is_found_and_not_repeated() {
        let secrets = BTreeSet::from(["sk_test_planted0001".to_owned()]);
        let found = leaks_in("log", "fine\nkey=sk_test_planted0001 here\n", &secrets);
        assert_eq!(found, ["log: key=<SECRET> here"]);
    }
}
