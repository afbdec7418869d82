//! What a caller presents, before anybody has looked at whether it holds.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

/// A bearer credential as it came: an access token, an API key, or rubbish. Its `Debug` is redacted.
#[derive(Clone, Debug)]
pub struct Credential(SecretString);

/// What a credential looks like, decided by its form alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// It starts with the key prefix and an underscore.
    ApiKey,
    /// Three parts joined by two dots.
    AccessToken,
    /// Neither.
    Unknown,
}

/// The word that API keys start with: `[a-z][a-z0-9]*`, at most 32 characters; `llmgen` by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPrefix(String);

/// Why a key prefix was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key prefix is 1 to 32 of a-z and 0-9, and starts with a letter")]
pub struct KeyPrefixError;

impl Credential {
    /// Wraps what was presented.
    #[must_use]
    pub fn new(presented: impl Into<String>) -> Self {
        Self(SecretString::from(presented.into()))
    }

    /// The secret text. For authenticators only: it must not be logged, stored or copied.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What this looks like where API keys start with `prefix`.
    #[must_use]
    pub fn kind(&self, prefix: &KeyPrefix) -> CredentialKind {
        let text = self.expose();
        if text.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.starts_with('_')) {
            CredentialKind::ApiKey
        } else if text.bytes().filter(|b| *b == b'.').count() == 2 {
            CredentialKind::AccessToken
        } else {
            CredentialKind::Unknown
        }
    }
}

impl KeyPrefix {
    /// The prefix as text, without the underscore.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for KeyPrefix {
    fn default() -> Self {
        Self("llmgen".to_owned())
    }
}

impl FromStr for KeyPrefix {
    type Err = KeyPrefixError;

    fn from_str(text: &str) -> Result<Self, KeyPrefixError> {
        let starts_well = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if starts_well && text.len() <= 32 && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(KeyPrefixError)
        }
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_read_from_the_form() {
        let kind = |text: &str| Credential::new(text).kind(&KeyPrefix::default());
        assert_eq!(kind("llmgen_x"), CredentialKind::ApiKey);
        assert_eq!(kind("llmgen_a.b.c"), CredentialKind::ApiKey);
        assert_eq!(kind("llmgenx_a"), CredentialKind::Unknown);
        assert_eq!(kind("a.b.c"), CredentialKind::AccessToken);
        assert_eq!(kind("a.b."), CredentialKind::AccessToken);
        assert_eq!(kind("a.b.c.d.e"), CredentialKind::Unknown);
        assert_eq!(kind("LLMGEN_x"), CredentialKind::Unknown);
    }

    #[test]
    fn debug_shows_nothing() {
        assert!(!format!("{:?}", Credential::new("s3cr3t")).contains("s3cr3t"));
    }
}
