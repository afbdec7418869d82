//! Invoice lines with Stripe's descriptions.

use std::io;

use super::period::remaining;
use crate::ids::{self, IdKind};
use crate::locale::Language;
use crate::locale::{dates, money};
use crate::model::{InvoiceLine, Price, SubscriptionItem, Timestamp};
use crate::state::Catalog;

/// Returns the line for a whole period of an item.
pub(super) fn period(catalog: &impl Catalog, item: &SubscriptionItem) -> io::Result<InvoiceLine> {
    let amount = full_amount(catalog, item);
    let description = match catalog.price(&item.price) {
        Some(price) => format!("{} (at {})", quantity_and_product(catalog, item), rate(price)),
        None => quantity_and_product(catalog, item),
    };
    line(
        catalog,
        item,
        description,
        amount,
        (item.current_period_start, item.current_period_end),
        false,
    )
}

/// Returns the line for a trial of an item. Its amount is zero.
pub(super) fn trial(catalog: &impl Catalog, item: &SubscriptionItem) -> io::Result<InvoiceLine> {
    let description = format!("Trial period for {}", quantity_and_product(catalog, item));
    line(catalog, item, description, 0, (item.current_period_start, item.current_period_end), false)
}

/// Returns the credit for the unused rest of an item's period.
pub(super) fn unused(
    catalog: &impl Catalog,
    item: &SubscriptionItem,
    at: Timestamp,
) -> io::Result<InvoiceLine> {
    proration(catalog, item, at, "Unused", -1)
}

/// Returns the charge for the rest of an item's period.
pub(super) fn rest(
    catalog: &impl Catalog,
    item: &SubscriptionItem,
    at: Timestamp,
) -> io::Result<InvoiceLine> {
    proration(catalog, item, at, "Remaining", 1)
}

fn proration(
    catalog: &impl Catalog,
    item: &SubscriptionItem,
    at: Timestamp,
    word: &str,
    sign: i64,
) -> io::Result<InvoiceLine> {
    let whole = (item.current_period_start, item.current_period_end);
    let amount = remaining(full_amount(catalog, item), whole, at).saturating_mul(sign);
    let day = dates::day(at, Language::English);
    let description = format!("{word} time on {} after {day}", quantity_and_product(catalog, item));
    line(catalog, item, description, amount, (at, item.current_period_end), true)
}

fn full_amount(catalog: &impl Catalog, item: &SubscriptionItem) -> i64 {
    catalog.price(&item.price).map_or(0, |price| price.unit_amount.saturating_mul(item.quantity))
}

fn quantity_and_product(catalog: &impl Catalog, item: &SubscriptionItem) -> String {
    let product = catalog.price(&item.price).and_then(|price| catalog.product(&price.product));
    let name = product.map_or(item.price.as_str(), |product| product.name.as_str());
    format!("{} × {name}", item.quantity)
}

/// Formats a price: `$20.00 / month`, `$50.00 every 3 months`.
fn rate(price: &Price) -> String {
    let amount = money::format(price.unit_amount, &price.currency, Language::English);
    match price.recurring.map(|recurring| (recurring.interval.as_str(), recurring.interval_count)) {
        None => amount,
        Some((interval, 1)) => format!("{amount} / {interval}"),
        Some((interval, count)) => format!("{amount} every {count} {interval}s"),
    }
}

fn line(
    catalog: &impl Catalog,
    item: &SubscriptionItem,
    description: String,
    amount: i64,
    (period_start, period_end): (Timestamp, Timestamp),
    proration: bool,
) -> io::Result<InvoiceLine> {
    let price = catalog.price(&item.price);
    Ok(InvoiceLine {
        id: ids::generate(IdKind::InvoiceLine)?,
        description,
        amount,
        quantity: item.quantity,
        price: item.price.clone(),
        product: price.map_or_else(String::new, |price| price.product.clone()),
        unit_amount: price.map_or(0, |price| price.unit_amount),
        subscription_item: Some(item.id.clone()),
        proration,
        period_start,
        period_end,
    })
}
