//! The form for a new card.

use askama::Template;

use super::super::answer::Answer;
use super::super::choice;
use super::super::field::Mistake;
use super::super::flow;
use super::super::form::Form;
use super::super::page::{Frame, Refusal};
use super::super::sessions::Visit;
use super::super::side::Shell;
use super::entry::{self, CardFields};
use super::row::CardRow;
use super::save::{self, Saving};
use crate::model::{CardBehaviour, ChallengePurpose, FlowTask, PlanChoice};
use crate::transaction::Transaction;

/// The box to tick for the default card.
const DEFAULT: &str = "make-default";

/// The page.
#[derive(Template)]
#[template(path = "add_card.html")]
struct AddCard {
    frame: Frame,
    shell: Shell,
    action: String,
    mistakes: Vec<Mistake>,
    typed: CardFields,
    /// Whether the customer is asked if the card becomes the default; none of this where it does anyway.
    asks_default: bool,
    make_default: bool,
    choice: Option<PlanChoice>,
    /// Whether a plan is paid with a card of its own, and is none of the default's.
    has_own_card: bool,
    back: Option<String>,
    /// Other cards to choose from, where that is what the customer came for.
    saved: Vec<CardRow>,
    default_base: String,
}

/// `GET …/cards/new`
pub(in crate::portal) fn show(visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let choice = choice::read(visit.request.query);
    if let Some(step) = way_back(visit, choice.as_ref()) {
        return Ok(step);
    }
    Ok(Answer::page(visit, &page(visit, &Form::default(), choice, Vec::new())?))
}

/// `POST …/cards/new`
pub(in crate::portal) fn act(
    visit: &Visit<'_>,
    form: &Form,
    transaction: &mut Transaction<'_>,
) -> Result<Answer, Refusal> {
    let pays_for = choice::read(form);
    if let Some(step) = way_back(visit, pays_for.as_ref()) {
        return Ok(step);
    }
    if let Some(choice) = &pays_for {
        visit.subscription(&choice.subscription)?;
    }
    let again =
        |mistakes| Ok(Answer::again(visit, &page(visit, form, pays_for.clone(), mistakes)?));
    let method = match entry::read(form, visit.text(), visit.now)? {
        Ok(method) => method,
        Err(mistakes) => return again(mistakes),
    };
    let make_default = is_for_default(visit) || form.ticked(DEFAULT);
    match method.behaviour {
        CardBehaviour::RefusedWhenSaved(decline) => {
            again(vec![entry::refusal(decline, visit.text())])
        }
        CardBehaviour::Succeeds | CardBehaviour::Declines(_) => {
            let saving = Saving { method, make_default, pays_for };
            Ok(Answer::see(&save::save(visit, transaction, saving)?))
        }
        CardBehaviour::AuthenticatesUnlessSetUp
        | CardBehaviour::AuthenticatesAlways
        | CardBehaviour::AuthenticatesAndDeclines(_) => {
            let purpose =
                ChallengePurpose::SaveCard { method: Box::new(method), make_default, pays_for };
            Ok(Answer::see(&save::challenge(visit, transaction, purpose)?))
        }
    }
}

/// The way back to the step of a deep link that a card for this is not for.
fn way_back(visit: &Visit<'_>, pays_for: Option<&PlanChoice>) -> Option<Answer> {
    let flow = visit.session.active_flow().filter(|_| !choice::is_on_the_way(visit, pays_for))?;
    Some(Answer::see(&flow::step(visit, &flow.task)))
}

/// A deep link to this page makes the new card the default
/// (<https://docs.stripe.com/customer-management/portal-deep-links>).
fn is_for_default(visit: &Visit<'_>) -> bool {
    visit.session.active_flow().is_some_and(|flow| flow.task == FlowTask::PaymentMethodUpdate)
}

fn page(
    visit: &Visit<'_>,
    form: &Form,
    choice: Option<PlanChoice>,
    mistakes: Vec<Mistake>,
) -> Result<AddCard, Refusal> {
    let for_default = is_for_default(visit);
    let customer = visit.customer;
    let back = match &choice {
        Some(choice) => {
            visit.subscription(&choice.subscription)?;
            Some(choice::preview_address(visit, choice))
        }
        None => (!for_default).then(|| visit.home()),
    };
    let saved = visit
        .state
        .payment_methods
        .of(&customer.id)
        .map(|card| CardRow::of(card, customer, visit.now));
    Ok(AddCard {
        frame: Frame::new(visit.language),
        shell: Shell::of(visit),
        action: visit.address("cards/new"),
        typed: CardFields::of(form, visit.text(), &mistakes),
        asks_default: customer.default_payment_method.is_some() && !for_default && choice.is_none(),
        make_default: form.ticked(DEFAULT),
        choice,
        has_own_card: visit.has_own_card(),
        back,
        saved: if for_default {
            saved.filter(|card| !card.is_default && !card.expired).collect()
        } else {
            Vec::new()
        },
        default_base: visit.address("cards"),
        mistakes,
    })
}
