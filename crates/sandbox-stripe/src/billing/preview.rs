//! Previews of invoices.

use std::io;

use super::change::Planned;
use super::invoicing::Bill;
use super::lines;
use super::period::period_end;
use crate::model::{BillingReason, Customer, Invoice, Subscription, Timestamp};
use crate::state::Catalog;

/// Returns the invoice that confirming a change creates, or else the next one with the change.
pub(crate) fn preview(
    catalog: &impl Catalog,
    customer: &Customer,
    planned: &Planned,
) -> io::Result<Invoice> {
    let mut subscription = planned.subscription.clone();
    if planned.at_once {
        let lines = planned.lines.clone();
        let reason = BillingReason::SubscriptionUpdate;
        return Bill { subscription: &mut subscription, reason, lines, at: planned.at }
            .draft(customer);
    }
    subscription.pending.extend(planned.lines.iter().cloned());
    upcoming(catalog, customer, &subscription)
}

/// Returns the invoice of the next period.
pub(crate) fn upcoming(
    catalog: &impl Catalog,
    customer: &Customer,
    subscription: &Subscription,
) -> io::Result<Invoice> {
    let end = subscription.period_end().unwrap_or_default();
    let mut lines = Vec::new();
    for item in &subscription.items {
        let mut next = item.clone();
        if let Some(recurring) = catalog.price(&item.price).and_then(|price| price.recurring) {
            next.current_period_start = item.current_period_end;
            next.current_period_end = period_end(next.current_period_start, recurring)?;
        }
        lines.push(lines::period(catalog, &next)?);
    }
    if subscription.ends_at().is_some_and(|at| at <= end) {
        lines.clear();
    }
    Bill {
        subscription: &mut subscription.clone(),
        reason: BillingReason::Upcoming,
        lines,
        at: end,
    }
    .draft(customer)
}

/// Returns the invoice that ending the subscription at `at` creates. It may have no lines.
pub(crate) fn last(
    catalog: &impl Catalog,
    customer: &Customer,
    subscription: &Subscription,
    at: Timestamp,
) -> io::Result<Invoice> {
    let lines = super::cancel::credits(catalog, subscription, at)?;
    Bill {
        subscription: &mut subscription.clone(),
        reason: BillingReason::SubscriptionUpdate,
        lines,
        at,
    }
    .draft(customer)
}
