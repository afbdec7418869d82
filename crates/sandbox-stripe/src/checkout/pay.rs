//! Paying: the customer, the card, the subscription and its first invoice are made together, or none of them.

use std::io;

use super::success;
use super::visit::Visit;
use crate::billing::{self, NewItem, NewSubscription, PaymentBehavior, SubscribeError};
use crate::ids;
use crate::model::{
    CHALLENGE_SECONDS, CardBehaviour, CheckoutChallenge, CheckoutSession, CheckoutStatus, Customer,
    Decline, Funding, Paying, PaymentFailure, PaymentMethod, Price, Recurring, Timestamp,
};
use crate::transaction::Transaction;

/// What becomes of an attempt to pay. Only [`Outcome::Paid`] changes anything, as at Stripe
/// (<https://docs.stripe.com/changelog/basil/2025-03-31/checkout-legacy-subscription-upgrade>).
pub(super) enum Outcome {
    /// The session is complete, and the customer lands here.
    Paid(String),
    /// The cardholder has to say yes at the bank first.
    NeedsHolder,
    Declined(Decline),
    /// The card is no longer there, or no longer enough.
    Changed,
}

/// Tries to pay; `authenticated` where the card's holder has said yes at the bank.
pub(super) fn pay(
    visit: &Visit<'_>,
    transaction: &mut Transaction<'_>,
    paying: &Paying,
    authenticated: bool,
) -> io::Result<Outcome> {
    let session = visit.session;
    let mut customer = match visit.customer {
        Some(customer) => customer.clone(),
        None => Customer::begin(visit.now)?,
    };
    customer.email.get_or_insert_with(|| paying.email.clone());
    let mut card = None;
    match &paying.funding {
        Funding::New(method) => {
            if let Some(outcome) = hindrance(method, authenticated) {
                return Ok(outcome);
            }
            if session.makes_customer {
                customer.name.clone_from(&method.billing_details.name);
            }
            card = Some(settle(method, &customer, authenticated));
        }
        Funding::Saved(id) => {
            let own = visit.state.payment_methods.of(&customer.id).find(|method| method.id == *id);
            let Some(own) = own else { return Ok(Outcome::Changed) };
            card = Some(own.clone());
        }
        Funding::Nothing if visit.asks_card() => return Ok(Outcome::Changed),
        Funding::Nothing => {}
    }
    let name = match &paying.funding {
        Funding::New(method) => method.billing_details.name.clone(),
        Funding::Saved(_) | Funding::Nothing => customer.name.clone(),
    };
    // In the order in which events tell it.
    transaction.put(customer.clone());
    if matches!(paying.funding, Funding::New(_))
        && let Some(card) = &card
    {
        transaction.put(card.clone());
    }
    let id = customer.id.clone();
    let order = order(visit, transaction, customer, card, authenticated)?;
    match billing::subscribe(transaction, order) {
        Ok(subscription) => {
            let session = CheckoutSession {
                status: CheckoutStatus::Complete,
                customer: Some(id),
                payer_email: visit
                    .email()
                    .map(str::to_owned)
                    .or_else(|| Some(paying.email.clone())),
                payer_name: name,
                subscription: Some(subscription.id),
                invoice: subscription.latest_invoice,
                challenge: None,
                ..session.clone()
            };
            let address = success::address(&session);
            transaction.put(session);
            Ok(Outcome::Paid(address))
        }
        Err(SubscribeError::Payment(failure)) => {
            transaction.discard();
            Ok(match failure {
                PaymentFailure::Declined(decline) => Outcome::Declined(decline),
                PaymentFailure::NeedsAuthentication => Outcome::NeedsHolder,
                PaymentFailure::NoPaymentMethod => Outcome::Changed,
            })
        }
        Err(SubscribeError::Failed(error)) => Err(error),
    }
}

/// Sends the customer to the bank first; gives the address of its page.
pub(super) fn challenge(
    visit: &Visit<'_>,
    transaction: &mut Transaction<'_>,
    paying: Paying,
) -> io::Result<String> {
    let challenge =
        CheckoutChallenge { id: ids::secret()?, expires_at: visit.now + CHALLENGE_SECONDS, paying };
    transaction.put(CheckoutSession { challenge: Some(challenge), ..visit.session.clone() });
    Ok(visit.bank())
}

/// What stands in the way of saving a card that was typed, whatever is due.
fn hindrance(method: &PaymentMethod, authenticated: bool) -> Option<Outcome> {
    match method.behaviour {
        CardBehaviour::RefusedWhenSaved(decline) => Some(Outcome::Declined(decline)),
        CardBehaviour::Succeeds | CardBehaviour::Declines(_) => None,
        CardBehaviour::AuthenticatesUnlessSetUp
        | CardBehaviour::AuthenticatesAlways
        | CardBehaviour::AuthenticatesAndDeclines(_) => {
            (!authenticated).then_some(Outcome::NeedsHolder)
        }
    }
}

/// The card as the customer's.
fn settle(method: &PaymentMethod, customer: &Customer, authenticated: bool) -> PaymentMethod {
    let mut method = method.clone();
    method.customer = Some(customer.id.clone());
    method.billing_details.email.clone_from(&customer.email);
    method.set_up = authenticated;
    method
}

/// The subscription to be. Its card is its own: the customer's default for invoices stays as it is, as at Stripe.
fn order(
    visit: &Visit<'_>,
    transaction: &Transaction<'_>,
    customer: Customer,
    card: Option<PaymentMethod>,
    authenticated: bool,
) -> io::Result<NewSubscription> {
    let session = visit.session;
    let gone = || io::Error::other("a checkout session without its price");
    let mut items = Vec::with_capacity(session.items.len());
    for item in &session.items {
        let price = transaction.get::<Price>(&item.price).cloned().ok_or_else(gone)?;
        items.push(NewItem { price, quantity: item.quantity, metadata: item.metadata.clone() });
    }
    Ok(NewSubscription {
        recurring: items.first().and_then(|item| item.price.recurring).ok_or_else(gone)?,
        customer,
        items,
        trial_end: trial_end(session, visit.now),
        missing_payment_method: session.terms.missing_payment_method,
        default_payment_method: card.map(|card| card.id),
        behavior: PaymentBehavior::ErrorIfIncomplete,
        authenticated,
        description: session.terms.description.clone(),
        metadata: session.terms.metadata.clone(),
    })
}

/// When a trial ends that begins now.
pub(super) fn trial_end(session: &CheckoutSession, now: Timestamp) -> Option<Timestamp> {
    session.terms.trial_days.map(|days| now + days * 24 * 60 * 60)
}

/// How often the session's prices are paid.
pub(super) fn recurring(visit: &Visit<'_>) -> Option<Recurring> {
    let first = visit.session.items.first()?;
    visit.state.prices.get(&first.price)?.recurring
}
