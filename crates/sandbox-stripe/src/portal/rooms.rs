//! The portal's pages: their addresses, what shows them, what their forms do, and when they are open.

use super::answer::Answer;
use super::form::Form;
use super::page::Refusal;
use super::sessions::Visit;
use super::{authenticate, cancel, cards, change, details, done, flow, history, overview};
use crate::model::{FlowTask, PortalFeatures};
use crate::state::Transaction;

type Show = fn(&Visit<'_>) -> Result<Answer, Refusal>;
type Act = fn(&Visit<'_>, &Form, &mut Transaction<'_>) -> Result<Answer, Refusal>;

/// A page.
pub(super) struct Page {
    pub(super) room: Room,
    pub(super) path: &'static str,
    pub(super) show: Show,
    /// What its form does.
    pub(super) act: Option<Act>,
}

/// What a page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
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

const fn page(room: Room, path: &'static str, show: Show, act: Option<Act>) -> Page {
    Page { room, path, show, act }
}

/// All pages.
pub(super) const PAGES: &[Page] = &[
    page(Room::Overview, "/p/session/{token}", overview::show, None),
    page(Room::AddCard, "/p/session/{token}/cards/new", cards::add::show, Some(cards::add::act)),
    page(Room::DefaultCard, "/p/session/{token}/cards/{id}/default", see_home, Some(cards::default::act)),
    page(Room::RemoveCard, "/p/session/{token}/cards/{id}/remove", cards::remove::show, Some(cards::remove::act)),
    page(Room::Details, "/p/session/{token}/details", details::show, Some(details::act)),
    page(Room::History, "/p/session/{token}/invoices", history::show, None),
    page(Room::Choose, "/p/session/{token}/subscriptions/{id}/change", change::choose::show, None),
    page(
        Room::Preview,
        "/p/session/{token}/subscriptions/{id}/preview",
        change::preview::show,
        Some(change::confirm::act),
    ),
    page(Room::Cancel, "/p/session/{token}/subscriptions/{id}/cancel", cancel::show, Some(cancel::act)),
    page(Room::Reason, "/p/session/{token}/subscriptions/{id}/reason", cancel::reason::show, Some(cancel::reason::act)),
    page(Room::Keep, "/p/session/{token}/subscriptions/{id}/keep", see_home, Some(cancel::keep)),
    page(Room::Bank, "/p/session/{token}/bank", authenticate::show, Some(authenticate::act)),
    page(Room::Done, "/p/session/{token}/done", done::show, None),
];

/// What has a form and no page of its own.
fn see_home(visit: &Visit<'_>) -> Result<Answer, Refusal> {
    Ok(Answer::see(&visit.home()))
}

impl Room {
    /// Where a visitor has to go instead; nowhere, where the room is open. A room whose feature is off is none at all.
    pub(super) fn way_around(self, visit: &Visit<'_>) -> Result<Option<String>, Refusal> {
        if !self.is_offered(&visit.configuration.features) {
            return Err(Refusal::Unknown);
        }
        let Some(flow) = &visit.session.flow else { return Ok(None) };
        if !visit.session.flow_done {
            return Ok((!self.belongs_to(&flow.task)).then(|| flow::step(visit, &flow.task)));
        }
        let open = flow::leads_home(flow) || matches!(self, Self::Done | Self::Reason);
        Ok((!open).then(|| visit.address("done")))
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

    /// Whether the room is on the way of a deep link; the rest of the portal is not.
    const fn belongs_to(self, task: &FlowTask) -> bool {
        match task {
            FlowTask::PaymentMethodUpdate => matches!(self, Self::AddCard | Self::DefaultCard | Self::Bank),
            FlowTask::SubscriptionCancel { .. } => matches!(self, Self::Cancel | Self::Reason),
            FlowTask::SubscriptionUpdate { .. } => {
                matches!(self, Self::Choose | Self::Preview | Self::AddCard | Self::Bank)
            }
            FlowTask::SubscriptionUpdateConfirm { .. } => matches!(self, Self::Preview | Self::AddCard | Self::Bank),
        }
    }
}
