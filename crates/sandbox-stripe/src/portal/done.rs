//! Pages that only say something: the end of a deep link, and what cannot be done.

use askama::Template;

use super::answer::Answer;
use super::flow;
use super::page::{Frame, Refusal};
use super::sessions::Visit;
use super::side::{ReturnLink, Shell};
use crate::model::{AfterCompletion, FlowTask};
use crate::shown::plain;

/// A message where a form would be.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct Message {
    frame: Frame,
    shell: Shell,
    title: String,
    message: String,
    link: Option<ReturnLink>,
    /// Whether it is good news.
    good: bool,
}

impl Message {
    /// Why something cannot be done; the way back is the portal's first page, or the way out of a deep link.
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

    pub(super) fn answer(self, visit: &Visit<'_>) -> Answer {
        Answer::page(visit, &self)
    }
}

/// `GET …/done`: where a deep link ends that does not lead back into the portal.
pub(super) fn show(visit: &Visit<'_>) -> Result<Answer, Refusal> {
    let stranded = flow::is_stranded(visit);
    let Some(flow) = visit.session.flow.as_ref().filter(|_| visit.session.flow_done || stranded)
    else {
        return Ok(Answer::see(&visit.home()));
    };
    let text = visit.text();
    // A plan that has ended is as cancelled as it can be, and nothing else can be done with it.
    if stranded && !matches!(flow.task, FlowTask::SubscriptionCancel { .. }) {
        return Ok(Message::new(visit, text.change.title, text.change.ended).answer(visit));
    }
    let (custom, target) = match &flow.after_completion {
        AfterCompletion::PortalHomepage if stranded => (None, visit.session.return_url.as_deref()),
        AfterCompletion::PortalHomepage => return Ok(Answer::see(&visit.home())),
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
    // The rest of the portal was never open.
    let shell = Shell { home: None, return_link: None, ..Shell::of(visit) };
    let link = target.and_then(|url| ReturnLink::to(url, text));
    let message = custom.map_or_else(|| text.done.message.to_owned(), plain);
    Ok(Answer::page(
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
