//! All invoices, newest first, in pages.

use askama::Template;

use super::invoice_row::InvoiceRow;
use super::page::{Frame, Refusal};
use super::page_response::PageResponse;
use super::sessions::Visit;
use super::side::Shell;
use crate::model::InvoiceStatus;

/// Invoices per page.
const PER_PAGE: usize = 12;

/// The page's template.
#[derive(Template)]
#[template(path = "history.html")]
struct History {
    frame: Frame,
    shell: Shell,
    invoices: Vec<InvoiceRow>,
    newer: Option<String>,
    older: Option<String>,
    position: String,
}

/// `GET …/invoices`
pub(super) fn show(visit: &Visit<'_>) -> Result<PageResponse, Refusal> {
    let state = visit.state;
    let language = visit.language;
    let shown = |invoice: &&crate::model::Invoice| invoice.status != InvoiceStatus::Draft;
    let count = state.invoices.of(&visit.customer.id).filter(shown).count();
    let pages = count.div_ceil(PER_PAGE).max(1);
    let asked =
        visit.request.query.number("page").and_then(|page| usize::try_from(page).ok()).unwrap_or(1);
    let page = asked.clamp(1, pages);
    let invoices = state
        .invoices
        .of(&visit.customer.id)
        .filter(shown)
        .skip((page - 1) * PER_PAGE)
        .take(PER_PAGE);
    let address = |page: usize| visit.address(&format!("invoices?page={page}"));
    let view = History {
        frame: Frame::new(visit.language),
        shell: Shell::of(visit),
        invoices: invoices.map(|invoice| InvoiceRow::of(invoice, state, language)).collect(),
        newer: (page > 1).then(|| address(page - 1)),
        older: (page < pages).then(|| address(page + 1)),
        position: (visit.text().history.position)(page, pages),
    };
    Ok(PageResponse::page(visit, &view))
}
