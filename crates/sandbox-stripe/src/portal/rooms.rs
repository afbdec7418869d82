//! The portal's pages: their addresses, what shows them, what their forms do, and when they are open.

use super::answer::Answer;
use super::form::Form;
use super::notice::Notice;
use super::page::Refusal;
use super::sessions::Visit;
use super::{authenticate, cancel, cards, change, details, done, flow, history, overview};
use crate::model::{FlowTask, PortalFeatures};
use crate::transaction::Transaction;

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
    page(
        Room::DefaultCard,
        "/p/session/{token}/cards/{id}/default",
        see_home,
        Some(cards::default::act),
    ),
    page(
        Room::RemoveCard,
        "/p/session/{token}/cards/{id}/remove",
        cards::remove::show,
        Some(cards::remove::act),
    ),
    page(Room::Details, "/p/session/{token}/details", details::show, Some(details::act)),
    page(Room::History, "/p/session/{token}/invoices", history::show, None),
    page(Room::Choose, "/p/session/{token}/subscriptions/{id}/change", change::choose::show, None),
    page(
        Room::Preview,
        "/p/session/{token}/subscriptions/{id}/preview",
        change::preview::show,
        Some(change::confirm::act),
    ),
    page(
        Room::Cancel,
        "/p/session/{token}/subscriptions/{id}/cancel",
        cancel::show,
        Some(cancel::act),
    ),
    page(
        Room::Reason,
        "/p/session/{token}/subscriptions/{id}/reason",
        cancel::reason::show,
        Some(cancel::reason::act),
    ),
    page(Room::Keep, "/p/session/{token}/subscriptions/{id}/keep", see_home, Some(cancel::keep)),
    page(Room::Bank, "/p/session/{token}/bank", authenticate::show, Some(authenticate::act)),
    page(Room::Done, "/p/session/{token}/done", done::show, None),
];

/// What has a form and no page of its own.
fn see_home(visit: &Visit<'_>) -> Result<Answer, Refusal> {
    Ok(Answer::see(&visit.home()))
}

impl Room {
    /// Where a visitor has to go instead, who looks or `sends` a form; nowhere, where the room is open. A room whose feature
    /// is off is none at all.
    pub(super) fn way_around(
        self,
        visit: &Visit<'_>,
        sends: bool,
    ) -> Result<Option<String>, Refusal> {
        if !self.is_offered(&visit.configuration.features) {
            return Err(Refusal::Unknown);
        }
        let Some(flow) = &visit.session.flow else { return Ok(None) };
        if flow::is_stranded(visit) {
            return Ok((self != Self::Done).then(|| visit.address("done")));
        }
        let is_step = self.belongs_to(&flow.task) && self.is_about(visit, &flow.task);
        if !visit.session.flow_done {
            return Ok((!is_step).then(|| flow::step(visit, &flow.task)));
        }
        if flow::leads_home(flow) || matches!(self, Self::Done | Self::Reason) {
            return Ok(None);
        }
        // The second of two clicks ends where the first did.
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

    /// Whether the address names the subscription that the deep link is about, where it names one.
    fn is_about(self, visit: &Visit<'_>, task: &FlowTask) -> bool {
        let names_one =
            matches!(self, Self::Choose | Self::Preview | Self::Cancel | Self::Reason | Self::Keep);
        !names_one || task.subscription() == Some(visit.request.id)
    }

    /// Whether the room is on the way of a deep link; the rest of the portal is not.
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
