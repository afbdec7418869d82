//! The page for choosing another plan.

use askama::Template;

use super::super::done::Message;
use super::super::field::{Field, FieldError};
use super::super::page::{Frame, Refusal};
use super::super::page_response::PageResponse;
use super::super::sessions::Visit;
use super::super::side::Shell;
use super::offer::{self, Offer};
use super::proposal::ChoiceError;
use crate::locale::money;
use crate::model::{Recurring, Subscription, SubscriptionItem};
use crate::sanitize::plain;

pub(super) const PRICE: &str = "price";
pub(super) const QUANTITY: &str = "quantity";

/// The page's template.
#[derive(Template)]
#[template(path = "choose_plan.html")]
struct ChoosePlan {
    frame: Frame,
    shell: Shell,
    action: String,
    errors: Vec<FieldError>,
    price_error: Option<String>,
    groups: Vec<Group>,
    /// The quantity field, if the quantity may be changed.
    quantity: Option<Field>,
    /// The quantity to submit otherwise.
    fixed_quantity: i64,
}

/// The plans of one billing period.
struct Group {
    recurring: Recurring,
    title: String,
    choices: Vec<Choice>,
}

/// A selectable plan.
struct Choice {
    id: String,
    name: String,
    description: Option<String>,
    amount: String,
    interval: String,
    is_current: bool,
    chosen: bool,
}

/// `GET …/subscriptions/{id}/change`
pub(in crate::portal) fn show(visit: &Visit<'_>) -> Result<PageResponse, Refusal> {
    let subscription = visit.subscription(visit.request.id)?;
    let Some(item) = offer::changeable(subscription) else { return Ok(not_changeable(visit)) };
    Ok(match page(visit, subscription, item, None) {
        Some(page) => PageResponse::page(visit, &page),
        None => not_changeable(visit),
    })
}

/// Returns the page with the error of the choice.
pub(super) fn invalid(
    visit: &Visit<'_>,
    subscription: &Subscription,
    error: ChoiceError,
) -> Result<PageResponse, Refusal> {
    if let ChoiceError::Failed(error) = error {
        return Err(error.into());
    }
    let item = offer::changeable(subscription);
    let page = item.and_then(|item| page(visit, subscription, item, Some(error)));
    Ok(page.map_or_else(|| not_changeable(visit), |page| PageResponse::invalid(visit, &page)))
}

fn not_changeable(visit: &Visit<'_>) -> PageResponse {
    let words = &visit.text().change;
    Message::new(visit, words.title, words.not_changeable).answer(visit)
}

fn page(
    visit: &Visit<'_>,
    subscription: &Subscription,
    item: &SubscriptionItem,
    error: Option<ChoiceError>,
) -> Option<ChoosePlan> {
    let words = &visit.text().change;
    let offers = offer::offers(visit, subscription);
    if offers.is_empty() {
        return None;
    }
    let adjustable = offers.iter().any(|offer| offer.quantity.is_some());
    let errors: Vec<FieldError> = match error {
        None => Vec::new(),
        Some(ChoiceError::Quantity(bounds)) => {
            let message = (words.quantity_outside)(
                bounds.minimum.max(1),
                super::proposal::max_quantity(bounds),
            );
            vec![FieldError { field: QUANTITY, message }]
        }
        Some(ChoiceError::FixedQuantity(quantity)) if adjustable => {
            vec![FieldError { field: QUANTITY, message: (words.quantity_fixed)(quantity) }]
        }
        Some(ChoiceError::Same) => {
            vec![FieldError { field: PRICE, message: words.same.to_owned() }]
        }
        Some(_) => vec![FieldError { field: PRICE, message: words.choose_one.to_owned() }],
    };
    let query = visit.request.query;
    let asked = if query.text(PRICE).is_empty() { item.price.as_str() } else { query.text(PRICE) };
    let typed = query.text(QUANTITY);
    let quantity_value =
        if typed.is_empty() { item.quantity.to_string() } else { typed.to_owned() };
    let quantity = Field {
        inputmode: "numeric",
        max_length: 6,
        required: true,
        ..Field::new(QUANTITY, words.quantity)
    };
    Some(ChoosePlan {
        frame: Frame::new(visit.language),
        shell: Shell::of(visit),
        action: visit.address(&format!("subscriptions/{}/preview", subscription.id)),
        price_error: super::super::field::error_of(PRICE, &errors),
        groups: groups(&offers, item, asked, visit),
        quantity: adjustable.then(|| quantity.with(&quantity_value, &errors)),
        fixed_quantity: item.quantity,
        errors,
    })
}

/// Groups the offers by billing period, shortest first.
fn groups(
    offers: &[Offer<'_>],
    item: &SubscriptionItem,
    asked: &str,
    visit: &Visit<'_>,
) -> Vec<Group> {
    let text = visit.text();
    let language = visit.language;
    let mut groups: Vec<Group> = Vec::new();
    for Offer { product, price, .. } in offers {
        let Some(recurring) = price.recurring else { continue };
        let choice = Choice {
            id: price.id.clone(),
            name: plain(&product.name),
            description: product.description.as_deref().map(plain),
            amount: money::format(price.unit_amount, &price.currency, language),
            interval: text.interval(recurring),
            is_current: price.id == item.price,
            chosen: price.id == asked,
        };
        match groups.iter_mut().find(|group| group.recurring == recurring) {
            Some(group) => group.choices.push(choice),
            None => groups.push(Group {
                recurring,
                title: (text.change.billed)(recurring),
                choices: vec![choice],
            }),
        }
    }
    groups.sort_by_key(|group| group.recurring.length());
    groups
}
