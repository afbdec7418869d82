//! Cancelling a plan, giving a reason, and undoing the cancellation.

pub(super) mod reason;

use askama::Template;

use super::done::Message;
use super::flow;
use super::form::Form;
use super::notice::Notice;
use super::overview::plan::names;
use super::page::{Frame, Refusal};
use super::page_response::PageResponse;
use super::sessions::Visit;
use super::side::Shell;
use crate::billing::{self, Cancelling};
use crate::locale::{dates, money};
use crate::model::{CancelMode, ProrationBehavior, Subscription, SubscriptionStatus};
use crate::transaction::Transaction;

/// The page's template.
#[derive(Template)]
#[template(path = "cancel_plan.html")]
struct CancelPlan {
    frame: Frame,
    shell: Shell,
    action: String,
    back: Option<String>,
    name: String,
    /// The effect of the cancellation and its date.
    message: String,
    /// The treatment of paid time.
    money: Option<String>,
    /// The end that the page showed; the form sends it back.
    ends: i64,
}

/// `GET …/subscriptions/{id}/cancel`
pub(super) fn show(visit: &Visit<'_>) -> Result<PageResponse, Refusal> {
    let subscription = visit.subscription(visit.request.id)?;
    if let Some(end) = subscription.ends_at() {
        let words = &visit.text().cancel;
        let message = (words.already)(&dates::day(end, visit.language));
        return Ok(Message::new(visit, words.title, &message).answer(visit));
    }
    Ok(PageResponse::page(visit, &page(visit, subscription)))
}

/// `POST …/subscriptions/{id}/cancel`
pub(super) fn act(
    visit: &Visit<'_>,
    form: &Form,
    transaction: &mut Transaction<'_>,
) -> Result<PageResponse, Refusal> {
    // After a double click the second request finds the subscription ended.
    let Ok(subscription) = visit.subscription(visit.request.id) else {
        let own = visit
            .state
            .subscriptions
            .get(visit.request.id)
            .is_some_and(|s| s.customer == visit.customer.id);
        return if own { Ok(PageResponse::redirect(&visit.home())) } else { Err(Refusal::Unknown) };
    };
    let notice =
        if ends_later(visit, subscription) { Notice::PlanCanceled } else { Notice::PlanEnded };
    if subscription.ends_at().is_some() {
        return Ok(PageResponse::redirect(&flow::finish(visit, transaction, notice)));
    }
    if form.number("ends") != Some(end(visit, subscription)) {
        let address = visit.address(&format!("subscriptions/{}/cancel", subscription.id));
        return Ok(PageResponse::redirect(&Notice::Changed.on(&address)));
    }
    if ends_later(visit, subscription) {
        let mut subscription = subscription.clone();
        billing::cancel_at_period_end(&mut subscription, Cancelling::default(), visit.now);
        transaction.put(subscription);
    } else {
        let proration = visit.configuration.features.subscription_cancel.proration;
        billing::cancel_now(transaction, subscription.clone(), proration, Cancelling::default())?;
    }
    let landing = flow::finish(visit, transaction, notice);
    let asks = visit.configuration.features.subscription_cancel.asks_reason;
    Ok(PageResponse::redirect(&if asks {
        reason::address(visit, &subscription.id)
    } else {
        landing
    }))
}

/// `POST …/subscriptions/{id}/keep`
pub(super) fn keep(
    visit: &Visit<'_>,
    _: &Form,
    transaction: &mut Transaction<'_>,
) -> Result<PageResponse, Refusal> {
    let subscription = visit.subscription(visit.request.id)?;
    if subscription.ends_at().is_some() {
        // The customer may not undo an end that the merchant scheduled.
        if !subscription.ends_with_period() {
            return Ok(PageResponse::redirect(&Notice::Changed.on(&visit.home())));
        }
        let mut subscription = subscription.clone();
        billing::undo_cancellation(&mut subscription);
        transaction.put(subscription);
    }
    Ok(PageResponse::redirect(&Notice::PlanKept.on(&visit.home())))
}

/// Returns whether a cancellation takes effect at the period's end. Unpaid plans end immediately.
fn ends_later(visit: &Visit<'_>, subscription: &Subscription) -> bool {
    use SubscriptionStatus::{Active, PastDue, Trialing};
    let mode = visit.configuration.features.subscription_cancel.mode;
    mode == CancelMode::AtPeriodEnd && matches!(subscription.status, Active | PastDue | Trialing)
}

/// Returns the end of the plan, or 0 if it ends immediately.
fn end(visit: &Visit<'_>, subscription: &Subscription) -> i64 {
    subscription.period_end().filter(|_| ends_later(visit, subscription)).unwrap_or(0)
}

fn page(visit: &Visit<'_>, subscription: &Subscription) -> CancelPlan {
    let words = &visit.text().cancel;
    let ends = end(visit, subscription);
    let message = match ends {
        0 => words.at_once.to_owned(),
        end => (words.at_period_end)(&dates::day(end, visit.language)),
    };
    let proration = visit.configuration.features.subscription_cancel.proration;
    let pays =
        matches!(subscription.status, SubscriptionStatus::Active | SubscriptionStatus::PastDue);
    let due = match proration {
        ProrationBehavior::AlwaysInvoice if ends == 0 => {
            billing::last(visit.state, visit.customer, subscription, visit.now)
                .map_or(0, |invoice| invoice.amount_due())
        }
        _ => 0,
    };
    let money = match (ends, proration) {
        (0, ProrationBehavior::None) => Some(words.no_refund.to_owned()),
        (0, _) if due > 0 => {
            Some((words.last_invoice)(&money::format(due, &subscription.currency, visit.language)))
        }
        (0, _) if pays => Some(words.credited.to_owned()),
        _ => None,
    };
    CancelPlan {
        frame: Frame::new(visit.language),
        shell: Shell::of(visit),
        action: visit.address(&format!("subscriptions/{}/cancel", subscription.id)),
        back: visit.session.active_flow().is_none().then(|| visit.home()),
        name: names(subscription, visit.state),
        message,
        money,
        ends,
    }
}
