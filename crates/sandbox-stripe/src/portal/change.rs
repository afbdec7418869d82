//! Changing a plan: choosing, previewing and confirming.

pub(super) mod choose;
pub(super) mod confirm;
mod figures;
pub(super) mod offer;
pub(super) mod preview;
mod proposal;

use super::sessions::Visit;
use crate::model::{Card, PlanChoice};

/// The payment that the bank page shows.
pub(super) struct Bill {
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) card: Option<Card>,
}

/// Returns the cost of the choice.
pub(super) fn bill(visit: &Visit<'_>, choice: &PlanChoice, at: i64) -> Option<Bill> {
    let subscription = visit.subscription(&choice.subscription).ok()?;
    let proposal = proposal::propose(visit, subscription, choice, at).ok()?;
    let invoice = crate::billing::preview(visit.state, visit.customer, &proposal.planned).ok()?;
    let card = proposal::payer(visit, subscription).map(|method| method.card.clone());
    Some(Bill { amount: invoice.amount_due(), currency: invoice.currency, card })
}
