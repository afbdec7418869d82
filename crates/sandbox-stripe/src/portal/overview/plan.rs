//! A subscription on the first page.

use super::super::change::offer;
use super::super::invoice_row::hosted;
use super::super::sessions::Visit;
use super::super::text::Text;
use crate::locale::Language;
use crate::locale::{dates, money};
use crate::model::{InvoiceStatus, Subscription, SubscriptionItem, SubscriptionStatus};
use crate::sanitize::plain;
use crate::state::State;

/// A subscription.
pub(super) struct Plan {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) lines: Vec<PlanLine>,
    pub(super) badge: &'static str,
    pub(super) tone: &'static str,
    /// The next event and its date.
    pub(super) next: String,
    pub(super) can_change: bool,
    pub(super) can_cancel: bool,
    pub(super) can_keep: bool,
    /// The page of an unpaid invoice.
    pub(super) open_invoice: Option<String>,
}

/// An item of the subscription.
pub(super) struct PlanLine {
    pub(super) name: String,
    pub(super) amount: String,
    pub(super) interval: String,
    pub(super) detail: Option<String>,
}

impl Plan {
    pub(super) fn of(subscription: &Subscription, visit: &Visit<'_>) -> Self {
        let state = visit.state;
        let text = visit.text();
        let language = visit.language;
        let features = &visit.configuration.features;
        let ends = subscription.ends_at();
        let (badge, tone) = badge(subscription, text);
        let can_change = features.subscription_update.enabled
            && offer::changeable(subscription).is_some_and(|item| {
                let current = |offer: &offer::Offer<'_>| {
                    offer.price.id == item.price && offer.quantity.is_none()
                };
                !offer::offers(visit, subscription).iter().all(current)
            });
        let open = state.invoices.of(&visit.customer.id).find(|invoice| {
            invoice.status == InvoiceStatus::Open
                && invoice.subscription.as_ref() == Some(&subscription.id)
        });
        Self {
            id: subscription.id.clone(),
            name: names(subscription, state),
            lines: subscription
                .items
                .iter()
                .filter_map(|item| PlanLine::of(item, state, language))
                .collect(),
            badge,
            tone,
            next: next(subscription, text, language),
            can_change,
            can_cancel: features.subscription_cancel.enabled && ends.is_none(),
            can_keep: features.subscription_cancel.enabled && subscription.ends_with_period(),
            open_invoice: open.and_then(|invoice| hosted(invoice, language)),
        }
    }
}

/// Returns the names of the subscribed products.
pub(in crate::portal) fn names(subscription: &Subscription, state: &State) -> String {
    let name = |item: &SubscriptionItem| {
        let price = state.prices.get(&item.price)?;
        state.products.get(&price.product).map(|product| plain(&product.name))
    };
    subscription.items.iter().filter_map(name).collect::<Vec<_>>().join(", ")
}

fn badge(subscription: &Subscription, text: &Text) -> (&'static str, &'static str) {
    let plan = &text.plan;
    match subscription.status {
        SubscriptionStatus::PastDue => (plan.past_due, "bad"),
        SubscriptionStatus::Incomplete => (plan.incomplete, "due"),
        SubscriptionStatus::Paused => (plan.paused, "quiet"),
        _ if subscription.ends_at().is_some() => (plan.ending, "due"),
        SubscriptionStatus::Trialing => (plan.trialing, "info"),
        SubscriptionStatus::Active
        | SubscriptionStatus::Canceled
        | SubscriptionStatus::IncompleteExpired => (text.active, "good"),
    }
}

fn next(subscription: &Subscription, text: &Text, language: Language) -> String {
    let plan = &text.plan;
    let day = |time| dates::day(time, language);
    match (subscription.ends_at(), subscription.period_end()) {
        (Some(end), _) => (text.ends_on)(&day(end)),
        (None, None) => String::new(),
        (None, Some(end)) => match subscription.status {
            SubscriptionStatus::Trialing => (plan.trial_until)(&day(end)),
            SubscriptionStatus::PastDue => plan.past_due_note.to_owned(),
            SubscriptionStatus::Incomplete => plan.incomplete_note.to_owned(),
            SubscriptionStatus::Paused => plan.paused_note.to_owned(),
            _ => (text.renews_on)(&day(end)),
        },
    }
}

impl PlanLine {
    fn of(item: &SubscriptionItem, state: &State, language: Language) -> Option<Self> {
        let text = language.text();
        let price = state.prices.get(&item.price)?;
        let name = state
            .products
            .get(&price.product)
            .map_or_else(|| price.id.clone(), |product| plain(&product.name));
        let each = money::format(price.unit_amount, &price.currency, language);
        let total = price.unit_amount.saturating_mul(item.quantity);
        let several = || format!("{} · {}", (text.quantity)(item.quantity), (text.per_unit)(&each));
        Some(Self {
            name,
            amount: money::format(total, &price.currency, language),
            interval: price.recurring.map_or(String::new(), |recurring| text.interval(recurring)),
            detail: (item.quantity != 1).then(several),
        })
    }
}
