//! Applies the passing of time: ends periods, invoices renewals and executes cancellations.

use std::io;

use super::cancel::void_first_invoice;
use super::invoicing::{Bill, collect};
use super::lines;
use super::pay::payer;
use super::period::period_end;
use crate::model::{
    BillingReason, Customer, Interval, Invoice, MissingPaymentMethod, Recurring, Subscription,
    SubscriptionStatus, Timestamp,
};
use crate::state::Catalog as _;
use crate::transaction::Transaction;

/// Maximum stored renewals of one subscription. A state file unused for years keeps the last.
const MAX_RENEWALS: usize = 36;

/// Subscriptions processed per batch.
const BATCH: usize = 500;

/// Renews or ends the next batch of due subscriptions.
pub(crate) fn catch_up(transaction: &mut Transaction<'_>) -> io::Result<()> {
    let now = transaction.now();
    let due: Vec<Subscription> = transaction.state().due(now).take(BATCH).cloned().collect();
    for mut subscription in due {
        let Some(mut customer) = transaction.live_customer(&subscription.customer).cloned() else {
            subscription.end(now);
            transaction.put(subscription);
            continue;
        };
        let before = (subscription.clone(), customer.clone());
        let invoices =
            pass(transaction, &mut subscription, &mut customer, now).unwrap_or_else(|error| {
                // A date outside the calendar must not block the other subscriptions.
                tracing::error!(
                %error,
                subscription = subscription.id,
                "renewing a subscription failed; ending it"
                );
                (subscription, customer) = before;
                subscription.end(now);
                Vec::new()
            });
        subscription.latest_invoice =
            invoices.last().map(|i| i.id.clone()).or(subscription.latest_invoice);
        let skipped = invoices.len().saturating_sub(MAX_RENEWALS);
        invoices.into_iter().skip(skipped).for_each(|invoice| transaction.put(invoice));
        transaction.put(customer);
        transaction.put(subscription);
    }
    Ok(())
}

/// Advances one subscription to `now` and returns its new invoices.
fn pass(
    transaction: &mut Transaction<'_>,
    subscription: &mut Subscription,
    customer: &mut Customer,
    now: Timestamp,
) -> io::Result<Vec<Invoice>> {
    let mut invoices = Vec::new();
    while let Some(at) = subscription.due_at().filter(|at| *at <= now) {
        if subscription.status == SubscriptionStatus::Incomplete {
            subscription.status = SubscriptionStatus::IncompleteExpired;
            subscription.cancellation.ended_at = Some(at);
            void_first_invoice(transaction, subscription, customer, at);
            break;
        }
        if let Some(end) = subscription.ends_at().filter(|end| *end <= at) {
            subscription.end(end);
            break;
        }
        let method = payer(transaction, customer, subscription);
        if subscription.status == SubscriptionStatus::Trialing && method.is_none() {
            match subscription.missing_payment_method {
                MissingPaymentMethod::CreateInvoice => {}
                MissingPaymentMethod::Cancel => {
                    subscription.end(at);
                    break;
                }
                MissingPaymentMethod::Pause => {
                    subscription.status = SubscriptionStatus::Paused;
                    break;
                }
            }
        }
        let mut invoice = renew(transaction, subscription, customer, at)?;
        subscription.status = match collect(&mut invoice, method.as_ref(), at, false) {
            // Paying this invoice does not settle an older open one.
            Ok(()) if subscription.status == SubscriptionStatus::PastDue => {
                SubscriptionStatus::PastDue
            }
            Ok(()) => SubscriptionStatus::Active,
            Err(_) => SubscriptionStatus::PastDue,
        };
        invoices.push(invoice);
    }
    Ok(invoices)
}

/// Moves the items with an ended period into the next one and creates its invoice.
fn renew(
    transaction: &Transaction<'_>,
    subscription: &mut Subscription,
    customer: &mut Customer,
    at: Timestamp,
) -> io::Result<Invoice> {
    let mut lines = Vec::new();
    let began = subscription.items.iter().map(|item| item.current_period_start).min();
    for item in subscription.items.iter_mut().filter(|item| item.current_period_end <= at) {
        let monthly = Recurring { interval: Interval::Month, interval_count: 1 };
        let recurring =
            transaction.price(&item.price).and_then(|price| price.recurring).unwrap_or(monthly);
        item.current_period_start = item.current_period_end;
        item.current_period_end = period_end(item.current_period_start, recurring)?;
        lines.push(lines::period(transaction, item)?);
    }
    let invoice = Bill { subscription, reason: BillingReason::SubscriptionCycle, lines, at }
        .finalize(customer)?;
    // As at Stripe, the invoice's period is the ended one. Its lines have the new period.
    Ok(Invoice { period_start: began.unwrap_or(at), ..invoice })
}
