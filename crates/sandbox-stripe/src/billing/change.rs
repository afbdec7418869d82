//! Computes the result and the cost of a change to a subscription's items.

use std::io;

use super::lines;
use super::period::period_end;
use crate::ids::{self, IdKind};
use crate::model::{
    InvoiceLine, Metadata, ProrationBehavior, Recurring, Subscription, SubscriptionItem,
    SubscriptionStatus, Timestamp,
};
use crate::state::Catalog;

/// A change of one item, or a new one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ItemChange {
    /// None for a new item.
    pub(crate) id: Option<String>,
    pub(crate) price: Option<String>,
    pub(crate) quantity: Option<i64>,
    pub(crate) deleted: bool,
    /// Whether the price was created inline for this item.
    pub(crate) inline: bool,
    pub(crate) metadata: Option<Metadata>,
}

/// A change of a subscription's items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlanChange {
    pub(crate) items: Vec<ItemChange>,
    pub(crate) proration: ProrationBehavior,
    /// The time from which the new price applies.
    pub(crate) at: Timestamp,
    /// The start of the new billing period, if there is one.
    pub(crate) begins: Timestamp,
    /// Whether a new billing period begins.
    pub(crate) resets_anchor: bool,
    /// Whether a trial ends.
    pub(crate) ends_trial: bool,
}

/// The result of a change before it is confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) subscription: Subscription,
    /// Charges and credits.
    pub(crate) lines: Vec<InvoiceLine>,
    /// Whether the lines are invoiced now. Otherwise they wait for the next invoice.
    pub(crate) at_once: bool,
    pub(crate) at: Timestamp,
}

/// The reason why a change is refused. A number is the index of the changed item.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error("no such item")]
    NoSuchItem(usize),
    #[error("no such price")]
    NoSuchPrice(usize),
    #[error("an item without a price")]
    NoPrice(usize),
    #[error("the price is not active")]
    InactivePrice(usize),
    #[error("the price is not recurring")]
    NotRecurring(usize),
    #[error("the price is in another currency")]
    OtherCurrency(usize),
    #[error("the quantity is negative")]
    BadQuantity(usize),
    #[error("another item has the same price")]
    SamePriceTwice,
    #[error("the items have different billing periods")]
    DifferentIntervals,
    #[error("the subscription would have no items")]
    NoItems,
    #[error("the time is outside the current period")]
    OutsidePeriod,
    #[error("the subscription has ended, or its first payment is missing")]
    NotChangeable,
    #[error(transparent)]
    Failed(#[from] io::Error),
}

/// Computes a change without applying it.
pub(crate) fn plan(
    catalog: &impl Catalog,
    before: &Subscription,
    change: &PlanChange,
) -> Result<Planned, ChangeError> {
    use SubscriptionStatus::{Active, PastDue, Paused, Trialing};
    if !matches!(before.status, Active | PastDue | Paused | Trialing) {
        return Err(ChangeError::NotChangeable);
    }
    let at = change.at;
    let inside = |item: &SubscriptionItem| {
        (item.current_period_start..=item.current_period_end).contains(&at)
    };
    if !before.items.iter().all(inside) {
        return Err(ChangeError::OutsidePeriod);
    }
    let mut after = before.clone();
    apply_items(catalog, &mut after, change)?;
    let recurring = same_interval(catalog, &after)?;
    let trialing = before.status == Trialing;
    let other_interval = same_interval(catalog, before).is_ok_and(|old| old != recurring);
    let ends_trial = trialing && change.ends_trial;
    let restarts = ends_trial || (!trialing && (change.resets_anchor || other_interval));
    let mut planned = Planned { subscription: after, lines: Vec::new(), at_once: false, at };
    if restarts {
        restart(&mut planned.subscription, recurring, change.begins, ends_trial)?;
    }
    if before.status == Paused || (trialing && !ends_trial) {
        return Ok(planned);
    }
    let prorates = change.proration != ProrationBehavior::None && !trialing;
    planned.lines = charges(catalog, before, &planned.subscription, at, prorates, restarts)?;
    planned.at_once = !planned.lines.is_empty()
        && (restarts || change.proration == ProrationBehavior::AlwaysInvoice);
    Ok(planned)
}

