//! Cancels subscriptions, immediately or at the period's end, and undoes a cancellation.

use std::io;

use super::invoicing::{Bill, collect};
use super::lines;
use super::pay::payer;
use crate::model::{
    BillingReason, Cancellation, Customer, Invoice, InvoiceLine, InvoiceStatus, ProrationBehavior,
    Subscription, SubscriptionStatus, Timestamp,
};
use crate::state::Catalog;
use crate::transaction::Transaction;

/// The customer's reason for a cancellation: a comment and one of Stripe's feedback values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cancelling {
    pub(crate) comment: Option<String>,
    pub(crate) feedback: Option<String>,
}

impl Cancelling {
    fn record(self, cancellation: &mut Cancellation, now: Timestamp) {
        cancellation.canceled_at = Some(now);
        cancellation.reason = Some("cancellation_requested".to_owned());
        cancellation.comment = self.comment.or_else(|| cancellation.comment.take());
        cancellation.feedback = self.feedback.or_else(|| cancellation.feedback.take());
    }
}

/// Schedules the end of the subscription for the end of its period. As Stripe's portal does in
/// the `flexible` billing mode, it sets `cancel_at` and leaves `cancel_at_period_end` false.
pub(crate) fn cancel_at_period_end(
    subscription: &mut Subscription,
    reason: Cancelling,
    now: Timestamp,
) {
    subscription.cancellation.cancel_at = subscription.period_end();
    subscription.cancellation.cancel_at_period_end = false;
    reason.record(&mut subscription.cancellation, now);
}

/// Removes a scheduled cancellation.
pub(crate) fn undo_cancellation(subscription: &mut Subscription) {
    if subscription.ends_at().is_some() {
        subscription.cancellation = Cancellation::default();
    }
}

/// Cancels the subscription immediately. `proration` decides about credit for unused time.
pub(crate) fn cancel_now(
    transaction: &mut Transaction<'_>,
    mut subscription: Subscription,
    proration: ProrationBehavior,
    reason: Cancelling,
) -> io::Result<Subscription> {
    let now = transaction.now();
    let credits = match proration {
        ProrationBehavior::None => Vec::new(),
        _ => credits(transaction, &subscription, now)?,
    };
    reason.record(&mut subscription.cancellation, now);
    let mut customer = transaction.get::<Customer>(&subscription.customer).cloned();
    if let Some(customer) = &mut customer
        && subscription.status == SubscriptionStatus::Incomplete
    {
        void_first_invoice(transaction, &subscription, customer, now);
    }
    subscription.end(now);
    let nothing_to_bill = credits.is_empty() && subscription.pending.is_empty();
    match &mut customer {
        Some(customer) if proration == ProrationBehavior::AlwaysInvoice && !nothing_to_bill => {
            let method = payer(transaction, customer, &subscription);
            let billing_reason = BillingReason::SubscriptionUpdate;
            let bill = Bill {
                subscription: &mut subscription,
                reason: billing_reason,
                lines: credits,
                at: now,
            };
            let mut invoice = bill.finalize(customer)?;
            // A failed payment leaves the invoice open.
            let _ = collect(&mut invoice, method.as_ref(), now, false);
            subscription.latest_invoice = Some(invoice.id.clone());
            transaction.put(invoice);
        }
        _ => subscription.pending.extend(credits),
    }
    if let Some(customer) = customer {
        transaction.put(customer);
    }
    transaction.put(subscription.clone());
    Ok(subscription)
}

/// Returns credit lines for the paid and unused time.
pub(super) fn credits(
    catalog: &impl Catalog,
    subscription: &Subscription,
    at: Timestamp,
) -> io::Result<Vec<InvoiceLine>> {
    if !matches!(subscription.status, SubscriptionStatus::Active | SubscriptionStatus::PastDue) {
        return Ok(Vec::new());
    }
    subscription.items.iter().map(|item| lines::unused(catalog, item, at)).collect()
}

/// Voids the open first invoice of an incomplete subscription and restores the customer's
/// balance.
pub(super) fn void_first_invoice(
    transaction: &mut Transaction<'_>,
    subscription: &Subscription,
    customer: &mut Customer,
    at: Timestamp,
) {
    let first = subscription
        .latest_invoice
        .as_deref()
        .and_then(|id| transaction.get::<Invoice>(id))
        .cloned();
    if let Some(mut invoice) = first.filter(|invoice| invoice.status == InvoiceStatus::Open) {
        let taken =
            invoice.starting_balance.saturating_sub(invoice.ending_balance.unwrap_or_default());
        customer.balance = customer.balance.saturating_add(taken);
        invoice.status = InvoiceStatus::Void;
        invoice.voided_at = Some(at);
        transaction.put(invoice);
    }
}

/// Ends a subscription of a deleted customer.
pub(crate) fn end_with_customer(transaction: &mut Transaction<'_>, mut subscription: Subscription) {
    let now = transaction.now();
    if subscription.status == SubscriptionStatus::Incomplete {
        void_first_invoice(transaction, &subscription, &mut Customer::default(), now);
    }
    subscription.end(now);
    transaction.put(subscription);
}
