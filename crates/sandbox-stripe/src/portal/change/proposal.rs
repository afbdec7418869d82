//! A choice, checked and worked out.

use std::io;

use super::super::sessions::Visit;
use super::offer;
use crate::billing::{self, ChangeError, ItemChange, PlanChange, Planned};
use crate::ids;
use crate::model::{AdjustableQuantity, PaymentMethod, PlanChoice, Subscription, Timestamp};

/// A change that the customer has chosen.
pub(super) struct Proposal {
    pub(super) planned: Planned,
    /// Everything that the figures depend on, digested: as long as it is the same, so are they.
    pub(super) basis: String,
}

/// Why a choice leads nowhere.
#[derive(Debug)]
pub(super) enum Unfit {
    /// The subscription can be changed by nobody here.
    NotChangeable,
    /// There is no such offer.
    NotOffered,
    /// The quantity is outside these bounds.
    Quantity(AdjustableQuantity),
    /// The quantity stays what it is, which is this.
    FixedQuantity(i64),
    /// It is what the customer has.
    Same,
    /// The time is outside the subscription's period.
    OutOfTime,
    Failed(io::Error),
}

/// Works out what the choice leads to, as of this time.
pub(super) fn propose(
    visit: &Visit<'_>,
    subscription: &Subscription,
    choice: &PlanChoice,
    at: Timestamp,
) -> Result<Proposal, Unfit> {
    let item = offer::changeable(subscription).ok_or(Unfit::NotChangeable)?;
    let offers = offer::offers(visit, subscription);
    let offered =
        offers.iter().find(|offer| offer.price.id == choice.price).ok_or(Unfit::NotOffered)?;
    if choice.price == item.price && choice.quantity == item.quantity {
        return Err(Unfit::Same);
    }
    match offered.quantity {
        Some(bounds) if !(bounds.minimum.max(1)..=most(bounds)).contains(&choice.quantity) => {
            return Err(Unfit::Quantity(bounds));
        }
        None if choice.quantity != item.quantity => {
            return Err(Unfit::FixedQuantity(item.quantity));
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
            ChangeError::Failed(error) => Unfit::Failed(error),
            ChangeError::OutsidePeriod => Unfit::OutOfTime,
            ChangeError::NotChangeable => Unfit::NotChangeable,
            _ => Unfit::NotOffered,
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

/// The most that may be chosen; a figure that no sum of money overflows with.
pub(super) fn most(bounds: AdjustableQuantity) -> i64 {
    bounds.maximum.unwrap_or(999_999).min(999_999)
}

/// The card that pays for the subscription.
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
