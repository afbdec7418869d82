//! An end user's API key, as it is kept: everything but the key.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use secrecy::SecretString;

use crate::{ApiKeyId, OriginPattern, Permission, Timestamp, UserId};

/// What its owner calls a key: 1 to 100 characters, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName(String);

/// Why a key's name was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key's name is 1 to 100 characters without control characters")]
pub struct KeyNameError;

/// What its owner says about a key: 1 to 500 characters, no control characters but line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDescription(String);

/// Why a key's description was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key's description is 1 to 500 characters without control characters but line ends")]
pub struct KeyDescriptionError;

/// Names a pepper without telling anything about it: 16 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PepperId(String);

/// Why a pepper's id was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pepper's id is 16 lower-case hex digits")]
pub struct PepperIdError;

/// What everybody who manages keys may see of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its public id.
    pub id: ApiKeyId,
    /// Whose key it is.
    pub owner: UserId,
    /// What the owner calls it.
    pub name: KeyName,
    /// What the owner says about it.
    pub description: Option<KeyDescription>,
    /// What it may do.
    pub permissions: BTreeSet<Permission>,
    /// Return origins beside the deployment's.
    pub return_origins: Vec<OriginPattern>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it no longer holds.
    pub expires_at: Option<Timestamp>,
    /// From when on it is revoked: a moment that may still come, where a successor took its place.
    pub revoked_at: Option<Timestamp>,
    /// When it was last accepted, give or take a minute.
    pub last_used_at: Option<Timestamp>,
}

/// What proves a presented secret, of no use without the pepper and the secret.
#[derive(Clone, Debug)]
pub struct KeyVerifier {
    /// Which pepper the gate is under; `None` for keys of a release that did not say.
    pub pepper: Option<PepperId>,
    /// HMAC-SHA-256 of the secret under the pepper, as 64 lower-case hex digits: the cheap gate.
    pub gate: SecretString,
    /// The argon2id hash of the secret, as a PHC string.
    pub hash: SecretString,
}

/// A key with what proves it: what a store keeps and an authenticator reads.
#[derive(Clone, Debug)]
pub struct StoredApiKey {
    /// The visible part.
    pub key: ApiKey,
    /// The proof.
    pub verifier: KeyVerifier,
}

impl ApiKey {
    /// Whether the key holds at `now`: neither revoked nor expired by then.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        let before = |end: Option<Timestamp>| end.is_none_or(|end| now < end);
        before(self.revoked_at) && before(self.expires_at)
    }
}

impl KeyName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyNameError;

    fn from_str(text: &str) -> Result<Self, KeyNameError> {
        if (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(KeyNameError)
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl KeyDescription {
    /// The description as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyDescription {
    type Err = KeyDescriptionError;

    fn from_str(text: &str) -> Result<Self, KeyDescriptionError> {
        let harmless = |c: char| !c.is_control() || c == '\n';
        if (1..=500).contains(&text.chars().count()) && text.chars().all(harmless) {
            Ok(Self(text.to_owned()))
        } else {
            Err(KeyDescriptionError)
        }
    }
}

impl PepperId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PepperId {
    type Err = PepperIdError;

    fn from_str(text: &str) -> Result<Self, PepperIdError> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 16 && text.bytes().all(hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(PepperIdError)
        }
    }
}
