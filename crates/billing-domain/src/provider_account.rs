//! Which provider, and which of its two worlds: test mode and live mode never meet.

use std::fmt;
use std::str::FromStr;

/// A payment provider's name: `[a-z][a-z0-9-]*`, at most 32 characters. `stripe`, `sandbox`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderName(String);

/// Whether money is real.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// The provider's test mode: no real money moves.
    Test,
    /// The provider's live mode: real cards, real money.
    Live,
}

/// One provider in one mode: the world in which a customer reference means something.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderAccount {
    provider: ProviderName,
    mode: Mode,
}

/// Why a provider's name or a mode was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderAccountError {
    /// The name does not match `[a-z][a-z0-9-]*` with at most 32 characters.
    #[error("a provider's name is 1 to 32 of a-z, 0-9 and -, and starts with a letter")]
    Name,
    /// Neither `test` nor `live`.
    #[error("a mode is `test` or `live`")]
    Mode,
}

impl ProviderName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProviderName {
    type Err = ProviderAccountError;

    fn from_str(text: &str) -> Result<Self, ProviderAccountError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let starts_well = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if starts_well && text.len() <= 32 && text.bytes().all(allowed) {
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
    /// `test` or `live`.
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

    /// The provider.
    #[must_use]
    pub const fn provider(&self) -> &ProviderName {
        &self.provider
    }

    /// The mode.
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
    fn a_provider_name_is_lower_case_and_starts_with_a_letter() {
        assert!("stripe".parse::<ProviderName>().is_ok());
        assert!("my-psp2".parse::<ProviderName>().is_ok());
        for bad in ["", "Stripe", "2checkout", "a b", "-x", &"a".repeat(33)] {
            assert_eq!(bad.parse::<ProviderName>(), Err(ProviderAccountError::Name), "{bad}");
        }
    }
}
