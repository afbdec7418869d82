//! Stripe's prices, standalone and in subscriptions.

use billing_domain::{BillingCycle, Mode, PriceId, ProviderPrice};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::object;

/// The relevant fields of Stripe's object `price`.
#[derive(Deserialize)]
pub(crate) struct Price {
    object: String,
    pub(crate) id: String,
    livemode: bool,
    active: bool,
    currency: String,
    billing_scheme: String,
    unit_amount: Option<i64>,
    transform_quantity: Option<IgnoredAny>,
    recurring: Option<Recurring>,
}

#[derive(Deserialize)]
struct Recurring {
    interval: String,
    interval_count: i64,
    usage_type: String,
}

/// Parses the requested price from the body of a 200.
///
/// # Errors
/// Why the body is not this price.
pub(crate) fn parse(body: &[u8], requested: &PriceId, mode: Mode) -> Result<ProviderPrice, String> {
    let price: Price = object::read(body, "price")?;
    price.check(mode)?;
    if price.id != requested.as_str() {
        return Err("the response has another price".to_owned());
    }
    Ok(ProviderPrice {
        amount: price.amount(),
        currency: price.currency.parse().map_err(|_| "the currency is invalid".to_owned())?,
        cycle: price.cycle(),
        active: price.active,
    })
}

impl Price {
    pub(crate) fn check(&self, mode: Mode) -> Result<(), String> {
        object::check(&self.object, "price", self.livemode, mode)
    }

    /// Returns the billing cycle if it is monthly or yearly.
    pub(crate) fn cycle(&self) -> Option<BillingCycle> {
        let recurring = self.recurring.as_ref()?;
        match (recurring.interval.as_str(), recurring.interval_count) {
            ("month", 1) => Some(BillingCycle::Monthly),
            ("year", 1) => Some(BillingCycle::Yearly),
            _ => None,
        }
    }

    /// Returns the amount per unit, if the price is neither tiered, nor per package, nor metered.
    fn amount(&self) -> Option<u64> {
        let metered =
            self.recurring.as_ref().is_some_and(|recurring| recurring.usage_type != "licensed");
        if metered || self.billing_scheme != "per_unit" || self.transform_quantity.is_some() {
            return None;
        }
        self.unit_amount.and_then(|amount| u64::try_from(amount).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: &str = r#"{"object":"price","id":"price_1","livemode":false,"active":true,"currency":"usd",
        "billing_scheme":"per_unit","unit_amount":900,"transform_quantity":null,
        "recurring":{"interval":"month","interval_count":1,"usage_type":"licensed"}}"#;

    fn parsed(changes: &[(&str, &str)]) -> Result<ProviderPrice, String> {
        let body = changes.iter().fold(PRICE.to_owned(), |body, (from, to)| {
            assert!(body.contains(from), "{from}");
            body.replacen(from, to, 1)
        });
        parse(body.as_bytes(), &"price_1".parse().unwrap(), Mode::Test)
    }

    #[test]
    fn per_unit_price_has_amount_and_cycle() {
        let expected = ProviderPrice {
            amount: Some(900),
            currency: "usd".parse().unwrap(),
            cycle: Some(BillingCycle::Monthly),
            active: true,
        };
        assert_eq!(parsed(&[]), Ok(expected.clone()));
        assert_eq!(
            parsed(&[("month", "year")]),
            Ok(ProviderPrice { cycle: Some(BillingCycle::Yearly), ..expected.clone() })
        );
        assert_eq!(
            parsed(&[("\"active\":true", "\"active\":false")]),
            Ok(ProviderPrice { active: false, ..expected })
        );
    }

    #[test]
    fn other_prices_have_no_amount_or_cycle() {
        for change in [
            ("per_unit", "tiered"),
            ("licensed", "metered"),
            ("900", "null"),
            ("900", "-1"),
            (
                "\"transform_quantity\":null",
                "\"transform_quantity\":{\"divide_by\":10,\"round\":\"up\"}",
            ),
        ] {
            assert_eq!(parsed(&[change]).unwrap().amount, None, "{change:?}");
        }
        for change in [("month", "week"), ("\"interval_count\":1", "\"interval_count\":12")] {
            assert_eq!(parsed(&[change]).unwrap().cycle, None, "{change:?}");
        }
    }

    #[test]
    fn p4_other_price_or_mode_is_rejected() {
        for change in [
            ("price_1", "price_2"),
            ("\"price\"", "\"plan\""),
            ("\"livemode\":false", "\"livemode\":true"),
            ("usd", "USD"),
            ("{\"interval\"", "[1,{\"interval\""),
        ] {
            assert!(parsed(&[change]).is_err(), "{change:?}");
        }
    }
}
