//! The amounts on the checkout page.

use std::io;

use super::pay;
use super::visit::Visit;
use crate::billing::period_end;
use crate::locale::{dates, money};
use crate::model::CheckoutItem;
use crate::sanitize::plain;

/// The amounts due now and later.
pub(super) struct Figures {
    /// The product's name, if there is one item.
    pub(super) name: Option<String>,
    pub(super) lines: Vec<Line>,
    /// The length of the trial.
    pub(super) trial: Option<String>,
    /// The customer's balance applied, if any.
    pub(super) balance: Option<String>,
    pub(super) due: String,
    /// The next payment and its date.
    pub(super) later: String,
}

/// A line item.
pub(super) struct Line {
    pub(super) name: String,
    /// The unit price and its billing period.
    pub(super) rate: String,
    pub(super) amount: String,
}

impl Figures {
    pub(super) fn of(visit: &Visit<'_>) -> io::Result<Self> {
        let session = visit.session;
        let words = &visit.text().checkout;
        let show = |amount: i64| money::format(amount, &session.currency, visit.language);
        let period = pay::recurring(visit)
            .ok_or_else(|| io::Error::other("a checkout session without its price"))?;
        let each = session
            .items
            .iter()
            .filter_map(|item| Some((visit.state.prices.get(&item.price)?, item.quantity)));
        let sum = each.fold(0_i64, |sum, (price, count)| {
            sum.saturating_add(price.unit_amount.saturating_mul(count))
        });
        let rate = format!("{} {}", show(sum), visit.text().interval(period));
        let trial_end = pay::trial_end(session, visit.now);
        let applied = visit.due() - session.amount;
        Ok(Self {
            name: match session.items.as_slice() {
                [item] => Some(name(visit, item)),
                _ => None,
            },
            lines: session.items.iter().map(|item| Line::of(visit, item)).collect(),
            trial: session.terms.trial_days.map(words.trial),
            balance: (applied != 0).then(|| show(applied)),
            due: show(visit.due()),
            later: match trial_end {
                Some(end) => (words.after_trial)(&rate, &dates::day(end, visit.language)),
                None => (words.renews)(
                    &rate,
                    &dates::day(period_end(visit.now, period)?, visit.language),
                ),
            },
        })
    }
}

impl Line {
    fn of(visit: &Visit<'_>, item: &CheckoutItem) -> Self {
        let show = |amount: i64| money::format(amount, &visit.session.currency, visit.language);
        let price = visit.state.prices.get(&item.price);
        let unit = price.map_or(0, |price| price.unit_amount);
        let interval = price
            .and_then(|price| price.recurring)
            .map(|recurring| visit.text().interval(recurring));
        let amount = if visit.session.terms.trial_days.is_some() {
            0
        } else {
            unit.saturating_mul(item.quantity)
        };
        let name = name(visit, item);
        Self {
            name: if item.quantity == 1 { name } else { format!("{} × {name}", item.quantity) },
            rate: format!("{} {}", show(unit), interval.unwrap_or_default()),
            amount: show(amount),
        }
    }
}

fn name(visit: &Visit<'_>, item: &CheckoutItem) -> String {
    let product = visit
        .state
        .prices
        .get(&item.price)
        .and_then(|price| visit.state.products.get(&price.product));
    product.map_or_else(|| item.price.clone(), |product| plain(&product.name))
}
