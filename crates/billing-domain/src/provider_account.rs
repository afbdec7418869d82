//! A payment provider and its mode: test or live.

use std::fmt;
use std::str::FromStr;

/// A provider's name, for example `stripe`: `[a-z][a-z0-9-]*`, at most 32 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderName(String);

/// The provider's mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// Test mode: without real payments.
    Test,
    /// Live mode: with real payments.
    Live,
}

/// A provider and a mode. Each has its own customers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderAccount {
    provider: ProviderName,
    mode: Mode,
}

/// The reasons why a provider's name or a mode is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderAccountError {
    /// The name does not match `[a-z][a-z0-9-]*` with at most 32 characters.
    #[error("a provider's name must have 1 to 32 of a-z, 0-9 and -, and start with a letter")]
    Name,
    /// Neither `test` nor `live`.
    #[error("a mode must be `test` or `live`")]
    Mode,
}

impl ProviderName {
    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProviderName {
    type Err = ProviderAccountError;

    fn from_str(text: &str) -> Result<Self, ProviderAccountError> {
        let is_allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let starts_with_letter = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if starts_with_letter && text.len() <= 32 && text.bytes().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ProviderAccountError::Name)
        }
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Mode {
    /// Returns `test` or `live`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}

impl FromStr for Mode {
    type Err = ProviderAccountError;

    fn from_str(text: &str) -> Result<Self, ProviderAccountError> {
        match text {
            "test" => Ok(Self::Test),
            "live" => Ok(Self::Live),
            _ => Err(ProviderAccountError::Mode),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ProviderAccount {
    /// Pairs a provider with a mode.
    #[must_use]
    pub const fn new(provider: ProviderName, mode: Mode) -> Self {
        Self { provider, mode }
    }

    /// Returns the provider.
    #[must_use]
    pub const fn provider(&self) -> &ProviderName {
        &self.provider
    }

    /// Returns the mode.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }
}

impl fmt::Display for ProviderAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} mode)", self.provider, self.mode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_name_is_lower_case_and_starts_with_letter() {
        assert!("stripe".parse::<ProviderName>().is_ok());
        assert!("my-psp2".parse::<ProviderName>().is_ok());
        for bad in ["", "Stripe", "2checkout", "a b", "-x", &"a".repeat(33)] {
            assert_eq!(bad.parse::<ProviderName>(), Err(ProviderAccountError::Name), "{bad}");
        }
    }
}
