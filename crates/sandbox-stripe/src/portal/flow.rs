//! Flows: deep links to one task, with a destination after its completion.

use super::address;
use super::notice::Notice;
use super::sessions::Visit;
use crate::model::{AfterCompletion, Flow, FlowTask, PortalSession};
use crate::transaction::Transaction;

/// Returns the URL of the task's first page.
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

/// Returns whether the task's subscription ended before the task was completed.
pub(super) fn has_lost_subscription(visit: &Visit<'_>) -> bool {
    let subscription = visit.session.active_flow().and_then(|flow| flow.task.subscription());
    subscription.is_some_and(|id| visit.subscription(id).is_err())
}

/// Returns whether the whole portal opens after the task.
pub(super) const fn opens_portal(flow: &Flow) -> bool {
    matches!(flow.after_completion, AfterCompletion::PortalHomepage)
}

/// Completes the flow, if there is one, and returns the next URL.
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

/// Returns the customer's destination after the task.
pub(super) fn landing(visit: &Visit<'_>, notice: Notice) -> String {
    match visit.session.flow.as_ref().map(|flow| &flow.after_completion) {
        None | Some(AfterCompletion::PortalHomepage) => notice.on(&visit.home()),
        Some(AfterCompletion::HostedConfirmation { .. }) => visit.address("done"),
        Some(AfterCompletion::Redirect { return_url }) => address::to_ascii(return_url),
    }
}

/// Returns the external target of forms. Browsers check a form's redirects against
/// `form-action` too.
pub(super) fn form_target(session: &PortalSession) -> Option<String> {
    let AfterCompletion::Redirect { return_url } = &session.flow.as_ref()?.after_completion else {
        return None;
    };
    address::csp_source(return_url)
}
