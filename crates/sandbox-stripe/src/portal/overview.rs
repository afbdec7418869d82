//! The portal's first page: plans, cards, billing information, invoices.

mod facts;
pub(super) mod plan;

use askama::Template;

use self::facts::Fact;
use self::plan::Plan;
use super::cards::row::CardRow;
use super::invoice_row::InvoiceRow;
use super::page::{Frame, Refusal};
use super::page_response::PageResponse;
use super::sessions::Visit;
use super::side::Shell;
use super::{details, flow};
use crate::model::InvoiceStatus;

/// Maximum invoices on the page.
const MAX_INVOICES: usize = 6;

/// The page's template.
#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    shell: Shell,
    base: String,
    plans: Vec<Plan>,
    cards: Vec<CardRow>,
    /// Whether the customer may add, choose and remove cards.
    can_manage_cards: bool,
    facts: Vec<Fact>,
    /// Whether the customer may change the billing information.
    can_edit_facts: bool,
    /// None if the configuration hides invoices.
    invoices: Option<Vec<InvoiceRow>>,
}

/// `GET /p/session/{token}`; redirects to the step of an active flow.
pub(super) fn show(visit: &Visit<'_>) -> Result<PageResponse, Refusal> {
    if let Some(flow) = visit.session.active_flow() {
        return Ok(PageResponse::redirect(&flow::step(visit, &flow.task)));
    }
    Ok(PageResponse::page(visit, &page(visit)))
}

fn page(visit: &Visit<'_>) -> Overview {
    let state = visit.state;
    let customer = visit.customer;
    let language = visit.language;
    let features = &visit.configuration.features;
    let invoices =
        state.invoices.of(&customer.id).filter(|invoice| invoice.status != InvoiceStatus::Draft);
    let invoices =
        invoices.take(MAX_INVOICES).map(|invoice| InvoiceRow::of(invoice, state, language));
    let running =
        state.subscriptions.of(&customer.id).filter(|subscription| subscription.is_running());
    Overview {
        frame: Frame::new(visit.language),
        shell: Shell::of(visit),
        base: visit.home(),
        plans: running.map(|subscription| Plan::of(subscription, visit)).collect(),
        cards: state
            .payment_methods
            .of(&customer.id)
            .map(|card| CardRow::of(card, customer, visit.now))
            .collect(),
        can_manage_cards: features.payment_method_update,
        facts: facts::of(customer, visit.text(), language),
        can_edit_facts: details::is_offered(visit),
        invoices: features.invoice_history.then(|| invoices.collect()),
    }
}
