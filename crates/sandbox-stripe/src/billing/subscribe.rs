//! Creates subscriptions and resumes paused ones.

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

/// An item of a new subscription.
pub(crate) struct NewItem {
    pub(crate) price: Price,
    pub(crate) quantity: i64,
    pub(crate) metadata: Metadata,
}

/// The data of a new subscription.
pub(crate) struct NewSubscription {
    pub(crate) customer: Customer,
    /// At least one item; all share one currency and one billing period.
    pub(crate) items: Vec<NewItem>,
    pub(crate) recurring: Recurring,
    pub(crate) trial_end: Option<i64>,
    pub(crate) missing_payment_method: MissingPaymentMethod,
    pub(crate) default_payment_method: Option<String>,
    pub(crate) behavior: PaymentBehavior,
    /// Whether the cardholder has confirmed the payment.
    pub(crate) authenticated: bool,
    pub(crate) description: Option<String>,
    pub(crate) metadata: Metadata,
}

/// The reason why no subscription was created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubscribeError {
    #[error("the first payment failed")]
    Payment(PaymentFailure),
    #[error(transparent)]
    Failed(#[from] io::Error),
}

/// Creates a subscription and its first invoice, and attempts to collect the invoice.
pub(crate) fn subscribe(
    transaction: &mut Transaction<'_>,
    new: NewSubscription,
) -> Result<Subscription, SubscribeError> {
    let now = transaction.now();
    let NewSubscription { mut customer, items, recurring, trial_end, .. } = new;
    let end = trial_end.map_or_else(|| period_end(now, recurring), Ok)?;
    let currency = items.first().map_or_else(String::new, |item| item.price.currency.clone());
    let item = |item: NewItem| -> io::Result<SubscriptionItem> {
        Ok(SubscriptionItem {
            id: ids::generate(IdKind::SubscriptionItem)?,
            created: now,
            price: item.price.id,
            quantity: item.quantity,
            current_period_start: now,
            current_period_end: end,
            metadata: item.metadata,
        })
    };
    let mut subscription = Subscription {
        id: ids::generate(IdKind::Subscription)?,
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
        default_payment_method: new.default_payment_method,
        latest_invoice: None,
        pending: Vec::new(),
        trial: trial_end.map(|end| Trial { start: now, end }),
        missing_payment_method: new.missing_payment_method,
        description: new.description,
        metadata: new.metadata,
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
    let waits = new.behavior == PaymentBehavior::DefaultIncomplete && invoice.amount_due() > 0;
    if waits {
        subscription.status = SubscriptionStatus::Incomplete;
    } else if let Err(failure) = collect(&mut invoice, method.as_ref(), now, new.authenticated) {
        if new.behavior == PaymentBehavior::ErrorIfIncomplete
            || failure == PaymentFailure::NoPaymentMethod
        {
            return Err(SubscribeError::Payment(failure));
        }
        subscription.status = SubscriptionStatus::Incomplete;
    }
    subscription.latest_invoice = Some(invoice.id.clone());
    // Events follow the order of these changes.
    transaction.put(subscription.clone());
    transaction.put(invoice);
    transaction.put(customer);
    Ok(subscription)
}

/// Resumes a paused subscription with a new period that starts now.
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
