//! A stored API key of a user, without the key's text.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use secrecy::SecretString;

use crate::{ApiKeyId, OriginPattern, Permission, Timestamp, UserId};

/// A key's name, chosen by the owner: 1 to 100 characters without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName(String);

/// The text is not a key name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key's name must have 1 to 100 characters without control characters")]
pub struct KeyNameError;

/// A key's description, written by the owner: 1 to 500 characters, with line feeds as the only
/// control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDescription(String);

/// The text is not a key description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key's description must have 1 to 500 characters, no control characters but line feeds")]
pub struct KeyDescriptionError;

/// A pepper's id: 16 lower-case hex digits. It reveals nothing about the pepper.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PepperId(String);

/// The text is not a pepper id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pepper's id must be 16 lower-case hex digits")]
pub struct PepperIdError;

/// An API key without its secret and its verifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The public id.
    pub id: ApiKeyId,
    /// The owner.
    pub owner: UserId,
    /// The name.
    pub name: KeyName,
    /// The description.
    pub description: Option<KeyDescription>,
    /// The permissions.
    pub permissions: BTreeSet<Permission>,
    /// Allowed return origins, in addition to the deployment's.
    pub return_origins: Vec<OriginPattern>,
    /// The creation time.
    pub created_at: Timestamp,
    /// The expiry time.
    pub expires_at: Option<Timestamp>,
    /// The revocation time. It is in the future for a rotated key during the overlap.
    pub revoked_at: Option<Timestamp>,
    /// The time of the last use, with an accuracy of one minute.
    pub last_used_at: Option<Timestamp>,
}

/// The data that verifies a key's secret. Verification also needs the pepper.
#[derive(Clone, Debug)]
pub struct KeyVerifier {
    /// The pepper of the gate; `None` for keys of releases before pepper ids.
    pub pepper: Option<PepperId>,
    /// The cheap first check: HMAC-SHA-256 of the secret with the pepper, as 64 lower-case hex
    /// digits.
    pub gate: SecretString,
    /// The argon2id hash of the secret, as a PHC string.
    pub hash: SecretString,
}

/// A key and its verifier.
#[derive(Clone, Debug)]
pub struct StoredApiKey {
    /// The key.
    pub key: ApiKey,
    /// The verifier.
    pub verifier: KeyVerifier,
}

impl ApiKey {
    /// Returns whether the key is neither revoked nor expired at `now`.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        let is_before = |end: Option<Timestamp>| end.is_none_or(|end| now < end);
        is_before(self.revoked_at) && is_before(self.expires_at)
    }
}

impl KeyName {
    /// Returns the name as text.
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
    /// Returns the description as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyDescription {
    type Err = KeyDescriptionError;

    fn from_str(text: &str) -> Result<Self, KeyDescriptionError> {
        let is_allowed = |c: char| !c.is_control() || c == '\n';
        if (1..=500).contains(&text.chars().count()) && text.chars().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(KeyDescriptionError)
        }
    }
}

impl PepperId {
    /// Returns the id as text.
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
