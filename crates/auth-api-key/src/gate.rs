//! The gate: an HMAC-SHA-256 under a pepper, which lets a wrong secret die in microseconds.

use std::fmt;

use billing_domain::{ApiKeyId, KeyVerifier, PepperId};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// What the MAC is of, so that the same pepper may serve another purpose one day without the two meeting.
const DOMAIN: &[u8] = b"billing-portal api-key gate v1";
/// What the MAC is of that names a pepper. No gate's message starts like this.
const ID_DOMAIN: &[u8] = b"billing-portal pepper id v1";
const MIN_PEPPER_BYTES: usize = 32;
const HEX_CHARS: usize = 64;

/// A server-side secret of at least 32 bytes that the database never sees. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct Pepper {
    mac: Hmac<Sha256>,
    id: PepperId,
}

/// Why a text was refused as pepper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PepperError {
    /// It is guessed too easily.
    #[error("a pepper has at least 32 bytes")]
    TooShort,
    /// What was pasted is not what was meant: the next one who pastes it leaves the space out, and no key holds any more.
    #[error("a pepper neither starts nor ends with white space")]
    WhiteSpace,
}

/// Judges secrets under one pepper, or two while they are rotated: the first one writes, either verifies.
#[derive(Clone, Debug)]
pub struct Gate {
    current: Pepper,
    previous: Option<Pepper>,
}

/// A stored gate value that is not 64 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MalformedGate;

impl Pepper {
    /// Takes a pepper in.
    ///
    /// # Errors
    /// [`PepperError`], which does not repeat it.
    pub fn new(text: &str) -> Result<Self, PepperError> {
        if text.len() < MIN_PEPPER_BYTES {
            return Err(PepperError::TooShort);
        }
        if text.trim() != text {
            return Err(PepperError::WhiteSpace);
        }
        // HMAC takes keys of any length (RFC 2104, section 3); the error is of the trait, for MACs that do not.
        let mac =
            Hmac::<Sha256>::new_from_slice(text.as_bytes()).map_err(|_| PepperError::TooShort)?;
        let name = mac.clone().chain_update(ID_DOMAIN).finalize().into_bytes();
        // Eight bytes are sixteen hex digits, which is what an id is.
        let id = hex(&name[..8]).parse().map_err(|_| PepperError::TooShort)?;
        Ok(Self { mac, id })
    }

    /// The MAC of a key's secret, bound to its id: a row whose gate and hash were copied from another row admits nobody.
    /// Neither part can hold the NUL that parts them, so that no two pairs give the same message.
    fn mac(&self, id: &ApiKeyId, secret: &str) -> String {
        let mut mac = self.mac.clone();
        for part in [DOMAIN, b"\0", id.as_str().as_bytes(), b"\0", secret.as_bytes()] {
            mac.update(part);
        }
        hex(&mac.finalize().into_bytes())
    }
}

impl Gate {
    /// A gate whose first pepper writes and verifies, and whose second one, if any, only verifies.
    #[must_use]
    pub const fn new(current: Pepper, previous: Option<Pepper>) -> Self {
        Self { current, previous }
    }

    /// The names of the peppers in force: the current one, then the previous one, if any.
    pub fn pepper_ids(&self) -> impl Iterator<Item = &PepperId> {
        [Some(&self.current), self.previous.as_ref()].into_iter().flatten().map(|pepper| &pepper.id)
    }

    /// The name of the pepper that writes.
    pub(crate) const fn current_id(&self) -> &PepperId {
        &self.current.id
    }

    /// What to store beside a key: all that proves it.
    pub(crate) fn verifier(
        &self,
        id: &ApiKeyId,
        secret: &SecretString,
        hash: SecretString,
    ) -> KeyVerifier {
        KeyVerifier { pepper: Some(self.current.id.clone()), gate: self.value(id, secret), hash }
    }

    /// A key's secret under the pepper that writes.
    pub(crate) fn value(&self, id: &ApiKeyId, secret: &SecretString) -> SecretString {
        SecretString::from(self.current.mac(id, secret.expose_secret()))
    }

    /// Whether a presented secret belongs to what was stored, in a time that depends on neither.
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
        let fits = |pepper: &Pepper| pepper.mac(id, secret).as_bytes().ct_eq(stored);
        let by_previous = self.previous.as_ref().map(fits);
        Ok((fits(&self.current) | by_previous.unwrap_or(0.into())).into())
    }

    /// As much work as [`admits`](Self::admits) does, for a key that nobody has: the gate's time does not tell which ids exist.
    /// (Who asks twice may learn it from the row that is remembered. Ids are shown in lists and are no secret, and 95 random
    /// bits are not guessed.)
    pub(crate) fn admits_nobody(&self, id: &ApiKeyId, secret: &str) {
        let nothing = SecretString::from("0".repeat(HEX_CHARS));
        let _ = std::hint::black_box(self.admits(id, secret, &nothing));
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
    /// Python's `hmac` over `DOMAIN \0 0123456789AB \0 SECRET`, under 32 times `p` and 32 times `q`.
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
    fn c7_a_pepper_s_id_is_the_beginning_of_an_hmac_under_it() {
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
    fn c7_while_rotating_the_first_pepper_writes_and_either_verifies() {
        let gate = Gate::new(pepper("q"), Some(pepper("p")));
        assert_eq!(gate.value(&id(), &SecretString::from(SECRET)).expose_secret(), UNDER_Q);
        assert!(admits(&gate, SECRET, UNDER_Q));
        assert!(admits(&gate, SECRET, UNDER_P));
        assert!(!admits(&Gate::new(pepper("q"), None), SECRET, UNDER_P));
        assert!(!admits(&Gate::new(pepper("r"), Some(pepper("s"))), SECRET, UNDER_P));
    }

    #[test]
    fn c7_a_wrong_secret_or_another_key_s_row_is_not_admitted() {
        let gate = Gate::new(pepper("p"), None);
        assert!(!admits(&gate, &SECRET.replace('g', "h"), UNDER_P));
        assert!(!admits(&gate, "", UNDER_P));
        let other: ApiKeyId = "0123456789AC".parse().unwrap();
        assert_eq!(gate.admits(&other, SECRET, &SecretString::from(UNDER_P)), Ok(false));
    }

    #[test]
    fn c7_a_stored_value_that_is_no_gate_is_an_error_and_admits_nobody() {
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
    fn a_pepper_has_32_bytes_and_no_white_space_around_it() {
        assert_eq!(Pepper::new(&"p".repeat(31)).unwrap_err(), PepperError::TooShort);
        assert_eq!(Pepper::new("").unwrap_err(), PepperError::TooShort);
        assert!(Pepper::new(&"p".repeat(500)).is_ok());
        for bad in [format!(" {}", "p".repeat(32)), format!("{}\r", "p".repeat(32))] {
            assert_eq!(Pepper::new(&bad).unwrap_err(), PepperError::WhiteSpace);
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let shown = format!("{:?}", Gate::new(pepper("x"), Some(pepper("y"))));
        assert!(!shown.contains('x') && !shown.contains('y'), "{shown}");
    }
}
