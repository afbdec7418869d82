//! Paying: creates the customer, the card, the subscription and its first invoice, or nothing.

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

/// The outcome of a payment attempt. Only [`Outcome::Paid`] changes the state, as at Stripe
/// (<https://docs.stripe.com/changelog/basil/2025-03-31/checkout-legacy-subscription-upgrade>).
pub(super) enum Outcome {
    /// The session is complete; the value is the success URL.
    Paid(String),
    /// The cardholder must confirm at the bank first.
    NeedsHolder,
    Declined(Decline),
    /// The card was removed, or a card is required now.
    Changed,
}

/// Attempts the payment. `authenticated`: the cardholder has confirmed at the bank.
pub(super) fn pay(
    visit: &Visit<'_>,
    transaction: &mut Transaction<'_>,
    paying: &Paying,
    authenticated: bool,
) -> io::Result<Outcome> {
    let session = visit.session;
    let mut customer = match visit.customer {
        Some(customer) => customer.clone(),
        None => Customer::create(visit.now)?,
    };
    customer.email.get_or_insert_with(|| paying.email.clone());
    let mut card = None;
    match &paying.funding {
        Funding::New(method) => {
            if let Some(outcome) = save_refusal(method, authenticated) {
                return Ok(outcome);
            }
            if session.makes_customer {
                customer.name.clone_from(&method.billing_details.name);
            }
            card = Some(attach(method, &customer, authenticated));
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
    // Events follow the order of these changes.
    transaction.put(customer.clone());
    if matches!(paying.funding, Funding::New(_))
        && let Some(card) = &card
    {
        transaction.put(card.clone());
    }
    let id = customer.id.clone();
    let new = new_subscription(visit, transaction, customer, card, authenticated)?;
    match billing::subscribe(transaction, new) {
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

/// Stores a challenge and returns the bank page's URL.
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

/// Returns the outcome that prevents saving a newly entered card, regardless of the amount.
fn save_refusal(method: &PaymentMethod, authenticated: bool) -> Option<Outcome> {
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

/// Returns the card attached to the customer.
fn attach(method: &PaymentMethod, customer: &Customer, authenticated: bool) -> PaymentMethod {
    let mut method = method.clone();
    method.customer = Some(customer.id.clone());
    method.billing_details.email.clone_from(&customer.email);
    method.set_up = authenticated;
    method
}

/// Builds the subscription with its own card. As at Stripe, the customer's default is unchanged.
fn new_subscription(
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

/// Returns the end of a trial that starts now.
pub(super) fn trial_end(session: &CheckoutSession, now: Timestamp) -> Option<Timestamp> {
    session.terms.trial_days.map(|days| now + days * 24 * 60 * 60)
}

/// Returns the billing period of the session's prices.
pub(super) fn recurring(visit: &Visit<'_>) -> Option<Recurring> {
    let first = visit.session.items.first()?;
    visit.state.prices.get(&first.price)?.recurring
}
