//! Events that the provider sends. An event is a hint that a customer changed, never the state.

use std::fmt;
use std::str::FromStr;

use crate::{CustomerId, SubscriptionId, Timestamp};

/// An event's id at the provider (`evt_…` at Stripe): 1 to 255 of `A-Z a-z 0-9 _ -`. All deliveries
/// of an event have the same id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(String);

/// The text is not an event id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event's id must have 1 to 255 of A-Z a-z 0-9 _ -")]
pub struct EventIdError;

/// The provider's name for the type of an event, for example `customer.subscription.updated` or
/// `v2.core.account[defaults].updated`: 1 to 255 of `a-z 0-9 . _ [ ]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventKind(String);

/// The text is not an event kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event's kind must have 1 to 255 of a-z 0-9 . _ [ ]")]
pub struct EventKindError;

/// The subject of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventSubject {
    /// This customer.
    Customer(CustomerId),
    /// The customer with this subscription.
    Subscription(SubscriptionId),
    /// No customer of this service.
    Unrelated,
}

/// An event with a valid signature. The service keeps the subject and drops the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEvent {
    /// The event's id.
    pub id: EventId,
    /// The event's type.
    pub kind: EventKind,
    /// The event's subject.
    pub subject: EventSubject,
    /// The time of the event, by the provider's clock.
    pub created: Timestamp,
}

/// The kind of an event that this service creates. Providers do not use this prefix.
const CUSTOMER_NOT_FOUND: &str = "billing_portal.customer_not_found";

impl ProviderEvent {
    /// Creates the event for a customer that the provider does not know.
    ///
    /// The id is derived from the customer and its version in the mirror, so equal reports have
    /// equal ids.
    pub(crate) fn customer_not_found(
        customer: &CustomerId,
        version: u64,
        created: Timestamp,
    ) -> Self {
        let mut id = format!("not_found-{version}-");
        for byte in customer.as_str().bytes() {
            match byte {
                b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => id.push(char::from(byte)),
                other => id.push_str(&format!("-{other:02x}")),
            }
        }
        id.truncate(255);
        Self {
            id: EventId(id),
            kind: EventKind(CUSTOMER_NOT_FOUND.to_owned()),
            subject: EventSubject::Customer(customer.clone()),
            created,
        }
    }
}

macro_rules! text_type {
    ($name:ident, $error:ident, $allowed:expr) => {
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
                let is_valid = (1..=255).contains(&text.len()) && text.bytes().all($allowed);
                if is_valid { Ok(Self(text.to_owned())) } else { Err($error) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_type!(EventId, EventIdError, |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b));
text_type!(EventKind, EventKindError, |b: u8| b.is_ascii_lowercase()
    || b.is_ascii_digit()
    || b"._[]".contains(&b));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_about_same_customer_version_have_same_valid_id() {
        let report = |customer: &str, version| {
            let event = ProviderEvent::customer_not_found(
                &customer.parse().unwrap(),
                version,
                Timestamp::from_seconds(1),
            );
            assert_eq!(event.id.as_str().parse(), Ok(event.id.clone()));
            assert_eq!(event.kind.as_str().parse(), Ok(event.kind.clone()));
            event.id
        };
        assert_eq!(report("cus_1", 3), report("cus_1", 3));
        let ids = [("cus_1", 3), ("cus_1", 4), ("cus_2", 3), ("cus-1", 3), ("cus.1", 3)];
        let ids: std::collections::BTreeSet<_> =
            ids.into_iter().map(|(customer, version)| report(customer, version)).collect();
        assert_eq!(ids.len(), 5);
        report(&"!~".repeat(120), u64::MAX);
    }

    #[test]
    fn event_ids_and_kinds_with_invalid_characters_are_rejected() {
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
