//! [`JwkSet`]: the usable keys of a set (RFC 7517, 5) and their selection for a token.

use std::fmt;

use strict_json::Value;

use super::jwk::{self, Jwk};
use crate::header::Header;
use crate::json;

/// Maximum keys in a set. Issuers publish two or three keys, or some dozens for many tenants.
const MAX_KEYS: usize = 64;

/// Maximum keys tried per token. It bounds the work for sets with equal ids and for tokens without
/// an id.
const MAX_TRIED: usize = 4;

/// Maximum logged characters of a key's id.
const MAX_LOGGED_ID: usize = 64;

/// The usable keys of a set, in its order.
#[derive(Debug)]
pub(crate) struct JwkSet {
    keys: Vec<Jwk>,
}

/// An unusable key of a set, for the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Skipped {
    position: usize,
    id: Option<String>,
    reason: String,
}

impl JwkSet {
    /// Parses a set. Returns it with the skipped keys; RFC 7517, section 5, requires to ignore
    /// them.
    ///
    /// # Errors
    /// Why the bytes are not a key set.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, Vec<Skipped>), String> {
        let members = json::members(bytes).map_err(|error| error.to_string())?;
        let Some(Value::Array(elements)) = members.get("keys") else {
            return Err("it has no list of `keys`".to_owned());
        };
        if elements.len() > MAX_KEYS {
            return Err(format!("it has more than {MAX_KEYS} keys"));
        }

        let mut keys = Vec::new();
        let mut skipped = Vec::new();
        for (position, element) in elements.iter().enumerate() {
            match jwk::read(element) {
                Ok(key) => keys.push(key),
                Err(reason) => skipped.push(Skipped { position, id: shown_id(element), reason }),
            }
        }
        Ok((Self { keys }, skipped))
    }

    /// Returns the number of usable keys.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns whether a key may match this key id. Any key may have signed a token without an id
    /// (RFC 7515, 4.1.4).
    pub(crate) fn knows(&self, key_id: Option<&str>) -> bool {
        key_id.is_none_or(|id| self.keys.iter().any(|jwk| jwk.id.as_deref() == Some(id)))
    }

    /// Returns whether a key with the header's algorithm and key id signed `message`. A header
    /// without an id matches every key. A key without an id matches only headers without an id.
    pub(crate) fn verify(&self, header: Header<'_>, message: &str, signature: &Vec<u8>) -> bool {
        let named = |jwk: &&Jwk| header.key_id.is_none_or(|id| jwk.id.as_deref() == Some(id));
        let matching =
            self.keys.iter().filter(named).filter(|jwk| jwk.key.algorithm() == header.algorithm);
        matching.take(MAX_TRIED).any(|jwk| jwk.key.verify(message, signature))
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
    Some(id.chars().take(MAX_LOGGED_ID).collect())
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
    fn read_skips_and_reports_unusable_keys() {
        let good = PublishedKey::new("good").jwk();
        let json = format!(
            r#"{{"more":1,"keys":[7,{good},{{"kty":"oct","k":"c2VjcmV0","kid":"\n{}"}},{{"kid":1}}]}}"#,
            "x".repeat(100)
        );
        let (set, skipped) = JwkSet::read(json.as_bytes()).unwrap();
        assert_eq!(set.len(), 1);
        let reported: Vec<String> = skipped.iter().map(Skipped::to_string).collect();
        assert_eq!(reported.len(), 3);
        assert_eq!(reported[0], "key 0: it is not a JSON object");
        assert!(reported[1].starts_with(&format!(
            "key 2 (\"\\n{}\"): it contains a secret",
            "x".repeat(MAX_LOGGED_ID - 1)
        )));
        assert!(!reported[1].contains("c2VjcmV0"));
        assert_eq!(reported[2], "key 3: `kid` is not a string");
    }

    #[test]
    fn read_accepts_an_empty_set_and_refuses_other_json() {
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

    /// Returns the keys of the cases, as JSON.
    fn keys() -> Vec<&'static str> {
        let cases = CASES.lines().filter(|line| !line.starts_with('#'));
        cases.filter_map(|line| line.splitn(3, " | ").nth(2)).collect()
    }

    proptest! {
        #[test]
        fn read_refuses_random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            prop_assert!(JwkSet::read(&bytes).is_err());
        }

        #[test]
        fn each_key_is_used_or_reported_after_any_changed_byte(
            case in prop::sample::select(keys()),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut set = format!(r#"{{"keys":[{case}]}}"#).into_bytes();
            let at = at.index(set.len());
            set[at] = byte;
            if let Ok((used, skipped)) = JwkSet::read(&set) {
                let set: serde_json::Value = serde_json::from_slice(&set).unwrap();
                let keys = set["keys"].as_array().unwrap();
                prop_assert_eq!(used.len() + skipped.len(), keys.len());
            }
        }
    }

    #[test]
    fn a_key_id_selects_the_key_and_without_one_every_key_matches() {
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
    fn a_key_without_an_id_matches_only_tokens_without_one() {
        let key = PublishedKey::new("a");
        let set = read(&format!(r#"{{"keys":[{}]}}"#, key.jwk().replace(r#""kid":"a","#, "")));
        assert!(set.verify(header(None), "m", &key.sign("m")));
        assert!(!set.knows(Some("a")) && !set.verify(header(Some("a")), "m", &key.sign("m")));
    }

    #[test]
    fn at_most_four_keys_with_equal_ids_are_tried() {
        let keys: Vec<PublishedKey> = (0..=MAX_TRIED).map(|_| PublishedKey::new("same")).collect();
        let set = read(&set_of(&keys.iter().collect::<Vec<_>>()));
        for id in [Some("same"), None] {
            let verified: Vec<bool> =
                keys.iter().map(|key| set.verify(header(id), "m", &key.sign("m"))).collect();
            assert_eq!(verified, [true, true, true, true, false]);
        }
    }
}
