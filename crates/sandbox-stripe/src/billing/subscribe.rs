//! Beginning a subscription, and resuming a paused one.

use std::io;

use super::invoicing::{Bill, collect};
use super::lines;
use super::pay::payer;
use super::period::period_end;
use super::{PaymentBehavior, change};
use crate::ids::{self, IdKind};
use crate::model::{
    BillingReason, Cancellation, Customer, Metadata, MissingPaymentMethod, PaymentFailure, Price,
    Recurring, Subscription, SubscriptionItem, SubscriptionStatus, Trial,
};
use crate::state::Catalog as _;
use crate::transaction::Transaction;

/// What is subscribed to.
pub(crate) struct NewItem {
    pub(crate) price: Price,
    pub(crate) quantity: i64,
    pub(crate) metadata: Metadata,
}

/// A subscription to be.
pub(crate) struct NewSubscription {
    pub(crate) customer: Customer,
    /// At least one; all in one currency and with one billing period.
    pub(crate) items: Vec<NewItem>,
    pub(crate) recurring: Recurring,
    pub(crate) trial_end: Option<i64>,
    pub(crate) missing_payment_method: MissingPaymentMethod,
    pub(crate) default_payment_method: Option<String>,
    pub(crate) behavior: PaymentBehavior,
    /// Whether the card's holder is there and has said yes to the payment.
    pub(crate) authenticated: bool,
    pub(crate) description: Option<String>,
    pub(crate) metadata: Metadata,
}

/// Why there is no subscription; nothing has changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubscribeError {
    #[error("the first payment failed")]
    Payment(PaymentFailure),
    #[error(transparent)]
    Failed(#[from] io::Error),
}

/// Begins a subscription: the first invoice is made, and paid where that can be.
pub(crate) fn subscribe(
    transaction: &mut Transaction<'_>,
    order: NewSubscription,
) -> Result<Subscription, SubscribeError> {
    let now = transaction.now();
    let NewSubscription { mut customer, items, recurring, trial_end, .. } = order;
    let end = trial_end.map_or_else(|| period_end(now, recurring), Ok)?;
    let currency = items.first().map_or_else(String::new, |item| item.price.currency.clone());
    let item = |item: NewItem| -> io::Result<SubscriptionItem> {
        Ok(SubscriptionItem {
            id: ids::fresh(IdKind::SubscriptionItem)?,
            created: now,
            price: item.price.id,
            quantity: item.quantity,
            current_period_start: now,
            current_period_end: end,
            metadata: item.metadata,
        })
    };
    let mut subscription = Subscription {
        id: ids::fresh(IdKind::Subscription)?,
        created: now,
        customer: customer.id.clone(),
        status: if trial_end.is_some() {
            SubscriptionStatus::Trialing
        } else {
            SubscriptionStatus::Active
        },
        currency,
        start_date: now,
        billing_cycle_anchor: trial_end.unwrap_or(now),
        items: items.into_iter().map(item).collect::<io::Result<_>>()?,
        cancellation: Cancellation::default(),
        default_payment_method: order.default_payment_method,
        latest_invoice: None,
        pending: Vec::new(),
        trial: trial_end.map(|end| Trial { start: now, end }),
        missing_payment_method: order.missing_payment_method,
        description: order.description,
        metadata: order.metadata,
    };
    let make = if trial_end.is_some() { lines::trial } else { lines::period };
    let lines =
        subscription.items.iter().map(|item| make(transaction, item)).collect::<io::Result<_>>()?;
    let method = payer(transaction, &customer, &subscription);
    let bill = Bill {
        subscription: &mut subscription,
        reason: BillingReason::SubscriptionCreate,
        lines,
        at: now,
    };
    let mut invoice = bill.finalize(&mut customer)?;
    let waits = order.behavior == PaymentBehavior::DefaultIncomplete && invoice.amount_due() > 0;
    if waits {
        subscription.status = SubscriptionStatus::Incomplete;
    } else if let Err(failure) = collect(&mut invoice, method.as_ref(), now, order.authenticated) {
        if order.behavior == PaymentBehavior::ErrorIfIncomplete
            || failure == PaymentFailure::NoPaymentMethod
        {
            return Err(SubscribeError::Payment(failure));
        }
        subscription.status = SubscriptionStatus::Incomplete;
    }
    subscription.latest_invoice = Some(invoice.id.clone());
    // In the order in which events tell it.
    transaction.put(subscription.clone());
    transaction.put(invoice);
    transaction.put(customer);
    Ok(subscription)
}

/// Resumes a paused subscription with a new period from now on.
pub(crate) fn resume(
    transaction: &mut Transaction<'_>,
    mut subscription: Subscription,
) -> Result<Subscription, SubscribeError> {
    let now = transaction.now();
    let gone = || io::Error::other("a subscription without a customer");
    let mut customer =
        transaction.live_customer(&subscription.customer).cloned().ok_or_else(gone)?;
    let recurring =
        subscription.items.iter().find_map(|item| transaction.price(&item.price)?.recurring);
    let recurring =
        recurring.ok_or_else(|| io::Error::other("a subscription without a recurring price"))?;
    change::restart(&mut subscription, recurring, now, false)?;
    subscription.status = SubscriptionStatus::Active;
    let lines = subscription
        .items
        .iter()
        .map(|item| lines::period(transaction, item))
        .collect::<io::Result<_>>()?;
    let method = payer(transaction, &customer, &subscription);
    let bill = Bill {
        subscription: &mut subscription,
        reason: BillingReason::SubscriptionUpdate,
        lines,
        at: now,
    };
    let mut invoice = bill.finalize(&mut customer)?;
    collect(&mut invoice, method.as_ref(), now, false).map_err(SubscribeError::Payment)?;
    subscription.latest_invoice = Some(invoice.id.clone());
    transaction.put(invoice);
    transaction.put(customer);
    transaction.put(subscription.clone());
    Ok(subscription)
}
