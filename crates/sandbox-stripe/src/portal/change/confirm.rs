//! Making a change true, exactly as it was shown.

use super::super::answer::Answer;
use super::super::cards::save;
use super::super::choice::preview_address;
use super::super::flow;
use super::super::form::Form;
use super::super::notice::Notice;
use super::super::page::Refusal;
use super::super::sessions::Visit;
use super::preview;
use super::proposal::{self, Unfit};
use crate::billing::{self, ConfirmError, PaymentBehavior};
use crate::model::{ChallengePurpose, PlanChoice, PortalSession, Subscription, Timestamp};
use crate::transaction::Transaction;

/// For so long the figures of a preview hold.
const HOLDS_SECONDS: i64 = 10 * 60;

/// What the customer said yes to.
pub(in crate::portal) struct Proposed {
    pub(in crate::portal) choice: PlanChoice,
    /// As of when the figures were.
    pub(in crate::portal) at: Timestamp,
    /// What the figures came from.
    pub(in crate::portal) basis: String,
}

/// `POST …/subscriptions/{id}/preview`
pub(in crate::portal) fn act(
    visit: &Visit<'_>,
    form: &Form,
    transaction: &mut Transaction<'_>,
) -> Result<Answer, Refusal> {
    let subscription = visit.subscription(visit.request.id)?;
    let Some(choice) = preview::choice(visit, subscription, form) else {
        return preview::refuse(visit, subscription, Unfit::NotChangeable);
    };
    let at = form.number("at").unwrap_or(0);
    if is_already(subscription, &choice) {
        // What a deep link is for is not done by choosing what there is.
        return match visit.session.active_flow() {
            Some(_) => preview::refuse(visit, subscription, Unfit::Same),
            None => Ok(Answer::see(&flow::landing(visit, Notice::PlanChanged))),
        };
    }
    if !(visit.now - HOLDS_SECONDS..=visit.now).contains(&at) {
        return Ok(Answer::see(&Notice::Stale.on(&preview_address(visit, &choice))));
    }
    carry_out(
        visit,
        transaction,
        Proposed { choice, at, basis: form.text("basis").to_owned() },
        false,
    )
}

/// Makes the change; `authenticated` where the card's holder has said yes at the bank.
pub(in crate::portal) fn carry_out(
    visit: &Visit<'_>,
    transaction: &mut Transaction<'_>,
    proposed: Proposed,
    authenticated: bool,
) -> Result<Answer, Refusal> {
    let Proposed { choice, at, basis } = proposed;
    let subscription = visit.subscription(&choice.subscription)?;
    if preview::is_forbidden(visit, subscription, &choice) {
        return preview::refuse(visit, subscription, Unfit::NotChangeable);
    }
    let proposal = match proposal::propose(visit, subscription, &choice, at) {
        Ok(proposal) if proposal.basis == basis => proposal,
        Err(Unfit::Failed(error)) => return Err(error.into()),
        Err(
            unfit @ (Unfit::NotOffered
            | Unfit::Quantity(_)
            | Unfit::FixedQuantity(_)
            | Unfit::NotChangeable),
        ) => {
            return preview::refuse(visit, subscription, unfit);
        }
        // The figures that were agreed to are no longer true.
        Ok(_) | Err(Unfit::OutOfTime | Unfit::Same) => {
            return Ok(Answer::see(&Notice::Changed.on(&preview_address(visit, &choice))));
        }
    };
    if visit.session.challenge.is_some() {
        transaction.put(PortalSession { challenge: None, ..visit.session.clone() });
    }
    let planned = proposal.planned.clone();
    let words = &visit.text().change;
    match billing::confirm(transaction, planned, PaymentBehavior::ErrorIfIncomplete, authenticated)
    {
        Ok(_) => Ok(Answer::see(&flow::finish(visit, transaction, Notice::PlanChanged))),
        Err(ConfirmError::NeedsAuthentication) => {
            let purpose = ChallengePurpose::ChangePlan { choice, at, basis };
            Ok(Answer::see(&save::challenge(visit, transaction, purpose)?))
        }
        Err(ConfirmError::Declined(decline)) => {
            let reason = (visit.text().card.decline)(decline);
            preview::again(visit, subscription, &choice, proposal, (words.declined)(reason))
        }
        Err(ConfirmError::NoPaymentMethod) => {
            preview::again(visit, subscription, &choice, proposal, words.no_card.to_owned())
        }
        Err(ConfirmError::Failed(error)) => Err(error.into()),
    }
}

/// Whether the subscription is as chosen: a form that is sent twice does its work once.
fn is_already(subscription: &Subscription, choice: &PlanChoice) -> bool {
    match subscription.items.as_slice() {
        [item] => item.price == choice.price && item.quantity == choice.quantity,
        _ => false,
    }
}
