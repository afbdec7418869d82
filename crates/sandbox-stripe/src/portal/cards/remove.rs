//! Removes a card after the customer's confirmation.

use askama::Template;

use super::super::form::Form;
use super::super::notice::Notice;
use super::super::page::{Frame, Refusal};
use super::super::page_response::PageResponse;
use super::super::sessions::Visit;
use super::super::side::Shell;
use super::row::CardRow;
use crate::billing;
use crate::model::{PaymentMethod, Subscription};
use crate::transaction::Transaction;

/// The page's template.
#[derive(Template)]
#[template(path = "remove_card.html")]
struct RemoveCard {
    frame: Frame,
    shell: Shell,
    action: String,
    back: String,
    add: String,
    card: CardRow,
    /// The reason why the card cannot be removed.
    needed: Option<&'static str>,
    /// Whether the customer tried to remove it anyway.
    refused: bool,
}

/// `GET …/cards/{id}/remove`
pub(in crate::portal) fn show(visit: &Visit<'_>) -> Result<PageResponse, Refusal> {
    let method = visit.card(visit.request.id)?;
    Ok(PageResponse::page(visit, &page(visit, method, false)))
}

/// `POST …/cards/{id}/remove`
pub(in crate::portal) fn act(
    visit: &Visit<'_>,
    _: &Form,
    transaction: &mut Transaction<'_>,
) -> Result<PageResponse, Refusal> {
    let method = visit.card(visit.request.id)?;
    if needed(visit, method).is_some() {
        return Ok(PageResponse::invalid(visit, &page(visit, method, true)));
    }
    billing::release(transaction, method.clone(), &visit.customer.id);
    Ok(PageResponse::redirect(&Notice::CardRemoved.on(&visit.home())))
}

fn page(visit: &Visit<'_>, method: &PaymentMethod, refused: bool) -> RemoveCard {
    RemoveCard {
        frame: Frame::new(visit.language),
        shell: Shell::of(visit),
        action: visit.address(&format!("cards/{}/remove", method.id)),
        back: visit.home(),
        add: visit.address("cards/new"),
        card: CardRow::of(method, visit.customer, visit.now),
        needed: needed(visit, method),
        refused,
    }
}

/// Returns why a running plan needs the card: as its own card or as the customer's default.
fn needed(visit: &Visit<'_>, method: &PaymentMethod) -> Option<&'static str> {
    let state = visit.state;
    let customer = visit.customer;
    let mut running =
        state.subscriptions.of(&customer.id).filter(|subscription| subscription.is_running());
    let words = &visit.text().card;
    if state.payment_methods.of(&customer.id).count() == 1 {
        return running.next().map(|_| words.needed_last);
    }
    let default = customer.default_payment_method.as_deref();
    // A plan whose own card is removed falls back to the default card.
    let default_stays = default.is_some_and(|id| id != method.id && visit.card(id).is_ok());
    let pays = |subscription: &Subscription| {
        subscription.default_payment_method.as_deref().or(default) == Some(method.id.as_str())
    };
    (!default_stays && running.any(pays)).then_some(words.needed_default)
}
