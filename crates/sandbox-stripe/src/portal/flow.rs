//! Deep links: the step they lead to, and where the customer lands when it is done.

use super::address;
use super::notice::Notice;
use super::sessions::Visit;
use crate::model::{AfterCompletion, Flow, FlowTask, PortalSession};
use crate::transaction::Transaction;

/// The address of the task's first page.
pub(super) fn step(visit: &Visit<'_>, task: &FlowTask) -> String {
    match task {
        FlowTask::PaymentMethodUpdate => visit.address("cards/new"),
        FlowTask::SubscriptionCancel { subscription } => {
            visit.address(&format!("subscriptions/{subscription}/cancel"))
        }
        FlowTask::SubscriptionUpdate { subscription } => {
            visit.address(&format!("subscriptions/{subscription}/change"))
        }
        FlowTask::SubscriptionUpdateConfirm { subscription, .. } => {
            visit.address(&format!("subscriptions/{subscription}/preview"))
        }
    }
}

/// Whether the subscription that the task is about has ended before the task was done.
pub(super) fn is_stranded(visit: &Visit<'_>) -> bool {
    let subscription = visit.session.active_flow().and_then(|flow| flow.task.subscription());
    subscription.is_some_and(|id| visit.subscription(id).is_err())
}

/// Whether the rest of the portal opens when the task is done.
pub(super) const fn leads_home(flow: &Flow) -> bool {
    matches!(flow.after_completion, AfterCompletion::PortalHomepage)
}

/// Notes that the task is done, if there is one, and says where to go on.
pub(super) fn finish(
    visit: &Visit<'_>,
    transaction: &mut Transaction<'_>,
    notice: Notice,
) -> String {
    if visit.session.active_flow().is_some() {
        transaction.put(PortalSession {
            flow_done: true,
            challenge: None,
            ..visit.session.clone()
        });
    }
    landing(visit, notice)
}

/// Where a customer lands who has done what the link was for.
pub(super) fn landing(visit: &Visit<'_>, notice: Notice) -> String {
    match visit.session.flow.as_ref().map(|flow| &flow.after_completion) {
        None | Some(AfterCompletion::PortalHomepage) => notice.on(&visit.home()),
        Some(AfterCompletion::HostedConfirmation { .. }) => visit.address("done"),
        Some(AfterCompletion::Redirect { return_url }) => address::in_ascii(return_url),
    }
}

/// Where forms may lead beyond the sandbox: browsers hold a form's redirects against `form-action` too.
pub(super) fn beyond(session: &PortalSession) -> Option<String> {
    let AfterCompletion::Redirect { return_url } = &session.flow.as_ref()?.after_completion else {
        return None;
    };
    address::source(return_url)
}
