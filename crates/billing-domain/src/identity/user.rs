//! The owner of a billing account.

use std::fmt;
use std::str::FromStr;

/// A user's id, from the product's access tokens: 1 to 255 characters without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(String);

/// The text is not a user id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a user id must have 1 to 255 characters without control characters")]
pub struct UserIdError;

impl UserId {
    /// The maximum length of a user id, in characters.
    pub const MAX_CHARS: usize = 255;

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserId {
    type Err = UserIdError;

    fn from_str(text: &str) -> Result<Self, UserIdError> {
        let has_valid_length = (1..=Self::MAX_CHARS).contains(&text.chars().count());
        if has_valid_length && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(UserIdError)
        }
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_limit_counts_characters() {
        assert!("é".repeat(255).parse::<UserId>().is_ok());
        assert_eq!("e".repeat(256).parse::<UserId>(), Err(UserIdError));
        assert_eq!("".parse::<UserId>(), Err(UserIdError));
    }

    #[test]
    fn control_characters_are_rejected() {
        for bad in ["a\0", "a\nb", "\u{85}", "a\u{7f}"] {
            assert_eq!(bad.parse::<UserId>(), Err(UserIdError), "{bad:?}");
        }
    }
}
