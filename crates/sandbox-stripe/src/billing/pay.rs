//! Pays open invoices and updates the status of their subscriptions.

use super::invoicing::collect;
use crate::model::{
    Customer, Invoice, InvoiceStatus, PaymentFailure, PaymentMethod, Subscription,
    SubscriptionStatus,
};
use crate::transaction::Transaction;

/// Returns the card that pays for a subscription: its own, or the customer's default.
pub(crate) fn payer(
    transaction: &Transaction<'_>,
    customer: &Customer,
    subscription: &Subscription,
) -> Option<PaymentMethod> {
    let id = subscription
        .default_payment_method
        .as_ref()
        .or(customer.default_payment_method.as_ref())?;
    let attached = |method: &&PaymentMethod| method.customer.as_ref() == Some(&customer.id);
    transaction.get::<PaymentMethod>(id).filter(attached).cloned()
}

/// Detaches a card and removes it as default of its customer and its subscriptions.
pub(crate) fn release(transaction: &mut Transaction<'_>, mut method: PaymentMethod, owner: &str) {
    let pays = |default: &Option<String>| default.as_ref() == Some(&method.id);
    let customer =
        transaction.live_customer(owner).filter(|customer| pays(&customer.default_payment_method));
    if let Some(mut customer) = customer.cloned() {
        customer.default_payment_method = None;
        transaction.put(customer);
    }
    let paid =
        transaction.state().subscriptions.of(owner).filter(|s| pays(&s.default_payment_method));
    for mut subscription in paid.cloned().collect::<Vec<_>>() {
        subscription.default_payment_method = None;
        transaction.put(subscription);
    }
    method.customer = None;
    method.detached = true;
    transaction.put(method);
}

/// Attempts to pay an open invoice with this card. A failed attempt is stored too.
pub(crate) fn pay(
    transaction: &mut Transaction<'_>,
    mut invoice: Invoice,
    method: Option<&PaymentMethod>,
    authenticated: bool,
) -> Result<(), PaymentFailure> {
    let outcome = collect(&mut invoice, method, transaction.now(), authenticated);
    let subscription =
        invoice.subscription.as_deref().and_then(|id| transaction.get::<Subscription>(id)).cloned();
    if let Some(mut subscription) = subscription.filter(|_| outcome.is_ok())
        && matches!(
            subscription.status,
            SubscriptionStatus::Incomplete | SubscriptionStatus::PastDue
        )
    {
        let owes = |other: &Invoice| {
            other.id != invoice.id
                && other.status == InvoiceStatus::Open
                && other.subscription.as_ref() == Some(&subscription.id)
        };
        if !transaction.state().invoices.of(&invoice.customer).any(owes) {
            subscription.status = SubscriptionStatus::Active;
            transaction.put(subscription);
        }
    }
    transaction.put(invoice);
    outcome
}
