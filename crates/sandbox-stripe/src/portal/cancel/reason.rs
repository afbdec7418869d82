//! The customer's optional reason for a cancellation.

use askama::Template;

use super::super::flow;
use super::super::form::Form;
use super::super::notice::Notice;
use super::super::page::{Frame, Refusal};
use super::super::page_response::PageResponse;
use super::super::sessions::Visit;
use super::super::side::Shell;
use crate::model::{Feedback, Subscription};
use crate::transaction::Transaction;

/// Maximum comment length in characters.
const MAX_COMMENT_LENGTH: usize = 5_000;

/// The page's template.
#[derive(Template)]
#[template(path = "cancel_reason.html")]
struct CancelReason {
    frame: Frame,
    shell: Shell,
    action: String,
    skip: String,
    done: &'static str,
    reasons: Vec<Reason>,
    comment: String,
    error: Option<&'static str>,
}

/// A selectable reason.
struct Reason {
    word: &'static str,
    label: &'static str,
    chosen: bool,
}

/// Returns the page's URL.
pub(super) fn address(visit: &Visit<'_>, subscription: &str) -> String {
    visit.address(&format!("subscriptions/{subscription}/reason"))
}

/// `GET …/subscriptions/{id}/reason`
pub(in crate::portal) fn show(visit: &Visit<'_>) -> Result<PageResponse, Refusal> {
    let Some(subscription) = cancelled(visit)? else {
        return Ok(PageResponse::redirect(&visit.home()));
    };
    if is_given(subscription) {
        return Ok(PageResponse::redirect(&flow::landing(visit, notice(subscription))));
    }
    Ok(PageResponse::page(visit, &page(visit, subscription, &Form::default(), None)))
}

/// `POST …/subscriptions/{id}/reason`
pub(in crate::portal) fn act(
    visit: &Visit<'_>,
    form: &Form,
    transaction: &mut Transaction<'_>,
) -> Result<PageResponse, Refusal> {
    let Some(subscription) = cancelled(visit)? else {
        return Ok(PageResponse::redirect(&visit.home()));
    };
    if is_given(subscription) {
        return Ok(PageResponse::redirect(&flow::landing(visit, notice(subscription))));
    }
    let comment = form.text("comment");
    if comment.chars().count() > MAX_COMMENT_LENGTH {
        let error = visit.text().cancel.comment_long;
        return Ok(PageResponse::invalid(visit, &page(visit, subscription, form, Some(error))));
    }
    let reasons = &visit.configuration.features.subscription_cancel.reasons;
    let feedback = Feedback::of_word(form.text("reason")).filter(|reason| reasons.contains(reason));
    let mut subscription = subscription.clone();
    let landing = flow::landing(visit, notice(&subscription));
    let cancellation = &mut subscription.cancellation;
    if let Some(feedback) = feedback {
        cancellation.feedback = Some(feedback.as_str().to_owned());
    }
    if !comment.is_empty() {
        cancellation.comment = Some(comment.to_owned());
    }
    transaction.put(subscription);
    Ok(PageResponse::redirect(&landing))
}

/// Returns the customer's cancelled subscription. Within a flow only the flow's subscription.
fn cancelled<'a>(visit: &'a Visit<'_>) -> Result<Option<&'a Subscription>, Refusal> {
    let id = visit.request.id;
    let found =
        visit.state.subscriptions.get(id).filter(|found| found.customer == visit.customer.id);
    let found = found.ok_or(Refusal::Unknown)?;
    let linked = visit.session.flow.as_ref().filter(|flow| !flow::opens_portal(flow));
    let is_linked = linked.is_none_or(|flow| flow.task.subscription() == Some(id));
    let asks = visit.configuration.features.subscription_cancel.asks_reason;
    let cancelled = found.cancellation.canceled_at.is_some() && asks && is_linked;
    Ok(cancelled.then_some(found))
}

/// Returns whether the customer has given a reason before. The page asks for it only once.
fn is_given(subscription: &Subscription) -> bool {
    let cancellation = &subscription.cancellation;
    cancellation.feedback.is_some() || cancellation.comment.is_some()
}

fn notice(subscription: &Subscription) -> Notice {
    if subscription.is_running() { Notice::PlanCanceled } else { Notice::PlanEnded }
}

fn page(
    visit: &Visit<'_>,
    subscription: &Subscription,
    form: &Form,
    error: Option<&'static str>,
) -> CancelReason {
    let text = visit.text();
    let notice = notice(subscription);
    let reasons = &visit.configuration.features.subscription_cancel.reasons;
    let reason = |reason: &Feedback| Reason {
        word: reason.as_str(),
        label: (text.cancel.reason)(*reason),
        chosen: form.text("reason") == reason.as_str(),
    };
    CancelReason {
        frame: Frame::new(visit.language),
        shell: Shell::of(visit),
        action: address(visit, &subscription.id),
        skip: flow::landing(visit, notice),
        done: if notice == Notice::PlanEnded {
            text.notices.plan_ended
        } else {
            text.notices.plan_canceled
        },
        reasons: reasons.iter().map(reason).collect(),
        comment: form.text("comment").to_owned(),
        error,
    }
}
