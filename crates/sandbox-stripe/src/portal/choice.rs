//! A plan that the customer chose, on its way from page to page.

use super::form::Form;
use super::sessions::Visit;
use crate::model::PlanChoice;

/// What a form or an address says of a choice.
pub(super) fn read(form: &Form) -> Option<PlanChoice> {
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
