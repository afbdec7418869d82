//! Applies a plan change exactly as the preview showed it.

use super::super::cards::save;
use super::super::choice::preview_address;
use super::super::flow;
use super::super::form::Form;
use super::super::notice::Notice;
use super::super::page::Refusal;
use super::super::page_response::PageResponse;
use super::super::sessions::Visit;
use super::preview;
use super::proposal::{self, ChoiceError};
use crate::billing::{self, ConfirmError, PaymentBehavior};
use crate::model::{ChallengePurpose, PlanChoice, PortalSession, Subscription, Timestamp};
use crate::transaction::Transaction;

/// Lifetime of a preview's amounts.
const PREVIEW_SECONDS: i64 = 10 * 60;

/// The change that the customer confirmed.
pub(in crate::portal) struct Proposed {
    pub(in crate::portal) choice: PlanChoice,
    /// The time of the preview.
    pub(in crate::portal) at: Timestamp,
    /// The digest of the preview's inputs.
    pub(in crate::portal) basis: String,
}

/// `POST …/subscriptions/{id}/preview`
pub(in crate::portal) fn act(
    visit: &Visit<'_>,
    form: &Form,
    transaction: &mut Transaction<'_>,
) -> Result<PageResponse, Refusal> {
    let subscription = visit.subscription(visit.request.id)?;
    let Some(choice) = preview::choice(visit, subscription, form) else {
        return preview::refuse(visit, subscription, ChoiceError::NotChangeable);
    };
    let at = form.number("at").unwrap_or(0);
    if is_already(subscription, &choice) {
        // A flow is not completed by choosing the current plan.
        return match visit.session.active_flow() {
            Some(_) => preview::refuse(visit, subscription, ChoiceError::Same),
            None => Ok(PageResponse::redirect(&flow::landing(visit, Notice::PlanChanged))),
        };
    }
    if !(visit.now - PREVIEW_SECONDS..=visit.now).contains(&at) {
        return Ok(PageResponse::redirect(&Notice::Stale.on(&preview_address(visit, &choice))));
    }
    apply(visit, transaction, Proposed { choice, at, basis: form.text("basis").to_owned() }, false)
}

/// Applies the change. `authenticated`: the cardholder has confirmed at the bank.
pub(in crate::portal) fn apply(
    visit: &Visit<'_>,
    transaction: &mut Transaction<'_>,
    proposed: Proposed,
    authenticated: bool,
) -> Result<PageResponse, Refusal> {
    let Proposed { choice, at, basis } = proposed;
    let subscription = visit.subscription(&choice.subscription)?;
    if preview::is_forbidden(visit, subscription, &choice) {
        return preview::refuse(visit, subscription, ChoiceError::NotChangeable);
    }
    let proposal = match proposal::propose(visit, subscription, &choice, at) {
        Ok(proposal) if proposal.basis == basis => proposal,
        Err(ChoiceError::Failed(error)) => return Err(error.into()),
        Err(
            error @ (ChoiceError::NotOffered
            | ChoiceError::Quantity(_)
            | ChoiceError::FixedQuantity(_)
            | ChoiceError::NotChangeable),
        ) => {
            return preview::refuse(visit, subscription, error);
        }
        // The confirmed amounts are out of date.
        Ok(_) | Err(ChoiceError::OutOfTime | ChoiceError::Same) => {
            return Ok(PageResponse::redirect(
                &Notice::Changed.on(&preview_address(visit, &choice)),
            ));
        }
    };
    if visit.session.challenge.is_some() {
        transaction.put(PortalSession { challenge: None, ..visit.session.clone() });
    }
    let planned = proposal.planned.clone();
    let words = &visit.text().change;
    match billing::confirm(transaction, planned, PaymentBehavior::ErrorIfIncomplete, authenticated)
    {
        Ok(_) => Ok(PageResponse::redirect(&flow::finish(visit, transaction, Notice::PlanChanged))),
        Err(ConfirmError::NeedsAuthentication) => {
            let purpose = ChallengePurpose::ChangePlan { choice, at, basis };
            Ok(PageResponse::redirect(&save::challenge(visit, transaction, purpose)?))
        }
        Err(ConfirmError::Declined(decline)) => {
            let reason = (visit.text().card.decline)(decline);
            preview::invalid(visit, subscription, &choice, proposal, (words.declined)(reason))
        }
        Err(ConfirmError::NoPaymentMethod) => {
            preview::invalid(visit, subscription, &choice, proposal, words.no_card.to_owned())
        }
        Err(ConfirmError::Failed(error)) => Err(error.into()),
    }
}

/// Returns whether the change is already applied, as after a double click.
fn is_already(subscription: &Subscription, choice: &PlanChoice) -> bool {
    match subscription.items.as_slice() {
        [item] => item.price == choice.price && item.quantity == choice.quantity,
        _ => false,
    }
}
