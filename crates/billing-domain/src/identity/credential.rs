//! An unverified credential and its kind.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

/// A bearer credential from a request: an access token, an API key, or any other text. Its `Debug`
/// is redacted.
#[derive(Clone, Debug)]
pub struct Credential(SecretString);

/// The kind of a credential, determined from its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// Starts with the key prefix and an underscore.
    ApiKey,
    /// Contains exactly two dots.
    AccessToken,
    /// Any other form.
    Unknown,
}

/// The prefix of API keys: `[a-z][a-z0-9]*`, at most 32 characters; `llmgen` by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPrefix(String);

/// The text is not a key prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key prefix must have 1 to 32 of a-z and 0-9, and start with a letter")]
pub struct KeyPrefixError;

impl Credential {
    /// Wraps the text of a credential.
    #[must_use]
    pub fn new(presented: impl Into<String>) -> Self {
        Self(SecretString::from(presented.into()))
    }

    /// Returns the secret text. Only for authenticators: do not log, store or copy it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the credential's kind, for API keys with this prefix.
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
    /// Returns the prefix as text, without the underscore.
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
        let starts_with_letter = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        let is_allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if starts_with_letter && text.len() <= 32 && text.bytes().all(is_allowed) {
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
    fn credential_kind_follows_from_form() {
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
    fn debug_output_is_redacted() {
        assert!(!format!("{:?}", Credential::new("s3cr3t")).contains("s3cr3t"));
    }
}
