//! [`Gate`]: an HMAC-SHA-256 under a pepper. It refuses a wrong secret within microseconds.

use std::fmt;

use billing_domain::{ApiKeyId, KeyVerifier, PepperId};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Domain separation prefix of a gate's message. The same pepper can later serve another purpose.
const DOMAIN: &[u8] = b"billing-portal api-key gate v1";
/// Domain separation prefix of the message whose MAC is a pepper's id.
const ID_DOMAIN: &[u8] = b"billing-portal pepper id v1";
const MIN_PEPPER_BYTES: usize = 32;
const HEX_CHARS: usize = 64;

/// A server-side secret of at least 32 bytes. The database never contains it, and `Debug` redacts
/// it.
#[derive(Clone)]
pub struct Pepper {
    mac: Hmac<Sha256>,
    id: PepperId,
}

/// Why a text is not a valid pepper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PepperError {
    /// The text is too short to resist guessing.
    #[error("a pepper has at least 32 bytes")]
    TooShort,
    /// The white space is probably a copy error. A later copy without it would be another pepper,
    /// and every key would be refused.
    #[error("a pepper neither starts nor ends with white space")]
    WhiteSpace,
}

/// Verifies secrets under one pepper, or two during a rotation. New keys use the first pepper.
#[derive(Clone, Debug)]
pub struct Gate {
    current: Pepper,
    previous: Option<Pepper>,
}

/// A stored gate value that is not 64 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MalformedGate;

impl Pepper {
    /// Creates a pepper from its text.
    ///
    /// # Errors
    /// [`PepperError`], which does not contain the text.
    pub fn new(text: &str) -> Result<Self, PepperError> {
        if text.len() < MIN_PEPPER_BYTES {
            return Err(PepperError::TooShort);
        }
        if text.trim() != text {
            return Err(PepperError::WhiteSpace);
        }

        // Cannot fail: HMAC accepts keys of any length (RFC 2104, section 3).
        let mac =
            Hmac::<Sha256>::new_from_slice(text.as_bytes()).map_err(|_| PepperError::TooShort)?;
        let name = mac.clone().chain_update(ID_DOMAIN).finalize().into_bytes();
        // A pepper id is sixteen hex digits.
        let id = hex(&name[..8]).parse().map_err(|_| PepperError::TooShort)?;
        Ok(Self { mac, id })
    }

    /// Returns the MAC of a key's secret and id. The id makes a gate and hash copied from another
    /// row useless. Neither part can contain the NUL separator, so two pairs never share a message.
    fn mac(&self, id: &ApiKeyId, secret: &str) -> String {
        let mut mac = self.mac.clone();
        for part in [DOMAIN, b"\0", id.as_str().as_bytes(), b"\0", secret.as_bytes()] {
            mac.update(part);
        }
        hex(&mac.finalize().into_bytes())
    }
}

impl Gate {
    /// Creates a gate. New keys use `current`; `previous` only verifies.
    #[must_use]
    pub const fn new(current: Pepper, previous: Option<Pepper>) -> Self {
        Self { current, previous }
    }

    /// Returns the ids of the peppers: the current one, then the previous one, if any.
    pub fn pepper_ids(&self) -> impl Iterator<Item = &PepperId> {
        [Some(&self.current), self.previous.as_ref()].into_iter().flatten().map(|pepper| &pepper.id)
    }

    /// Returns the id of the current pepper.
    pub(crate) const fn current_id(&self) -> &PepperId {
        &self.current.id
    }

    /// Returns the verifier to store with a key.
    pub(crate) fn verifier(
        &self,
        id: &ApiKeyId,
        secret: &SecretString,
        hash: SecretString,
    ) -> KeyVerifier {
        KeyVerifier { pepper: Some(self.current.id.clone()), gate: self.value(id, secret), hash }
    }

    /// Returns the MAC of a key's secret under the current pepper.
    pub(crate) fn value(&self, id: &ApiKeyId, secret: &SecretString) -> SecretString {
        SecretString::from(self.current.mac(id, secret.expose_secret()))
    }

    /// Returns whether a presented secret matches the stored value, in constant time.
    pub(crate) fn admits(
        &self,
        id: &ApiKeyId,
        secret: &str,
        stored: &SecretString,
    ) -> Result<bool, MalformedGate> {
        let stored = stored.expose_secret().as_bytes();
        if stored.len() != HEX_CHARS
            || !stored.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        {
            return Err(MalformedGate);
        }
        let matches = |pepper: &Pepper| pepper.mac(id, secret).as_bytes().ct_eq(stored);
        let by_previous = self.previous.as_ref().map(matches);
        Ok((matches(&self.current) | by_previous.unwrap_or(0.into())).into())
    }

