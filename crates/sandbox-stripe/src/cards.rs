//! Stripe's test cards by number, payment method id and token
//! (<https://docs.stripe.com/testing>).

use std::io;

use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;

use crate::ids::{self, IdKind};
use crate::model::{
    BillingDetails, Card, CardBehaviour, Decline, Metadata, PaymentMethod, Timestamp,
};

use CardBehaviour::{
    AuthenticatesAlways, AuthenticatesAndDeclines, AuthenticatesUnlessSetUp, Declines,
    RefusedWhenSaved, Succeeds,
};

/// A test card.
#[derive(Debug)]
pub(crate) struct TestCard {
    pub(crate) number: &'static str,
    /// Names after `pm_card_` and `tok_`. The first is the primary name, the others are aliases.
    names: &'static [&'static str],
    brand: &'static str,
    funding: &'static str,
    country: &'static str,
    behaviour: CardBehaviour,
}

/// The card data that a customer enters.
///
/// It has no `Debug`, so that it is never printed.
#[derive(Clone)]
pub(crate) struct TypedCard {
    pub(crate) number: String,
    pub(crate) exp_month: i64,
    /// Two or four digits.
    pub(crate) exp_year: i64,
    pub(crate) cvc: String,
}

const fn card(
    number: &'static str,
    names: &'static [&'static str],
    brand: &'static str,
    behaviour: CardBehaviour,
) -> TestCard {
    TestCard { number, names, brand, funding: "credit", country: "US", behaviour }
}

const fn funded(card: TestCard, funding: &'static str) -> TestCard {
    TestCard { funding, ..card }
}

const fn from(card: TestCard, country: &'static str) -> TestCard {
    TestCard { country, ..card }
}

/// The cards that the sandbox accepts.
pub(crate) const TEST_CARDS: &[TestCard] = &[
    card("4242424242424242", &["visa", "us"], "visa", Succeeds),
    funded(card("4000056655665556", &["visa_debit"], "visa", Succeeds), "debit"),
    card("5555555555554444", &["mastercard"], "mastercard", Succeeds),
    card("2223003122003222", &[], "mastercard", Succeeds),
    funded(card("5200828282828210", &["mastercard_debit"], "mastercard", Succeeds), "debit"),
    funded(card("5105105105105100", &["mastercard_prepaid"], "mastercard", Succeeds), "prepaid"),
    card("378282246310005", &["amex"], "amex", Succeeds),
    card("371449635398431", &[], "amex", Succeeds),
    card("6011111111111117", &["discover"], "discover", Succeeds),
    card("6011000990139424", &[], "discover", Succeeds),
    card("3056930009020004", &["diners"], "diners", Succeeds),
    from(card("3566002020360505", &["jcb"], "jcb", Succeeds), "JP"),
    from(card("6200000000000005", &["unionpay"], "unionpay", Succeeds), "CN"),
    from(card("4000008260000000", &["gb"], "visa", Succeeds), "GB"),
    from(card("4000002760000016", &["de"], "visa", Succeeds), "DE"),
    from(card("4000003920000003", &["jp"], "visa", Succeeds), "JP"),
    card(
        "4000000000000002",
        &["visa_chargeDeclined", "chargeDeclined"],
        "visa",
        RefusedWhenSaved(Decline::GenericDecline),
    ),
    card(
        "4000000000009995",
        &["visa_chargeDeclinedInsufficientFunds", "chargeDeclinedInsufficientFunds"],
        "visa",
        RefusedWhenSaved(Decline::InsufficientFunds),
    ),
    card(
        "4000000000009987",
        &["visa_chargeDeclinedLostCard", "chargeDeclinedLostCard"],
        "visa",
        RefusedWhenSaved(Decline::LostCard),
    ),
    card(
        "4000000000009979",
        &["visa_chargeDeclinedStolenCard", "chargeDeclinedStolenCard"],
        "visa",
        RefusedWhenSaved(Decline::StolenCard),
    ),
    card(
        "4000000000000069",
        &["chargeDeclinedExpiredCard"],
        "visa",
        RefusedWhenSaved(Decline::ExpiredCard),
    ),
    card(
        "4000000000000127",
        &["chargeDeclinedIncorrectCvc"],
        "visa",
        RefusedWhenSaved(Decline::IncorrectCvc),
    ),
    card(
        "4000000000000119",
        &["chargeDeclinedProcessingError"],
        "visa",
        RefusedWhenSaved(Decline::ProcessingError),
    ),
    card(
        "4000000000006975",
        &["visa_chargeDeclinedVelocityLimitExceeded", "chargeDeclinedVelocityLimitExceeded"],
        "visa",
        RefusedWhenSaved(Decline::CardVelocityExceeded),
    ),
    card("4000000000000341", &["chargeCustomerFail"], "visa", Declines(Decline::GenericDecline)),
    from(
        card(
            "4000002500003155",
            &["authenticationRequiredOnSetup"],
            "visa",
            AuthenticatesUnlessSetUp,
        ),
        "FR",
    ),
    from(card("4000002760003184", &["authenticationRequired"], "visa", AuthenticatesAlways), "DE"),
    from(
        card(
            "4000008260003178",
            &["authenticationRequiredChargeDeclinedInsufficientFunds"],
            "visa",
            AuthenticatesAndDeclines(Decline::InsufficientFunds),
        ),
        "GB",
    ),
    card("4000000000003220", &["threeDSecure2Required"], "visa", AuthenticatesAlways),
];

