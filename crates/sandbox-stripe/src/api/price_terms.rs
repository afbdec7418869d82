//! The terms of a price in a request, also of an inline price.

use super::error::{ApiError, excerpt};
use super::params::{MAX_AMOUNT, Params};
use crate::ids::{self, IdKind};
use crate::model::{Interval, Metadata, Price, Recurring};

/// The parameters of an inline price.
pub(crate) const INLINE: &[&str] = &[
    "currency",
    "metadata",
    "product",
    "recurring",
    "tax_behavior",
    "unit_amount",
    "unit_amount_decimal",
];

pub(super) const TAX_BEHAVIORS: &[&str] = &["exclusive", "inclusive", "unspecified"];

/// Reads the amount, currency and billing period of a price. The caller sets the product.
pub(crate) fn read_terms(params: &mut Params, now: i64) -> Result<Price, ApiError> {
    let currency = params.required_text("currency", 5_000)?.to_ascii_lowercase();
    if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_lowercase()) {
        let message =
            format!("Invalid currency: {}. Use a three-letter ISO 4217 code.", excerpt(&currency));
        return Err(ApiError::invalid(None, params.name("currency"), message));
    }
    let unit_amount = match (
        params.amount("unit_amount", MAX_AMOUNT)?,
        params.text("unit_amount_decimal", 40)?,
    ) {
        (Some(amount), None) => amount,
        (None, Some(decimal)) => {
            decimal.parse().ok().filter(|amount| (0..=MAX_AMOUNT).contains(amount)).ok_or_else(
                || {
                    let message = "This sandbox supports whole amounts of the smallest unit only.";
                    ApiError::invalid(None, params.name("unit_amount_decimal"), message)
                },
            )?
        }
        (None, None) => return Err(params.absent("unit_amount")),
        (Some(_), Some(_)) => {
            let message =
                "You may only specify one of these parameters: unit_amount, unit_amount_decimal.";
            return Err(ApiError::invalid(None, params.name("unit_amount"), message));
        }
    };
    let mut metadata = Metadata::new();
    params.metadata(&mut metadata)?;
    Ok(Price {
        id: ids::generate(IdKind::Price)?,
        created: now,
        active: true,
        product: String::new(),
        currency,
        unit_amount,
        recurring: params.object("recurring")?.map(read_recurring).transpose()?,
        nickname: None,
        lookup_key: None,
        tax_behavior: params
            .choice("tax_behavior", TAX_BEHAVIORS)?
            .unwrap_or("unspecified")
            .to_owned(),
        metadata,
    })
}

/// Reads a billing period; Stripe's maximum is three years
/// (<https://docs.stripe.com/api/prices/create>).
fn read_recurring(mut params: Params) -> Result<Recurring, ApiError> {
    params.expect(&["interval", "interval_count", "usage_type"], &["meter"])?;
    let word = params.choice("interval", &["day", "month", "week", "year"])?;
    let (interval, max_count) = match word.ok_or_else(|| params.absent("interval"))? {
        "day" => (Interval::Day, 3 * 365),
        "week" => (Interval::Week, 3 * 52),
        "month" => (Interval::Month, 3 * 12),
        _ => (Interval::Year, 3),
    };
    if params.choice("usage_type", &["licensed", "metered"])? == Some("metered") {
        let message = "This sandbox supports licensed prices only.";
        return Err(ApiError::invalid(None, params.name("usage_type"), message));
    }
    let count = params.integer("interval_count")?.unwrap_or(1);
    match u32::try_from(count) {
        Ok(interval_count) if (1..=max_count).contains(&interval_count) => {
            Ok(Recurring { interval, interval_count })
        }
        _ => {
            let message = format!("A billing period has 1 to {max_count} {}s.", interval.as_str());
            Err(ApiError::invalid(None, params.name("interval_count"), message))
        }
    }
}
