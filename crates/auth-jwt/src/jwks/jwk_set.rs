//! The keys of a set that can be used here (RFC 7517, 5), and which of them a token may have been signed with.

use std::fmt;

use strict_json::Value;

use super::jwk::{self, Jwk};
use crate::header::Header;
use crate::json;

/// The most keys that a set may have. Issuers publish two or three, and some dozen where they serve many tenants.
const MAX_KEYS: usize = 64;

/// With how many keys one token is tried, so that a set with many equal ids, or a token without one, costs no more than this.
const MAX_TRIED: usize = 4;

/// How much of a key's id is told in the log, in characters.
const SHOWN_ID: usize = 64;

/// The usable keys of a set, in its order.
#[derive(Debug)]
pub(crate) struct JwkSet {
    keys: Vec<Jwk>,
}

/// A key of a set that is not used, for the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Skipped {
    position: usize,
    id: Option<String>,
    reason: String,
}

impl JwkSet {
    /// Reads a set: what can be used of it, and what cannot (RFC 7517, 5: such keys are to be ignored).
    ///
    /// # Errors
    /// Why it is no key set.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, Vec<Skipped>), String> {
        let members = json::members(bytes).map_err(|error| error.to_string())?;
        let Some(Value::Array(elements)) = members.get("keys") else {
            return Err("it has no list of `keys`".to_owned());
        };
        if elements.len() > MAX_KEYS {
            return Err(format!("it has more than {MAX_KEYS} keys"));
        }
        let (mut keys, mut skipped) = (Vec::new(), Vec::new());
        for (position, element) in elements.iter().enumerate() {
            match jwk::read(element) {
                Ok(key) => keys.push(key),
                Err(reason) => skipped.push(Skipped { position, id: shown_id(element), reason }),
            }
        }
        Ok((Self { keys }, skipped))
    }

    /// How many keys can be used.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether a token with this key id has a key here. One without an id may have been signed with any (RFC 7515, 4.1.4).
    pub(crate) fn knows(&self, key_id: Option<&str>) -> bool {
        key_id.is_none_or(|id| self.keys.iter().any(|jwk| jwk.id.as_deref() == Some(id)))
    }

    /// Whether `message` was signed with a key that the header fits: one of its id where it names one, and always one whose
    /// own algorithm it is. A key without an id is for tokens without one.
    pub(crate) fn verify(&self, header: Header<'_>, message: &str, signature: &Vec<u8>) -> bool {
        let named = |jwk: &&Jwk| header.key_id.is_none_or(|id| jwk.id.as_deref() == Some(id));
        let fitting =
            self.keys.iter().filter(named).filter(|jwk| jwk.key.algorithm() == header.algorithm);
        fitting.take(MAX_TRIED).any(|jwk| jwk.key.verify(message, signature))
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => write!(f, "key {} ({id:?}): {}", self.position, self.reason),
            None => write!(f, "key {}: {}", self.position, self.reason),
        }
    }
}

