//! The chosen plan, passed from page to page in forms and URLs.

use super::form::Form;
use super::sessions::Visit;
use crate::model::PlanChoice;

/// Reads a choice from a form or a query.
pub(super) fn read(form: &Form) -> Option<PlanChoice> {
    let subscription = form.text("subscription");
    let price = form.text("price");
    let quantity = form.number("quantity")?;
    let given = !subscription.is_empty() && !price.is_empty();
    given.then(|| PlanChoice {
        subscription: subscription.to_owned(),
        price: price.to_owned(),
        quantity,
    })
}

/// Returns whether the choice concerns the flow's subscription, or there is no flow.
pub(super) fn matches_flow(visit: &Visit<'_>, choice: Option<&PlanChoice>) -> bool {
    let chosen = choice.map(|choice| choice.subscription.as_str());
    visit.session.active_flow().is_none_or(|flow| flow.task.subscription() == chosen)
}

/// Returns the URL of the choice's preview.
pub(super) fn preview_address(visit: &Visit<'_>, choice: &PlanChoice) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("price", &choice.price)
        .append_pair("quantity", &choice.quantity.to_string())
        .finish();
    visit.address(&format!("subscriptions/{}/preview?{query}", choice.subscription))
}

/// Returns the URL for adding a card for the choice.
pub(super) fn card_address(visit: &Visit<'_>, choice: &PlanChoice) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("subscription", &choice.subscription)
        .append_pair("price", &choice.price)
        .append_pair("quantity", &choice.quantity.to_string())
        .finish();
    visit.address(&format!("cards/new?{query}"))
}
