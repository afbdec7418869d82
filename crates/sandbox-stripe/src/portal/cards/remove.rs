//! Removing a card, once the customer has said yes.

use askama::Template;

use super::super::answer::Answer;
use super::super::form::Form;
use super::super::notice::Notice;
use super::super::page::{Frame, Refusal};
use super::super::sessions::Visit;
use super::super::side::Shell;
use super::row::CardRow;
use crate::billing;
use crate::model::PaymentMethod;
use crate::state::Transaction;

/// The page.
#[derive(Template)]
#[template(path = "remove_card.html")]
struct RemoveCard {
    frame: Frame,
    shell: Shell,
    action: String,
    back: String,
    add: String,
    card: CardRow,
    /// Why it cannot be removed.
    needed: Option<&'static str>,
}

/// `GET …/cards/{id}/remove`
pub(in crate::portal) fn show(visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let method = visit.card(visit.request.id)?;
    Ok(Answer::page(visit, &page(visit, method)))
}

/// `POST …/cards/{id}/remove`
pub(in crate::portal) fn act(
    visit: &Visit<'_>,
    _: &Form,
    transaction: &mut Transaction<'_>,
) -> Result<Answer, Refusal> {
    let method = visit.card(visit.request.id)?;
    if needed(visit, method).is_some() {
        return Ok(Answer::again(visit, &page(visit, method)));
    }
    billing::release(transaction, method.clone(), &visit.customer.id);
    Ok(Answer::see(&Notice::CardRemoved.on(&visit.home())))
}

fn page(visit: &Visit<'_>, method: &PaymentMethod) -> RemoveCard {
    RemoveCard {
        frame: Frame::new(visit.language),
        shell: Shell::of(visit),
        action: visit.address(&format!("cards/{}/remove", method.id)),
        back: visit.home(),
        add: visit.address("cards/new"),
        card: CardRow::of(method, visit.customer, visit.now),
        needed: needed(visit, method),
    }
}

/// A plan that goes on needs a card that pays for it.
fn needed(visit: &Visit<'_>, method: &PaymentMethod) -> Option<&'static str> {
    let customer = visit.customer;
    if !visit.state.subscriptions.of(&customer.id).any(crate::model::Subscription::is_running) {
        return None;
    }
    let words = &visit.text().card;
    if visit.state.payment_methods.of(&customer.id).count() == 1 {
        return Some(words.needed_last);
    }
    (customer.default_payment_method.as_ref() == Some(&method.id)).then_some(words.needed_default)
}
