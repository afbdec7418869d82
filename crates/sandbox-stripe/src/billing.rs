//! What time does to subscriptions: periods end, renewals are invoiced and paid, cancellations take effect.

use std::io;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp as Instant};

use crate::ids::{self, IdKind};
use crate::model::{
    BillingReason, Customer, Interval, Invoice, InvoiceLine, InvoiceStatus, Metadata, Recurring, Subscription,
    SubscriptionItem, Timestamp,
};
use crate::state::{State, Transaction};

/// A state file that slept for years gets the last of its renewals, not a thousand of them.
const MOST_RENEWALS: usize = 36;

/// When the period ends that begins at `start`.
pub(crate) fn period_end(start: Timestamp, recurring: Recurring) -> io::Result<Timestamp> {
    let count = i64::from(recurring.interval_count.max(1));
    let calendar = |error: jiff::Error| io::Error::other(format!("a period leaves the calendar: {error}"));
    let span = match recurring.interval {
        Interval::Day => Span::new().try_days(count),
        Interval::Week => Span::new().try_weeks(count),
        Interval::Month => Span::new().try_months(count),
        Interval::Year => Span::new().try_years(count),
    };
    let start = Instant::from_second(start).map_err(calendar)?.to_zoned(TimeZone::UTC);
    let end = span.and_then(|span| start.checked_add(span)).map_err(calendar)?;
    Ok(end.timestamp().as_second())
}

/// Renews every subscription whose period is over, and ends those that were to end by now.
pub(crate) fn catch_up(transaction: &mut Transaction<'_>) -> io::Result<()> {
    let (state, now) = (transaction.state(), transaction.now());
    let due: Vec<Subscription> =
        state.subscriptions.oldest_first().filter(|subscription| is_due(subscription, now)).cloned().collect();
    for mut subscription in due {
        let Some(mut customer) = transaction.state().live_customer(&subscription.customer).cloned() else { continue };
        let mut invoices = Vec::new();
        while is_due(&subscription, now) {
            let ends = subscription.cancellation.cancel_at.is_some_and(|end| end <= now)
                || subscription.cancellation.cancel_at_period_end;
            if ends {
                let end = subscription.cancellation.cancel_at.or_else(|| first_end(&subscription));
                subscription.end(end.unwrap_or(now));
                break;
            }
            let invoice = renew(&mut subscription, &mut customer, transaction.state(), now)?;
            invoices.push(invoice);
        }
        let skipped = invoices.len().saturating_sub(MOST_RENEWALS);
        subscription.latest_invoice = invoices.last().map(|i| i.id.clone()).or(subscription.latest_invoice);
        invoices.into_iter().skip(skipped).for_each(|invoice| transaction.put(invoice));
        transaction.put(customer);
        transaction.put(subscription);
    }
    Ok(())
}

fn first_end(subscription: &Subscription) -> Option<Timestamp> {
    subscription.items.iter().map(|item| item.current_period_end).min()
}

fn is_due(subscription: &Subscription, now: Timestamp) -> bool {
    let over = |end: Option<Timestamp>| end.is_some_and(|end| end <= now);
    subscription.is_running() && (over(first_end(subscription)) || over(subscription.cancellation.cancel_at))
}

/// Moves the items whose period is over into the next one, and bills that.
fn renew(
    subscription: &mut Subscription,
    customer: &mut Customer,
    state: &State,
    now: Timestamp,
) -> io::Result<Invoice> {
    let end = first_end(subscription).unwrap_or(now);
    let mut lines = Vec::new();
    for item in subscription.items.iter_mut().filter(|item| item.current_period_end <= end) {
        let price = state.prices.get(&item.price);
        let monthly = Recurring { interval: Interval::Month, interval_count: 1 };
        let recurring = price.and_then(|price| price.recurring).unwrap_or(monthly);
        item.current_period_start = item.current_period_end;
        item.current_period_end = period_end(item.current_period_start, recurring)?;
        lines.push(line(item, state)?);
    }
    let number = format!("{}-{:04}", customer.invoice_prefix, customer.next_invoice_sequence);
    customer.next_invoice_sequence += 1;
    let total = lines.iter().map(|line| line.amount).sum();
    Ok(Invoice {
        id: ids::fresh(IdKind::Invoice)?,
        created: end,
        number: Some(number),
        customer: customer.id.clone(),
        customer_name: customer.name.clone(),
        customer_email: customer.email.clone(),
        subscription: Some(subscription.id.clone()),
        status: InvoiceStatus::Paid,
        billing_reason: BillingReason::SubscriptionCycle,
        currency: subscription.currency.clone(),
        period_start: end,
        period_end: end,
        lines,
        amount_paid: total,
        finalized_at: Some(end),
        paid_at: Some(end),
        voided_at: None,
        metadata: Metadata::new(),
    })
}

fn line(item: &SubscriptionItem, state: &State) -> io::Result<InvoiceLine> {
    let price = state.prices.get(&item.price);
    let product = price.and_then(|price| state.products.get(&price.product));
    let unit_amount = price.map_or(0, |price| price.unit_amount);
    let name = product.map_or(item.price.as_str(), |product| product.name.as_str());
    Ok(InvoiceLine {
        id: ids::fresh(IdKind::InvoiceLine)?,
        description: format!("{} × {name}", item.quantity),
        amount: unit_amount.saturating_mul(item.quantity),
        quantity: item.quantity,
        price: item.price.clone(),
        product: product.map_or_else(String::new, |product| product.id.clone()),
        unit_amount,
        subscription_item: Some(item.id.clone()),
        proration: false,
        period_start: item.current_period_start,
        period_end: item.current_period_end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_from_the_31st_ends_on_the_last_day_of_a_shorter_month() {
        let recurring = |interval| Recurring { interval, interval_count: 1 };
        let january_31 = 1_801_353_600; // 2027-01-31T00:00:00Z
        let day = 24 * 60 * 60;
        assert_eq!(period_end(january_31, recurring(Interval::Month)).ok(), Some(january_31 + 28 * day));
        assert_eq!(period_end(january_31, recurring(Interval::Year)).ok(), Some(january_31 + 365 * day));
        assert_eq!(period_end(january_31, recurring(Interval::Week)).ok(), Some(january_31 + 7 * day));
        assert!(period_end(i64::MAX, recurring(Interval::Day)).is_err());
    }
}
