//! The page that shows the cost of a change before it is confirmed.

use askama::Template;

use super::super::cards::row::CardRow;
use super::super::choice::card_address;
use super::super::done::Message;
use super::super::form::Form;
use super::super::page::{Frame, Refusal};
use super::super::page_response::PageResponse;
use super::super::sessions::Visit;
use super::super::side::Shell;
use super::choose;
use super::figures::Figures;
use super::proposal::{self, ChoiceError, Proposal};
use crate::locale::money;
use crate::model::{ConfirmItem, FlowTask, PlanChoice, Subscription, Timestamp};
use crate::sanitize::plain;

/// The page's template.
#[derive(Template)]
#[template(path = "preview.html")]
struct Preview {
    frame: Frame,
    shell: Shell,
    action: String,
    /// The reason of a failed payment.
    error: Option<String>,
    name: String,
    price: String,
    previous: String,
    figures: Figures,
    card: Option<CardRow>,
    add_card: Option<String>,
    /// The URL of the page for choosing a plan, unless a flow fixes the plan.
    back: Option<String>,
    choice: PlanChoice,
    at: Timestamp,
    basis: String,
}

/// `GET …/subscriptions/{id}/preview`
pub(in crate::portal) fn show(visit: &Visit<'_>) -> Result<PageResponse, Refusal> {
    let subscription = visit.subscription(visit.request.id)?;
    let Some(choice) = choice(visit, subscription, visit.request.query) else {
        return refuse(visit, subscription, ChoiceError::NotChangeable);
    };
    match proposal::propose(visit, subscription, &choice, visit.now) {
        Ok(proposal) => {
            Ok(PageResponse::page(visit, &page(visit, subscription, &choice, proposal, None)?))
        }
        Err(error) => refuse(visit, subscription, error),
    }
}

/// Returns the page with the error of the payment.
pub(super) fn invalid(
    visit: &Visit<'_>,
    subscription: &Subscription,
    choice: &PlanChoice,
    proposal: Proposal,
    error: String,
) -> Result<PageResponse, Refusal> {
    Ok(PageResponse::invalid(visit, &page(visit, subscription, choice, proposal, Some(error))?))
}

/// Returns the page with the error of a choice: the choosing page, or a message within a flow.
pub(super) fn refuse(
    visit: &Visit<'_>,
    subscription: &Subscription,
    error: ChoiceError,
) -> Result<PageResponse, Refusal> {
    if flow_items(visit).is_none() {
        return choose::invalid(visit, subscription, error);
    }
    match error {
        ChoiceError::Failed(error) => Err(error.into()),
        ChoiceError::Same => {
            let words = &visit.text().change;
            Ok(Message::new(visit, words.title, words.same).answer(visit))
        }
        _ => {
            let words = &visit.text().change;
            Ok(Message::new(visit, words.title, words.not_changeable).answer(visit))
        }
    }
}

/// Returns the change to confirm. A flow's change takes precedence over the `given` form. Returns
/// None if the flow's change does not fit the subscription.
pub(super) fn choice(
    visit: &Visit<'_>,
    subscription: &Subscription,
    given: &Form,
) -> Option<PlanChoice> {
    let item = subscription.items.first();
    let (price, quantity) = match (flow_items(visit), item) {
        (Some([wanted]), Some(item)) if wanted.id == item.id => (
            wanted.price.clone().unwrap_or_else(|| item.price.clone()),
            wanted.quantity.unwrap_or(item.quantity),
        ),
        (Some(_), _) => return None,
        (None, _) => {
            let quantity = match given.text(choose::QUANTITY) {
                "" => item.map_or(1, |item| item.quantity),
                typed => typed.parse().unwrap_or(0),
            };
            (given.text(choose::PRICE).to_owned(), quantity)
        }
    };
    Some(PlanChoice { subscription: subscription.id.clone(), price, quantity })
}

/// Returns whether a flow fixes the change and differs from `wanted`.
pub(super) fn is_forbidden(
    visit: &Visit<'_>,
    subscription: &Subscription,
    wanted: &PlanChoice,
) -> bool {
    flow_items(visit).is_some()
        && choice(visit, subscription, &Form::default()).as_ref() != Some(wanted)
}

/// Returns the change that a flow fixes.
fn flow_items<'a>(visit: &Visit<'a>) -> Option<&'a [ConfirmItem]> {
    match &visit.session.active_flow()?.task {
        FlowTask::SubscriptionUpdateConfirm { items, .. } => Some(items),
        _ => None,
    }
}

fn page(
    visit: &Visit<'_>,
    subscription: &Subscription,
    choice: &PlanChoice,
    proposal: Proposal,
    error: Option<String>,
) -> Result<Preview, Refusal> {
    let state = visit.state;
    let text = visit.text();
    let language = visit.language;
    let rate = |price: &str, quantity: i64| {
        let Some(price) = state.prices.get(price) else { return (String::new(), String::new()) };
        let name = state
            .products
            .get(&price.product)
            .map_or_else(|| price.id.clone(), |product| plain(&product.name));
        let name = if quantity == 1 { name } else { format!("{quantity} × {name}") };
        let amount =
            money::format(price.unit_amount.saturating_mul(quantity), &price.currency, language);
        let interval =
            price.recurring.map(|recurring| text.interval(recurring)).unwrap_or_default();
        (name, format!("{amount} {interval}"))
    };
    let (name, price) = rate(&choice.price, choice.quantity);
    let previous =
        subscription.items.first().map(|item| rate(&item.price, item.quantity)).unwrap_or_default();
    let can_add = visit.configuration.features.payment_method_update;
    let change =
        flow_items(visit).is_none().then(|| format!("subscriptions/{}/change", subscription.id));
    Ok(Preview {
        frame: Frame::new(visit.language),
        shell: Shell::of(visit),
        action: visit.address(&format!("subscriptions/{}/preview", subscription.id)),
        error,
        name,
        price,
        previous: format!("{} · {}", previous.0, previous.1),
        figures: Figures::of(visit, &proposal.planned)?,
        card: proposal::payer(visit, subscription)
            .map(|method| CardRow::of(method, visit.customer, visit.now)),
        add_card: can_add.then(|| card_address(visit, choice)),
        back: change.map(|rest| visit.address(&rest)),
        choice: choice.clone(),
        at: proposal.planned.at,
        basis: proposal.basis,
    })
}
