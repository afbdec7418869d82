//! Validates a choice and computes its cost.

use std::io;

use super::super::sessions::Visit;
use super::offer;
use crate::billing::{self, ChangeError, ItemChange, PlanChange, Planned};
use crate::ids;
use crate::model::{AdjustableQuantity, PaymentMethod, PlanChoice, Subscription, Timestamp};

/// A validated change.
pub(super) struct Proposal {
    pub(super) planned: Planned,
    /// A digest of all inputs of the amounts. Equal digests mean equal amounts.
    pub(super) basis: String,
}

/// The reason why a choice is refused.
#[derive(Debug)]
pub(super) enum ChoiceError {
    /// The pages cannot change this subscription.
    NotChangeable,
    /// The price is not offered.
    NotOffered,
    /// The quantity is outside these bounds.
    Quantity(AdjustableQuantity),
    /// The quantity must stay at this value.
    FixedQuantity(i64),
    /// It is the current plan.
    Same,
    /// The time is outside the subscription's period.
    OutOfTime,
    Failed(io::Error),
}

/// Validates the choice and computes the change as of `at`.
pub(super) fn propose(
    visit: &Visit<'_>,
    subscription: &Subscription,
    choice: &PlanChoice,
    at: Timestamp,
) -> Result<Proposal, ChoiceError> {
    let item = offer::changeable(subscription).ok_or(ChoiceError::NotChangeable)?;
    let offers = offer::offers(visit, subscription);
    let offered = offers
        .iter()
        .find(|offer| offer.price.id == choice.price)
        .ok_or(ChoiceError::NotOffered)?;
    if choice.price == item.price && choice.quantity == item.quantity {
        return Err(ChoiceError::Same);
    }
    match offered.quantity {
        Some(bounds)
            if !(bounds.minimum.max(1)..=max_quantity(bounds)).contains(&choice.quantity) =>
        {
            return Err(ChoiceError::Quantity(bounds));
        }
        None if choice.quantity != item.quantity => {
            return Err(ChoiceError::FixedQuantity(item.quantity));
        }
        _ => {}
    }
    let update = &visit.configuration.features.subscription_update;
    let change = PlanChange {
        items: vec![ItemChange {
            id: Some(item.id.clone()),
            price: Some(choice.price.clone()),
            quantity: Some(choice.quantity),
            ..ItemChange::default()
        }],
        proration: update.proration,
        at,
        begins: at,
        resets_anchor: update.resets_anchor,
        ends_trial: update.ends_trial,
    };
    let planned =
        billing::plan(visit.state, subscription, &change).map_err(|error| match error {
            ChangeError::Failed(error) => ChoiceError::Failed(error),
            ChangeError::OutsidePeriod => ChoiceError::OutOfTime,
            ChangeError::NotChangeable => ChoiceError::NotChangeable,
            _ => ChoiceError::NotOffered,
        })?;
    let customer = visit.customer;
    let card = payer(visit, subscription).map(|method| &method.id);
    let figures = (
        choice,
        subscription,
        customer.balance,
        &subscription.pending,
        offered.price,
        card,
        update,
    );
    Ok(Proposal { planned, basis: ids::digest(&format!("{figures:?}")) })
}

/// Returns the maximum quantity. Its amount fits into an `i64`.
pub(super) fn max_quantity(bounds: AdjustableQuantity) -> i64 {
    bounds.maximum.unwrap_or(999_999).min(999_999)
}

/// Returns the card that pays for the subscription.
pub(super) fn payer<'a>(
    visit: &Visit<'a>,
    subscription: &Subscription,
) -> Option<&'a PaymentMethod> {
    let id = subscription
        .default_payment_method
        .as_ref()
        .or(visit.customer.default_payment_method.as_ref())?;
    visit
        .state
        .payment_methods
        .get(id)
        .filter(|method| method.customer.as_ref() == Some(&visit.customer.id))
}
