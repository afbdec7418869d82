//! The amounts of the preview page.

use std::io;

use super::super::sessions::Visit;
use super::super::text::Text;
use crate::billing::{self, Planned};
use crate::locale::{dates, money};
use crate::model::{Invoice, InvoiceLine};
use crate::sanitize::plain;

/// The cost of a change now and at the next invoice.
pub(super) struct Figures {
    pub(super) lines: Vec<Line>,
    /// The sum of the lines.
    pub(super) subtotal: String,
    /// The customer's balance applied, if any.
    pub(super) balance: Option<String>,
    /// The charge on confirmation.
    pub(super) due_now: String,
    pub(super) charges_now: bool,
    /// The remaining credit for later invoices.
    pub(super) credit: Option<String>,
    /// The amount and the date of the next invoice.
    pub(super) next_amount: String,
    pub(super) next_day: String,
    /// Whether the lines are invoiced on confirmation. Otherwise they are on the next invoice.
    pub(super) at_once: bool,
}

/// An invoice line.
pub(super) struct Line {
    pub(super) description: String,
    pub(super) period: String,
    pub(super) amount: String,
}

impl Figures {
    pub(super) fn of(visit: &Visit<'_>, planned: &Planned) -> io::Result<Self> {
        let language = visit.language;
        let invoice = billing::preview(visit.state, visit.customer, planned)?;
        let show = |amount: i64| money::format(amount, &invoice.currency, language);
        let left = invoice.total().saturating_add(invoice.starting_balance).min(0);
        let applied = match left {
            0 => invoice.amount_due() - invoice.total(),
            _ => invoice.starting_balance,
        };
        let next = if planned.at_once { upcoming(visit, planned, left)? } else { invoice.clone() };
        let due_now = if planned.at_once { invoice.amount_due() } else { 0 };
        Ok(Self {
            lines: invoice.lines.iter().map(|line| Line::of(line, &invoice, visit)).collect(),
            subtotal: show(invoice.total()),
            balance: (applied != 0).then(|| show(applied)),
            due_now: show(due_now),
            charges_now: due_now > 0,
            credit: (left < 0).then(|| show(-left)),
            next_amount: show(next.amount_due()),
            next_day: dates::day(next.created, language),
            at_once: planned.at_once,
        })
    }
}

/// Returns the invoice that follows the immediate one.
fn upcoming(visit: &Visit<'_>, planned: &Planned, balance: i64) -> io::Result<Invoice> {
    let mut customer = visit.customer.clone();
    customer.balance = balance;
    let mut subscription = planned.subscription.clone();
    subscription.pending.clear();
    billing::upcoming(visit.state, &customer, &subscription)
}

impl Line {
    fn of(line: &InvoiceLine, invoice: &Invoice, visit: &Visit<'_>) -> Self {
        let text = visit.text();
        let language = visit.language;
        let day = |time| dates::day(time, language);
        Self {
            description: describe(line, visit, text),
            period: (text.change.period)(&day(line.period_start), &day(line.period_end)),
            amount: money::format(line.amount, &invoice.currency, language),
        }
    }
}

/// Describes the line in the page's language. The invoice line's own text is English.
fn describe(line: &InvoiceLine, visit: &Visit<'_>, text: &Text) -> String {
    let product = visit.state.products.get(&line.product);
    let name = product.map_or(line.description.as_str(), |product| product.name.as_str());
    let name = format!("{} × {}", line.quantity, plain(name));
    match (line.proration, line.amount < 0) {
        (true, true) => (text.change.unused)(&name),
        (true, false) => (text.change.remaining)(&name),
        (false, _) => name,
    }
}