fn apply_items(
    catalog: &impl Catalog,
    after: &mut Subscription,
    change: &PlanChange,
) -> Result<(), ChangeError> {
    for (index, wanted) in change.items.iter().enumerate() {
        if let Some(price) = &wanted.price {
            let price = catalog.price(price).ok_or(ChangeError::NoSuchPrice(index))?;
            let kept = after
                .items
                .iter()
                .any(|item| item.price == price.id && wanted.id.as_ref() == Some(&item.id));
            match price.recurring {
                None => return Err(ChangeError::NotRecurring(index)),
                Some(_) if !price.active && !kept && !wanted.inline => {
                    return Err(ChangeError::InactivePrice(index));
                }
                Some(_) if price.currency != after.currency => {
                    return Err(ChangeError::OtherCurrency(index));
                }
                Some(_) => {}
            }
        }
        if wanted.quantity.is_some_and(|quantity| quantity < 0) {
            return Err(ChangeError::BadQuantity(index));
        }
        match &wanted.id {
            Some(id) => {
                let place = after.items.iter().position(|item| item.id == *id);
                let place = place.ok_or(ChangeError::NoSuchItem(index))?;
                if wanted.deleted {
                    after.items.remove(place);
                    continue;
                }
                let item = &mut after.items[place];
                item.price = wanted.price.clone().unwrap_or_else(|| item.price.clone());
                item.quantity = wanted.quantity.unwrap_or(item.quantity);
                item.metadata = wanted.metadata.clone().unwrap_or_else(|| item.metadata.clone());
            }
            None => {
                let model = after.items.first().ok_or(ChangeError::NoItems)?;
                let item = SubscriptionItem {
                    id: ids::generate(IdKind::SubscriptionItem)?,
                    created: change.begins,
                    price: wanted.price.clone().ok_or(ChangeError::NoPrice(index))?,
                    quantity: wanted.quantity.unwrap_or(1),
                    current_period_start: model.current_period_start,
                    current_period_end: model.current_period_end,
                    metadata: wanted.metadata.clone().unwrap_or_default(),
                };
                after.items.push(item);
            }
        }
    }
    let twice = |(index, item): (usize, &SubscriptionItem)| {
        after.items[..index].iter().any(|other| other.price == item.price)
    };
    if after.items.iter().enumerate().any(twice) {
        Err(ChangeError::SamePriceTwice)
    } else {
        Ok(())
    }
}

fn same_interval(
    catalog: &impl Catalog,
    subscription: &Subscription,
) -> Result<Recurring, ChangeError> {
    let mut all =
        subscription.items.iter().filter_map(|item| catalog.price(&item.price)?.recurring);
    let first = all.next().ok_or(ChangeError::NoItems)?;
    if all.all(|other| other == first) { Ok(first) } else { Err(ChangeError::DifferentIntervals) }
}

/// Starts a new period at `at`.
pub(super) fn restart(
    subscription: &mut Subscription,
    recurring: Recurring,
    at: Timestamp,
    ends_trial: bool,
) -> io::Result<()> {
    let end = period_end(at, recurring)?;
    for item in &mut subscription.items {
        (item.current_period_start, item.current_period_end) = (at, end);
    }
    subscription.billing_cycle_anchor = at;
    // A cancellation at the end of the period moves with the period.
    if subscription.cancellation.cancel_at_period_end {
        subscription.cancellation.cancel_at = Some(end);
    }
    if ends_trial {
        subscription.status = SubscriptionStatus::Active;
        if let Some(trial) = &mut subscription.trial {
            trial.end = at;
        }
    }
    Ok(())
}

fn charges(
    catalog: &impl Catalog,
    before: &Subscription,
    after: &Subscription,
    at: Timestamp,
    prorates: bool,
    restarts: bool,
) -> io::Result<Vec<InvoiceLine>> {
    let differs = |item: &SubscriptionItem, others: &[SubscriptionItem]| {
        let same = |other: &SubscriptionItem| {
            (&other.id, &other.price, other.quantity) == (&item.id, &item.price, item.quantity)
        };
        restarts || !others.iter().any(same)
    };
    let mut lines = Vec::new();
    if prorates {
        for item in before.items.iter().filter(|item| differs(item, &after.items)) {
            lines.push(lines::unused(catalog, item, at)?);
        }
    }
    for item in after.items.iter().filter(|item| differs(item, &before.items)) {
        if restarts {
            lines.push(lines::period(catalog, item)?);
        } else if prorates {
            lines.push(lines::rest(catalog, item, at)?);
        }
    }
    Ok(lines)
}
