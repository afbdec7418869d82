//! Applies a planned change and creates its invoice.

use std::io;

use super::change::Planned;
use super::invoicing::{Bill, collect};
use super::pay::payer;
use crate::model::{
    BillingReason, Customer, Decline, PaymentFailure, Subscription, SubscriptionStatus,
};
use crate::transaction::Transaction;

/// The effect of a failed payment (<https://docs.stripe.com/api/subscriptions/update>,
/// `payment_behavior`).
#[expect(clippy::enum_variant_names, reason = "the names are Stripe's")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PaymentBehavior {
    /// The change is applied and the invoice stays open.
    AllowIncomplete,
    /// The change is applied and no payment is attempted.
    DefaultIncomplete,
    /// The change is refused.
    ErrorIfIncomplete,
}

/// The reason why a change was not applied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfirmError {
    #[error("the payment was declined")]
    Declined(Decline),
    #[error("the payment needs the cardholder's authentication")]
    NeedsAuthentication,
    #[error("there is no payment method")]
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

/// Applies a planned change. `authenticated`: the cardholder has confirmed the payment.
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
