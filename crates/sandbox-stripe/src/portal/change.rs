//! Changing a plan: what may be chosen, what it costs, and making it true.

pub(super) mod choose;
pub(super) mod confirm;
mod figures;
pub(super) mod offer;
pub(super) mod preview;
mod proposal;

use super::sessions::Visit;
use crate::model::{Card, PlanChoice};

/// What the bank asks its customer about.
pub(super) struct Bill {
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) card: Option<Card>,
}

/// What confirming the choice costs.
pub(super) fn bill(visit: &Visit<'_>, choice: &PlanChoice, at: i64) -> Option<Bill> {
    let subscription = visit.subscription(&choice.subscription).ok()?;
    let proposal = proposal::propose(visit, subscription, choice, at).ok()?;
    let invoice = crate::billing::preview(visit.state, visit.customer, &proposal.planned).ok()?;
    let card = proposal::payer(visit, subscription).map(|method| method.card.clone());
    Some(Bill { amount: invoice.amount_due(), currency: invoice.currency, card })
}
