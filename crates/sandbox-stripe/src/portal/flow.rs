//! Deep links: the step they lead to, and where the customer lands when it is done.

use url::Url;

use super::notice::Notice;
use super::sessions::Visit;
use crate::model::{AfterCompletion, Flow, FlowTask, PortalSession};
use crate::state::Transaction;

/// The address of the task's first page.
pub(super) fn step(visit: &Visit<'_>, task: &FlowTask) -> String {
    match task {
        FlowTask::PaymentMethodUpdate => visit.address("cards/new"),
        FlowTask::SubscriptionCancel { subscription } => visit.address(&format!("subscriptions/{subscription}/cancel")),
        FlowTask::SubscriptionUpdate { subscription } => visit.address(&format!("subscriptions/{subscription}/change")),
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
pub(super) fn finish(visit: &Visit<'_>, transaction: &mut Transaction<'_>, notice: Notice) -> String {
    if visit.session.active_flow().is_some() {
        transaction.put(PortalSession { flow_done: true, challenge: None, ..visit.session.clone() });
    }
    landing(visit, notice)
}

/// Where a customer lands who has done what the link was for.
pub(super) fn landing(visit: &Visit<'_>, notice: Notice) -> String {
    match visit.session.flow.as_ref().map(|flow| &flow.after_completion) {
        None | Some(AfterCompletion::PortalHomepage) => notice.on(&visit.home()),
        Some(AfterCompletion::HostedConfirmation { .. }) => visit.address("done"),
        Some(AfterCompletion::Redirect { return_url }) => in_ascii(return_url),
    }
}

/// The URL as a header can carry it.
fn in_ascii(url: &str) -> String {
    if url.is_ascii() { url.to_owned() } else { Url::parse(url).map_or_else(|_| url.to_owned(), String::from) }
}

/// Where forms may lead beyond the sandbox: browsers hold a form's redirects against `form-action` too.
pub(super) fn beyond(session: &PortalSession) -> Option<String> {
    let AfterCompletion::Redirect { return_url } = &session.flow.as_ref()?.after_completion else { return None };
    let url = Url::parse(return_url).ok()?;
    // A policy can name letters, digits, hyphens and dots only (<https://www.w3.org/TR/CSP3/#framework-directive-source-list>).
    let nameable = url.host_str()?.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    Some(if nameable { url.origin().ascii_serialization() } else { format!("{}:", url.scheme()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beyond_of(return_url: &str) -> Option<String> {
        let after_completion = AfterCompletion::Redirect { return_url: return_url.to_owned() };
        beyond(&PortalSession {
            id: String::new(),
            digest: String::new(),
            created: 0,
            expires_at: 0,
            customer: String::new(),
            configuration: String::new(),
            return_url: None,
            locale: None,
            flow: Some(Flow { task: FlowTask::PaymentMethodUpdate, after_completion }),
            flow_done: false,
            challenge: None,
        })
    }

    #[test]
    fn exactly_the_origin_of_the_redirect_is_let_through() {
        assert_eq!(beyond_of("https://app.example.com/done?x=1;y").as_deref(), Some("https://app.example.com"));
        assert_eq!(beyond_of("http://127.0.0.1:8080/").as_deref(), Some("http://127.0.0.1:8080"));
        assert_eq!(beyond_of("http://[::1]:8080/").as_deref(), Some("http:"));
        assert_eq!(beyond_of("https://a;script-src/").as_deref(), Some("https:"));
    }

    #[test]
    fn a_redirect_fits_a_header_and_is_otherwise_as_it_was_given() {
        assert_eq!(in_ascii("https://a.example?b=%C3%A9"), "https://a.example?b=%C3%A9");
        assert_eq!(in_ascii("https://예시.kr/완료"), "https://xn--vv4b11d.kr/%EC%99%84%EB%A3%8C");
    }
}
