//! Cancelling, at once or at the end of the period, and taking it back.

use std::io;

use super::invoicing::{Bill, collect};
use super::lines;
use super::pay::payer;
use crate::model::{
    BillingReason, Cancellation, Customer, Invoice, InvoiceLine, InvoiceStatus, ProrationBehavior, Subscription,
    SubscriptionStatus, Timestamp,
};
use crate::state::{Catalog, Transaction};

/// Why somebody cancels, in their words and in Stripe's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cancelling {
    pub(crate) comment: Option<String>,
    pub(crate) feedback: Option<String>,
}

impl Cancelling {
    fn note(self, cancellation: &mut Cancellation, now: Timestamp) {
        cancellation.canceled_at = Some(now);
        cancellation.reason = Some("cancellation_requested".to_owned());
        cancellation.comment = self.comment.or_else(|| cancellation.comment.take());
        cancellation.feedback = self.feedback.or_else(|| cancellation.feedback.take());
    }
}

/// Has it end with its period, as the portal does in the `flexible` billing mode: `cancel_at` is set, and
/// `cancel_at_period_end` stays false.
pub(crate) fn cancel_at_period_end(subscription: &mut Subscription, why: Cancelling, now: Timestamp) {
    subscription.cancellation.cancel_at = subscription.period_end();
    subscription.cancellation.cancel_at_period_end = false;
    why.note(&mut subscription.cancellation, now);
}

/// Has it go on after all.
pub(crate) fn undo_cancellation(subscription: &mut Subscription) {
    subscription.cancellation = Cancellation::default();
}

/// Ends it at once; unused time is given back as `proration` says.
pub(crate) fn cancel_now(
    transaction: &mut Transaction<'_>,
    mut subscription: Subscription,
    proration: ProrationBehavior,
    why: Cancelling,
) -> io::Result<Subscription> {
    let now = transaction.now();
    let credits = match proration {
        ProrationBehavior::None => Vec::new(),
        _ => credits(transaction, &subscription, now)?,
    };
    why.note(&mut subscription.cancellation, now);
    // It ends now, and no later time that somebody had set counts any more.
    subscription.cancellation.cancel_at = None;
    subscription.cancellation.cancel_at_period_end = false;
    if subscription.status == SubscriptionStatus::Incomplete {
        void_first_invoice(transaction, &subscription, now);
    }
    subscription.end(now);
    let nothing_to_bill = credits.is_empty() && subscription.pending.is_empty();
    let customer = transaction.get::<Customer>(&subscription.customer).cloned();
    match customer.filter(|_| proration == ProrationBehavior::AlwaysInvoice && !nothing_to_bill) {
        Some(mut customer) => {
            let method = payer(transaction, &customer, &subscription);
            let reason = BillingReason::SubscriptionUpdate;
            let bill = Bill { subscription: &mut subscription, reason, lines: credits, at: now };
            let mut invoice = bill.finalize(&mut customer)?;
            // What cannot be paid stays open.
            let _ = collect(&mut invoice, method.as_ref(), now, false);
            subscription.latest_invoice = Some(invoice.id.clone());
            transaction.put(invoice);
            transaction.put(customer);
        }
        None => subscription.pending.extend(credits),
    }
    transaction.put(subscription.clone());
    Ok(subscription)
}

/// What is given back for the time that is paid for and will not be used.
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

/// Nobody has to pay the first invoice of what never began.
pub(super) fn void_first_invoice(transaction: &mut Transaction<'_>, subscription: &Subscription, at: Timestamp) {
    let first = subscription.latest_invoice.as_deref().and_then(|id| transaction.get::<Invoice>(id)).cloned();
    if let Some(mut invoice) = first.filter(|invoice| invoice.status == InvoiceStatus::Open) {
        invoice.status = InvoiceStatus::Void;
        invoice.voided_at = Some(at);
        transaction.put(invoice);
    }
}
