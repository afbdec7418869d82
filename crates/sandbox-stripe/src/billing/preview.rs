//! Invoices that nobody has made yet.

use std::io;

use super::change::Planned;
use super::invoicing::Bill;
use super::lines;
use super::period::period_end;
use crate::model::{BillingReason, Customer, Invoice, Subscription};
use crate::state::Catalog;

/// The invoice that confirming a change makes, or, where it makes none, the next one with the change in it.
pub(crate) fn preview(catalog: &impl Catalog, customer: &Customer, planned: &Planned) -> io::Result<Invoice> {
    if planned.at_once {
        let lines = planned.lines.clone();
        let reason = BillingReason::SubscriptionUpdate;
        return Bill { subscription: &planned.subscription, reason, lines, at: planned.at }.draft(customer);
    }
    let mut customer = customer.clone();
    customer.pending.extend(planned.lines.iter().cloned());
    upcoming(catalog, &customer, &planned.subscription)
}

/// The invoice that comes with the next period.
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
    Bill { subscription, reason: BillingReason::Upcoming, lines, at: end }.draft(customer)
}