/// Returns the card with an id such as `pm_card_visa` or `tok_visa`.
pub(crate) fn by_name(name: &str) -> Option<&'static TestCard> {
    let name = name.strip_prefix("pm_card_").or_else(|| name.strip_prefix("tok_"))?;
    TEST_CARDS.iter().find(|card| card.names.contains(&name))
}

impl TypedCard {
    /// Returns the test card as a payment method, or the reason why it is refused.
    pub(crate) fn check(&self, now: Timestamp) -> Result<PaymentMethod, CheckError> {
        let number: String =
            self.number.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if !(12..=19).contains(&number.len()) || !luhn(&number) {
            return Err(Decline::IncorrectNumber.into());
        }
        let known = TEST_CARDS.iter().find(|card| card.number == number);
        let (month, year) = expiry(self.exp_month, self.exp_year, now)?;
        let digits = if known.is_some_and(|card| card.brand == "amex") { 3..=4 } else { 3..=3 };
        if !digits.contains(&self.cvc.len()) || !self.cvc.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Decline::InvalidCvc.into());
        }
        let mut method = known.ok_or(Decline::TestModeLiveCard)?.payment_method(now)?;
        (method.card.exp_month, method.card.exp_year) = (month, year);
        Ok(method)
    }
}

/// Validates a month and a year of two or four digits, and refuses an expired date.
pub(crate) fn expiry(month: i64, year: i64, now: Timestamp) -> Result<(u8, i16), Decline> {
    let year = if (0..100).contains(&year) { 2000 + year } else { year };
    let month = u8::try_from(month).ok().filter(|month| (1..=12).contains(month));
    let month = month.ok_or(Decline::InvalidExpiryMonth)?;
    let year = i16::try_from(year).ok().filter(|year| (2000..=2099).contains(year));
    let year = year.filter(|year| !Card::is_past(month, *year, now));
    Ok((month, year.ok_or(Decline::InvalidExpiryYear)?))
}

/// The error of checking entered card data.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    /// The card data are refused.
    #[error("the card is refused")]
    Refused(Decline),
    /// The sandbox failed.
    #[error(transparent)]
    Failed(#[from] io::Error),
}

impl From<Decline> for CheckError {
    fn from(decline: Decline) -> Self {
        Self::Refused(decline)
    }
}

impl TestCard {
    /// Creates an unattached payment method of this card that does not expire soon.
    pub(crate) fn payment_method(&self, now: Timestamp) -> io::Result<PaymentMethod> {
        let year = Instant::from_second(now)
            .map_or(2030, |instant| instant.to_zoned(TimeZone::UTC).year());
        Ok(PaymentMethod {
            id: ids::generate(IdKind::PaymentMethod)?,
            created: now,
            customer: None,
            card: Card {
                brand: self.brand.to_owned(),
                last4: self.number[self.number.len() - 4..].to_owned(),
                exp_month: 12,
                exp_year: year.saturating_add(1),
                country: self.country.to_owned(),
                funding: self.funding.to_owned(),
                // Equal for equal numbers, as at Stripe.
                fingerprint: ids::digest(self.number)
                    .chars()
                    .filter(char::is_ascii_alphanumeric)
                    .take(16)
                    .collect(),
            },
            behaviour: self.behaviour,
            detached: false,
            set_up: false,
            billing_details: BillingDetails::default(),
            metadata: Metadata::new(),
        })
    }
}

