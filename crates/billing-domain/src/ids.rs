//! Ids and keys that several capabilities share. Each is checked text and safe to log.

use std::fmt;
use std::str::FromStr;

/// Defines a newtype for text with one fallible constructor, and its error.
macro_rules! id {
    ($(#[$docs:meta])* $name:ident, $error:ident, $message:literal, $form:expr) => {
        $(#[$docs])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        #[doc = concat!("The text is not a [`", stringify!($name), "`].")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        #[error($message)]
        pub struct $error;

        impl $name {
            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                let form: fn(&str) -> bool = $form;
                if form(text) { Ok(Self(text.to_owned())) } else { Err($error) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn is_visible_ascii(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_word(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (1..=255).contains(&text.len()) && text.bytes().all(allowed)
}

id!(
    /// A customer's id at the provider (`cus_…` at Stripe): 1 to 255 visible ASCII characters.
    CustomerId,
    CustomerIdError,
    "a customer id is 1 to 255 visible ASCII characters",
    is_visible_ascii
);

id!(
    /// A subscription's id at the provider (`sub_…` at Stripe): 1 to 255 of `A-Z a-z 0-9 _ -`.
    SubscriptionId,
    SubscriptionIdError,
    "a subscription id is 1 to 255 of A-Z a-z 0-9 _ -",
    is_word
);

id!(
    /// A checkout session's id (`cs_…` at Stripe): 1 to 255 of `A-Z a-z 0-9 _ -`.
    CheckoutSessionId,
    CheckoutSessionIdError,
    "a checkout session's id is 1 to 255 of A-Z a-z 0-9 _ -",
    is_word
);

id!(
    /// The public part of an API key, contained in the key's text: 12 to 64 base62 characters.
    ApiKeyId,
    ApiKeyIdError,
    "an API key id is 12 to 64 of 0-9, A-Z and a-z",
    |text| (12..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
);

id!(
    /// A caller's `Idempotency-Key`: 1 to 255 visible ASCII characters.
    IdempotencyKey,
    IdempotencyKeyError,
    "an idempotency key is 1 to 255 visible ASCII characters",
    is_visible_ascii
);

id!(
    /// The service's idempotency key for a provider call: 1 to 255 visible ASCII characters.
    ProviderKey,
    ProviderKeyError,
    "a provider key is 1 to 255 visible ASCII characters",
    is_visible_ascii
);

impl ProviderKey {
    /// Creates a key from the text of a unique value, for example a UUID.
    #[must_use]
    pub fn from_unique(unique: &impl fmt::Display) -> Self {
        Self(unique.to_string().chars().filter(char::is_ascii_graphic).take(255).collect())
    }

    /// Derives the key for a call about this customer. Equal customers get equal keys.
    #[must_use]
    pub fn for_customer(&self, customer: &CustomerId) -> Self {
        Self::from_unique(&format_args!("{self}-{customer}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_visible_characters_and_bounded_length() {
        assert!("5f0c…".parse::<IdempotencyKey>().is_err());
        assert!("a b".parse::<IdempotencyKey>().is_err() && "".parse::<IdempotencyKey>().is_err());
        assert!("x".repeat(255).parse::<IdempotencyKey>().is_ok());
        assert_eq!("x".repeat(256).parse::<IdempotencyKey>(), Err(IdempotencyKeyError));
        assert_eq!("cs/1".parse::<CheckoutSessionId>(), Err(CheckoutSessionIdError));
    }
}
