//! Pages with a message: the end of a flow, or an action that is not possible.

use askama::Template;

use super::flow;
use super::page::{Frame, Refusal};
use super::page_response::PageResponse;
use super::sessions::Visit;
use super::side::{ReturnLink, Shell};
use crate::model::{AfterCompletion, FlowTask};
use crate::sanitize::plain;

/// The template of a message.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct Message {
    frame: Frame,
    shell: Shell,
    title: String,
    message: String,
    link: Option<ReturnLink>,
    /// Whether the message reports a success.
    good: bool,
}

impl Message {
    /// Explains why an action is not possible. Links to the portal's first page, or out of a flow.
    pub(super) fn new(visit: &Visit<'_>, title: &str, message: &str) -> Self {
        let shell = Shell::of(visit);
        let home = shell
            .home
            .clone()
            .map(|href| ReturnLink { href, label: visit.text().back_to_billing.to_owned() });
        let link =
            home.or_else(|| ReturnLink::to(visit.session.return_url.as_deref()?, visit.text()));
        Self {
            frame: Frame::new(visit.language),
            shell,
            title: title.to_owned(),
            message: message.to_owned(),
            link,
            good: false,
        }
    }

    pub(super) fn answer(self, visit: &Visit<'_>) -> PageResponse {
        PageResponse::page(visit, &self)
    }
}

/// `GET …/done`: the end of a flow that does not open the portal.
pub(super) fn show(visit: &Visit<'_>) -> Result<PageResponse, Refusal> {
    let lost_subscription = flow::has_lost_subscription(visit);
    let Some(flow) =
        visit.session.flow.as_ref().filter(|_| visit.session.flow_done || lost_subscription)
    else {
        return Ok(PageResponse::redirect(&visit.home()));
    };
    let text = visit.text();
    // An ended plan counts as cancelled. Other tasks are no longer possible.
    if lost_subscription && !matches!(flow.task, FlowTask::SubscriptionCancel { .. }) {
        return Ok(Message::new(visit, text.change.title, text.change.ended).answer(visit));
    }
    let (custom, target) = match &flow.after_completion {
        AfterCompletion::PortalHomepage if lost_subscription => {
            (None, visit.session.return_url.as_deref())
        }
        AfterCompletion::PortalHomepage => return Ok(PageResponse::redirect(&visit.home())),
        AfterCompletion::HostedConfirmation { custom_message } => {
            (custom_message.as_deref(), visit.session.return_url.as_deref())
        }
        AfterCompletion::Redirect { return_url } => (None, Some(return_url.as_str())),
    };
    let title = match flow.task {
        FlowTask::PaymentMethodUpdate => text.done.card,
        FlowTask::SubscriptionCancel { .. } => text.done.cancel,
        FlowTask::SubscriptionUpdate { .. } | FlowTask::SubscriptionUpdateConfirm { .. } => {
            text.done.change
        }
    };
    // The flow did not open the rest of the portal.
    let shell = Shell { home: None, return_link: None, ..Shell::of(visit) };
    let link = target.and_then(|url| ReturnLink::to(url, text));
    let message = custom.map_or_else(|| text.done.message.to_owned(), plain);
    Ok(PageResponse::page(
        visit,
        &Message {
            frame: Frame::new(visit.language),
            shell,
            title: title.to_owned(),
            message,
            link,
            good: true,
        },
    ))
}
