//! Finalizes and collects invoices.

use std::io;

use crate::ids::{self, IdKind};
use crate::model::{
    BillingReason, ChargeOutcome, Customer, HostedToken, Invoice, InvoiceLine, InvoiceStatus,
    Metadata, PaymentFailure, PaymentMethod, Subscription, Timestamp,
};

/// The input of an invoice. The subscription's pending lines come first.
pub(super) struct Bill<'a> {
    pub(super) subscription: &'a mut Subscription,
    pub(super) reason: BillingReason,
    pub(super) lines: Vec<InvoiceLine>,
    pub(super) at: Timestamp,
}

impl Bill<'_> {
    /// Returns a draft without a number, and empties the subscription's pending lines. The draft
    /// applies the customer's balance without changing it.
    pub(super) fn draft(self, customer: &Customer) -> io::Result<Invoice> {
        let Self { subscription, reason, lines, at } = self;
        let pending = std::mem::take(&mut subscription.pending);
        Ok(Invoice {
            id: ids::generate(IdKind::Invoice)?,
            created: at,
            number: None,
            customer: customer.id.clone(),
            customer_name: customer.name.clone(),
            customer_email: customer.email.clone(),
            subscription: Some(subscription.id.clone()),
            status: InvoiceStatus::Draft,
            billing_reason: reason,
            currency: subscription.currency.clone(),
            period_start: at,
            period_end: at,
            lines: pending.into_iter().chain(lines).collect(),
            starting_balance: customer.balance,
            ending_balance: None,
            amount_paid: 0,
            attempt_count: 0,
            failure: None,
            hosted_token: None,
            finalized_at: None,
            paid_at: None,
            voided_at: None,
            metadata: Metadata::new(),
        })
    }

    /// Returns an open invoice with a number and updates the customer's balance.
    pub(super) fn finalize(self, customer: &mut Customer) -> io::Result<Invoice> {
        let at = self.at;
        let mut invoice = self.draft(customer)?;
        let left = invoice.total().saturating_add(customer.balance).min(0);
        invoice.number =
            Some(format!("{}-{:04}", customer.invoice_prefix, customer.next_invoice_sequence));
        invoice.status = InvoiceStatus::Open;
        invoice.ending_balance = Some(left);
        invoice.hosted_token = Some(HostedToken::mint()?);
        invoice.finalized_at = Some(at);
        customer.next_invoice_sequence = customer.next_invoice_sequence.saturating_add(1);
        customer.currency.get_or_insert_with(|| invoice.currency.clone());
        customer.balance = left;
        Ok(invoice)
    }
}

/// Attempts to collect an open invoice.
pub(super) fn collect(
    invoice: &mut Invoice,
    method: Option<&PaymentMethod>,
    now: Timestamp,
    authenticated: bool,
) -> Result<(), PaymentFailure> {
    let due = invoice.amount_remaining();
    let outcome = match method {
        _ if due == 0 => Ok(()),
        None => Err(PaymentFailure::NoPaymentMethod),
        Some(method) => match method.charge(now, authenticated) {
            ChargeOutcome::Paid => Ok(()),
            ChargeOutcome::Declined(decline) => Err(PaymentFailure::Declined(decline)),
            ChargeOutcome::NeedsAuthentication => Err(PaymentFailure::NeedsAuthentication),
        },
    };
    if due != 0 {
        invoice.attempt_count = invoice.attempt_count.saturating_add(1);
    }
    invoice.failure = outcome.err();
    if outcome.is_ok() {
        invoice.amount_paid = invoice.amount_paid.saturating_add(due);
        invoice.status = InvoiceStatus::Paid;
        invoice.paid_at = Some(now);
    }
    outcome
}