    /// Does the work of [`admits`](Self::admits) for an unknown id, so that the gate's time does
    /// not reveal which ids exist. The second request may be faster for an existing id, because its
    /// row is cached. That is acceptable: ids are public, and 95 random bits cannot be guessed.
    pub(crate) fn simulate_check(&self, id: &ApiKeyId, secret: &str) {
        let no_match = SecretString::from("0".repeat(HEX_CHARS));
        let _ = std::hint::black_box(self.admits(id, secret, &no_match));
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|b| [b >> 4, b & 0xf])
        .map(|n| char::from(b"0123456789abcdef"[usize::from(n)]))
        .collect()
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg";
    /// Python's `hmac` over `DOMAIN \0 0123456789AB \0 SECRET`, under 32 times `p` and 32 times
    /// `q`.
    const UNDER_P: &str = "fbda98c1be3462157f0ce1a683115a49224f80bc4e727fd73e0bc854dea0d028";
    const UNDER_Q: &str = "9faab3e8134c1b27c004c6588ec2bad0ba868ab6fff84c2b3eeb6a8bf1e9acbd";

    fn pepper(letter: &str) -> Pepper {
        Pepper::new(&letter.repeat(32)).unwrap()
    }

    fn id() -> ApiKeyId {
        "0123456789AB".parse().unwrap()
    }

    fn admits(gate: &Gate, secret: &str, stored: &str) -> bool {
        gate.admits(&id(), secret, &SecretString::from(stored)).unwrap()
    }

    #[test]
    fn c7_the_gate_is_an_hmac_sha_256_under_the_pepper() {
        for (letter, expected) in [("p", UNDER_P), ("q", UNDER_Q)] {
            let gate = Gate::new(pepper(letter), None);
            assert_eq!(gate.value(&id(), &SecretString::from(SECRET)).expose_secret(), expected);
            assert!(admits(&gate, SECRET, expected));
        }
    }

    #[test]
    fn c7_a_pepper_id_is_the_prefix_of_an_hmac_under_the_pepper() {
        // Python's `hmac` over `ID_DOMAIN`, under 32 times `p` and 32 times `q`.
        let expected =
            ["eb982a4f30d0fd8d", "7132b2c1e60eadab"].map(|id| id.parse::<PepperId>().unwrap());
        let gate = Gate::new(pepper("p"), Some(pepper("q")));
        assert!(gate.pepper_ids().eq(&expected));
        let verifier =
            gate.verifier(&id(), &SecretString::from(SECRET), SecretString::from("hash"));
        assert_eq!(verifier.pepper.as_ref(), Some(&expected[0]));
        assert_eq!(
            (verifier.gate.expose_secret(), verifier.hash.expose_secret()),
            (UNDER_P, "hash")
        );
    }

    #[test]
    fn c7_during_a_rotation_the_first_pepper_writes_and_both_verify() {
        let gate = Gate::new(pepper("q"), Some(pepper("p")));
        assert_eq!(gate.value(&id(), &SecretString::from(SECRET)).expose_secret(), UNDER_Q);
        assert!(admits(&gate, SECRET, UNDER_Q));
        assert!(admits(&gate, SECRET, UNDER_P));
        assert!(!admits(&Gate::new(pepper("q"), None), SECRET, UNDER_P));
        assert!(!admits(&Gate::new(pepper("r"), Some(pepper("s"))), SECRET, UNDER_P));
    }

    #[test]
    fn c7_a_wrong_secret_or_another_key_s_row_is_refused() {
        let gate = Gate::new(pepper("p"), None);
        assert!(!admits(&gate, &SECRET.replace('g', "h"), UNDER_P));
        assert!(!admits(&gate, "", UNDER_P));
        let other: ApiKeyId = "0123456789AC".parse().unwrap();
        assert_eq!(gate.admits(&other, SECRET, &SecretString::from(UNDER_P)), Ok(false));
    }

    #[test]
    fn c7_a_malformed_stored_gate_is_an_error() {
        let gate = Gate::new(pepper("p"), None);
        for bad in [
            "",
            "00",
            &UNDER_P[1..],
            &UNDER_P.to_uppercase(),
            &format!("{UNDER_P}0"),
            &UNDER_P.replace('f', "g"),
        ] {
            assert_eq!(
                gate.admits(&id(), SECRET, &SecretString::from(bad)),
                Err(MalformedGate),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_pepper_has_32_bytes_and_no_surrounding_white_space() {
        assert_eq!(Pepper::new(&"p".repeat(31)).unwrap_err(), PepperError::TooShort);
        assert_eq!(Pepper::new("").unwrap_err(), PepperError::TooShort);
        assert!(Pepper::new(&"p".repeat(500)).is_ok());
        for bad in [format!(" {}", "p".repeat(32)), format!("{}\r", "p".repeat(32))] {
            assert_eq!(Pepper::new(&bad).unwrap_err(), PepperError::WhiteSpace);
        }
    }

    #[test]
    fn debug_redacts_the_peppers() {
        let shown = format!("{:?}", Gate::new(pepper("x"), Some(pepper("y"))));
        assert!(!shown.contains('x') && !shown.contains('y'), "{shown}");
    }
}
