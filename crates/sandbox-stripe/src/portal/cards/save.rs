//! Saves a card for a customer.

use super::super::choice;
use super::super::flow;
use super::super::notice::Notice;
use super::super::page::Refusal;
use super::super::sessions::Visit;
use crate::ids;
use crate::model::{
    CHALLENGE_SECONDS, Challenge, ChallengePurpose, Customer, FlowTask, PaymentMethod, PlanChoice,
    PortalSession,
};
use crate::transaction::Transaction;

/// A card to save and its intended use.
pub(in crate::portal) struct Saving {
    pub(in crate::portal) method: PaymentMethod,
    pub(in crate::portal) make_default: bool,
    /// The pending plan change that the card is for.
    pub(in crate::portal) pays_for: Option<PlanChoice>,
}

/// Saves the card and returns the next page's URL.
pub(in crate::portal) fn save(
    visit: &Visit<'_>,
    transaction: &mut Transaction<'_>,
    saving: Saving,
) -> Result<String, Refusal> {
    let Saving { mut method, make_default, pays_for } = saving;
    let customer = visit.customer;
    // A card that is submitted twice is saved once.
    let same = |known: &&PaymentMethod| known.card == method.card;
    if let Some(known) = visit.state.payment_methods.of(&customer.id).find(same) {
        method.id.clone_from(&known.id);
        method.created = known.created;
        method.metadata.clone_from(&known.metadata);
        method.set_up |= known.set_up;
    }
    method.customer = Some(customer.id.clone());
    let default = &customer.default_payment_method;
    let own_card = match &pays_for {
        Some(choice) => Some(visit.subscription(&choice.subscription)?)
            .filter(|s| s.default_payment_method.is_some()),
        None => None,
    };
    match own_card {
        // The new card replaces the plan's own card.
        Some(subscription) => {
            let mut subscription = subscription.clone();
            subscription.default_payment_method = Some(method.id.clone());
            transaction.put(subscription);
        }
        None if make_default || pays_for.is_some() || default.is_none() => {
            transaction.put(Customer {
                default_payment_method: Some(method.id.clone()),
                ..customer.clone()
            });
        }
        None => {}
    }
    transaction.put(method);
    if visit.session.challenge.is_some() {
        transaction.put(PortalSession { challenge: None, ..visit.session.clone() });
    }
    if let Some(choice) = pays_for {
        return Ok(Notice::CardAdded.on(&choice::preview_address(visit, &choice)));
    }
    match visit.session.active_flow().map(|flow| &flow.task) {
        Some(FlowTask::PaymentMethodUpdate) => {
            Ok(flow::finish(visit, transaction, Notice::CardAdded))
        }
        _ => Ok(Notice::CardAdded.on(&visit.home())),
    }
}

/// Stores a challenge and returns the bank page's URL.
pub(in crate::portal) fn challenge(
    visit: &Visit<'_>,
    transaction: &mut Transaction<'_>,
    purpose: ChallengePurpose,
) -> Result<String, Refusal> {
    let challenge =
        Challenge { id: ids::secret()?, expires_at: visit.now + CHALLENGE_SECONDS, purpose };
    transaction.put(PortalSession { challenge: Some(challenge), ..visit.session.clone() });
    Ok(visit.address("bank"))
}