/// Checks the check digit of a card number (ISO/IEC 7812-1, annex B).
fn luhn(number: &str) -> bool {
    let mut sum = 0;
    for (index, digit) in number.bytes().rev().enumerate() {
        if !digit.is_ascii_digit() {
            return false;
        }
        let value = u32::from(digit - b'0') * if index % 2 == 1 { 2 } else { 1 };
        sum += value / 10 + value % 10;
    }
    sum % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = 1_795_348_260; // 2026-11-22

    fn typed(number: &str) -> TypedCard {
        TypedCard { number: number.to_owned(), exp_month: 12, exp_year: 34, cvc: "123".to_owned() }
    }

    fn refusal(card: &TypedCard) -> Option<Decline> {
        match card.check(NOW) {
            Err(CheckError::Refused(decline)) => Some(decline),
            _ => None,
        }
    }

    #[test]
    fn every_number_has_its_check_digit_and_no_two_cards_share_a_name() {
        let mut names: Vec<_> = TEST_CARDS.iter().flat_map(|card| card.names).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for card in TEST_CARDS {
            assert!(luhn(card.number), "{}", card.number);
        }
    }

    #[test]
    fn an_entered_card_is_checked_as_documented() {
        let method = typed("4242 4242 4242 4242").check(NOW).expect("fine");
        assert_eq!(
            (method.card.exp_month, method.card.exp_year, method.card.last4.as_str()),
            (12, 2034, "4242")
        );
        assert_eq!(refusal(&typed("4242424242424241")), Some(Decline::IncorrectNumber));
        assert_eq!(refusal(&typed("42")), Some(Decline::IncorrectNumber));
        assert_eq!(refusal(&typed("4111111111111111")), Some(Decline::TestModeLiveCard));
        assert_eq!(
            refusal(&TypedCard { exp_month: 13, ..typed("4242424242424242") }),
            Some(Decline::InvalidExpiryMonth)
        );
        assert_eq!(
            refusal(&TypedCard { exp_month: 10, exp_year: 26, ..typed("4242424242424242") }),
            Some(Decline::InvalidExpiryYear)
        );
        let cvc = |cvc: &str| TypedCard { cvc: cvc.to_owned(), ..typed("4242424242424242") };
        assert_eq!(refusal(&cvc("12")), Some(Decline::InvalidCvc));
        assert_eq!(refusal(&cvc("1234")), Some(Decline::InvalidCvc));
        assert!(
            TypedCard { cvc: "1234".to_owned(), ..typed("378282246310005") }.check(NOW).is_ok()
        );
    }

    #[test]
    fn the_cards_in_the_documentation_exist() {
        let page = include_str!("../../../docs/sandbox.md");
        let rows = page.lines().filter(|line| line.starts_with("| ") && line.contains("`pm_card_"));
        let listed: Vec<(String, &str)> = rows
            .filter_map(|row| {
                let mut cells = row.split('|').skip(1).map(str::trim);
                let number = cells.next()?.replace(' ', "");
                Some((number, cells.next()?.trim_matches('`')))
            })
            .collect();
        assert!(listed.len() > 5, "{listed:?}");
        for (number, name) in listed {
            assert_eq!(by_name(name).map(|card| card.number), Some(number.as_str()), "{name}");
        }
    }

    #[test]
    fn test_ids_and_tokens_name_the_same_cards() {
        assert_eq!(by_name("pm_card_visa").map(|card| card.number), Some("4242424242424242"));
        assert_eq!(by_name("tok_chargeDeclined").map(|card| card.number), Some("4000000000000002"));
        assert!(by_name("visa").is_none());
        assert!(by_name("pm_card_nonesuch").is_none());
    }
}
