//! The form for a new card.

use askama::Template;

use super::super::choice;
use super::super::field::FieldError;
use super::super::flow;
use super::super::form::Form;
use super::super::page::{Frame, Refusal};
use super::super::page_response::PageResponse;
use super::super::sessions::Visit;
use super::super::side::Shell;
use super::entry::{self, CardFields};
use super::row::CardRow;
use super::save::{self, Saving};
use crate::model::{CardBehaviour, ChallengePurpose, FlowTask, PlanChoice};
use crate::transaction::Transaction;

/// Name of the checkbox that makes the new card the default.
const DEFAULT: &str = "make-default";

/// The page's template.
#[derive(Template)]
#[template(path = "add_card.html")]
struct AddCard {
    frame: Frame,
    shell: Shell,
    action: String,
    errors: Vec<FieldError>,
    typed: CardFields,
    /// Whether to show the checkbox. A first card and a flow's card become the default without it.
    show_default: bool,
    make_default: bool,
    choice: Option<PlanChoice>,
    /// Whether a running subscription has a payment method of its own.
    has_own_card: bool,
    back: Option<String>,
    /// Saved cards to choose from in a payment method flow.
    saved: Vec<CardRow>,
    default_base: String,
}

/// `GET …/cards/new`
pub(in crate::portal) fn show(visit: &Visit<'_>) -> Result<PageResponse, Refusal> {
    let choice = choice::read(visit.request.query);
    if let Some(step) = redirect_to_flow(visit, choice.as_ref()) {
        return Ok(step);
    }
    Ok(PageResponse::page(visit, &page(visit, &Form::default(), choice, Vec::new())?))
}

/// `POST …/cards/new`
pub(in crate::portal) fn act(
    visit: &Visit<'_>,
    form: &Form,
    transaction: &mut Transaction<'_>,
) -> Result<PageResponse, Refusal> {
    let pays_for = choice::read(form);
    if let Some(step) = redirect_to_flow(visit, pays_for.as_ref()) {
        return Ok(step);
    }
    if let Some(choice) = &pays_for {
        visit.subscription(&choice.subscription)?;
    }
    let invalid =
        |errors| Ok(PageResponse::invalid(visit, &page(visit, form, pays_for.clone(), errors)?));
    let method = match entry::read(form, visit.text(), visit.now)? {
        Ok(method) => method,
        Err(errors) => return invalid(errors),
    };
    let make_default = is_for_default(visit) || form.ticked(DEFAULT);
    match method.behaviour {
        CardBehaviour::RefusedWhenSaved(decline) => {
            invalid(vec![entry::refusal(decline, visit.text())])
        }
        CardBehaviour::Succeeds | CardBehaviour::Declines(_) => {
            let saving = Saving { method, make_default, pays_for };
            Ok(PageResponse::redirect(&save::save(visit, transaction, saving)?))
        }
        CardBehaviour::AuthenticatesUnlessSetUp
        | CardBehaviour::AuthenticatesAlways
        | CardBehaviour::AuthenticatesAndDeclines(_) => {
            let purpose =
                ChallengePurpose::SaveCard { method: Box::new(method), make_default, pays_for };
            Ok(PageResponse::redirect(&save::challenge(visit, transaction, purpose)?))
        }
    }
}

/// Returns a redirect to the flow's step if this page is not part of the flow.
fn redirect_to_flow(visit: &Visit<'_>, pays_for: Option<&PlanChoice>) -> Option<PageResponse> {
    let flow = visit.session.active_flow().filter(|_| !choice::matches_flow(visit, pays_for))?;
    Some(PageResponse::redirect(&flow::step(visit, &flow.task)))
}

/// Returns whether the active flow makes the new card the default
/// (<https://docs.stripe.com/customer-management/portal-deep-links>).
fn is_for_default(visit: &Visit<'_>) -> bool {
    visit.session.active_flow().is_some_and(|flow| flow.task == FlowTask::PaymentMethodUpdate)
}

fn page(
    visit: &Visit<'_>,
    form: &Form,
    choice: Option<PlanChoice>,
    errors: Vec<FieldError>,
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
        typed: CardFields::of(form, visit.text(), &errors),
        show_default: customer.default_payment_method.is_some() && !for_default && choice.is_none(),
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
        errors,
    })
}
