//! Choosing the card that pays.

use super::super::answer::Answer;
use super::super::flow;
use super::super::form::Form;
use super::super::notice::Notice;
use super::super::page::Refusal;
use super::super::sessions::Visit;
use crate::model::Customer;
use crate::transaction::Transaction;

/// `POST …/cards/{id}/default`: sets the customer's `invoice_settings.default_payment_method`. Subscriptions that have
/// a card of their own keep it, as at Stripe.
pub(in crate::portal) fn act(
    visit: &Visit<'_>,
    _: &Form,
    transaction: &mut Transaction<'_>,
) -> Result<Answer, Refusal> {
    let method = visit.card(visit.request.id)?;
    transaction.put(Customer {
        default_payment_method: Some(method.id.clone()),
        ..visit.customer.clone()
    });
    Ok(Answer::see(&flow::finish(visit, transaction, Notice::CardDefault)))
}
