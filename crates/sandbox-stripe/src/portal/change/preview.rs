//! What a change costs, before anybody says yes to it.

use askama::Template;

use super::super::answer::Answer;
use super::super::cards::row::CardRow;
use super::super::choice::card_address;
use super::super::done::Message;
use super::super::form::Form;
use super::super::page::{Frame, Refusal};
use super::super::sessions::Visit;
use super::super::side::Shell;
use super::choose;
use super::figures::Figures;
use super::proposal::{self, Proposal, Unfit};
use crate::locale::money;
use crate::model::{ConfirmItem, FlowTask, PlanChoice, Subscription, Timestamp};
use crate::shown::plain;

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
    let Some(choice) = choice(visit, subscription, visit.request.query) else {
        return refuse(visit, subscription, Unfit::NotChangeable);
    };
    match proposal::propose(visit, subscription, &choice, visit.now) {
        Ok(proposal) => {
            Ok(Answer::page(visit, &page(visit, subscription, &choice, proposal, None)?))
        }
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
pub(super) fn refuse(
    visit: &Visit<'_>,
    subscription: &Subscription,
    unfit: Unfit,
) -> Result<Answer, Refusal> {
    if linked(visit).is_none() {
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

/// What is to be confirmed. Where a deep link says it, nothing that is `said` in a form or an address counts, and there is
/// no choice where the link does not fit the subscription.
pub(super) fn choice(
    visit: &Visit<'_>,
    subscription: &Subscription,
    said: &Form,
) -> Option<PlanChoice> {
    let item = subscription.items.first();
    let (price, quantity) = match (linked(visit), item) {
        (Some([wanted]), Some(item)) if wanted.id == item.id => (
            wanted.price.clone().unwrap_or_else(|| item.price.clone()),
            wanted.quantity.unwrap_or(item.quantity),
        ),
        (Some(_), _) => return None,
        (None, _) => {
            let quantity = match said.text(choose::QUANTITY) {
                "" => item.map_or(1, |item| item.quantity),
                typed => typed.parse().unwrap_or(0),
            };
            (said.text(choose::PRICE).to_owned(), quantity)
        }
    };
    Some(PlanChoice { subscription: subscription.id.clone(), price, quantity })
}

/// Whether a deep link leaves nothing to choose, and says something else than this.
pub(super) fn is_forbidden(
    visit: &Visit<'_>,
    subscription: &Subscription,
    wanted: &PlanChoice,
) -> bool {
    linked(visit).is_some()
        && choice(visit, subscription, &Form::default()).as_ref() != Some(wanted)
}

/// What a deep link says is to be confirmed.
fn linked<'a>(visit: &Visit<'a>) -> Option<&'a [ConfirmItem]> {
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
    let (state, text, language) = (visit.state, visit.text(), visit.language);
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
        linked(visit).is_none().then(|| format!("subscriptions/{}/change", subscription.id));
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
