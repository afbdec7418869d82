//! Payment methods: cards.

use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Address, Metadata, Timestamp};

/// A card. It is attached to a customer, was never attached, or was detached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PaymentMethod {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) customer: Option<String>,
    pub(crate) card: Card,
    pub(crate) behaviour: CardBehaviour,
    /// Whether it was detached. A detached card cannot be attached again.
    pub(crate) detached: bool,
    /// Whether the cardholder has authenticated it for future payments.
    pub(crate) set_up: bool,
    pub(crate) billing_details: BillingDetails,
    pub(crate) metadata: Metadata,
}

/// The result of payments with a test card (<https://docs.stripe.com/testing>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CardBehaviour {
    /// Every payment succeeds.
    Succeeds,
    /// Saving it is refused.
    RefusedWhenSaved(Decline),
    /// It can be saved, but every payment is declined.
    Declines(Decline),
    /// Payments need authentication, unless the card was authenticated when it was saved.
    AuthenticatesUnlessSetUp,
    /// Every payment needs authentication.
    AuthenticatesAlways,
    /// Every payment needs authentication and is declined afterwards.
    AuthenticatesAndDeclines(Decline),
}

/// The reason for a decline (<https://docs.stripe.com/declines/codes>).
#[expect(clippy::enum_variant_names, reason = "the names are Stripe's")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decline {
    AuthenticationFailed,
    CardVelocityExceeded,
    ExpiredCard,
    GenericDecline,
    IncorrectCvc,
    IncorrectNumber,
    InsufficientFunds,
    InvalidCvc,
    InvalidExpiryMonth,
    InvalidExpiryYear,
    LostCard,
    ProcessingError,
    StolenCard,
    TestModeLiveCard,
}

/// The outcome of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChargeOutcome {
    Paid,
    Declined(Decline),
    NeedsAuthentication,
}

impl PaymentMethod {
    /// Charges the card. `authenticated`: the cardholder has confirmed the payment.
    pub(crate) fn charge(&self, now: Timestamp, authenticated: bool) -> ChargeOutcome {
        if self.card.has_expired(now) {
            return ChargeOutcome::Declined(Decline::ExpiredCard);
        }
        match self.behaviour {
            CardBehaviour::Succeeds => ChargeOutcome::Paid,
            CardBehaviour::RefusedWhenSaved(decline) | CardBehaviour::Declines(decline) => {
                ChargeOutcome::Declined(decline)
            }
            CardBehaviour::AuthenticatesUnlessSetUp if self.set_up || authenticated => {
                ChargeOutcome::Paid
            }
            CardBehaviour::AuthenticatesAlways if authenticated => ChargeOutcome::Paid,
            CardBehaviour::AuthenticatesAndDeclines(decline) if authenticated => {
                ChargeOutcome::Declined(decline)
            }
            CardBehaviour::AuthenticatesUnlessSetUp
            | CardBehaviour::AuthenticatesAlways
            | CardBehaviour::AuthenticatesAndDeclines(_) => ChargeOutcome::NeedsAuthentication,
        }
    }
}

impl Card {
    /// Returns whether the card has expired. It is valid to the end of its expiry month.
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        Self::is_past(self.exp_month, self.exp_year, now)
    }

    /// Returns whether a card with this expiry date has expired.
    pub(crate) fn is_past(month: u8, year: i16, now: Timestamp) -> bool {
        Instant::from_second(now).is_ok_and(|now| {
            let today = now.to_zoned(TimeZone::UTC).date();
            let month = i8::try_from(month).unwrap_or(i8::MAX);
            (today.year(), today.month()) > (year, month)
        })
    }
}

impl Decline {
    /// Returns Stripe's error code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::ExpiredCard => "expired_card",
            Self::IncorrectCvc => "incorrect_cvc",
            Self::IncorrectNumber => "incorrect_number",
            Self::InvalidCvc => "invalid_cvc",
            Self::InvalidExpiryMonth => "invalid_expiry_month",
            Self::InvalidExpiryYear => "invalid_expiry_year",
            Self::ProcessingError => "processing_error",
            Self::AuthenticationFailed => "authentication_required",
            Self::CardVelocityExceeded
            | Self::GenericDecline
            | Self::InsufficientFunds
            | Self::LostCard
            | Self::StolenCard
            | Self::TestModeLiveCard => "card_declined",
        }
    }

    /// Returns the bank's reason, if the bank declined.
    pub(crate) const fn decline_code(self) -> Option<&'static str> {
        match self {
            Self::AuthenticationFailed => Some("authentication_required"),
            Self::CardVelocityExceeded => Some("card_velocity_exceeded"),
            Self::ExpiredCard => Some("expired_card"),
            Self::GenericDecline => Some("generic_decline"),
            Self::IncorrectCvc => Some("incorrect_cvc"),
            Self::InsufficientFunds => Some("insufficient_funds"),
            Self::LostCard => Some("lost_card"),
            Self::ProcessingError => Some("processing_error"),
            Self::StolenCard => Some("stolen_card"),
            Self::TestModeLiveCard => Some("test_mode_live_card"),
            Self::IncorrectNumber
            | Self::InvalidCvc
            | Self::InvalidExpiryMonth
            | Self::InvalidExpiryYear => None,
        }
    }

    /// Returns the message of the API's error.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::AuthenticationFailed => "The payment needs the cardholder's authentication.",
            Self::CardVelocityExceeded => {
                "The card was declined: it was used too often in a short time."
            }
            Self::ExpiredCard => "The card has expired.",
            Self::GenericDecline | Self::LostCard | Self::StolenCard => "The card was declined.",
            Self::IncorrectCvc => "The card's security code is incorrect.",
            Self::IncorrectNumber => "The card number is not a valid card number.",
            Self::InsufficientFunds => "The card has insufficient funds.",
            Self::InvalidCvc => "The card's security code is invalid.",
            Self::InvalidExpiryMonth => "The card's expiry month is invalid.",
            Self::InvalidExpiryYear => "The card's expiry date is invalid or in the past.",
            Self::ProcessingError => "An error occurred while the card was processed. Try again.",
            Self::TestModeLiveCard => {
                "The card was declined: it is not a test card. See docs.stripe.com/testing."
            }
        }
    }
}

/// The non-secret details of a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Card {
    /// Stripe's name of the network: `visa`, `mastercard`, `amex`, …
    pub(crate) brand: String,
    pub(crate) last4: String,
    pub(crate) exp_month: u8,
    pub(crate) exp_year: i16,
    pub(crate) country: String,
    /// `credit`, `debit`, `prepaid` or `unknown`.
    pub(crate) funding: String,
    pub(crate) fingerprint: String,
}

/// The name and address of the cardholder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BillingDetails {
    pub(crate) address: Address,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(exp_year: i16, exp_month: u8) -> Card {
        Card {
            brand: "visa".to_owned(),
            last4: "4242".to_owned(),
            exp_month,
            exp_year,
            country: "US".to_owned(),
            funding: "credit".to_owned(),
            fingerprint: String::new(),
        }
    }

    #[test]
    fn a_card_is_valid_until_the_end_of_its_month() {
        let november_2026 = 1_795_348_260;
        assert!(!card(2026, 11).has_expired(november_2026));
        assert!(card(2026, 10).has_expired(november_2026));
        assert!(!card(2027, 1).has_expired(november_2026));
    }
}
