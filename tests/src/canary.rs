//! Checks that no process output contains a secret that the tests used.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock};

use crate::output::Output;
use crate::response::Response;

/// Minimum length of a secret. Shorter texts would match by accident.
const SHORTEST: usize = 12;
/// Number of leading bytes of a secret that are its key in the index.
const STEM: usize = 8;

static SECRETS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static WATCHED: Mutex<Vec<(String, Arc<Output>)>> = Mutex::new(Vec::new());

/// Registers a secret that no watched output may contain.
///
/// # Panics
/// When the secret is too short.
pub fn plant(secret: &str) {
    assert!(secret.len() >= SHORTEST, "a secret of {} bytes would match by accident", secret.len());
    SECRETS.lock().expect("the lock is not poisoned").insert(secret.to_owned());
}

/// Registers the secret part of a portal URL: its last segment.
pub fn plant_url(url: &str) {
    if let Some(last) = url.rsplit('/').next().filter(|last| last.len() >= SHORTEST) {
        plant(last);
    }
}

/// Registers the secret part of an access token: its signature. The claims are not registered: two
/// tokens may have equal claims, and a subject is not secret.
pub fn plant_token(token: &str) {
    if let Some(signature) =
        token.rsplit('.').next().filter(|signature| signature.len() >= SHORTEST)
    {
        plant(signature);
    }
}

/// Adds an output to the final scan.
///
/// # Panics
/// When the lock is poisoned.
pub fn watch(name: String, output: Arc<Output>) {
    WATCHED.lock().expect("the lock is not poisoned").push((name, output));
}

/// Adds an error response to the final scan: status, header fields and body.
///
/// # Panics
/// When the lock is poisoned.
pub fn note_refusal(answer: &Response) {
    static REFUSALS: OnceLock<Arc<Output>> = OnceLock::new();
    let all = REFUSALS.get_or_init(|| {
        let all = Arc::new(Output::default());
        watch("the error responses".to_owned(), Arc::clone(&all));
        all
    });
    all.push(format!("{} {:?}\n{}\n", answer.status, answer.headers, answer.text()).as_bytes());
}

/// Returns the locations of `wanted` in a text. Tests use it to show that the scan finds a text.
#[must_use]
pub fn scan_for(wanted: &str, name: &str, text: &str) -> Vec<String> {
    Index::new(&BTreeSet::from([wanted.to_owned()])).leaks_in(name, text)
}

/// Returns the outputs and lines with leaked secrets, with the secrets masked.
///
/// # Panics
/// When the lock is poisoned.
#[must_use]
pub fn leaks() -> Vec<String> {
    let secrets = SECRETS.lock().expect("the lock is not poisoned").clone();
    let index = Index::new(&secrets);
    let watched = WATCHED.lock().expect("the lock is not poisoned");
    watched.iter().flat_map(|(name, output)| index.leaks_in(name, &output.text())).collect()
}

/// Returns whether any watched output contains this text.
///
/// # Panics
/// When the lock is poisoned.
#[must_use]
pub fn is_found(text: &str) -> bool {
    let wanted = BTreeSet::from([text.to_owned()]);
    let index = Index::new(&wanted);
    let watched = WATCHED.lock().expect("the lock is not poisoned");
    watched.iter().any(|(name, output)| !index.leaks_in(name, &output.text()).is_empty())
}

/// Returns the locations of registered secrets in a text.
///
/// # Panics
/// When the lock is poisoned.
#[must_use]
pub fn found_in(name: &str, text: &str) -> Vec<String> {
    let secrets = SECRETS.lock().expect("the lock is not poisoned").clone();
    Index::new(&secrets).leaks_in(name, text)
}

/// Returns the number of registered secrets and of watched bytes. A scan of nothing proves nothing.
///
/// # Panics
/// When the lock is poisoned.
#[must_use]
pub fn extent() -> (usize, usize) {
    let secrets = SECRETS.lock().expect("the lock is not poisoned").len();
    let bytes =
        WATCHED.lock().expect("the lock is not poisoned").iter().map(|(_, o)| o.text().len()).sum();
    (secrets, bytes)
}

/// An index of the secrets by prefix, so that one pass over a text finds all of them.
struct Index<'a> {
    by_stem: HashMap<&'a [u8], Vec<&'a str>>,
    first_two: Vec<bool>,
}

impl<'a> Index<'a> {
    fn new(secrets: &'a BTreeSet<String>) -> Self {
        let mut by_stem: HashMap<&[u8], Vec<&str>> = HashMap::new();
        let mut first_two = vec![false; 1 << 16];
        for secret in secrets {
            let bytes = secret.as_bytes();
            by_stem.entry(&bytes[..STEM]).or_default().push(secret);
            first_two[usize::from(bytes[0]) << 8 | usize::from(bytes[1])] = true;
        }
        Self { by_stem, first_two }
    }

    fn leaks_in(&self, name: &str, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for line in text.lines() {
            let bytes = line.as_bytes();
            let stems = bytes.windows(STEM).enumerate();
            for (at, stem) in stems {
                if !self.first_two[usize::from(stem[0]) << 8 | usize::from(stem[1])] {
                    continue;
                }
                let candidates = self.by_stem.get(stem).into_iter().flatten();
                for secret in candidates.filter(|secret| bytes[at..].starts_with(secret.as_bytes()))
                {
                    found.push(format!("{name}: {}", line.replace(secret, "<SECRET>")));
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leak_is_reported_without_the_secret() {
        let secrets =
            BTreeSet::from(["sk_test_planted0001".to_owned(), "sk_test_planted0002".to_owned()]);
        let found = Index::new(&secrets)
            .leaks_in("log", "fine\nkey=sk_test_planted0001 here\nsk_test_planted0003\n");
        assert_eq!(found, ["log: key=<SECRET> here"]);
    }
}
