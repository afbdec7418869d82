//! Changing a plan: what may be chosen, what it costs, and making it true.

pub(super) mod choose;
pub(super) mod confirm;
mod figures;
pub(super) mod offer;
pub(super) mod preview;
mod proposal;

use super::form::Form;
use super::sessions::Visit;
use crate::model::{Card, PlanChoice};

/// What a form or an address says of a choice.
pub(super) fn choice_in(form: &Form) -> Option<PlanChoice> {
    let (subscription, price) = (form.text("subscription"), form.text("price"));
    let quantity = form.number("quantity")?;
    let given = !subscription.is_empty() && !price.is_empty();
    given.then(|| PlanChoice {
        subscription: subscription.to_owned(),
        price: price.to_owned(),
        quantity,
    })
}

/// Whether the choice is about the subscription that a deep link is about, where there is one.
pub(super) fn is_on_the_way(visit: &Visit<'_>, choice: Option<&PlanChoice>) -> bool {
    let chosen = choice.map(|choice| choice.subscription.as_str());
    visit.session.active_flow().is_none_or(|flow| flow.task.subscription() == chosen)
}

/// Where the choice is shown with its figures.
pub(super) fn preview_address(visit: &Visit<'_>, choice: &PlanChoice) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("price", &choice.price)
        .append_pair("quantity", &choice.quantity.to_string())
        .finish();
    visit.address(&format!("subscriptions/{}/preview?{query}", choice.subscription))
}

/// Where a card is added for the choice.
pub(super) fn card_address(visit: &Visit<'_>, choice: &PlanChoice) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("subscription", &choice.subscription)
        .append_pair("price", &choice.price)
        .append_pair("quantity", &choice.quantity.to_string())
        .finish();
    visit.address(&format!("cards/new?{query}"))
}

/// What the bank asks its customer about.
pub(super) struct Bill {
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) card: Option<Card>,
}

/// What confirming the choice costs.
pub(super) fn bill(visit: &Visit<'_>, choice: &PlanChoice, at: i64) -> Option<Bill> {
    let subscription = visit.subscription(&choice.subscription).ok()?;
    let proposal = proposal::propose(visit, subscription, choice, at).ok()?;
    let invoice = crate::billing::preview(visit.state, visit.customer, &proposal.planned).ok()?;
    let card = proposal::payer(visit, subscription).map(|method| method.card.clone());
    Some(Bill { amount: invoice.amount_due(), currency: invoice.currency, card })
}
