//! What a provider's checkout is asked for, and what it gives.

use std::fmt;
use std::str::FromStr;

use crate::{BillingCycle, Currency, CustomerId, Deadline, HostedUrl, PriceId, ReturnUrl, UserId};

/// What makes a call to the provider one call, however often it is sent: 1 to 255 visible ASCII characters, ours.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProviderKey(String);

/// Why a key was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key is 1 to 255 visible ASCII characters")]
pub struct IdempotencyKeyError;

/// A caller's `Idempotency-Key`: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

/// An order for a customer of the provider's.
#[derive(Clone, Debug)]
pub struct CustomerOrder {
    /// Whose customer: the provider keeps it in the customer's metadata.
    pub owner: UserId,
    /// Makes the order one, however often it is sent: the same key gives the same customer.
    pub key: ProviderKey,
    /// When the caller's time is up.
    pub deadline: Deadline,
}

/// An order for a checkout session that sells a subscription.
#[derive(Clone, Debug)]
pub struct CheckoutOrder {
    /// Who buys.
    pub customer: CustomerId,
    /// Whose customer that is: the provider keeps it with the session and the subscription.
    pub owner: UserId,
    /// What is bought, once.
    pub price: PriceId,
    /// Where the user goes after paying. May hold `{CHECKOUT_SESSION_ID}`.
    pub success_url: ReturnUrl,
    /// Where the user goes who does not pay.
    pub cancel_url: ReturnUrl,
    /// Makes the order one, however often it is sent.
    pub key: ProviderKey,
    /// When the caller's time is up.
    pub deadline: Deadline,
}

/// A checkout session.
#[derive(Clone, Debug)]
pub struct CheckoutSession {
    /// Its id, which is safe to log.
    pub id: CheckoutSessionId,
    /// Where the user pays.
    pub url: HostedUrl,
}

/// A checkout session's id (`cs_…` at Stripe): 1 to 255 of `A-Z a-z 0-9 _ -`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CheckoutSessionId(String);

/// Why a session's id was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a checkout session's id is 1 to 255 of A-Z a-z 0-9 _ -")]
pub struct CheckoutSessionIdError;

/// What the provider says about a price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceFacts {
    /// The amount of one cycle, in the currency's minor unit; `None` where it is no plain amount.
    pub amount: Option<u64>,
    /// The currency.
    pub currency: Currency,
    /// How often it is paid, where that is by the month or by the year.
    pub cycle: Option<BillingCycle>,
    /// Whether it can be bought.
    pub active: bool,
}

impl ProviderKey {
    /// A key that is this unique thing's text (a UUID), which has the form that keys have.
    #[must_use]
    pub fn fresh(unique: &impl fmt::Display) -> Self {
        Self(unique.to_string().chars().filter(char::is_ascii_graphic).take(255).collect())
    }

    /// The key for what concerns this customer, of all that is asked for under this one. The same again for the same customer.
    #[must_use]
    pub fn about(&self, customer: &CustomerId) -> Self {
        Self::fresh(&format_args!("{self}-{customer}"))
    }
}

macro_rules! text {
    ($name:ident, $error:ident, $allowed:expr) => {
        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                let holds = (1..=255).contains(&text.len()) && text.bytes().all($allowed);
                if holds { Ok(Self(text.to_owned())) } else { Err($error) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text!(ProviderKey, IdempotencyKeyError, |b: u8| b.is_ascii_graphic());
text!(IdempotencyKey, IdempotencyKeyError, |b: u8| b.is_ascii_graphic());
text!(CheckoutSessionId, CheckoutSessionIdError, |b: u8| b.is_ascii_alphanumeric()
    || b"_-".contains(&b));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_visible_characters_and_bounded() {
        assert!("5f0c…".parse::<IdempotencyKey>().is_err());
        assert!("a b".parse::<IdempotencyKey>().is_err() && "".parse::<IdempotencyKey>().is_err());
        assert!("x".repeat(255).parse::<IdempotencyKey>().is_ok());
        assert_eq!("x".repeat(256).parse::<IdempotencyKey>(), Err(IdempotencyKeyError));
        assert_eq!("cs/1".parse::<CheckoutSessionId>(), Err(CheckoutSessionIdError));
    }
}
