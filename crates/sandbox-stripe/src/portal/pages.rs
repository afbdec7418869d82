//! The portal's pages: their paths, handlers, and the rules that permit them.

use super::form::Form;
use super::notice::Notice;
use super::page::Refusal;
use super::page_response::PageResponse;
use super::sessions::Visit;
use super::{authenticate, cancel, cards, change, details, done, flow, history, overview};
use crate::model::{FlowTask, PortalFeatures};
use crate::transaction::Transaction;

type Show = fn(&Visit<'_>) -> Result<PageResponse, Refusal>;
type Act = fn(&Visit<'_>, &Form, &mut Transaction<'_>) -> Result<PageResponse, Refusal>;

/// A page.
pub(super) struct Page {
    pub(super) kind: PageKind,
    pub(super) path: &'static str,
    pub(super) show: Show,
    /// The handler of its form.
    pub(super) act: Option<Act>,
}

/// The kind of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageKind {
    Overview,
    AddCard,
    DefaultCard,
    RemoveCard,
    Details,
    History,
    Choose,
    Preview,
    Cancel,
    Reason,
    Keep,
    Bank,
    Done,
}

const fn page(kind: PageKind, path: &'static str, show: Show, act: Option<Act>) -> Page {
    Page { kind, path, show, act }
}

/// All pages.
pub(super) const PAGES: &[Page] = &[
    page(PageKind::Overview, "/p/session/{token}", overview::show, None),
    page(
        PageKind::AddCard,
        "/p/session/{token}/cards/new",
        cards::add::show,
        Some(cards::add::act),
    ),
    page(
        PageKind::DefaultCard,
        "/p/session/{token}/cards/{id}/default",
        redirect_home,
        Some(cards::default::act),
    ),
    page(
        PageKind::RemoveCard,
        "/p/session/{token}/cards/{id}/remove",
        cards::remove::show,
        Some(cards::remove::act),
    ),
    page(PageKind::Details, "/p/session/{token}/details", details::show, Some(details::act)),
    page(PageKind::History, "/p/session/{token}/invoices", history::show, None),
    page(
        PageKind::Choose,
        "/p/session/{token}/subscriptions/{id}/change",
        change::choose::show,
        None,
    ),
    page(
        PageKind::Preview,
        "/p/session/{token}/subscriptions/{id}/preview",
        change::preview::show,
        Some(change::confirm::act),
    ),
    page(
        PageKind::Cancel,
        "/p/session/{token}/subscriptions/{id}/cancel",
        cancel::show,
        Some(cancel::act),
    ),
    page(
        PageKind::Reason,
        "/p/session/{token}/subscriptions/{id}/reason",
        cancel::reason::show,
        Some(cancel::reason::act),
    ),
    page(
        PageKind::Keep,
        "/p/session/{token}/subscriptions/{id}/keep",
        redirect_home,
        Some(cancel::keep),
    ),
    page(PageKind::Bank, "/p/session/{token}/bank", authenticate::show, Some(authenticate::act)),
    page(PageKind::Done, "/p/session/{token}/done", done::show, None),
];

/// The GET handler of forms without a page.
fn redirect_home(visit: &Visit<'_>) -> Result<PageResponse, Refusal> {
    Ok(PageResponse::redirect(&visit.home()))
}

impl PageKind {
    /// Returns the page to redirect to, or None if this page is permitted. `sends`: the request
    /// submits a form. A page with a disabled feature is unknown.
    pub(super) fn redirect_for(
        self,
        visit: &Visit<'_>,
        sends: bool,
    ) -> Result<Option<String>, Refusal> {
        if !self.is_offered(&visit.configuration.features) {
            return Err(Refusal::Unknown);
        }
        let Some(flow) = &visit.session.flow else { return Ok(None) };
        if flow::has_lost_subscription(visit) {
            return Ok((self != Self::Done).then(|| visit.address("done")));
        }
        let is_step = self.belongs_to(&flow.task) && self.is_about(visit, &flow.task);
        if !visit.session.flow_done {
            return Ok((!is_step).then(|| flow::step(visit, &flow.task)));
        }
        if flow::opens_portal(flow) || matches!(self, Self::Done | Self::Reason) {
            return Ok(None);
        }
        // The second request of a double click ends at the same page as the first.
        Ok(Some(if is_step && sends {
            flow::landing(visit, Notice::Changed)
        } else {
            visit.address("done")
        }))
    }

    const fn is_offered(self, features: &PortalFeatures) -> bool {
        match self {
            Self::Overview | Self::Bank | Self::Done => true,
            Self::AddCard | Self::DefaultCard | Self::RemoveCard => features.payment_method_update,
            Self::Details => features.customer_update.enabled,
            Self::History => features.invoice_history,
            Self::Choose | Self::Preview => features.subscription_update.enabled,
            Self::Cancel | Self::Reason | Self::Keep => features.subscription_cancel.enabled,
        }
    }

    /// Returns whether the URL names the flow's subscription, or no subscription.
    fn is_about(self, visit: &Visit<'_>, task: &FlowTask) -> bool {
        let names_one =
            matches!(self, Self::Choose | Self::Preview | Self::Cancel | Self::Reason | Self::Keep);
        !names_one || task.subscription() == Some(visit.request.id)
    }

    /// Returns whether the page is part of a flow.
    const fn belongs_to(self, task: &FlowTask) -> bool {
        match task {
            FlowTask::PaymentMethodUpdate => {
                matches!(self, Self::AddCard | Self::DefaultCard | Self::Bank)
            }
            FlowTask::SubscriptionCancel { .. } => matches!(self, Self::Cancel | Self::Reason),
            FlowTask::SubscriptionUpdate { .. } => {
                matches!(self, Self::Choose | Self::Preview | Self::AddCard | Self::Bank)
            }
            FlowTask::SubscriptionUpdateConfirm { .. } => {
                matches!(self, Self::Preview | Self::AddCard | Self::Bank)
            }
        }
    }
}
