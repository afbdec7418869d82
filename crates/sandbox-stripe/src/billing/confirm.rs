//! Making a planned change true, with its invoice.

use std::io;

use super::change::Planned;
use super::invoicing::{Bill, collect};
use super::pay::payer;
use crate::model::{
    BillingReason, Customer, Decline, PaymentFailure, Subscription, SubscriptionStatus,
};
use crate::transaction::Transaction;

/// What to do where a payment does not succeed (<https://docs.stripe.com/api/subscriptions/update>,
/// `payment_behavior`).
#[expect(clippy::enum_variant_names, reason = "they are Stripe's words")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PaymentBehavior {
    /// The change holds, and the invoice stays open.
    AllowIncomplete,
    /// The same, and no payment is tried.
    DefaultIncomplete,
    /// Nothing changes.
    ErrorIfIncomplete,
}

/// Why a change did not come true; nothing has changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfirmError {
    #[error("the payment was declined")]
    Declined(Decline),
    #[error("the holder has to authenticate the payment")]
    NeedsAuthentication,
    #[error("there is nothing to pay with")]
    NoPaymentMethod,
    #[error(transparent)]
    Failed(#[from] io::Error),
}

impl From<PaymentFailure> for ConfirmError {
    fn from(failure: PaymentFailure) -> Self {
        match failure {
            PaymentFailure::Declined(decline) => Self::Declined(decline),
            PaymentFailure::NeedsAuthentication => Self::NeedsAuthentication,
            PaymentFailure::NoPaymentMethod => Self::NoPaymentMethod,
        }
    }
}

/// Confirms a planned change; `authenticated` where the card's holder is there and has said yes.
pub(crate) fn confirm(
    transaction: &mut Transaction<'_>,
    planned: Planned,
    behavior: PaymentBehavior,
    authenticated: bool,
) -> Result<Subscription, ConfirmError> {
    let Planned { mut subscription, lines, at_once, .. } = planned;
    let now = transaction.now();
    let gone = || io::Error::other("a subscription without a customer");
    let mut customer =
        transaction.get::<Customer>(&subscription.customer).cloned().ok_or_else(gone)?;
    if at_once {
        let method = payer(transaction, &customer, &subscription);
        let bill = Bill {
            subscription: &mut subscription,
            reason: BillingReason::SubscriptionUpdate,
            lines,
            at: now,
        };
        let mut invoice = bill.finalize(&mut customer)?;
        let outcome = match behavior {
            PaymentBehavior::DefaultIncomplete if invoice.amount_due() > 0 => {
                Err(PaymentFailure::NoPaymentMethod)
            }
            _ => collect(&mut invoice, method.as_ref(), now, authenticated),
        };
        if let Err(failure) = outcome {
            if behavior == PaymentBehavior::ErrorIfIncomplete {
                return Err(failure.into());
            }
            subscription.status = SubscriptionStatus::PastDue;
        }
        subscription.latest_invoice = Some(invoice.id.clone());
        transaction.put(invoice);
    } else {
        subscription.pending.extend(lines);
    }
    transaction.put(customer);
    transaction.put(subscription.clone());
    Ok(subscription)
}
