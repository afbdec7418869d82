//! What a change costs, before anybody says yes to it.

use askama::Template;

use super::super::answer::Answer;
use super::super::cards::row::CardRow;
use super::super::done::Message;
use super::super::money;
use super::super::page::{Frame, Refusal};
use super::super::sessions::Visit;
use super::super::side::Shell;
use super::figures::Figures;
use super::proposal::{self, Proposal, Unfit};
use super::{card_address, choose};
use crate::model::{FlowTask, PlanChoice, Subscription, Timestamp};

/// The page.
#[derive(Template)]
#[template(path = "preview.html")]
struct Preview {
    frame: Frame,
    shell: Shell,
    action: String,
    /// Why the payment did not succeed.
    error: Option<String>,
    name: String,
    price: String,
    previous: String,
    figures: Figures,
    card: Option<CardRow>,
    add_card: Option<String>,
    /// Where another plan is chosen, where there is a choice.
    back: Option<String>,
    choice: PlanChoice,
    at: Timestamp,
    basis: String,
}

/// `GET …/subscriptions/{id}/preview`
pub(in crate::portal) fn show(visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let subscription = visit.subscription(visit.request.id)?;
    let choice = choice(visit, subscription);
    match proposal::propose(visit, subscription, &choice, visit.now) {
        Ok(proposal) => Ok(Answer::page(visit, &page(visit, subscription, &choice, proposal, None)?)),
        Err(unfit) => refuse(visit, subscription, unfit),
    }
}

/// The page again, with what came of the attempt to pay.
pub(super) fn again(
    visit: &Visit<'_>,
    subscription: &Subscription,
    choice: &PlanChoice,
    proposal: Proposal,
    error: String,
) -> Result<Answer, Refusal> {
    Ok(Answer::again(visit, &page(visit, subscription, choice, proposal, Some(error))?))
}

/// The page that says what is wrong with a choice: the one where it is made, if there is one.
pub(super) fn refuse(visit: &Visit<'_>, subscription: &Subscription, unfit: Unfit) -> Result<Answer, Refusal> {
    if !is_given(visit) {
        return choose::again(visit, subscription, unfit);
    }
    match unfit {
        Unfit::Failed(error) => Err(error.into()),
        Unfit::Same => {
            let words = &visit.text().change;
            Ok(Message::new(visit, words.title, words.same).answer(visit))
        }
        _ => {
            let words = &visit.text().change;
            Ok(Message::new(visit, words.title, words.not_changeable).answer(visit))
        }
    }
}

/// What is to be confirmed: a deep link may have said it already.
pub(super) fn choice(visit: &Visit<'_>, subscription: &Subscription) -> PlanChoice {
    let query = visit.request.query;
    let item = subscription.items.first();
    let current = item.map_or(1, |item| item.quantity);
    let asked = query.text(choose::QUANTITY);
    let quantity = if asked.is_empty() { current } else { asked.parse().unwrap_or(0) };
    let mut choice =
        PlanChoice { subscription: subscription.id.clone(), price: query.text(choose::PRICE).to_owned(), quantity };
    if let Some(FlowTask::SubscriptionUpdateConfirm { items, .. }) = visit.session.active_flow().map(|flow| &flow.task)
        && let ([wanted], Some(item)) = (items.as_slice(), item)
        && wanted.id == item.id
    {
        choice.price = wanted.price.clone().unwrap_or_else(|| item.price.clone());
        choice.quantity = wanted.quantity.unwrap_or(item.quantity);
    }
    choice
}

/// Whether there is nothing left to choose.
fn is_given(visit: &Visit<'_>) -> bool {
    let task = visit.session.active_flow().map(|flow| &flow.task);
    matches!(task, Some(FlowTask::SubscriptionUpdateConfirm { .. }))
}

fn page(
    visit: &Visit<'_>,
    subscription: &Subscription,
    choice: &PlanChoice,
    proposal: Proposal,
    error: Option<String>,
) -> Result<Preview, Refusal> {
    let (state, text, language) = (visit.state, visit.text(), visit.language);
    let rate = |price: &str, quantity: i64| {
        let Some(price) = state.prices.get(price) else { return (String::new(), String::new()) };
        let name = state.products.get(&price.product).map_or_else(|| price.id.clone(), |product| product.name.clone());
        let name = if quantity == 1 { name } else { format!("{quantity} × {name}") };
        let amount = money::format(price.unit_amount.saturating_mul(quantity), &price.currency, language);
        let interval = price.recurring.map(|recurring| text.interval(recurring)).unwrap_or_default();
        (name, format!("{amount} {interval}"))
    };
    let (name, price) = rate(&choice.price, choice.quantity);
    let previous = subscription.items.first().map(|item| rate(&item.price, item.quantity)).unwrap_or_default();
    let can_add = visit.configuration.features.payment_method_update;
    let change = if is_given(visit) { None } else { Some(format!("subscriptions/{}/change", subscription.id)) };
    Ok(Preview {
        frame: Frame::new(visit.language),
        shell: Shell::of(visit),
        action: visit.address(&format!("subscriptions/{}/preview", subscription.id)),
        error,
        name,
        price,
        previous: format!("{} · {}", previous.0, previous.1),
        figures: Figures::of(visit, &proposal.planned)?,
        card: proposal::payer(visit, subscription).map(|method| CardRow::of(method, visit.customer, visit.now)),
        add_card: can_add.then(|| card_address(visit, choice)),
        back: change.map(|rest| visit.address(&rest)),
        choice: choice.clone(),
        at: proposal.planned.at,
        basis: proposal.basis,
    })
}
