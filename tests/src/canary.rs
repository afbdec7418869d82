//! Secrets that the tests handed out, and everything that processes wrote: the two must not meet.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock};

use crate::output::Output;
use crate::response::Response;

/// Shorter texts are no secrets and would be found by accident.
const SHORTEST: usize = 12;
/// How many first bytes of a secret are its key in the index.
const STEM: usize = 8;

static SECRETS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static WATCHED: Mutex<Vec<(String, Arc<Output>)>> = Mutex::new(Vec::new());

/// Registers a secret: no watched output may ever hold it.
///
/// # Panics
/// When it is too short to be one.
pub fn plant(secret: &str) {
    assert!(
        secret.len() >= SHORTEST,
        "a canary of {} bytes would be found by accident",
        secret.len()
    );
    SECRETS.lock().expect("nobody panics with the lock").insert(secret.to_owned());
}

/// Registers what is secret in a portal URL: its last part.
pub fn plant_url(url: &str) {
    if let Some(last) = url.rsplit('/').next().filter(|last| last.len() >= SHORTEST) {
        plant(last);
    }
}

/// Registers what is secret in an access token: its signature. (Its claims are logged by nobody either, but the claims of two
/// tokens may be the same text, and a subject is no secret.)
pub fn plant_token(token: &str) {
    if let Some(signature) =
        token.rsplit('.').next().filter(|signature| signature.len() >= SHORTEST)
    {
        plant(signature);
    }
}

/// Has this output scanned at the end.
///
/// # Panics
/// Never.
pub fn watch(name: String, output: Arc<Output>) {
    WATCHED.lock().expect("nobody panics with the lock").push((name, output));
}

/// Has an answer that refuses something scanned at the end, as it came: status, header fields and body.
///
/// # Panics
/// Never.
pub fn note_refusal(answer: &Response) {
    static REFUSALS: OnceLock<Arc<Output>> = OnceLock::new();
    let all = REFUSALS.get_or_init(|| {
        let all = Arc::new(Output::default());
        watch("the answers that refuse".to_owned(), Arc::clone(&all));
        all
    });
    all.push(format!("{} {:?}\n{}\n", answer.status, answer.headers, answer.text()).as_bytes());
}

/// The places where this text holds exactly this one: how a test shows that the scan sees what it looks at.
#[must_use]
pub fn scan_for(wanted: &str, name: &str, text: &str) -> Vec<String> {
    Index::new(&BTreeSet::from([wanted.to_owned()])).leaks_in(name, text)
}

/// Where secrets leaked: the outputs and lines, never the secrets.
///
/// # Panics
/// Never.
#[must_use]
pub fn leaks() -> Vec<String> {
    let secrets = SECRETS.lock().expect("nobody panics with the lock").clone();
    let index = Index::new(&secrets);
    let watched = WATCHED.lock().expect("nobody panics with the lock");
    watched.iter().flat_map(|(name, output)| index.leaks_in(name, &output.text())).collect()
}

/// Whether any watched output holds this text: shows that a scan would find one.
///
/// # Panics
/// Never.
#[must_use]
pub fn is_found(text: &str) -> bool {
    let wanted = BTreeSet::from([text.to_owned()]);
    let index = Index::new(&wanted);
    let watched = WATCHED.lock().expect("nobody panics with the lock");
    watched.iter().any(|(name, output)| !index.leaks_in(name, &output.text()).is_empty())
}

/// The places where this text holds a planted secret.
///
/// # Panics
/// Never.
#[must_use]
pub fn found_in(name: &str, text: &str) -> Vec<String> {
    let secrets = SECRETS.lock().expect("nobody panics with the lock").clone();
    Index::new(&secrets).leaks_in(name, text)
}

/// How many secrets have been planted and how many bytes are watched: a scan over nothing proves nothing.
///
/// # Panics
/// Never.
#[must_use]
pub fn extent() -> (usize, usize) {
    let secrets = SECRETS.lock().expect("nobody panics with the lock").len();
    let bytes = WATCHED
        .lock()
        .expect("nobody panics with the lock")
        .iter()
        .map(|(_, o)| o.text().len())
        .sum();
    (secrets, bytes)
}

/// The secrets by their stems, so that one pass over a text looks for all of them.
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
