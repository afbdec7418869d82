//! The simulated bank page of a payment, on which the cardholder confirms or refuses.

use axum::http::StatusCode;
use axum::response::Response;

use super::page;
use super::pay::{self, Outcome};
use super::unavailable::Unavailable;
use super::visit::Visit;
use crate::locale::money;
use crate::model::{Card, CheckoutChallenge, CheckoutSession, Funding};
use crate::portal::address;
use crate::portal::authenticate::Bank;
use crate::portal::form::{self, Form};
use crate::portal::page::{Frame, redirect, render};
use crate::transaction::Transaction;

/// `GET /c/pay/{token}/bank`
pub(super) fn show(visit: &Visit<'_>, _: &Form) -> Result<Response, Unavailable> {
    let Some(challenge) = open(visit) else { return Ok(redirect(&after_challenge(visit))) };
    let card = card(visit, challenge);
    let due = visit.due();
    let page = Bank {
        frame: Frame::new(visit.language),
        action: visit.bank(),
        csrf_token: form::csrf_token(visit.token),
        challenge: challenge.id.clone(),
        brand: card.map(|card| card.brand.clone()).unwrap_or_default(),
        last4: card.map(|card| card.last4.clone()).unwrap_or_default(),
        amount: (due > 0).then(|| money::format(due, &visit.session.currency, visit.language)),
    };
    Ok(render(StatusCode::OK, &page, address::csp_source(&visit.session.success_url).as_deref()))
}

/// `POST /c/pay/{token}/bank`
pub(super) fn act(
    visit: &Visit<'_>,
    form: &Form,
    transaction: &mut Transaction<'_>,
) -> Result<Response, Unavailable> {
    let asked = open(visit).filter(|challenge| challenge.id == form.text("challenge"));
    let Some(challenge) = asked else { return Ok(redirect(&after_challenge(visit))) };
    let outcome = match form.text("answer") {
        "complete" => pay::pay(visit, transaction, &challenge.paying, true)?,
        _ => Outcome::NeedsHolder,
    };
    if let Outcome::Paid(address) = outcome {
        return Ok(redirect(&address));
    }
    transaction.put(CheckoutSession { challenge: None, ..visit.session.clone() });
    match outcome {
        Outcome::Declined(decline) => page::declined(visit, &Form::default(), decline),
        _ => Ok(redirect(&page::not_authenticated(visit))),
    }
}

fn open<'a>(visit: &Visit<'a>) -> Option<&'a CheckoutChallenge> {
    visit.session.challenge.as_ref().filter(|challenge| visit.now < challenge.expires_at)
}

fn card<'a>(visit: &Visit<'a>, challenge: &'a CheckoutChallenge) -> Option<&'a Card> {
    match &challenge.paying.funding {
        Funding::New(method) => Some(&method.card),
        Funding::Saved(id) => visit.state.payment_methods.get(id).map(|method| &method.card),
        Funding::Nothing => None,
    }
}

/// Returns the destination when there is no open challenge: it was answered or has expired.
fn after_challenge(visit: &Visit<'_>) -> String {
    if visit.session.challenge.is_some() { page::not_authenticated(visit) } else { visit.home() }
}
