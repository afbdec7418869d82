//! An invoice in a list.

use crate::locale::Language;
use crate::locale::{dates, money};
use crate::model::{Invoice, InvoiceStatus};
use crate::sanitize::plain;
use crate::state::State;

/// One line of a list of invoices.
pub(super) struct InvoiceRow {
    pub(super) day: String,
    pub(super) iso_day: String,
    pub(super) number: String,
    pub(super) description: String,
    pub(super) amount: String,
    pub(super) status: &'static str,
    pub(super) tone: &'static str,
    /// The URL of the invoice's page.
    pub(super) href: Option<String>,
}

impl InvoiceRow {
    pub(super) fn of(invoice: &Invoice, state: &State, language: Language) -> Self {
        // The purchased product. After a plan change that is the last charge.
        let line = invoice.lines.iter().rfind(|line| line.amount >= 0).or(invoice.lines.first());
        let product = line.and_then(|line| {
            state
                .products
                .get(&line.product)
                .map(|product| &product.name)
                .or(Some(&line.description))
        });
        Self {
            day: dates::day(invoice.created, language),
            iso_day: dates::iso_day(invoice.created),
            number: invoice.number.as_deref().map(plain).unwrap_or_default(),
            description: product.map(|name| plain(name)).unwrap_or_default(),
            amount: money::format(invoice.total(), &invoice.currency, language),
            status: language.text().invoice_state(invoice.status),
            tone: match invoice.status {
                InvoiceStatus::Paid => "good",
                InvoiceStatus::Open => "due",
                InvoiceStatus::Uncollectible => "bad",
                InvoiceStatus::Draft | InvoiceStatus::Void => "quiet",
            },
            href: hosted(invoice, language),
        }
    }
}

/// Returns the URL of the invoice's page, in the language of the current page.
pub(super) fn hosted(invoice: &Invoice, language: Language) -> Option<String> {
    invoice
        .hosted_token
        .as_ref()
        .map(|token| format!("/i/{}?locale={}", token.reveal(), language.tag()))
}
