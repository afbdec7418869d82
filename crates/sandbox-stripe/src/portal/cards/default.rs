//! Chooses the default card.

use super::super::flow;
use super::super::form::Form;
use super::super::notice::Notice;
use super::super::page::Refusal;
use super::super::page_response::PageResponse;
use super::super::sessions::Visit;
use crate::model::Customer;
use crate::transaction::Transaction;

/// `POST …/cards/{id}/default`: sets the customer's `invoice_settings.default_payment_method`.
/// Subscriptions with their own card keep it, as at Stripe.
pub(in crate::portal) fn act(
    visit: &Visit<'_>,
    _: &Form,
    transaction: &mut Transaction<'_>,
) -> Result<PageResponse, Refusal> {
    let method = visit.card(visit.request.id)?;
    transaction.put(Customer {
        default_payment_method: Some(method.id.clone()),
        ..visit.customer.clone()
    });
    Ok(PageResponse::redirect(&flow::finish(visit, transaction, Notice::CardDefault)))
}