fn shown_id(element: &Value) -> Option<String> {
    let Value::Object(members) = element else { return None };
    let id = jwk::text(members, "kid").ok()??;
    Some(id.chars().take(SHOWN_ID).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::jwks::published_key::{PublishedKey, set_of};
    use crate::keys::SigningAlgorithm;

    const CASES: &str = include_str!("../../tests/data/jwks.txt");

    fn read(json: &str) -> JwkSet {
        JwkSet::read(json.as_bytes()).unwrap().0
    }

    fn fault(json: &str) -> String {
        JwkSet::read(json.as_bytes()).map(|(set, _)| set.len()).expect_err(json)
    }

    fn header(key_id: Option<&str>) -> Header<'_> {
        Header { algorithm: SigningAlgorithm::EdDsa, key_id }
    }

    #[test]
    fn what_cannot_be_used_is_skipped_and_told() {
        let good = PublishedKey::new("good").jwk();
        let json = format!(
            r#"{{"more":1,"keys":[7,{good},{{"kty":"oct","k":"c2VjcmV0","kid":"\n{}"}},{{"kid":1}}]}}"#,
            "x".repeat(100)
        );
        let (set, skipped) = JwkSet::read(json.as_bytes()).unwrap();
        assert_eq!(set.len(), 1);
        let told: Vec<String> = skipped.iter().map(Skipped::to_string).collect();
        assert_eq!(told.len(), 3);
        assert_eq!(told[0], "key 0: it is not a JSON object");
        assert!(told[1].starts_with(&format!(
            "key 2 (\"\\n{}\"): it holds a secret",
            "x".repeat(SHOWN_ID - 1)
        )));
        assert!(!told[1].contains("c2VjcmV0"));
        assert_eq!(told[2], "key 3: `kid` is not a string");
    }

    #[test]
    fn what_is_no_set_is_told_apart_from_an_empty_one() {
        assert_eq!(read(r#"{"keys":[]}"#).len(), 0);
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"keys":null}"#,
            r#"{"keys":{}}"#,
            r#"{"Keys":[]}"#,
            r#"{"keys":[],"keys":[]}"#,
        ] {
            fault(bad);
        }
        let twice_inside = PublishedKey::new("a").jwk().replacen('{', r#"{"kid":"b","#, 1);
        assert!(fault(&format!(r#"{{"keys":[{twice_inside}]}}"#)).contains("twice"));
    }

    #[test]
    fn the_number_of_keys_is_bounded() {
        let of = |count: usize| format!(r#"{{"keys":[{}]}}"#, vec!["{}"; count].join(","));
        assert_eq!(read(&of(MAX_KEYS)).len(), 0);
        assert!(fault(&of(MAX_KEYS + 1)).contains("64"));
    }

    /// The keys of the cases, as JSON.
    fn keys() -> Vec<&'static str> {
        let cases = CASES.lines().filter(|line| !line.starts_with('#'));
        cases.filter_map(|line| line.splitn(3, " | ").nth(2)).collect()
    }

    proptest! {
        #[test]
        fn bytes_that_are_no_set_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            prop_assert!(JwkSet::read(&bytes).is_err());
        }

        #[test]
        fn each_key_is_used_or_reported_whatever_byte_of_it_changes(
            case in prop::sample::select(keys()),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut set = format!(r#"{{"keys":[{case}]}}"#).into_bytes();
            let at = at.index(set.len());
            set[at] = byte;
            if let Ok((used, skipped)) = JwkSet::read(&set) {
                let set: serde_json::Value = serde_json::from_slice(&set).unwrap();
                prop_assert_eq!(Some(used.len() + skipped.len()), set["keys"].as_array().map(Vec::len));
            }
        }
    }

    #[test]
    fn a_key_id_chooses_and_without_one_every_key_may_have_signed() {
        let (a, b) = (PublishedKey::new("a"), PublishedKey::new("b"));
        let set = read(&set_of(&[&a, &b]));
        let by_a = a.sign("m");
        assert!(set.verify(header(Some("a")), "m", &by_a));
        assert!(set.verify(header(None), "m", &by_a));
        assert!(!set.verify(header(Some("b")), "m", &by_a));
        assert!(!set.verify(header(Some("c")), "m", &by_a));
        assert!(!set.verify(header(Some("a")), "n", &by_a));
        let other = Header { algorithm: SigningAlgorithm::Es256, key_id: Some("a") };
        assert!(!set.verify(other, "m", &by_a), "the key's own algorithm counts");
        assert!(
            set.knows(Some("a"))
                && set.knows(None)
                && !set.knows(Some("c"))
                && !set.knows(Some(""))
        );
    }

    #[test]
    fn a_key_without_an_id_is_for_tokens_without_one() {
        let key = PublishedKey::new("a");
        let set = read(&format!(r#"{{"keys":[{}]}}"#, key.jwk().replace(r#""kid":"a","#, "")));
        assert!(set.verify(header(None), "m", &key.sign("m")));
        assert!(!set.knows(Some("a")) && !set.verify(header(Some("a")), "m", &key.sign("m")));
    }

    #[test]
    fn equal_ids_are_all_tried_up_to_a_bound() {
        let keys: Vec<PublishedKey> = (0..=MAX_TRIED).map(|_| PublishedKey::new("same")).collect();
        let set = read(&set_of(&keys.iter().collect::<Vec<_>>()));
        for id in [Some("same"), None] {
            let held: Vec<bool> =
                keys.iter().map(|key| set.verify(header(id), "m", &key.sign("m"))).collect();
            assert_eq!(held, [true, true, true, true, false]);
        }
    }
}
