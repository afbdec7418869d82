//! What the provider tells us of its own accord. An event is a hint that something changed, never the state itself.

use std::fmt;
use std::str::FromStr;

use crate::{CustomerId, SubscriptionId, Timestamp};

/// An event's id at the provider (`evt_…` at Stripe): 1 to 255 of `A-Z a-z 0-9 _ -`. The same however often it is delivered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(String);

/// Why an event's id was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event's id is 1 to 255 of A-Z a-z 0-9 _ -")]
pub struct EventIdError;

/// What kind of event it is, in the provider's words: `customer.subscription.updated`, `v2.core.account[defaults].updated`. 1 to
/// 255 of `a-z 0-9 . _ [ ]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventKind(String);

/// Why an event's kind was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event's kind is 1 to 255 of a-z 0-9 . _ [ ]")]
pub struct EventKindError;

/// Whose state an event may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventSubject {
    /// This customer's.
    Customer(CustomerId),
    /// That of the customer who has this subscription.
    Subscription(SubscriptionId),
    /// Nobody's that counts here.
    Nobody,
}

/// An event whose signature held. Of its payload nothing is kept but whom it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEvent {
    /// Its id.
    pub id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// Whom it is about.
    pub subject: EventSubject,
    /// When it happened, by the provider's clock.
    pub created: Timestamp,
}

macro_rules! words {
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

words!(EventId, EventIdError, |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b));
words!(EventKind, EventKindError, |b: u8| b.is_ascii_lowercase()
    || b.is_ascii_digit()
    || b"._[]".contains(&b));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_kinds_have_a_form() {
        assert!("evt_1RgRPrEEXQJo9EEO".parse::<EventId>().is_ok());
        for good in [
            "v1.billing.meter.error_report_triggered",
            "v2.core.account[configuration.customer].updated",
        ] {
            assert!(good.parse::<EventKind>().is_ok(), "{good}");
        }
        for bad in ["", "evt 1", "evt\n", &"e".repeat(256)] {
            assert_eq!(bad.parse::<EventId>(), Err(EventIdError), "{bad:?}");
            assert_eq!(bad.parse::<EventKind>(), Err(EventKindError), "{bad:?}");
        }
    }
}
