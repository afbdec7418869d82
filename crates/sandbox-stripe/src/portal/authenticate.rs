//! The simulated bank page, on which the cardholder confirms or refuses.

use askama::Template;

use super::cards::save::{self, Saving};
use super::flow;
use super::form;
use super::form::Form;
use super::notice::Notice;
use super::page::{Frame, Refusal};
use super::page_response::PageResponse;
use super::sessions::Visit;
use super::{change, choice};
use crate::locale::money;
use crate::model::{Challenge, ChallengePurpose, PortalSession};
use crate::transaction::Transaction;

/// The page's template.
#[derive(Template)]
#[template(path = "bank.html")]
pub(crate) struct Bank {
    pub(crate) frame: Frame,
    pub(crate) action: String,
    pub(crate) csrf_token: String,
    pub(crate) challenge: String,
    pub(crate) brand: String,
    pub(crate) last4: String,
    /// The amount of the payment; None when a card is saved without one.
    pub(crate) amount: Option<String>,
}

/// `GET …/bank`
pub(super) fn show(visit: &Visit<'_>) -> Result<PageResponse, Refusal> {
    let Some(challenge) = open(visit).filter(|challenge| is_allowed(visit, &challenge.purpose))
    else {
        return Ok(PageResponse::redirect(&after_challenge(visit)));
    };
    let (card, amount) = match &challenge.purpose {
        ChallengePurpose::SaveCard { method, .. } => (Some(method.card.clone()), None),
        ChallengePurpose::ChangePlan { choice, at, .. } => {
            let bill = change::bill(visit, choice, *at);
            let amount = bill
                .as_ref()
                .map(|bill| money::format(bill.amount, &bill.currency, visit.language));
            (bill.and_then(|bill| bill.card), amount)
        }
    };
    Ok(PageResponse::page(
        visit,
        &Bank {
            frame: Frame::new(visit.language),
            action: visit.address("bank"),
            csrf_token: form::csrf_token(visit.request.token),
            challenge: challenge.id.clone(),
            brand: card.as_ref().map(|card| card.brand.clone()).unwrap_or_default(),
            last4: card.map(|card| card.last4).unwrap_or_default(),
            amount,
        },
    ))
}

/// `POST …/bank`
pub(super) fn act(
    visit: &Visit<'_>,
    form: &Form,
    transaction: &mut Transaction<'_>,
) -> Result<PageResponse, Refusal> {
    let asked = open(visit).filter(|challenge| challenge.id == form.text("challenge"));
    let Some(challenge) = asked else { return Ok(PageResponse::redirect(&after_challenge(visit))) };
    if !is_allowed(visit, &challenge.purpose) {
        clear_challenge(visit, transaction);
        return Ok(PageResponse::redirect(&Notice::Changed.on(&visit.home())));
    }
    let yes = form.text("answer") == "complete";
    match challenge.purpose.clone() {
        ChallengePurpose::SaveCard { mut method, make_default, pays_for } if yes => {
            method.set_up = true;
            let saving = Saving { method: *method, make_default, pays_for };
            Ok(PageResponse::redirect(&save::save(visit, transaction, saving)?))
        }
        ChallengePurpose::ChangePlan { choice, at, basis } if yes => {
            let proposed = change::confirm::Proposed { choice, at, basis };
            change::confirm::apply(visit, transaction, proposed, true)
        }
        ChallengePurpose::SaveCard { pays_for, .. } => {
            clear_challenge(visit, transaction);
            let address = match pays_for {
                Some(choice) => choice::card_address(visit, &choice),
                None => visit.address("cards/new"),
            };
            Ok(PageResponse::redirect(&Notice::NotAuthenticated.on(&address)))
        }
        ChallengePurpose::ChangePlan { choice, .. } => {
            clear_challenge(visit, transaction);
            Ok(PageResponse::redirect(
                &Notice::NotAuthenticated.on(&choice::preview_address(visit, &choice)),
            ))
        }
    }
}

fn open<'a>(visit: &Visit<'a>) -> Option<&'a Challenge> {
    visit.session.challenge.as_ref().filter(|challenge| visit.now < challenge.expires_at)
}

/// Returns whether the configuration and the flow still permit the challenged action.
fn is_allowed(visit: &Visit<'_>, purpose: &ChallengePurpose) -> bool {
    let features = &visit.configuration.features;
    let (offered, choice) = match purpose {
        ChallengePurpose::SaveCard { pays_for, .. } => {
            (features.payment_method_update, pays_for.as_ref())
        }
        ChallengePurpose::ChangePlan { choice, .. } => {
            (features.subscription_update.enabled, Some(choice))
        }
    };
    offered && choice::matches_flow(visit, choice)
}

fn clear_challenge(visit: &Visit<'_>, transaction: &mut Transaction<'_>) {
    transaction.put(PortalSession { challenge: None, ..visit.session.clone() });
}

/// Returns the destination when there is no open challenge: it was answered or has expired.
fn after_challenge(visit: &Visit<'_>) -> String {
    match (visit.session.active_flow(), &visit.session.challenge) {
        (Some(flow), _) => flow::step(visit, &flow.task),
        (None, Some(_)) => Notice::NotAuthenticated.on(&visit.home()),
        (None, None) => visit.home(),
    }
}
